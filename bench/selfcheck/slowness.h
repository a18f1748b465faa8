/* SPDX-License-Identifier: MIT */
/*
 * slowness.h - contestants that are slower by a known share: bench/tournament/faulty/slow spins a
 * given number of nanoseconds with each submit, and how many make up a share of the cost of a cell
 * is measured here.
 */
#ifndef VELO_SELFCHECK_SLOWNESS_H
#define VELO_SELFCHECK_SLOWNESS_H

#include "selfcheck.h"
#include "trial.h"

/* A cell in which a submit more or less is a part of the cost. */
struct slow_cell {
    const char *lane, *scenario, *point;
    unsigned window_ms;
};

/* The name of the one without a spin, and of the one that is slower by [percent]. */
#define SLOW_NONE "as-it-is"
const char *slow_name(unsigned percent, char name[16]);

/* Where faulty/slow stands; the caller frees. NULL after a finding NOT RUN when it is not built. */
char *slow_programs(struct selfcheck *check);

/*
 * Measures the cost of [cell] and makes a name for each of [percents][0..count), so that a trial
 * can enter them. [*cost] is that cost.
 * Returns: 0; -ENODATA after a finding when the cell gives no number; -EINTR; -errno.
 */
int slow_calibrate(struct selfcheck *check,
                   const struct slow_cell *cell,
                   const unsigned *percents,
                   size_t count,
                   double *cost);

#endif
