/* SPDX-License-Identifier: MIT */
/*
 * compare.c - two entries by a number that is not judged: how big is the difference, without a
 * word.
 *
 * The same signs, the same ranks, the same T as in a duel, but no test, no coin and no margin. Such
 * numbers may well be 0 (wake-ups of a loop that never slept), and nobody has fixed a floor for
 * them: 0 against 0 is equal, 0 against anything is without limit on that side, and order
 * statistics can live with both.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static double log_ratio(double a, double b)
{
    if (!(a >= 0) || !(b >= 0) || isinf(a) || isinf(b))
        return NAN;
    return a > b || a < b ? log(a) - log(b) : 0;
}

/* Over the [rows] of a square; NAN for none, for a cost that is absent, and for no limit both ways.
 */
static double
mean_log_ratio(const struct judge_cell_input *cell, size_t first, size_t rows, size_t a, size_t b)
{
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += log_ratio(cell->blocks[first + r].cost[a], cell->blocks[first + r].cost[b]);
    return rows > 0 ? sum / (double)rows : NAN;
}

int judge_compare(const struct judge_cell_input *cell,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_comparison *out)
{
    double *d = calloc(cell->block_count + 1, sizeof(*d));
    *out = (struct judge_comparison){.ratio = NAN, .low = NAN, .high = NAN};
    for (size_t i = 0; d != NULL && i < cell->block_count;) {
        const size_t rows = judge_square_rows(cell, i);
        d[out->blocks] = mean_log_ratio(cell, i, rows, a, b);
        out->blocks += isnan(d[out->blocks]) ? 0 : 1;
        i += rows > 0 ? rows : 1;
    }
    if (d != NULL) {
        const size_t rank = judge_interval_rank(out->blocks, log_t);
        judge_sort(d, out->blocks);
        out->ratio = judge_median(d, out->blocks);
        out->low = rank > 0 ? d[rank - 1] : NAN;
        out->high = rank > 0 ? d[out->blocks - rank] : NAN;
    }
    free(d);
    return d != NULL ? 0 : -ENOMEM;
}
