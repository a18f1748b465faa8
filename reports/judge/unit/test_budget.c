/* SPDX-License-Identifier: MIT */
/* test_budget.c - who gets the next block: shares of lanes, promise per second, nobody starved. */
#include "../judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const double share[] = {0.8, 0.1, 0.1};

static int next(const struct judge_offer *offers, size_t count, double left_s)
{
    return judge_next(offers, count, share, 3, left_s);
}

static void the_most_verdicts_per_second_come_first(void **state)
{
    const struct judge_offer offers[] = {
        {.open = true, .block_s = 2, .verdicts_per_block = 0.5},
        {.open = true, .block_s = 0.5, .verdicts_per_block = 0.2}, /* 0.4 per second */
        {.open = true, .block_s = 1, .verdicts_per_block = 0.3},
    };
    (void)state;
    assert_int_equal(next(offers, 3, 60), 1);
    assert_int_equal(next(offers, 1, 60), 0);
    assert_int_equal(next(offers, 0, 60), -1);
}

static void the_settled_and_what_does_not_fit_get_nothing(void **state)
{
    struct judge_offer offers[] = {
        {.open = false, .block_s = 1, .verdicts_per_block = 9},
        {.open = true, .block_s = 5, .verdicts_per_block = 9},
        {.open = true, .block_s = 1, .verdicts_per_block = 0.1},
    };
    (void)state;
    assert_int_equal(next(offers, 3, 4), 2);
    assert_int_equal(next(offers, 3, 0.5), -1);
    offers[1].open = offers[2].open = false;
    assert_int_equal(next(offers, 3, 60), -1);
}

/* A block that takes all that is left still fits; what a settled cell took counts for its lane. */
static void time_is_counted_to_the_end(void **state)
{
    const struct judge_offer offers[] = {
        {.lane = 0, .open = true, .block_s = 2},
        {.lane = 0, .open = false, .block_s = 1, .spent_s = 1000},
        {.lane = 1, .open = true, .block_s = 2, .spent_s = 1},
    };
    (void)state;
    assert_int_equal(next(offers, 1, 2), 0);
    assert_int_equal(next(offers, 3, 60), 2);
}

/* Three cells at even scores promise nothing; each gets its turn all the same. */
static void nobody_is_starved(void **state)
{
    struct judge_offer offers[3] = {
        {.open = true, .block_s = 1}, {.open = true, .block_s = 1}, {.open = true, .block_s = 1}};
    (void)state;
    for (int block = 0; block < 30; block++)
        offers[next(offers, 3, 60)].blocks++;
    for (int c = 0; c < 3; c++)
        assert_int_equal(offers[c].blocks, 10);
}

/* Blocks go on being dealt until the time of the lanes stands as their shares do. */
static void lanes_get_their_shares(void **state)
{
    struct judge_offer offers[] = {
        {.lane = 0, .open = true, .block_s = 2, .verdicts_per_block = 0.01},
        {.lane = 1, .open = true, .block_s = 0.2, .verdicts_per_block = 1},
        {.lane = 2, .open = true, .block_s = 0.5, .verdicts_per_block = 1},
    };
    double total = 0;
    (void)state;
    while (total < 1000) {
        const int cell = next(offers, 3, 60);
        offers[cell].spent_s += offers[cell].block_s;
        total += offers[cell].block_s;
    }
    for (int c = 0; c < 3; c++)
        assert_true(fabs(offers[c].spent_s / total - share[c]) < 0.01);
    offers[0].open = false; /* what a lane does not need goes to the others */
    assert_true(next(offers, 3, 60) > 0);
}

/* A lane that the plan does not know, a block that takes no time, odd promises: no crash. */
static void odd_offers_do_no_harm(void **state)
{
    const struct judge_offer offers[] = {
        {.lane = 7, .open = true, .block_s = 1, .verdicts_per_block = 1},
        {.lane = 0, .open = true, .block_s = 0, .verdicts_per_block = 0},
        {.lane = 0, .open = true, .block_s = 1, .verdicts_per_block = NAN},
    };
    (void)state;
    assert_int_equal(next(offers, 1, 60), -1);
    assert_int_equal(next(offers, 3, 60), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_verdicts_per_second_come_first),
        cmocka_unit_test(the_settled_and_what_does_not_fit_get_nothing),
        cmocka_unit_test(time_is_counted_to_the_end),
        cmocka_unit_test(nobody_is_starved),
        cmocka_unit_test(lanes_get_their_shares),
        cmocka_unit_test(odd_offers_do_no_harm),
    };
    return cmocka_run_group_tests_name("judge budget", tests, NULL, NULL);
}
