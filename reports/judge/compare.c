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

/* The median of [count] differences, and their interval; none if [d] is NULL. Sorts [d]. */
static void settle(double *d, size_t count, double log_t, struct judge_comparison *out)
{
    const size_t rank = d != NULL ? judge_interval_rank(count, log_t) : 0;
    judge_sort(d, count);
    *out = (struct judge_comparison){.blocks = count,
                                     .ratio = judge_median(d, count),
                                     .low = rank > 0 ? d[rank - 1] : NAN,
                                     .high = rank > 0 ? d[count - rank] : NAN};
}

int judge_compare_rows(
    const double *a, const double *b, size_t n, double log_t, struct judge_comparison *out)
{
    double *d = calloc(n + 1, sizeof(*d));
    size_t count = 0;
    for (size_t i = 0; d != NULL && i < n; i++) {
        d[count] = log_ratio(a[i], b[i]);
        count += isnan(d[count]) ? 0 : 1;
    }
    settle(d, d != NULL ? count : 0, log_t, out);
    free(d);
    return d != NULL ? 0 : -ENOMEM;
}

int judge_compare(const struct judge_cell_input *cell,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_comparison *out)
{
    double *d = calloc(cell->block_count + 1, sizeof(*d));
    size_t count = 0;
    for (size_t i = 0; d != NULL && i < cell->block_count;) {
        const size_t rows = judge_square_rows(cell, i);
        d[count] = mean_log_ratio(cell, i, rows, a, b);
        count += isnan(d[count]) ? 0 : 1;
        i += rows > 0 ? rows : 1;
    }
    settle(d, d != NULL ? count : 0, log_t, out);
    free(d);
    return d != NULL ? 0 : -ENOMEM;
}
