/* SPDX-License-Identifier: MIT */
/*
 * sight.h - what a plan will be able to see: the smallest gap, promised before the first block.
 *
 * It follows from the blocks that the budget gives each cell and from how far apart identical code
 * is on this machine: in the last run that raced the baseline against its copy, cell by cell, and
 * in the pairs of the pilot of today. The larger of both is promised. It stands in plan.json, so
 * that the report can hold what was achieved against it.
 */
#ifndef VELO_SIGHT_H
#define VELO_SIGHT_H

#include "past.h"
#include "plan.h"

#include <jansson.h>
#include <stddef.h>

struct sight {
    size_t blocks;    /* of evidence, in each cell, if none is decided early */
    size_t needed;    /* fewer decide nothing */
    double gap;       /* 0.07 = 7 %; NAN = unknown or nothing */
    double past_gap;  /* by the last A/A, over all cells; NAN if there is none */
    double pilot_gap; /* by the pairs of the pilot; NAN if there are too few */
    size_t pilot_pairs;
    char *past_run;    /* which run that was; NULL if none */
    double *cell_gaps; /* by the last A/A, one per cell of the plan; NAN if unknown */
    size_t cell_count;
};

/*
 * [d]: the differences of identical code in the pilot, [pairs] of them. [seconds]: for all blocks.
 */
void sight_make(struct sight *sight,
                const struct plan *plan,
                const struct past *past,
                const double *d,
                size_t pairs,
                double seconds);
void sight_free(struct sight *sight);

/* One sentence, for free(). */
char *sight_sentence(const struct sight *sight);

/* For plan.json, a new reference: {"gap","blocks","from"}. */
json_t *sight_json(const struct sight *sight);

/* "7.3 %" or "unknown" into [text]. */
void sight_percent(double gap, char text[16]);

#endif
