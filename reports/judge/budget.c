/* SPDX-License-Identifier: MIT */
/*
 * budget.c - which cell gets the next block when not all of them can.
 *
 * Each lane has a share of the time; the one that is furthest below its share is next, so that a
 * cheap lane cannot eat up a dear one. In the lane the next block goes where it promises the most
 * verdicts per second. Where no cell promises anything (even scores), the one with the fewest
 * blocks is next: an expectation rests on so few blocks that nobody may be starved by it.
 *
 * The test is valid at every look, and each block has a coin of its own, so a choice by what was
 * seen so far costs nothing.
 */
#include "judge.h"

#include <math.h>

static double promise(const struct judge_offer *offer)
{
    return offer->verdicts_per_block / (offer->block_s > 0 ? offer->block_s : 1);
}

static bool is_better(const struct judge_offer *a, const struct judge_offer *b)
{
    const double mine = promise(a), other = promise(b);
    if (mine < other || mine > other)
        return mine > other;
    return a->blocks < b->blocks;
}

/* The best open cell of [lane] whose block fits into the time left, or -1; *spent_s of the lane. */
static int best_in_lane(
    const struct judge_offer *offers, size_t count, size_t lane, double left_s, double *spent_s)
{
    int best = -1;
    *spent_s = 0;
    for (size_t c = 0; c < count; c++) {
        if (offers[c].lane != lane)
            continue;
        *spent_s += offers[c].spent_s;
        if (offers[c].open && offers[c].block_s <= left_s &&
            (best < 0 || is_better(&offers[c], &offers[best])))
            best = (int)c;
    }
    return best;
}

int judge_next(const struct judge_offer *offers,
               size_t count,
               const double *share,
               size_t lanes,
               double left_s)
{
    int chosen = -1;
    double least = INFINITY;
    for (size_t lane = 0; lane < lanes; lane++) {
        double spent_s;
        const int best = best_in_lane(offers, count, lane, left_s, &spent_s);
        if (best >= 0 && spent_s / share[lane] < least) {
            least = spent_s / share[lane];
            chosen = best;
        }
    }
    return chosen;
}
