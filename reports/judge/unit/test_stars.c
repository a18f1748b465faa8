/* SPDX-License-Identifier: MIT */
/* test_stars.c - which wins survive the count over all cells. */
#include "all_cells.h"

static void judge(void)
{
    judge_cells();
    judge_stars(&field.in, cells);
}

static void set_cost(size_t c, size_t e, double factor)
{
    field_set_cost(&field, c, e, factor);
}

static void stars_need_more_than_one_cell_alone(void **state)
{
    (void)state;
    field_init(&field, 2, 8, 7);
    set_cost(0, 1, 1.5);
    judge();
    assert_int_equal(cells[0].winner, 0);
    assert_false(cells[0].star); /* E = 27, below 8/.05 */
    field.cells[0].block_count = 14;
    judge();
    assert_true(cells[0].star); /* E = 2434 at the end of the duel */
    for (size_t b = 10; b < 20; b++)
        field.cost[0][b][1] = 0.5;
    field.cells[0].block_count = 20;
    judge();
    assert_int_equal(cells[0].winner, 0); /* decided at block 7 and kept, */
    assert_false(cells[0].star);          /* but what came later counts against the star */
    field_init(&field, 2, 8, 7);
    for (size_t c = 0; c < 8; c++)
        set_cost(c, 1, 1.5);
    judge();
    for (size_t c = 0; c < 8; c++)
        assert_true(cells[c].star); /* two contestants have one duel: 27 >= 8/(8 * .05) */
    field_init(&field, 3, 8, 20);
    for (size_t c = 0; c < 8; c++) {
        set_cost(c, 1, 1.5);
        set_cost(c, 2, 1.5);
    }
    judge();
    for (size_t c = 0; c < 8; c++)
        assert_true(cells[c].star); /* 95/3 >= 8/(8 * .05) */
}

/* A winner among three has two duels, and any of three could have erred: all of them are paid for.
 */
static void a_star_pays_for_every_pair_of_the_field(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 20);
    set_cost(0, 1, 1.5);
    set_cost(0, 2, 3);
    for (size_t b = 10; b < 16; b += 2)
        field.cost[0][b][0] = 2;
    judge();
    assert_int_equal(cells[0].winner, 0); /* decided at block 9, and 17 of 20 at the end: */
    assert_near(exp(cells[0].duels[0].pair.log_e), 39.0439, 5e-5);
    assert_false(cells[0].star); /* 39/3 < 1/.05 */
    field.in.entry_count = 2;
    judge();
    assert_int_equal(cells[0].winner, 0);
    assert_true(cells[0].star); /* the same blocks of two alone: 39 >= 1/.05 */
}

/* Later blocks may be overwhelming evidence, for the other side. */
static void evidence_against_the_winner_is_no_star(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 50);
    set_cost(0, 1, 1.5);
    for (size_t b = 10; b < 50; b++)
        field.cost[0][b][0] = 2;
    judge();
    assert_int_equal(cells[0].winner, 0);
    assert_true(cells[0].duels[0].pair.log_e > log(1000));
    assert_false(cells[0].star);
}

static double one_of_ten_is_overwhelming(const void *ctx, size_t i)
{
    return i % 10 == 0 ? *(const double *)ctx : 0;
}

static double one_of_ten_is_far_ahead(const void *ctx, size_t i)
{
    return i == 0 ? 100 : *(const double *)ctx;
}

static void stars_weigh_the_wins_and_do_not_count_them(void **state)
{
    double log_e = judge_log_e(60, 60);
    (void)state;
    assert_true(judge_e_bh(100, 0.05, one_of_ten_is_overwhelming, &log_e) <= log_e);
    log_e = log(25); /* all ten together are enough, though each of them is not */
    assert_near(exp(judge_e_bh(10, 0.05, one_of_ten_is_far_ahead, &log_e)), 20, 1e-9);
    log_e = log(39); /* the most that a first crossing can bring: below 100/(10 * .05) = 200 */
    assert_true(isinf(judge_e_bh(100, 0.05, one_of_ten_is_overwhelming, &log_e)));
    assert_true(isinf(judge_e_bh(0, 0.05, one_of_ten_is_overwhelming, &log_e)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_need_more_than_one_cell_alone),
        cmocka_unit_test(a_star_pays_for_every_pair_of_the_field),
        cmocka_unit_test(evidence_against_the_winner_is_no_star),
        cmocka_unit_test(stars_weigh_the_wins_and_do_not_count_them),
    };
    return cmocka_run_group_tests_name("judge stars", tests, NULL, clear_cells);
}
