/* SPDX-License-Identifier: MIT */
/*
 * labels.h - identical code under two labels, as it was raced: is either of them favoured, and was
 * the order fair?
 *
 * Whatever the machine does, who of two labels of identical code is the faster one in a block is a
 * fair coin, as long as the order is drawn anew for each block. The counts here are the coins that
 * were really thrown: a fixed order, a shuffle with a bent, a name that is treated otherwise show
 * in them. (Labels given anew by coins of our own cannot show that; chance_reflip().)
 */
#ifndef VELO_SELFCHECK_LABELS_H
#define VELO_SELFCHECK_LABELS_H

#include "chance.h"

/* Blocks of all series together; those of squares are left out, which are no independent coins. */
struct labels {
    size_t blocks, a_faster;       /* that were no tie; in so many a was the faster one */
    size_t ordered, a_first;       /* in which it is known who ran first; a did */
    size_t compared, first_faster; /* of those, no tie; who ran first was the faster one */
};

struct labels labels_count(const struct series_list *list);

/* Could [heads] of [tosses] be a fair coin? The evidence stays below chance_log_e_limit(). */
bool labels_are_even(size_t tosses, size_t heads);

/*
 * Copies of the series in which enough blocks are no tie for somebody to be named: what is always a
 * tie (idle cost below its floor) could name nobody, and would only dilute the rate. [squares]:
 * also those whose orders were drawn for whole squares.
 */
struct series_list labels_long_enough(const struct series_list *all, double alpha, bool squares);

#endif
