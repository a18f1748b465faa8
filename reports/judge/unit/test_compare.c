/* SPDX-License-Identifier: MIT */
/* test_compare.c - numbers that are not judged: ratio and interval as in a duel, zeros and gaps. */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct field field;
static struct judge_comparison found;

static void compare(size_t a, size_t b)
{
    assert_int_equal(judge_compare(&field.cells[0], a, b, log(20), &found), 0);
}

static void ratio_and_interval_are_those_of_a_duel(void **state)
{
    const double slowdown[2] = {1, 1.2};
    uint64_t seed = 31;
    struct judge_cell_result result;
    (void)state;
    field_init(&field, 2, 1, 25);
    field_race(&field, 0, slowdown, 0.1, &seed);
    assert_int_equal(judge_cell(&field.in, 0, &result), 0);
    compare(0, 1);
    assert_int_equal(found.blocks, 25);
    assert_true(found.ratio == result.duels[0].median);
    assert_true(found.low == result.duels[0].low && found.high == result.duels[0].high);
    compare(1, 0);
    assert_true(found.ratio == -result.duels[0].median && found.low == -result.duels[0].high);
    judge_cell_fini(&result);
}

static void too_few_blocks_have_a_ratio_and_no_interval(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 6);
    compare(0, 1);
    assert_true(found.ratio == 0 && isnan(found.low) && isnan(found.high));
    field.cells[0].block_count = 0;
    compare(0, 1);
    assert_true(found.blocks == 0 && isnan(found.ratio));
}

static void zero_is_a_number(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 20);
    for (size_t b = 0; b < 20; b++) {
        field.cost[0][b][0] = 0;
        field.cost[0][b][1] = b < 4 ? 7 : 0;
    }
    compare(0, 1); /* 0 of 0, but for four blocks: rank 4 of 20 */
    assert_true(found.ratio == 0 && isinf(found.low) && found.low < 0 && found.high == 0);
    compare(0, 2);
    assert_true(isinf(found.ratio) && found.ratio < 0);
    compare(2, 0);
    assert_true(isinf(found.ratio) && found.ratio > 0);
}

static void what_is_absent_or_absurd_is_left_out(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, -1};
    (void)state;
    field_init(&field, 2, 1, 20);
    for (size_t i = 0; i < 4; i++)
        field.cost[0][i][i % 2] = odd[i];
    compare(0, 1);
    assert_int_equal(found.blocks, 16);
    assert_true(found.ratio == 0 && found.low == 0 && found.high == 0);
}

/* Two rows make one piece of evidence; a zero stays one, whatever the floor of the cell is. */
static void squares_are_compared_as_wholes(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 9);
    field.cells[0].floor = 5;
    for (size_t b = 0; b < 9; b++) {
        field.blocks[0][b].row = b % 2;
        field.blocks[0][b].rows = 2;
        field.cost[0][b][0] = b % 2 == 0 ? 2 : 8;
        field.cost[0][b][1] = 1;
    }
    compare(0, 1);
    assert_int_equal(found.blocks, 4); /* the ninth began a square that was not finished */
    assert_true(fabs(found.ratio - log(4)) < 1e-12);
    for (size_t b = 0; b < 9; b++)
        field.cost[0][b][1] = 0;
    compare(0, 1);
    assert_int_equal(found.blocks, 4);
    assert_true(isinf(found.ratio) && found.ratio > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratio_and_interval_are_those_of_a_duel),
        cmocka_unit_test(too_few_blocks_have_a_ratio_and_no_interval),
        cmocka_unit_test(zero_is_a_number),
        cmocka_unit_test(squares_are_compared_as_wholes),
        cmocka_unit_test(what_is_absent_or_absurd_is_left_out),
    };
    return cmocka_run_group_tests_name("judge compare", tests, NULL, NULL);
}
