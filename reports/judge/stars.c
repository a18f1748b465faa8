/* SPDX-License-Identifier: MIT */
/*
 * stars.c - which of many wins survive the count over all of them.
 *
 * The E of the first crossing would be valid too, but it always lies between T and 2T: the stars
 * would count the wins and not weigh them. So E is taken as it was after the last block.
 *
 * Source: Wang and Ramdas, "False discovery rate control with e-values", 2022 (e-BH).
 */
#include "judge.h"

#include <math.h>

double judge_e_bh(size_t count, double alpha, judge_log_e_fn log_e_of, const void *ctx)
{
    /* The largest i for which at least i have E >= count/(i alpha); the field is small: try all. */
    for (size_t i = count; i > 0; i--) {
        const double bar = log((double)count) - log(alpha) - log((double)i);
        size_t above = 0;
        for (size_t c = 0; c < count; c++)
            above += log_e_of(ctx, c) >= bar ? 1 : 0;
        if (above >= i)
            return bar;
    }
    return INFINITY;
}

double judge_pair_log_e_ahead(const struct judge_pair *pair, bool for_a)
{
    const size_t wins = for_a ? pair->wins_a : pair->n - pair->wins_a;
    const size_t all_wins = for_a ? pair->all_a : pair->all_b;
    const size_t n = pair->n + pair->given_up, all_n = pair->all_n + pair->given_up;
    if (2 * wins <= n || (pair->apart && 2 * all_wins <= all_n))
        return -INFINITY;
    const double log_e = pair->given_up == 0 ? pair->log_e : judge_log_e(n, wins);
    return pair->apart ? fmin(log_e, judge_log_e(all_n, all_wins)) : log_e;
}

/*
 * ln of the winner's e-value: the evidence of its weakest duel where that duel stopped, over the
 * number of duels that could have erred, which is that of the threshold. A fortune at the time of
 * stopping is a fair price; its maximum on the way would not be.
 */
static double log_e_of_win(const struct judge_input *in, const struct judge_cell_result *cell)
{
    double smallest = INFINITY;
    for (size_t i = 0; i < cell->duel_count; i++) {
        const struct judge_duel *duel = &cell->duels[i];
        const bool is_a = (int)duel->a == cell->winner;
        if (is_a || (int)duel->b == cell->winner)
            smallest = fmin(smallest, judge_pair_log_e_ahead(&duel->pair, is_a));
    }
    return smallest - judge_log_threshold(judge_contestants(in), 1);
}

struct wins {
    const struct judge_input *in;
    const struct judge_cell_result *cells;
};

static double log_e_of_cell(const void *ctx, size_t c)
{
    const struct wins *wins = ctx;
    const struct judge_cell_result *cell = &wins->cells[c];
    return cell->winner >= 0 ? log_e_of_win(wins->in, cell) : -INFINITY;
}

void judge_stars(const struct judge_input *in, struct judge_cell_result *cells)
{
    const struct wins wins = {.in = in, .cells = cells};
    const double bar = judge_e_bh(in->cell_count, in->alpha, log_e_of_cell, &wins);
    for (size_t c = 0; c < in->cell_count; c++)
        cells[c].star = log_e_of_cell(&wins, c) >= bar;
}
