/* SPDX-License-Identifier: MIT */
/*
 * trust.c - baseline against its twin: the tournament tested on itself.
 *
 * Both are the same code. If some cell tells them apart, something other than the code decides here
 * and no verdict should be believed. Their differences also say how noisy the machine is, and so
 * how small a gap it can show. For the pooled interval the blocks of all cells form one row,
 * ordered by (block, cell), the order in which rounds are raced.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct difference {
    size_t block, cell;
    double d;
    bool coin;
};

static int by_block(const void *left, const void *right)
{
    const struct difference *a = left;
    const struct difference *b = right;
    if (a->block != b->block)
        return a->block < b->block ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

/* The first entry that is a twin; entry_count if there is none. */
static size_t find_twin(const struct judge_input *in)
{
    size_t twin = 0;
    while (twin < in->entry_count && in->entries[twin].twin_of < 0)
        twin++;
    return twin;
}

/* ln(original / twin) in block [b] of cell [c]; NAN unless both have a cost and may have one. */
static double twin_difference(const struct judge_input *in, size_t twin, size_t c, size_t b)
{
    const size_t original = (size_t)in->entries[twin].twin_of;
    const struct judge_cell_input *cell = &in->cells[c];
    if (cell->status[twin].state != JUDGE_RUNS || cell->status[original].state != JUDGE_RUNS)
        return NAN;
    const double *cost = cell->blocks[b].cost;
    return judge_log_cost(cost[original], cell->floor) - judge_log_cost(cost[twin], cell->floor);
}

size_t judge_twin_differences(const struct judge_input *in, size_t cell, double *d)
{
    const size_t twin = find_twin(in);
    size_t n = 0;
    for (size_t b = 0; twin < in->entry_count && b < in->cells[cell].block_count; b++) {
        d[n] = twin_difference(in, twin, cell, b);
        n += isnan(d[n]) ? 0 : 1;
    }
    return n;
}

/* All differences of twins and their originals, in order; returns how many. */
static size_t collect(const struct judge_input *in, size_t twin, struct difference *all)
{
    const size_t original = (size_t)in->entries[twin].twin_of;
    size_t n = 0;
    for (size_t c = 0; c < in->cell_count; c++) {
        const struct judge_cell_input *cell = &in->cells[c];
        for (size_t b = 0; b < cell->block_count; b++) {
            const double d = twin_difference(in, twin, c, b);
            if (isnan(d))
                continue;
            const size_t number = cell->blocks[b].number;
            all[n++] = (struct difference){
                .block = number,
                .cell = c,
                .d = d,
                .coin = judge_coin(
                    in->seed, cell, number, in->entries[original].name, in->entries[twin].name)};
        }
    }
    qsort(all, n, sizeof(*all), by_block);
    return n;
}

/* The pooled duel, and from the same differences the smallest visible gap. */
static void pool(const struct judge_input *in,
                 const struct difference *all,
                 size_t n,
                 double *room,
                 struct judge_trust *out)
{
    struct judge_duel duel = {.a = 0, .b = 1};
    judge_pair_init(&duel.pair, judge_log_threshold(2, in->alpha));
    for (size_t c = 0; c < in->cell_count; c++)
        for (size_t b = 0; b < in->cells[c].block_count; b++)
            judge_pair_give_up(&duel.pair, in->cells[c].blocks[b].given_up);
    for (size_t i = 0; i < n; i++) {
        room[i] = all[i].d;
        judge_pair_update(&duel.pair, all[i].d, all[i].block, all[i].coin);
    }
    judge_duel_finish(&duel, room, NULL, room + n, in->margin);
    const double log_t = judge_log_threshold(judge_contestants(in), in->alpha);
    out->blocks = n;
    out->won = duel.pair.wins_a;
    out->ratio = duel.median;
    out->low = duel.low;
    out->high = duel.high;
    out->equal =
        duel.has_interval && duel.low >= -log1p(in->margin) && duel.high <= log1p(in->margin);
    out->gap = judge_smallest_gap(out->gap_blocks, log_t, room, n, room + n);
    out->spread = judge_spread(room, n, room + n);
}

static void look_for_difference(const struct judge_input *in,
                                const struct judge_cell_result *cells,
                                struct judge_trust *out)
{
    for (size_t c = 0; c < in->cell_count; c++)
        for (size_t i = 0; i < cells[c].twin_duel_count; i++)
            if (cells[c].twin_duels[i].pair.decided != 0 && !out->differs) {
                out->differs = true;
                out->differs_cell = c;
            }
}

/* Median number of blocks over the cells that have any; [room] holds one number per cell. */
static size_t typical_blocks(const struct judge_input *in, double *room)
{
    size_t n = 0;
    for (size_t c = 0; c < in->cell_count; c++)
        if (in->cells[c].block_count > 0)
            room[n++] = (double)in->cells[c].block_count;
    judge_sort(room, n);
    return n == 0 ? 0 : (size_t)judge_median(room, n);
}

static int trust_evidence(const struct judge_input *in,
                          const struct judge_cell_result *cells,
                          size_t gap_blocks,
                          struct judge_trust *out)
{
    const size_t twin = find_twin(in);
    size_t blocks = in->cell_count;
    *out = (struct judge_trust){.ratio = NAN, .low = NAN, .high = NAN, .gap = NAN, .spread = NAN};
    for (size_t c = 0; c < in->cell_count; c++)
        blocks += in->cells[c].block_count;
    struct difference *all = calloc(blocks + 1, sizeof(*all));
    double *room = calloc(2 * blocks + 1, sizeof(*room));
    const bool have = all != NULL && room != NULL;
    if (have && twin < in->entry_count) {
        out->has_twin = true;
        out->gap_blocks = gap_blocks > 0 ? gap_blocks : typical_blocks(in, room);
        look_for_difference(in, cells, out);
        pool(in, all, collect(in, twin, all), room, out);
    }
    free(all);
    free(room);
    return have ? 0 : -ENOMEM;
}

int judge_trust(const struct judge_input *in,
                const struct judge_cell_result *cells,
                size_t gap_blocks,
                struct judge_trust *out)
{
    struct judge_folds evidence;
    int rc = judge_fold_all(in, &evidence);
    if (rc == 0)
        rc = trust_evidence(&evidence.in, cells, gap_blocks, out);
    judge_fold_all_fini(&evidence);
    return rc;
}
