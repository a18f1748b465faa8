/* SPDX-License-Identifier: MIT */
/*
 * pair.c - one duel: the running sign test, the coin for ties, the interval by order statistics.
 *
 * The test keeps its first crossing: a later look may not take a decision back, and the evidence at
 * that moment, not a running maximum, is what other rules may build on. Everything is symmetric: a
 * against b and b against a give the same bits with opposite signs.
 *
 * Ties in d are split by a coin hashed from seed, cell, block and names. They keep the bet fair and
 * decide nothing: a duel counts as decided only if it would be with every tie given to the other
 * side, and every attempt that was left half-way as well. Above 5 % ties the clock is called too
 * coarse.
 *
 * A block is done again when others used the machine, and somebody may use it because he knows the
 * costs so far. So there is a second test, over all whole attempts: nobody can choose among these,
 * and it alone would hold the level. The first one is kept because what a neighbour does to the
 * costs is no difference of code; a duel is decided, and a ratio left out of the interval, where
 * both say so. It is also done again when somebody was late; that attempt is one that he has lost.
 * So nobody wins by being late when he is about to lose, and for identical code, which a machine
 * that stands still meets without looking, the sign is a fair coin as before.
 *
 * Costs below the floor of the plan are equal: too small to measure, too small to matter. A
 * cost that is absent, infinite or negative, or 0 without a floor, is absent from its block: it is
 * never read as fast.
 */
#include "judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More ties than this, and the clock, not the code, decides: such a duel is never called EQUAL. */
#define TIES_MAX 0.05

void judge_pair_init(struct judge_pair *pair, double log_t)
{
    *pair = (struct judge_pair){.log_t = log_t};
}

void judge_pair_give_up(struct judge_pair *pair, size_t attempts)
{
    pair->given_up += attempts;
}

/* What the side that is ahead has won without the coin, in one of the two tests. */
static size_t own_wins(const struct judge_pair *pair, bool all)
{
    const bool a_leads = 2 * pair->wins_a > pair->n;
    if (all)
        return a_leads ? pair->all_a : pair->all_b;
    return a_leads ? pair->wins_a - pair->ties_a
                   : pair->n - pair->wins_a - (pair->ties - pair->ties_a);
}

/* Is [own] of [n] enough, against all that was given up? */
static bool is_enough(const struct judge_pair *pair, size_t n, size_t own)
{
    const size_t all = n + pair->given_up;
    return 2 * own > all && judge_log_e(all, own) >= pair->log_t;
}

/* Has the side that is ahead enough without its ties, against all that was given up, and also over
 * all whole attempts? */
static bool crosses(const struct judge_pair *pair)
{
    if (pair->log_e < pair->log_t)
        return false;
    if ((pair->ties > 0 || pair->given_up > 0) && !is_enough(pair, pair->n, own_wins(pair, false)))
        return false;
    return !pair->apart || is_enough(pair, pair->all_n, own_wins(pair, true));
}

static void see(struct judge_pair *pair, double d)
{
    if (isnan(d))
        return;
    pair->all_n++;
    pair->all_a += d < 0;
    pair->all_b += d > 0;
}

void judge_pair_redo(struct judge_pair *pair, double d)
{
    see(pair, d);
    pair->apart = pair->apart || !isnan(d);
}

bool judge_pair_update(struct judge_pair *pair, double d, size_t block, bool coin)
{
    return judge_pair_update_sum(pair, d, d, block, coin);
}

