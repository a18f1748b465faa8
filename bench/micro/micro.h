/* SPDX-License-Identifier: MIT */
/*
 * micro.h - one case of the micro lane: one question about one operation of the API.
 *
 * A case is a load of the race program (../race/race.h) without a script: same loop set-up, same
 * warm-up, same window in laps, same verification of the ledger, same run line. It differs in what
 * it asks: the price of a single operation, in nanoseconds, with everything else held still.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include "../race/race.h"

#include <stdbool.h>
#include <stdint.h>

/* Operations between two looks at the clock: the look then costs less than 0.1 ns each. */
enum { MICRO_BATCH = 1024 };

struct micro_point {
    const char *id; /* "n=8", or "-" for the only one; NULL ends a list */
    double n;       /* the setting "n" of the load; unused for "-" */
    bool core;      /* part of the core set that the standard preset runs */
};

struct micro_case {
    struct load load;
    const char *family; /* of the weight table: cap med p99 cpu idle mem start */
    const struct micro_point *points;
};

/* All cases, ends with NULL. */
extern const struct micro_case *const micro_cases[];

/* What a case without parameters has. */
extern const struct micro_point micro_only_point[];
extern const struct micro_point micro_core_point[];
extern const struct param_spec micro_no_params[];

/* The primary metric of every case comes first and is ns_per_op. */
extern const struct metric_spec micro_ns_per_op[];

/* Report the primary metric from what the window delivered. */
struct lap;
void micro_report(struct race *race, const struct lap *total);

/*
 * What a receiver saw. The argument of a callback is its number, so that one comparison checks
 * count, order and content; nothing else is read.
 */
struct tally {
    uint64_t sent;     /* numbers given out */
    uint64_t received; /* callbacks that ran */
    uint64_t wrong;    /* callbacks with another number than their turn */
};

static inline void *tally_next(struct tally *tally)
{
    return (void *)(uintptr_t)tally->sent++; /* NOLINT(performance-no-int-to-ptr): a number */
}

static inline void tally_receive(struct tally *tally, void *arg)
{
    tally->wrong += (uintptr_t)arg != tally->received++;
}

/* Fails the run unless everything sent was received once, in order. */
void tally_verify(const struct tally *tally, struct race *race);

#endif
