/* SPDX-License-Identifier: MIT */
/*
 * square.c - blocks of a balanced order folded into squares: one piece of evidence for each square.
 *
 * A Williams square balances who runs after whom, at a price: once its first row is seen, the
 * others are no longer a surprise, so the signs inside a square are no independent coins. Its
 * labels, though, are drawn anew for each square. Exchange two entries of identical code and the
 * whole square is as likely as before, with d of every row turned round; the sign of their sum is
 * again a fair coin given the past. So a square counts once, and one that was not finished not at
 * all. What was done again inside is not added up: who may ask for another attempt at a row while
 * the sum is against him is favoured. The second test of a pair takes the first attempts.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The rows that make one piece of evidence with block [i]; 1 if it stands alone. */
static size_t rows_of(const struct judge_block *block)
{
    return block->rows > 1 ? block->rows : 1;
}

/* Does a whole square begin at block [first]? */
static bool is_whole(const struct judge_cell_input *cell, size_t first)
{
    const size_t rows = rows_of(&cell->blocks[first]);
    if (first + rows > cell->block_count)
        return false;
    for (size_t r = 0; r < rows; r++)
        if (rows > 1 && (cell->blocks[first + r].row != r || cell->blocks[first + r].rows != rows))
            return false;
    return true;
}

size_t judge_square_rows(const struct judge_cell_input *cell, size_t first)
{
    return is_whole(cell, first) ? rows_of(&cell->blocks[first]) : 0;
}

/* The geometric mean over the rows, so that ln of it is the mean of the logs; NAN if one is absent.
 * Costs that are all below the floor stay exactly there: such a tie is known to be one.
 * [again]: of the attempts that count, else of the first whole ones: INFINITY if one was late. */
static double fold_cost(const struct judge_cell_input *cell, size_t first, size_t entry, bool again)
{
    const size_t rows = rows_of(&cell->blocks[first]);
    double sum = 0;
    bool floored = true;
    for (size_t r = 0; r < rows; r++) {
        const struct judge_block *block = &cell->blocks[first + r];
        const double cost = (again ? block->cost : judge_first(block))[entry];
        const double log_cost =
            again ? judge_log_cost(cost, cell->floor) : judge_log_cost_or_late(cost, cell->floor);
        if (isnan(log_cost))
            return NAN;
        floored = floored && cost <= cell->floor;
        sum += log_cost;
    }
    return floored ? cell->floor : exp(sum / (double)rows);
}

static void fold(const struct judge_cell_input *cell, size_t entries, struct judge_fold *out)
{
    size_t first = 0, given_up = 0; /* also in squares that were left */
    while (first < cell->block_count) {
        const size_t rows = is_whole(cell, first) ? rows_of(&cell->blocks[first]) : 0;
        if (rows == 0) {
            given_up += cell->blocks[first++].given_up;
            continue;
        }
        double *cost = out->costs + 2 * out->cell.block_count * entries;
        size_t redone = 0;
        for (size_t e = 0; e < entries; e++) {
            cost[e] = fold_cost(cell, first, e, true);
            cost[entries + e] = fold_cost(cell, first, e, false);
        }
        for (size_t r = 0; r < rows; r++) {
            given_up += cell->blocks[first + r].given_up;
            redone += cell->blocks[first + r].redone_count;
        }
        out->blocks[out->cell.block_count++] =
            (struct judge_block){.number = cell->blocks[first + rows - 1].number,
                                 .cost = cost,
                                 .given_up = given_up,
                                 .redone = cost + entries,
                                 .redone_count = redone > 0 ? 1 : 0,
                                 .folded = true};
        given_up = 0;
        first += rows;
    }
}

int judge_fold(const struct judge_cell_input *cell, size_t entries, struct judge_fold *out)
{
    *out = (struct judge_fold){.cell = *cell, .rows = 1};
    for (size_t b = 0; b < cell->block_count; b++)
        if (rows_of(&cell->blocks[b]) > 1)
            out->rows = rows_of(&cell->blocks[b]);
    if (out->rows == 1)
        return 0;
    out->blocks = calloc(cell->block_count, sizeof(*out->blocks));
    out->costs = calloc(2 * cell->block_count * entries + 1, sizeof(*out->costs));
    if (out->blocks == NULL || out->costs == NULL) {
        judge_fold_fini(out);
        return -ENOMEM;
    }
    out->cell.blocks = out->blocks;
    out->cell.block_count = 0;
    fold(cell, entries, out);
    return 0;
}

void judge_fold_fini(struct judge_fold *out)
{
    free(out->blocks);
    free(out->costs);
    *out = (struct judge_fold){0};
}

int judge_fold_all(const struct judge_input *in, struct judge_folds *out)
{
    int rc = 0;
    *out = (struct judge_folds){.in = *in, .rows = 1};
    out->folds = calloc(in->cell_count + 1, sizeof(*out->folds));
    out->cells = calloc(in->cell_count + 1, sizeof(*out->cells));
    if (out->folds == NULL || out->cells == NULL)
        rc = -ENOMEM;
    for (size_t c = 0; c < in->cell_count && rc == 0; c++) {
        rc = judge_fold(&in->cells[c], in->entry_count, &out->folds[c]);
        out->cells[c] = out->folds[c].cell;
        if (out->folds[c].rows > out->rows)
            out->rows = out->folds[c].rows;
    }
    out->in.cells = out->cells;
    if (rc != 0)
        judge_fold_all_fini(out);
    return rc;
}

void judge_fold_all_fini(struct judge_folds *out)
{
    for (size_t c = 0; out->folds != NULL && c < out->in.cell_count; c++)
        judge_fold_fini(&out->folds[c]);
    free(out->folds);
    free(out->cells);
    *out = (struct judge_folds){0};
}
