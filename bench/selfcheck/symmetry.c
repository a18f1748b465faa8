/* SPDX-License-Identifier: MIT */
/* symmetry.c - see symmetry.h. */
#include "symmetry.h"

#include "../tournament/text.h"

#include <stdlib.h>
#include <string.h>

/* A cell with its entries moved, and everything that the judge points into. */
struct mirror {
    struct judge_input in;
    struct judge_cell_input *cells;
    struct judge_entry *entries;
    struct judge_status *status;
    struct judge_block *blocks;
    double *costs;
    char **names;
};

/* Rows of costs in a cell: one for each block, and one for each attempt at it that was done again.
 */
static size_t rows_in(const struct judge_cell_input *cell)
{
    size_t rows = cell->block_count;
    for (size_t b = 0; b < cell->block_count; b++)
        rows += cell->blocks[b].redone_count;
    return rows;
}

/* [rows] of [k] costs, each with its entries moved; returns where the next ones go. */
static double *move_rows(double *out, const double *costs, size_t rows, size_t k, const size_t *to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t e = 0; e < k; e++)
            out[r * k + to[e]] = costs[r * k + e];
    return out + rows * k;
}

static void mirror_open(
    struct mirror *mirror, const struct judge_input *in, size_t c, const size_t *to, bool rename)
{
    const struct judge_cell_input *cell = &in->cells[c];
    const size_t k = in->entry_count;
    *mirror = (struct mirror){
        .in = *in,
        .cells = text_alloc((in->cell_count + 1) * sizeof(*mirror->cells)),
        .entries = text_alloc((k + 1) * sizeof(*mirror->entries)),
        .status = text_alloc((k + 1) * sizeof(*mirror->status)),
        .blocks = text_alloc((cell->block_count + 1) * sizeof(*mirror->blocks)),
        .costs = text_alloc((rows_in(cell) * k + 1) * sizeof(double)),
        .names = text_alloc((k + 1) * sizeof(char *)),
    };
    memcpy(mirror->cells, in->cells, in->cell_count * sizeof(*mirror->cells));
    for (size_t e = 0; e < k; e++) {
        const struct judge_entry *entry = &in->entries[e];
        mirror->names[e] = rename ? text_format("z%zu", k - e) : text_copy(entry->name);
        mirror->entries[to[e]] = (struct judge_entry){
            .name = mirror->names[e],
            .twin_of = entry->twin_of < 0 ? -1 : (int)to[entry->twin_of],
        };
        mirror->status[to[e]] = cell->status[e];
    }
    double *next = mirror->costs;
    for (size_t b = 0; b < cell->block_count; b++) {
        const struct judge_block *block = &cell->blocks[b];
        mirror->blocks[b] = *block;
        mirror->blocks[b].cost = next;
        next = move_rows(next, block->cost, 1, k, to);
        mirror->blocks[b].redone = next;
        next = move_rows(next, block->redone, block->redone_count, k, to);
    }
    mirror->cells[c].status = mirror->status;
    mirror->cells[c].blocks = mirror->blocks;
    mirror->in.cells = mirror->cells;
    mirror->in.entries = mirror->entries;
}

static void mirror_close(struct mirror *mirror)
{
    for (size_t e = 0; e < mirror->in.entry_count; e++)
        free(mirror->names[e]);
    free(mirror->names);
    free(mirror->costs);
    free(mirror->blocks);
    free(mirror->status);
    free(mirror->entries);
    free(mirror->cells);
}

/* Equal as numbers, or both none. */
static bool same(double a, double b)
{
    return a == b || (a != a && b != b);
}

static bool same_entry(const struct judge_entry_result *a,
                       const struct judge_entry_result *b,
                       const size_t *to,
                       bool rename)
{
    bool same_beater = a->loses_to < 0 ? b->loses_to < 0 : (int)to[a->loses_to] == b->loses_to;
    return a->word == b->word && a->racing == b->racing && a->runs == b->runs &&
           same(a->median, b->median) && same(a->p5, b->p5) && same(a->p95, b->p95) &&
           same(a->ratio, b->ratio) && same(a->low, b->low) && same(a->high, b->high) &&
           (rename || (same_beater && same(a->loses_log_e, b->loses_log_e)));
}

static bool same_result(const struct judge_input *in,
                        const struct judge_cell_result *a,
                        const struct judge_cell_result *b,
                        const size_t *to,
                        bool rename)
{
    bool good = a->decided == b->decided && a->cycle == b->cycle &&
                (a->winner < 0 ? b->winner < 0 : (int)to[a->winner] == b->winner) &&
                same(a->log_t, b->log_t);
    for (size_t e = 0; good && e < in->entry_count; e++)
        good = same_entry(&a->entries[e], &b->entries[to[e]], to, rename);
    return good;
}

bool symmetry_holds(const struct judge_input *in, size_t cell, const size_t *to, bool rename)
{
    struct mirror mirror;
    struct judge_cell_result plain, moved;
    mirror_open(&mirror, in, cell, to, rename);
    bool good = judge_cell(in, cell, &plain) == 0;
    if (good) {
        good = judge_cell(&mirror.in, cell, &moved) == 0;
        if (good) {
            good = same_result(in, &plain, &moved, to, rename);
            judge_cell_fini(&moved);
        }
        judge_cell_fini(&plain);
    }
    mirror_close(&mirror);
    return good;
}
