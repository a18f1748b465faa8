/* SPDX-License-Identifier: MIT */
/* test_square.c - which blocks of a balanced order become one piece of evidence, and which none. */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct field field;

/* [count] entries, one cell of [blocks] blocks, squares of [rows] rows from the first block on. */
static void squares(size_t entries, size_t blocks, size_t rows)
{
    field_init(&field, entries, 1, blocks);
    for (size_t b = 0; b < blocks; b++) {
        field.blocks[0][b].row = b % rows;
        field.blocks[0][b].rows = rows;
    }
}

static void a_square_is_one_block_with_the_mean_of_its_logs(void **state)
{
    struct judge_fold fold;
    (void)state;
    squares(2, 4, 2);
    field.cost[0][0][0] = 2;
    field.cost[0][1][0] = 8;
    assert_int_equal(judge_fold(&field.cells[0], 2, &fold), 0);
    assert_int_equal(fold.rows, 2);
    assert_int_equal(fold.cell.block_count, 2);
    assert_true(fabs(fold.cell.blocks[0].cost[0] - 4) < 1e-12);
    assert_true(fold.cell.blocks[0].cost[1] == 1);
    assert_int_equal(fold.cell.blocks[0].number, 1);
    assert_int_equal(fold.cell.blocks[1].number, 3);
    judge_fold_fini(&fold);
}

static void an_unfinished_square_is_no_evidence(void **state)
{
    struct judge_cell_result result;
    (void)state;
    squares(2, 2 * 7 + 1, 2);
    for (size_t b = 0; b < field.cells[0].block_count; b++)
        field.cost[0][b][1] = 2;
    field.cells[0].block_count = 13; /* six squares and a half */
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(result.duels[0].pair.n, 6);
    assert_int_equal(result.duels[0].pair.decided, 0);
    assert_int_equal(result.winner, -1);
    assert_int_equal(result.entries[0].runs, 13); /* what was measured is all described */
    assert_true(fmod(result.duels[0].further_blocks, 2) == 0 &&
                result.duels[0].further_blocks > 0); /* counted in blocks, whole squares */
    judge_cell_fini(&result);
    field.cells[0].block_count = 14;
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(result.duels[0].pair.decided, 1);
    assert_int_equal(result.duels[0].pair.decided_block, 13);
    assert_int_equal(result.winner, 0);
    judge_cell_fini(&result);
}

/* What is expected, in rounds of a block in each cell, after [blocks] blocks in squares of [rows].
 */
static double further_rounds(size_t blocks, size_t rows)
{
    static const struct judge_profile flat = {.name = "flat", .weight = {1, 1, 1, 1, 1, 1, 1}};
    struct judge_cell_result result;
    struct judge_standing standing;
    squares(2, blocks, rows);
    for (size_t b = 0; b < blocks; b++)
        field.cost[0][b][1] = 2;
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(judge_standing(&field.in, &result, &flat, &standing), 0);
    assert_int_equal(standing.winner, -1);
    const double further = standing.further_rounds;
    judge_standing_fini(&standing);
    judge_cell_fini(&result);
    return further;
}

static void a_round_of_squares_takes_as_many_blocks_as_they_have_rows(void **state)
{
    (void)state;
    const double single = further_rounds(5, 1);
    assert_true(single > 0 && isfinite(single));
    assert_true(further_rounds(2 * 5, 2) == 2 * single);
    assert_true(further_rounds(4 * 5, 4) == 4 * single);
}

/* Three rows of a square of four, then two whole squares of two. */
static void break_a_square_off(void)
{
    static const size_t row[] = {0, 1, 2, 0, 1, 0, 1}, rows[] = {4, 4, 4, 2, 2, 2, 2};
    field_init(&field, 2, 1, 7);
    for (size_t b = 0; b < 7; b++) {
        field.blocks[0][b].row = row[b];
        field.blocks[0][b].rows = rows[b];
    }
}

/* An abandoned square, then one of fewer entries: rows that do not belong together do not mix. */
static void a_square_that_was_broken_off_is_left_out(void **state)
{
    struct judge_fold fold;
    (void)state;
    break_a_square_off();
    assert_int_equal(judge_fold(&field.cells[0], 2, &fold), 0);
    assert_int_equal(fold.cell.block_count, 2);
    assert_int_equal(fold.cell.blocks[0].number, 4);
    assert_int_equal(fold.cell.blocks[1].number, 6);
    judge_fold_fini(&fold);
}

/* Half-way attempts count although their square was left; of a row done again the first attempt
 * stands beside the square. */