bool judge_pair_update_sum(struct judge_pair *pair, double d, double first, size_t block, bool coin)
{
    see(pair, first);
    pair->apart = pair->apart || (!isnan(first) && !(first <= d && first >= d));
    if (!isfinite(d))
        return false;
    const bool a_won = d < 0 || (d == 0 && coin);
    const size_t wins = a_won ? pair->wins_a : pair->n - pair->wins_a;
    pair->log_e = judge_log_e_step(pair->log_e, pair->n, wins);
    pair->n++;
    pair->wins_a += a_won;
    pair->ties += d == 0;
    pair->ties_a += d == 0 && coin;
    if (pair->decided != 0 || !crosses(pair))
        return false;
    pair->decided = 2 * pair->wins_a > pair->n ? 1 : -1;
    pair->decided_block = block;
    pair->decided_n = pair->n;
    pair->decided_log_e = pair->log_e;
    return true;
}

void judge_pair_take_back(struct judge_pair *pair)
{
    const bool a_leads = 2 * pair->wins_a > pair->n;
    if (pair->decided != 0 && (!crosses(pair) || a_leads != (pair->decided > 0)))
        pair->decided = 0;
}

const double *judge_first(const struct judge_block *block)
{
    return block->redone_count > 0 ? block->redone : block->cost;
}

/* FNV-1a, so that equal words give equal coins everywhere. */
static uint64_t hash_words(uint64_t hash, const char *words)
{
    for (const char *c = words != NULL ? words : ""; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3); /* "ab","c" differs from "a","bc" */
}

/* The finalizer of splitmix64: every input bit reaches the one bit that we look at. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

bool judge_coin(
    uint64_t seed, const struct judge_cell_input *cell, size_t block, const char *a, const char *b)
{
    const bool swapped = strcmp(a, b) > 0;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    hash = hash_words(hash, cell->lane);
    hash = hash_words(hash, cell->scenario);
    hash = hash_words(hash, cell->point);
    hash = hash_words(hash, swapped ? b : a);
    hash = hash_words(hash, swapped ? a : b);
    const bool first = mix(mix(hash ^ seed) + block) >> 63;
    return first != swapped;
}

double judge_log_cost(double cost, double floor)
{
    if (!(cost >= 0) || isinf(cost))
        return NAN; /* less than nothing is a fault of the measurement, not a low cost */
    const double raised = cost < floor ? floor : cost;
    return raised > 0 ? log(raised) : NAN;
}

double judge_log_cost_or_late(double cost, double floor)
{
    return isinf(cost) && cost > 0 ? INFINITY : judge_log_cost(cost, floor);
}

double judge_difference(const struct judge_cell_input *cell, const double *cost, size_t a, size_t b)
{
    return judge_log_cost(cost[a], cell->floor) - judge_log_cost(cost[b], cell->floor);
}

double judge_difference_or_late(const struct judge_cell_input *cell,
                                const double *cost,
                                size_t a,
                                size_t b)
{
    return judge_log_cost_or_late(cost[a], cell->floor) -
           judge_log_cost_or_late(cost[b], cell->floor);
}

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

void judge_sort(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof(*values), compare);
}

