/* SPDX-License-Identifier: MIT */
/*
 * gap.c - the smallest gap that a plan can see on this machine.
 *
 * Two steps. First, without any data: which win probability p makes E reach T within n blocks in 90
 * of 100 cases? That is exact: the chance of each number of wins k is carried from block to block,
 * and what crosses T is taken out. Second: a gap g shifts every difference d by ln g, so a side
 * wins with probability p when ln g is the p-quantile of the differences of identical code.
 */
#include "judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many blocks the recursion is not worth its time, nor the tournament. */
#define GAP_BLOCKS_MAX 4096
/* Below this many differences a quantile far out rests on nothing; a normal law fills in. */
#define GAP_SAMPLES_MIN 100
#define MAD_TO_SD 1.4826

/*
 * The first wins count at n blocks that is not yet decided: k in [rank, n - rank] stays open. When
 * no threshold is in reach the rank is 0 and everything stays open.
 */
double judge_power(size_t n, double log_t, double p)
{
    double alive[GAP_BLOCKS_MAX + 2];
    double crossed = 0;
    if (n > GAP_BLOCKS_MAX)
        n = GAP_BLOCKS_MAX;
    memset(alive, 0, (n + 2) * sizeof(*alive));
    alive[0] = 1;
    for (size_t done = 1; done <= n; done++) {
        for (size_t k = done; k > 0; k--)
            alive[k] = alive[k] * (1 - p) + alive[k - 1] * p;
        alive[0] *= 1 - p;
        const size_t rank = judge_interval_rank(done, log_t);
        for (size_t k = 0; k < rank; k++) {
            crossed += alive[k] + alive[done - k];
            alive[k] = alive[done - k] = 0;
        }
    }
    return crossed;
}

double judge_win_probability(size_t n, double log_t, double power)
{
    double low = 0.5, high = 1;
    if (judge_power(n, log_t, high) < power)
        return NAN;
    for (int step = 0; step < 40; step++) {
        const double middle = (low + high) / 2;
        if (judge_power(n, log_t, middle) < power)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* The p-quantile of the standard normal law, for p in [0.5, 1), by bisection on erfc. */
static double normal_quantile(double p)
{
    double low = 0, high = 40;
    for (int step = 0; step < 100; step++) {
        const double middle = (low + high) / 2;
        if (erfc(middle / M_SQRT2) / 2 > 1 - p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Around 0 and not around their median: identical code has no direction. */
double judge_spread(const double *d, size_t count, double *scratch)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(d[i]) && d[i] != 0) /* as below */
            scratch[kept++] = fabs(d[i]);
    judge_sort(scratch, kept);
    return kept == 0 ? NAN : MAD_TO_SD * judge_median(scratch, kept);
}

double judge_gap_of_spread(size_t n, double log_t, double spread)
{
    const double p = judge_win_probability(n, log_t, 0.9);
    return isnan(p) ? NAN : normal_quantile(p) * spread;
}

double judge_smallest_gap(size_t n, double log_t, const double *d, size_t count, double *scratch)
{
    size_t kept = 0;
    const double p = judge_win_probability(n, log_t, 0.9);
    for (size_t i = 0; i < count; i++)
        if (isfinite(d[i]) && d[i] != 0) /* a tie: the clock saw nothing, least of all its size */
            scratch[kept++] = fabs(d[i]);
    if (kept == 0 || isnan(p))
        return NAN;
    judge_sort(scratch, kept);
    if (kept < GAP_SAMPLES_MIN)
        return normal_quantile(p) * MAD_TO_SD * judge_median(scratch, kept);
    /* d and -d together: their p-quantile is the (2p - 1)-quantile of |d|. */
    return judge_quantile(scratch, kept, 2 * p - 1);
}
