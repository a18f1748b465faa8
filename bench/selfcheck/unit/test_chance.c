/* SPDX-License-Identifier: MIT */
/*
 * test_chance.c - the self-check's own arithmetic: what must be seen is seen, and a judge or a coin
 * that is wrong is noticed.
 */
#include "../chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BLOCKS = 60 };

static struct series_list even;
static double d[BLOCKS];

static int make_series(void **state)
{
    double a[BLOCKS], b[BLOCKS];
    uint64_t dice = 7;
    (void)state;
    for (size_t i = 0; i < BLOCKS; i++) {
        a[i] = exp(0.05 * (chance_unit(&dice) - 0.5));
        b[i] = exp(0.05 * (chance_unit(&dice) - 0.5));
    }
    series_add(&even, "race/x/y", 0, a, b, NULL, BLOCKS);
    return series_differences(&even.items[0], d) == BLOCKS ? 0 : -1;
}

static int free_series(void **state)
{
    (void)state;
    series_free(&even);
    return 0;
}

static void fair_coins_keep_the_level(void **state)
{
    (void)state;
    struct tally tally = chance_reflip(&even, 4000, 0.5, 0.05, 1);
    assert_int_equal(tally.trials, 4000);
    assert_in_range(tally.a_wins + tally.b_wins, 1, 200);
}

static void a_coin_that_is_not_fair_is_noticed(void **state)
{
    (void)state;
    struct tally tally = chance_reflip(&even, 1000, 0.7, 0.05, 1);
    assert_true(tally.a_wins > 300);
    tally = chance_reflip(&even, 1000, 0.3, 0.05, 1);
    assert_true(tally.b_wins > 300);
}

static void without_series_there_is_no_trial(void **state)
{
    (void)state;
    struct series_list none = {0};
    assert_int_equal(chance_reflip(&none, 1000, 0.5, 0.05, 1).trials, 0);
}

static void absent_costs_are_left_out(void **state)
{
    (void)state;
    struct series_list list = {0};
    const double a[] = {1, NAN, 3, 4}, b[] = {1, 2, 0, 5};
    series_add(&list, "race/x/y", 0, a, b, NULL, 4);
    assert_int_equal(list.items[0].count, 2);
    series_free(&list);
}

static void power_rises_with_the_gap_and_falls_with_the_field(void **state)
{
    (void)state;
    struct chance_draw draw = {
        .d = d, .count = BLOCKS, .symmetric = true, .blocks = 18, .contestants = 2, .alpha = 0.05};
    size_t before = 0;
    const double gaps[] = {0, 0.005, 0.01, 0.02, 0.04};
    for (size_t i = 0; i < 5; i++) {
        draw.shift = log1p(gaps[i]);
        struct tally tally = chance_resample(&draw, 500, 3);
        assert_true(tally.a_wins >= before);
        before = tally.a_wins;
    }
    assert_true(before > 480);
    draw.shift = log1p(0.02);
    size_t of_two = chance_resample(&draw, 500, 3).a_wins;
    draw.contestants = 8;
    assert_true(chance_resample(&draw, 500, 3).a_wins < of_two);
}

static void limits_are_those_of_the_binomial_law(void **state)
{
    (void)state;
    double low, high;
    assert_int_equal(chance_limit(40, 0.05), 5);
    assert_int_equal(chance_limit(200, 0.05), 17);
    assert_int_equal(chance_limit(0, 0.05), 0);
    chance_interval(3, 200, &low, &high); /* 0.31 % to 4.32 %: tables of Clopper and Pearson */
    assert_true(fabs(low - 0.0031) < 0.0001 && fabs(high - 0.0432) < 0.0001);
    chance_interval(0, 40, &low, &high);
    assert_true(low == 0 && fabs(high - 0.0881) < 0.0001);
    chance_interval(40, 40, &low, &high);
    assert_true(high == 1 && fabs(low - 0.9119) < 0.0001);
}

/* Where a limit lets a quarter pass, a judge that errs five times too often is not noticed. */
static void too_few_trials_cannot_fail(void **state)
{
    (void)state;
    for (size_t trials = 0; trials < 5; trials++)
        assert_false(chance_can_fail(trials, chance_limit(trials, 0.05)));
    assert_false(chance_can_fail(8, chance_limit(8, 0.05)));
    assert_true(chance_can_fail(12, chance_limit(12, 0.05)));
    assert_int_equal(chance_limit(50, 0.05), 6);
    assert_true(chance_can_fail(50, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fair_coins_keep_the_level),
        cmocka_unit_test(a_coin_that_is_not_fair_is_noticed),
        cmocka_unit_test(without_series_there_is_no_trial),
        cmocka_unit_test(absent_costs_are_left_out),
        cmocka_unit_test(power_rises_with_the_gap_and_falls_with_the_field),
        cmocka_unit_test(limits_are_those_of_the_binomial_law),
        cmocka_unit_test(too_few_trials_cannot_fail),
    };
    return cmocka_run_group_tests_name("chance", tests, make_series, free_series);
}
