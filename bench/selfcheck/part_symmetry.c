/* SPDX-License-Identifier: MIT */
/*
 * part_symmetry.c - renaming, another order of the list, A and B swapped: the same verdicts from
 * the same raw data, for every cell of the runs at hand.
 */
#include "selfcheck.h"

#include "symmetry.h"

#include <errno.h>

enum { RUNS = 4, SHUFFLES = 8, ENTRIES_MAX = 64 };

struct symmetry_count {
    struct selfcheck *check;
    size_t cells, judgements, broken;
    char first[256];
};

static void shuffle(size_t *to, size_t count, uint64_t *dice)
{
    for (size_t i = 0; i < count; i++)
        to[i] = i;
    for (size_t last = count; last > 1; last--) {
        size_t chosen = chance_word(dice) % last, kept = to[last - 1];
        to[last - 1] = to[chosen];
        to[chosen] = kept;
    }
}

/* The first two orders are the list as it is and the list turned round, which swaps every pair. */
static void draw_order(size_t *to, size_t count, size_t round, uint64_t *dice)
{
    for (size_t i = 0; i < count; i++)
        to[i] = round == 0 ? i : count - 1 - i;
    if (round > 1)
        shuffle(to, count, dice);
}

static void look_at_cell(struct symmetry_count *count, const struct run_dir *run, size_t cell)
{
    uint64_t dice = selfcheck_seed(count->check, "symmetry", cell);
    size_t to[ENTRIES_MAX];
    count->cells++;
    for (size_t round = 0; round < SHUFFLES; round++) {
        draw_order(to, run->in.entry_count, round, &dice);
        for (int rename = 0; rename < 2; rename++) {
            count->judgements++;
            if (symmetry_holds(&run->in, cell, to, rename == 1))
                continue;
            if (count->broken++ == 0)
                snprintf(count->first,
                         sizeof(count->first),
                         "; first: %s %s of %s",
                         run->in.cells[cell].scenario,
                         run->in.cells[cell].point,
                         run->path);
        }
    }
}

static void look_at_run(void *user, const struct run_dir *run)
{
    struct symmetry_count *count = user;
    for (size_t c = 0; c < run->in.cell_count && run->in.entry_count <= ENTRIES_MAX; c++)
        if (run->in.cells[c].block_count > 0)
            look_at_cell(count, run, c);
}

int part_symmetry(struct selfcheck *check)
{
    struct symmetry_count count = {.check = check};
    size_t runs = runs_visit(RUNS, look_at_run, &count);
    if (count.cells == 0) {
        finding_add(check,
                    FINDING_NOT_RUN,
                    "",
                    "no run with blocks stands in reports/runs; race one (make tournament)");
        return 0;
    }
    finding_add(check,
                count.broken == 0 ? FINDING_PASS : FINDING_FAIL,
                "0",
                "%zu of %zu judgements changed when names, order or sides did (%zu cells of %zu "
                "runs)%s",
                count.broken,
                count.judgements,
                count.cells,
                runs,
                count.first);
    return selfcheck_stopped(check) ? -EINTR : 0;
}
