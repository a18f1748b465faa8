/* SPDX-License-Identifier: MIT */
/*
 * test_labels.c - the check of the order itself: on machines that treat the first place of a block
 * worse, a fair order passes, and orders that are not fair are noticed.
 */
#include "../labels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SERIES = 60, BLOCKS = 18 };

static struct series_list raced;

/* How the order of a block is drawn, and what its first place costs. */
struct way {
    double a_first; /* the chance that a runs first */
    double penalty; /* the first place is slower by this share, */
    double favour;  /* and b by this one, whatever its place */
};

static double cost_of(uint64_t *dice, double slowdown)
{
    return (1 + slowdown) * exp(0.1 * (chance_unit(dice) - 0.5));
}

static void race_one(struct way way, uint64_t *dice, bool squares)
{
    double a[BLOCKS], b[BLOCKS];
    enum series_first first[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        bool a_first = chance_unit(dice) < way.a_first;
        first[i] = a_first ? SERIES_FIRST_A : SERIES_FIRST_B;
        a[i] = cost_of(dice, a_first ? way.penalty : 0);
        b[i] = cost_of(dice, (a_first ? 0 : way.penalty) + way.favour);
    }
    series_add(&raced, "race/x/y", 0, a, b, first, BLOCKS)->squares = squares;
}

static struct labels race(struct way way, uint64_t seed)
{
    series_free(&raced);
    for (size_t s = 0; s < SERIES; s++)
        race_one(way, &seed, false);
    return labels_count(&raced);
}

static size_t named(void)
{
    struct tally tally = chance_as_raced(&raced, 0.05, 1);
    assert_int_equal(tally.trials, SERIES);
    return tally.a_wins + tally.b_wins;
}

static void a_drawn_order_is_fair_though_the_first_place_is_bad(void **state)
{
    (void)state;
    struct labels labels = race((struct way){.a_first = 0.5, .penalty = 0.05}, 1);
    assert_int_equal(labels.blocks, SERIES * BLOCKS);
    assert_int_equal(labels.ordered, SERIES * BLOCKS);
    assert_true(labels_are_even(labels.blocks, labels.a_faster));
    assert_true(labels_are_even(labels.ordered, labels.a_first));
    assert_in_range(named(), 0, chance_limit(SERIES, 0.05));
    assert_false(labels_are_even(labels.compared, labels.first_faster)); /* the place is seen */
    assert_true(2 * labels.first_faster < labels.compared);
}

static void a_fixed_order_is_noticed_in_every_count(void **state)
{
    (void)state;
    struct labels labels = race((struct way){.a_first = 1, .penalty = 0.05}, 2);
    assert_false(labels_are_even(labels.ordered, labels.a_first));
    assert_false(labels_are_even(labels.blocks, labels.a_faster));
    assert_true(2 * labels.a_faster < labels.blocks);
    assert_true(named() > chance_limit(SERIES, 0.05));
}

/* A fixed order on a machine that has no bad place deceives nobody yet; it is noticed all the same.
 */
static void a_shuffle_with_a_bent_is_noticed_by_itself(void **state)
{
    (void)state;
    struct labels labels = race((struct way){.a_first = 0.6}, 3);
    assert_false(labels_are_even(labels.ordered, labels.a_first));
    assert_true(labels_are_even(labels.compared, labels.first_faster));
}

static void a_label_that_is_favoured_is_noticed_though_the_order_is_fair(void **state)
{
    (void)state;
    struct labels labels = race((struct way){.a_first = 0.5, .favour = 0.02}, 4);
    assert_true(labels_are_even(labels.ordered, labels.a_first));
    assert_false(labels_are_even(labels.blocks, labels.a_faster));
    assert_true(2 * labels.a_faster > labels.blocks);
}

/* Labels given anew by coins of our own: they pass whatever the order was, which is why they are no
 * test of it. */
static void labels_given_anew_see_nothing_of_it(void **state)
{
    (void)state;
    race((struct way){.a_first = 1, .penalty = 0.05}, 5);
    struct tally tally = chance_reflip(&raced, 2000, 0.5, 0.05, 1);
    assert_in_range(tally.a_wins + tally.b_wins, 0, 100);
}

static void squares_are_left_out_of_the_coins(void **state)
{
    uint64_t dice = 6;
    (void)state;
    race((struct way){.a_first = 0.5}, 6);
    for (size_t s = 0; s < SERIES; s++)
        race_one((struct way){.a_first = 1, .penalty = 0.05}, &dice, true);
    struct labels labels = labels_count(&raced);
    assert_int_equal(labels.blocks, SERIES * BLOCKS);
    assert_true(labels_are_even(labels.ordered, labels.a_first));
    struct series_list some = labels_long_enough(&raced, 0.05, false);
    assert_int_equal(some.count, SERIES);
    series_free(&some);
    some = labels_long_enough(&raced, 0.05, true);
    assert_int_equal(some.count, 2 * SERIES);
    assert_true(some.items[SERIES].squares && !some.items[0].squares);
    series_free(&some);
}

static void ties_absent_costs_and_unknown_places_are_no_coins(void **state)
{
    const double a[] = {1, 2, NAN, 4, 5, 6, 7, 8}, b[] = {2, 2, 1, 3, 6, 7, 8, 9};
    const enum series_first first[] = {
        SERIES_FIRST_A, SERIES_FIRST_B, SERIES_FIRST_A, SERIES_FIRST_B};
    (void)state;
    series_free(&raced);
    series_add(&raced, "race/x/y", 0, a, b, first, 4);
    struct labels labels = labels_count(&raced);
    assert_int_equal(labels.blocks, 2);
    assert_int_equal(labels.a_faster, 1);
    assert_int_equal(labels.ordered, 3);
    assert_int_equal(labels.a_first, 1);
    assert_int_equal(labels.compared, 2);
    assert_int_equal(labels.first_faster, 2);
    series_add(&raced, "race/x/y", 0, a, b, NULL, 8);
    labels = labels_count(&raced);
    assert_int_equal(labels.blocks, 8);
    assert_int_equal(labels.ordered, 3);
    struct series_list some = labels_long_enough(&raced, 0.05, false);
    assert_int_equal(some.count, 0); /* six blocks that are no tie name nobody */
    series_free(&some);
}

static int forget(void **state)
{
    (void)state;
    series_free(&raced);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawn_order_is_fair_though_the_first_place_is_bad),
        cmocka_unit_test(a_fixed_order_is_noticed_in_every_count),
        cmocka_unit_test(a_shuffle_with_a_bent_is_noticed_by_itself),
        cmocka_unit_test(a_label_that_is_favoured_is_noticed_though_the_order_is_fair),
        cmocka_unit_test(labels_given_anew_see_nothing_of_it),
        cmocka_unit_test(squares_are_left_out_of_the_coins),
        cmocka_unit_test(ties_absent_costs_and_unknown_places_are_no_coins),
    };
    return cmocka_run_group_tests_name("labels", tests, NULL, forget);
}
