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

int judge_compare_rows(
    const double *a, const double *b, size_t n, double log_t, struct judge_comparison *out)
{
    double *d = calloc(n + 1, sizeof(*d));
    *out = (struct judge_comparison){.ratio = NAN, .low = NAN, .high = NAN};
    if (d == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        d[out->blocks] = log_ratio(a[i], b[i]);
        out->blocks += isnan(d[out->blocks]) ? 0 : 1;
    }
    const size_t rank = judge_interval_rank(out->blocks, log_t);
    judge_sort(d, out->blocks);
    out->ratio = judge_median(d, out->blocks);
    out->low = rank > 0 ? d[rank - 1] : NAN;
    out->high = rank > 0 ? d[out->blocks - rank] : NAN;
    free(d);
    return 0;
}

int judge_compare(const struct judge_cell_input *cell,
                  size_t entries,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_comparison *out)
{
    struct judge_fold fold;
    *out = (struct judge_comparison){.ratio = NAN, .low = NAN, .high = NAN};
    if (judge_fold(cell, entries, &fold) != 0)
        return -ENOMEM;
    const size_t n = fold.cell.block_count;
    double *rows = calloc(2 * n + 1, sizeof(*rows));
    for (size_t i = 0; rows != NULL && i < n; i++) {
        rows[i] = fold.cell.blocks[i].cost[a];
        rows[n + i] = fold.cell.blocks[i].cost[b];
    }
    const int rc = rows != NULL ? judge_compare_rows(rows, rows + n, n, log_t, out) : -ENOMEM;
    judge_fold_fini(&fold);
    free(rows);
    return rc;
}
