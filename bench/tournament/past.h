/* SPDX-License-Identifier: MIT */
/*
 * past.h - what earlier runs of this machine tell: how far apart identical code was, in which cell.
 *
 * The last run in which the baseline raced its own copy (A/A) says how small a gap a plan can see
 * here. A machine is the same when host, CPU model and number of CPUs are.
 */
#ifndef VELO_PAST_H
#define VELO_PAST_H

#include "../../reports/render/run_dir.h"
#include "names.h"
#include "plan.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The run folders below [base] of this machine, oldest first; smoke runs are none. The last [most]
 * of them. */
struct names past_runs(const char *base, size_t most);

/* The last A/A of this machine. */
struct past {
    bool there;
    char *run;          /* the id of its folder */
    double age_s;       /* since its last line */
    struct run_dir dir; /* all of it */
    double *all;        /* the differences of all cells together */
    size_t count;
};

void past_open(struct past *past, const char *base);
void past_close(struct past *past);

/* Its baseline was the very program that [registry] has now. */
bool past_is_this_build(const struct past *past, const struct registry *registry);

/*
 * The smallest gap, as a log ratio, that [blocks] blocks at [log_t] would have seen there: in the
 * cell called [key], or where that has too few differences (or [key] is NULL) in all cells
 * together. NAN when nothing can be seen.
 */
double past_gap(const struct past *past, const char *key, size_t blocks, double log_t);

/* What a run in the cell called [key] took there beside its window, in ms; NAN if unknown. */
double past_overhead_ms(const struct past *past, const char *key);

#endif
