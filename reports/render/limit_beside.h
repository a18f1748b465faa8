/* SPDX-License-Identifier: MIT */
/*
 * limit_beside.h - a cost as a multiple of what the machine itself needs, block by block.
 *
 * Each block of a cell that has a limit carries what the limit's prices were right before its first
 * run and right after its last (the "calibration" of its journal line). The cost of a run is
 * divided by the limit of its own block; where a price moved too far between the two, nobody knows
 * the limit of that block, and it is left out of the comparison. Verdicts do not hang on it: they
 * compare runs of one block with each other.
 */
#ifndef VELO_REPORT_LIMIT_BESIDE_H
#define VELO_REPORT_LIMIT_BESIDE_H

#include "limit_rules.h"
#include "run_dir.h"

/* How one entry of a cell stands to the limit of the cell. */
struct limit_times {
    const struct limit_rule *rule; /* NULL: no limit makes sense here */
    bool beside;                   /* measured beside the blocks, not only before the first */
    bool dropped;                  /* drifted in more than half of the blocks: no comparison */
    size_t calibrated;             /* blocks with a calibration, */
    size_t drifted;                /* and of them those that are left out */
    double limit;                  /* its median, in the unit of the cell; NAN if unknown */
    double times;                  /* the median; NAN if there is none */
    double low, high;              /* its interval; NAN if there is none */
};

/* Of [entry] in [cell]. Returns: 0; -ENOMEM. */
int limit_times_of(const struct run_dir *dir, size_t cell, size_t entry, struct limit_times *out);

/*
 * Limit [id] beside [cell] in each of its blocks that count, into [out], which has room for them
 * all: the geometric mean of before and after, times [share]; NAN where there is none or it
 * drifted. [use] gets what is known of it, no times. False when it was not measured beside it.
 */
bool limit_of_blocks(const struct run_dir *dir,
                     size_t cell,
                     const char *id,
                     double share,
                     double *out,
                     struct limit_times *use);

/*
 * The calibration of one block, {"before":[...],"after":[...]}: by how much the price that moved
 * most did so, as a part of the smaller value. NAN when there is nothing to compare.
 */
double limit_drift(const json_t *calibration);

#endif