double judge_median(const double *sorted, size_t n)
{
    if (n == 0)
        return NAN;
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double judge_quantile(const double *sorted, size_t n, double p)
{
    if (n == 0)
        return NAN;
    const double at = p * (double)(n - 1);
    const size_t below = (size_t)at;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* The rank of the interval in [n] differences: what was given up may lie at either end. */
static size_t interval_rank(const struct judge_pair *pair, size_t n)
{
    const size_t rank = judge_interval_rank(n + pair->given_up, pair->log_t);
    return rank > pair->given_up ? rank - pair->given_up : 0;
}

/*
 * How many more blocks until the interval lies inside the margin, if the next differences are
 * distributed like the [n] seen: the ranks of a larger n are read off the sample at hand.
 */
static double blocks_until_inside(const struct judge_pair *pair,
                                  const double *sorted,
                                  size_t n,
                                  double log_margin)
{
    if (!(fabs(judge_median(sorted, n)) < log_margin))
        return INFINITY; /* the interval would close around a place outside */
    for (size_t total = n + 1; total <= n + JUDGE_FORESIGHT; total += 1 + total / 8) {
        const size_t rank = interval_rank(pair, total);
        if (rank == 0)
            continue;
        const double p = (double)(rank - 1) / (double)(total - 1);
        if (judge_quantile(sorted, n, p) >= -log_margin &&
            judge_quantile(sorted, n, 1 - p) <= log_margin)
            return (double)(total - n);
    }
    return INFINITY;
}

static void find_relation(struct judge_duel *duel, double log_margin)
{
    const struct judge_pair *pair = &duel->pair;
    const bool inside = duel->has_interval && duel->low >= -log_margin && duel->high <= log_margin;
    duel->coarse = (double)(pair->ties - duel->floored) > TIES_MAX * (double)pair->n;
    duel->small = pair->decided != 0 && inside;
    if (pair->decided != 0) {
        duel->relation = pair->decided > 0 ? JUDGE_FASTER : JUDGE_SLOWER;
    } else if (inside && !duel->coarse) {
        duel->relation = JUDGE_EQUAL;
    } else {
        duel->relation = JUDGE_OPEN;
    }
}

/* Until [own] of [n] are enough; no open duel is settled by none. */
static double blocks_until_enough(const struct judge_pair *pair, size_t n, size_t own)
{
    if (2 * own <= n)
        return INFINITY;
    return fmax(1, judge_blocks_expected(n, own, pair->given_up, pair->log_t));
}

static double blocks_until_settled(const struct judge_duel *duel,
                                   const double *sorted,
                                   const double *all,
                                   double log_margin)
{
    const struct judge_pair *pair = &duel->pair;
    double decided = blocks_until_enough(pair, pair->n, own_wins(pair, false));
    double equal = duel->coarse ? INFINITY : blocks_until_inside(pair, sorted, pair->n, log_margin);
    if (pair->apart) {
        decided = fmax(decided, blocks_until_enough(pair, pair->all_n, own_wins(pair, true)));
        equal = fmax(equal, blocks_until_inside(pair, all, pair->all_n, log_margin));
    }
    return fmin(decided, equal);
}

/* The interval also holds what the test over all whole attempts, [all], leaves. */
static void widen(struct judge_duel *duel, double *all)
{
    const size_t n = duel->pair.all_n;
    const size_t rank = interval_rank(&duel->pair, n);
    judge_sort(all, n);
    duel->has_interval = duel->has_interval && rank > 0 && isfinite(all[rank - 1]) &&
                         isfinite(all[n - rank]); /* infinite: one of the two was late there */
    duel->low = duel->has_interval ? fmin(duel->low, all[rank - 1]) : NAN;
    duel->high = duel->has_interval ? fmax(duel->high, all[n - rank]) : NAN;
}

void judge_duel_settle(
    struct judge_duel *duel, const double *d, double *all, double *scratch, double margin)
{
    const size_t n = duel->pair.n;
    const size_t half = n / 2;
    const size_t rank = interval_rank(&duel->pair, n);
    duel->median_late = NAN;
    if (n >= 4) {
        memcpy(scratch, d + half, (n - half) * sizeof(*d));
        judge_sort(scratch, n - half);
        duel->median_late = judge_median(scratch, n - half);
    }
    if (n > 0)
        memcpy(scratch, d, n * sizeof(*d));
    judge_sort(scratch, n);
    duel->median = judge_median(scratch, n);
    duel->has_interval = rank > 0;
    duel->low = rank > 0 ? scratch[rank - 1] : NAN;
    duel->high = rank > 0 ? scratch[n - rank] : NAN;
    if (duel->pair.apart)
        widen(duel, all);
    duel->further_blocks = 0;
    find_relation(duel, log1p(margin));
}

void judge_duel_finish(
    struct judge_duel *duel, const double *d, double *all, double *scratch, double margin)
{
    judge_duel_settle(duel, d, all, scratch, margin);
    if (duel->relation == JUDGE_OPEN)
        duel->further_blocks = blocks_until_settled(duel, scratch, all, log1p(margin));
}
