/* SPDX-License-Identifier: MIT */
/*
 * test_symmetry.c - the comparison itself: equal judgements are equal, and a difference shows.
 */
#include "../symmetry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ENTRIES = 4, BLOCKS = 20 };

static double costs[BLOCKS][ENTRIES];
static double redone[3 * ENTRIES]; /* attempts at the third block and at the ninth, done again */
static struct judge_block blocks[BLOCKS];
static struct judge_status status[ENTRIES];
static struct judge_entry entries[ENTRIES] = {{"a", -1}, {"b", -1}, {"c", -1}, {"a~twin", 0}};
static struct judge_cell_input cell = {.lane = "race",
                                       .scenario = "x",
                                       .point = "y",
                                       .blocks = blocks,
                                       .block_count = BLOCKS,
                                       .status = status};
static const struct judge_input in = {.seed = 1,
                                      .alpha = 0.05,
                                      .margin = 0.05,
                                      .entries = entries,
                                      .entry_count = ENTRIES,
                                      .cells = &cell,
                                      .cell_count = 1};

static int fill(void **state)
{
    (void)state;
    for (size_t b = 0; b < BLOCKS; b++) {
        for (size_t e = 0; e < ENTRIES; e++)
            costs[b][e] = 1 + 0.1 * (double)(e % 3) + 0.01 * (double)((b * 7 + e * 3) % 5);
        blocks[b] = (struct judge_block){.number = b + 1, .cost = costs[b]};
    }
    costs[4][1] = costs[4][2]; /* a tie, for the coin */
    for (size_t i = 0; i < 3 * ENTRIES; i++)
        redone[i] = 9 - 2 * (double)(i % ENTRIES); /* the other way round */
    blocks[2].redone = redone;
    blocks[2].redone_count = 2;
    blocks[8].redone = redone + 2 * ENTRIES;
    blocks[8].redone_count = 1;
    status[2] = (struct judge_status){.state = JUDGE_RUNS};
    return 0;
}

static void moved_and_renamed_cells_are_judged_the_same(void **state)
{
    (void)state;
    const size_t orders[][ENTRIES] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(symmetry_holds(&in, 0, orders[i], false));
        assert_true(symmetry_holds(&in, 0, orders[i], true));
    }
}

/* What is no permutation gives one entry the costs of another. */
static void a_difference_shows(void **state)
{
    (void)state;
    const size_t wrong[ENTRIES] = {0, 2, 2, 3};
    assert_false(symmetry_holds(&in, 0, wrong, false));
    assert_false(symmetry_holds(&in, 0, wrong, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moved_and_renamed_cells_are_judged_the_same),
        cmocka_unit_test(a_difference_shows),
    };
    return cmocka_run_group_tests_name("symmetry", tests, fill, NULL);
}
