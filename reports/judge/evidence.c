/* SPDX-License-Identifier: MIT */
/*
 * evidence.c - the gambler's fortune E, the thresholds it is held against, and what follows from
 * it.
 *
 * Bet on each block by the rate of the past, shrunk towards a half: (k + 1/2) / (n + 1). Against a
 * fair coin the fortune is a martingale, so it exceeds 1/a at any time with probability at most a.
 * The closed form needs only lgamma; the _r variant, because lgamma() writes the global signgam.
 *
 * Source: Krichevsky and Trofimov, "The performance of universal encoding", 1981; Ville 1939.
 */
#include "judge.h"

#include <math.h>

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* ln E for any 0 <= k <= n, also between the integers: projections need that. */
static double log_e_at(double n, double k)
{
    const double sides = log_gamma(k + 0.5) + log_gamma(n - k + 0.5);
    return n * M_LN2 + sides - log_gamma(n + 1) - log(M_PI);
}

double judge_log_e(size_t n, size_t k)
{
    if (n == 0 || k > n)
        return 0;
    return log_e_at((double)n, (double)k);
}

double judge_log_e_step(double log_e, size_t n, size_t wins)
{
    return log_e + log(2 * ((double)wins + 0.5) / ((double)n + 1));
}

double judge_log_threshold(size_t contestants, double alpha)
{
    /* One share of alpha for each pair: no true statement about the cell is then wrong with more
     * than alpha. For a false winner alone one share for each contestant would do; but LOSES, said
     * of whomever, is a statement as well. */
    const double pairs = (double)contestants * ((double)contestants - 1) / 2;
    return log(fmax(pairs, 1)) - log(alpha);
}

double judge_log_threshold_twin(size_t cells, double alpha)
{
    return log(cells > 1 ? (double)cells : 1) - log(alpha);
}

size_t judge_interval_rank(size_t n, double log_t)
{
    /* E falls as k goes from 0 to n/2, where it is below any threshold: bisect. */
    size_t low = 0, high = n / 2;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (judge_log_e(n, middle) < log_t)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t judge_blocks_needed(double log_t, size_t losses)
{
    size_t n = 2 * losses;
    while (n < JUDGE_FORESIGHT && (n == 0 || judge_log_e(n, n - losses) < log_t))
        n++;
    return n;
}

/* ln E of a side that has [k] of [n]; nothing while it is behind. */
static double log_e_ahead(double n, double k)
{
    return 2 * k > n ? log_e_at(n, k) : 0;
}

double judge_blocks_expected(size_t n, size_t k, size_t against, double log_t)
{
    const double have = (double)(n + against);
    const double lead = (double)(k > n - k ? k : n - k);
    const double rate = (lead + 0.5) / ((double)n + 1);
    if (log_e_ahead(have, lead) >= log_t)
        return 0;
    /* ln E grows along this ray once it is far enough out: double until there, then bisect. */
    double below = 0, above = 1;
    while (log_e_ahead(have + above, lead + rate * above) < log_t) {
        if (above >= JUDGE_FORESIGHT)
            return INFINITY;
        below = above;
        above = fmin(2 * above, JUDGE_FORESIGHT);
    }
    while (above - below > 1) {
        const double middle = floor((above + below) / 2);
        if (log_e_ahead(have + middle, lead + rate * middle) < log_t)
            below = middle;
        else
            above = middle;
    }
    return above;
}
