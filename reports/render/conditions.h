/* SPDX-License-Identifier: MIT */
/*
 * conditions.h - under which conditions the runs of one entry in one cell were made: where its
 * threads stood, whether warm-up and window were steady, how late the load generator was, and what
 * else the machine did. None of it enters a verdict; it says how a verdict is to be read.
 */
#ifndef VELO_REPORT_CONDITIONS_H
#define VELO_REPORT_CONDITIONS_H

#include "run_dir.h"

/* One number over the runs; NAN where no run has it. */
struct conditions_spread {
    double median, most;
};

struct conditions {
    size_t runs;           /* that count */
    const char *placement; /* what was done; "" if no run says it, "several" if they differ */
    size_t with_halves, unsteady; /* runs with two halves; those whose halves differ by 10 % */
    size_t warmed, timed_out;     /* runs that warmed up; those that were not steady at the limit */
    struct conditions_spread warmup_ms;
    size_t with_slip, late; /* runs with a schedule; those whose generator was too late for it */
    struct conditions_spread slip_ns, slip_share; /* p99 of the slip, and by the p99 of latency */
    struct conditions_spread foreign, steal, pressure, waiting; /* shares of the time */
    struct conditions_spread voluntary, involuntary, minor, major, cpu_ns, rss_bytes;
    bool not_steady;     /* the halves differ in most runs */
    bool late_generator; /* in most runs */
};

/* Of [entry] in [cell], from the runs that count. Returns: 0; -ENOMEM. */
int conditions_of(const struct run_dir *dir, size_t cell, size_t entry, struct conditions *out);

/* What the harness itself costs in a cell, by the runs of its null contestant. */
struct ceiling {
    size_t runs, failed;
    double median;      /* NAN without a run that went well */
    const char *reason; /* why the last one that failed did so; "" */
};

/* Returns: 0; -ENOMEM. */
int ceiling_of(const struct run_dir *dir, size_t cell, struct ceiling *out);

/* The best should cost so many times what the harness does, or it is the harness that is measured.
 */
#define CEILING_TIMES_LEAST 3.0

#endif
