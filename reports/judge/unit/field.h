/* SPDX-License-Identifier: MIT */
/* field.h - a small tournament in memory for the tests of the judge: costs in, verdicts out. */
#ifndef JUDGE_UNIT_FIELD_H
#define JUDGE_UNIT_FIELD_H

#include "../judge.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { FIELD_ENTRIES = 8, FIELD_CELLS = 8, FIELD_BLOCKS = 256 };

/* Big: keep it static. Costs may be changed at any time; the structures point into it. */
struct field {
    struct judge_entry entries[FIELD_ENTRIES];
    struct judge_cell_input cells[FIELD_CELLS];
    struct judge_status status[FIELD_CELLS][FIELD_ENTRIES];
    struct judge_block blocks[FIELD_CELLS][FIELD_BLOCKS];
    double cost[FIELD_CELLS][FIELD_BLOCKS][FIELD_ENTRIES];
    double redone[FIELD_BLOCKS][2 * FIELD_ENTRIES]; /* of cell 0, for tests that do blocks again */
    struct judge_input in;
};

/* All entries run in all cells, with [blocks] blocks each; every cost is 1. */
static inline void field_init(struct field *f, size_t entries, size_t cells, size_t blocks)
{
    static const char *const names[] = {"ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"};
    static const char *const scenarios[] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};
    memset(f, 0, sizeof(*f));
    for (size_t e = 0; e < entries; e++)
        f->entries[e] = (struct judge_entry){.name = names[e], .twin_of = -1};
    for (size_t c = 0; c < cells; c++) {
        f->cells[c] = (struct judge_cell_input){.lane = "race",
                                                .scenario = scenarios[c],
                                                .point = "n=1",
                                                .family = (enum judge_family)(c % JUDGE_FAMILIES),
                                                .blocks = f->blocks[c],
                                                .block_count = blocks,
                                                .status = f->status[c]};
        for (size_t b = 0; b < FIELD_BLOCKS; b++) {
            f->blocks[c][b] = (struct judge_block){.number = b, .cost = f->cost[c][b]};
            for (size_t e = 0; e < FIELD_ENTRIES; e++)
                f->cost[c][b][e] = 1;
        }
    }
    f->in = (struct judge_input){.seed = 42,
                                 .alpha = 0.05,
                                 .margin = 0.03,
                                 .entries = f->entries,
                                 .entry_count = entries,
                                 .cells = f->cells,
                                 .cell_count = cells};
}

/* Cell [c]: entry [e] costs [factor]; a wobble keeps costs from tying. */
static inline void field_set_cost(struct field *f, size_t c, size_t e, double factor)
{
    for (size_t b = 0; b < FIELD_BLOCKS; b++)
        f->cost[c][b][e] = factor * (1 + 1e-4 * (double)((b * 7 + e * 3) % 11));
}

/* The random numbers of the tests: splitmix64, seeded, the same everywhere. */
static inline uint64_t field_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline double field_uniform(uint64_t *state)
{
    return ((double)(field_random(state) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double field_normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(field_uniform(state)));
    return radius * cos(2 * M_PI * field_uniform(state));
}

/*
 * Every cost of cell [c] anew: [slowdown] of each entry (1 = none), a disturbance shared by the
 * block, and noise of [sd] for each run.
 */
static inline void
field_race(struct field *f, size_t c, const double *slowdown, double sd, uint64_t *state)
{
    for (size_t b = 0; b < f->cells[c].block_count; b++) {
        const double shared = 0.2 * field_normal(state);
        for (size_t e = 0; e < f->in.entry_count; e++)
            /* NOLINTNEXTLINE(clang-analyzer-core.*): [slowdown] has one for each entry */
            f->cost[c][b][e] = 100 * slowdown[e] * exp(shared + sd * field_normal(state));
    }
}

#endif
