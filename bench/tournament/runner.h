/* SPDX-License-Identifier: MIT */
/*
 * runner.h - one run: one fresh process that measures one entry in one cell.
 */
#ifndef VELO_RUNNER_H
#define VELO_RUNNER_H

#include "interrupt.h"
#include "plan.h"

#include <jansson.h>
#include <stdint.h>

enum run_status {
    RUN_OK,
    RUN_FAILED,     /* it verified its own work and found it wrong, or gave no usable number */
    RUN_CRASH,      /* ended by a signal */
    RUN_TIMEOUT,    /* hung */
    RUN_LATE,       /* it ended by itself, but says that it failed by time alone */
    RUN_USAGE,      /* refused the command line: not the contestant's fault */
    RUN_INTERRUPTED /* killed because the tournament stops: no result */
};

struct run_request {
    const struct plan *plan;
    size_t cell;
    size_t entry;
    bool null; /* the plan's null contestant instead of an entry */
    uint64_t seed;
    unsigned env_pad;
    unsigned window_ms; /* 0 = the cell's */
    bool own_rate;      /* a pilot: it may find a rate of its own; nothing else may */
    struct interrupt *interrupt;
};

struct run_outcome {
    enum run_status status;
    char *reason;  /* "" when ok */
    char *command; /* what a person types to repeat it */
    json_t *line;  /* the run line, completed by what the tournament knows; NULL if there is none */
    double cost;   /* the primary cost; NAN without one */
    double wall_ms;
    double stall_ms; /* child.h */
    int exit;        /* status, or minus the signal */
};

/* Returns: 0; -errno after a message when no process could be started or watched. */
int runner_run(const struct run_request *request, struct run_outcome *outcome);

/* The command of a run: what a person types to repeat it. A pure function of the plan, the seed and
 * the window; the caller frees. */
char *runner_command(const struct run_request *request);

/* The primary cost that a run printed: finite, and above zero or at least not below a floor. NAN
 * without one. */
double runner_cost(const json_t *line, const char *metric, double floor);

/*
 * Did a run go at the rate of all others? False when it found one of its own, or took another one
 * than [planned]: such a cost compares with nobody's. True for a load that has no common rate.
 */
bool runner_rate_is_common(const json_t *line, double planned);

/* Does a line that says "ok": false say, too, that nothing but time was wrong? */
bool runner_is_late(const json_t *line);

void runner_free(struct run_outcome *outcome);

/* "ok", "failed", "crash", "timeout", "late", "usage", "interrupted". */
const char *runner_status_name(enum run_status status);

#endif