static void squares_keep_what_was_given_up_and_done_again(void **state)
{
    static const double redone[] = {16, 1, 64, 1};
    struct judge_fold fold;
    (void)state;
    break_a_square_off();
    field.blocks[0][1].given_up = 2; /* in the square that was left */
    field.blocks[0][4].given_up = 1;
    field.blocks[0][6].redone = redone;
    field.blocks[0][6].redone_count = 2;
    assert_int_equal(judge_fold(&field.cells[0], 2, &fold), 0);
    assert_int_equal(fold.cell.blocks[0].given_up, 3);
    assert_int_equal(fold.cell.blocks[0].redone_count, 0);
    assert_int_equal(fold.cell.blocks[1].given_up, 0);
    assert_int_equal(fold.cell.blocks[1].redone_count, 1);
    assert_true(fabs(fold.cell.blocks[1].cost[0] - 1) < 1e-12);
    assert_true(fabs(judge_first(&fold.cell.blocks[1])[0] - 4) < 1e-12); /* of 1 and 16 */
    judge_fold_fini(&fold);
}

/* Who was late in the first attempt at any row has lost the first square, and not the one that
 * counts. */
static void who_was_late_in_a_row_was_late_in_the_square(void **state)
{
    static const double redone[] = {INFINITY, 1};
    struct judge_cell_result result;
    (void)state;
    squares(2, 2 * 12, 2);
    for (size_t b = 0; b < field.cells[0].block_count; b++)
        field.cost[0][b][0] = 0.5;
    field.blocks[0][3].redone = redone;
    field.blocks[0][3].redone_count = 1;
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(result.duels[0].pair.n, 12);
    assert_int_equal(result.duels[0].pair.wins_a, 12);
    assert_int_equal(result.duels[0].pair.all_n, 12);
    assert_int_equal(result.duels[0].pair.all_a, 11);
    assert_int_equal(result.duels[0].pair.all_b, 1);
    judge_cell_fini(&result);
}

static void who_missed_a_row_has_no_cost_in_the_square(void **state)
{
    struct judge_cell_result result;
    (void)state;
    squares(3, 4, 2);
    field.cost[0][1][2] = NAN;
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(result.duels[0].pair.n, 2); /* 0 against 1 */
    assert_int_equal(result.duels[1].pair.n, 1); /* 0 against 2 */
    judge_cell_fini(&result);
}

/* The mean of logarithms of the floor is not exactly that of the floor. */
static void squares_below_the_floor_are_ties_that_are_known(void **state)
{
    struct judge_cell_result result;
    (void)state;
    squares(2, 2 * 16, 2);
    field.cells[0].floor = 1000.3;
    for (size_t b = 0; b < 32; b++)
        field.cost[0][b][b % 2] = 3;
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    assert_int_equal(result.duels[0].floored, 16);
    assert_int_equal(result.duels[0].relation, JUDGE_EQUAL);
    judge_cell_fini(&result);
}

static void without_squares_nothing_is_folded(void **state)
{
    struct judge_fold fold;
    (void)state;
    field_init(&field, 2, 1, 5);
    assert_int_equal(judge_fold(&field.cells[0], 2, &fold), 0);
    assert_ptr_equal(fold.cell.blocks, field.cells[0].blocks);
    assert_int_equal(fold.cell.block_count, 5);
    assert_int_equal(fold.rows, 1);
    judge_fold_fini(&fold);
}

static void standing_and_twin_count_squares_too(void **state)
{
    size_t count;
    struct judge_cell_result cell;
    struct judge_standing standing;
    struct judge_trust trust;
    (void)state;
    squares(3, 2 * 9, 2);
    field.entries[2].twin_of = 0;
    for (size_t b = 0; b < 18; b++) {
        field.cost[0][b][1] = 2;
        field.cost[0][b][2] = b % 4 < 2 ? 1.01 : 0.99;
    }
    assert_int_equal(judge_cell(&field.in, 0, &cell), 0);
    assert_int_equal(judge_standing(&field.in, &cell, judge_profiles(&count) + 3, &standing), 0);
    assert_int_equal(standing.rounds, 9);
    assert_int_equal(standing.winner, 0);
    assert_int_equal(judge_trust(&field.in, &cell, 0, &trust), 0);
    assert_int_equal(trust.blocks, 9);
    judge_standing_fini(&standing);
    judge_cell_fini(&cell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_square_is_one_block_with_the_mean_of_its_logs),
        cmocka_unit_test(an_unfinished_square_is_no_evidence),
        cmocka_unit_test(a_round_of_squares_takes_as_many_blocks_as_they_have_rows),
        cmocka_unit_test(a_square_that_was_broken_off_is_left_out),
        cmocka_unit_test(squares_keep_what_was_given_up_and_done_again),
        cmocka_unit_test(who_was_late_in_a_row_was_late_in_the_square),
        cmocka_unit_test(who_missed_a_row_has_no_cost_in_the_square),
        cmocka_unit_test(squares_below_the_floor_are_ties_that_are_known),
        cmocka_unit_test(without_squares_nothing_is_folded),
        cmocka_unit_test(standing_and_twin_count_squares_too),
    };
    return cmocka_run_group_tests_name("judge squares", tests, NULL, NULL);
}
