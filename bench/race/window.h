/* SPDX-License-Identifier: MIT */
/*
 * window.h - warm-up and the one long window, the same for every load.
 *
 * A load offers a lap: do (or watch) work for about so long, and say how many units were delivered
 * and how much time they took. Warm-up runs laps of 50 ms until two successive ones differ by less
 * than 10 %, or 300 ms have passed. The window is then two laps of half its length, without a pause
 * between them; it is steady if their costs differ by less than 10 %. When a shorter window than
 * 300 ms is asked for, warm-up shrinks in proportion, so that a smoke run is short in all its
 * parts.
 */
#ifndef RACE_WINDOW_H
#define RACE_WINDOW_H

#include "race.h"
#include "stage.h"

struct lap {
    uint64_t units;      /* delivered */
    uint64_t elapsed_ns; /* the timed part only: its quotient with units is the lap's cost */
};

/*
 * A lap that only watches: sleep for the duration, and count what [delivered] says. A lap in which
 * nothing at all came through (a starved machine, a very short window) goes on, up to 5 s.
 */
void lap_watch(uint64_t (*delivered)(void), uint64_t duration_ns, struct lap *out);

/* The same until at least [units_min] came through, for slow units whose percentiles are asked for.
 */
void lap_watch_for(uint64_t (*delivered)(void),
                   uint64_t duration_ns,
                   uint64_t units_min,
                   struct lap *out);

typedef void (*lap_fn)(void *load, uint64_t duration_ns, struct lap *lap);

struct window_plan {
    void *load; /* first argument of the two functions */
    lap_fn lap;
    void (*open)(void *load); /* warm-up is over: forget what was recorded; may be NULL */
    struct stage *stage;      /* whose counters belong to the window; may be NULL */
    bool once;                /* one lap of fixed work is the whole window: no warm-up, no halves */
};

/*
 * Warm up, measure, and leave covariates, counters, warm-up and steadiness in race->result.
 * The sum of the two laps is in [*total]. False if the race has failed meanwhile.
 */
bool window_run(struct race *race, const struct window_plan *plan, struct lap *total);

#endif
