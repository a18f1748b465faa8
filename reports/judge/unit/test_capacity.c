/* SPDX-License-Identifier: MIT */
/* test_capacity.c - the search for a capacity: coverage and cost on simulated response curves. */
#include "../capacity.h"
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct capacity c;

/* One whole search on a logistic curve of [width] in ln(rate). [drift]: the odds wander by run. */
static void search(double truth, double width, double drift, size_t runs_max, uint64_t *state)
{
    capacity_init(&c, 0.05, 0.25, 1000);
    for (size_t i = 0; i < runs_max && !capacity_is_done(&c); i++) {
        const double rate = capacity_next(&c);
        double x = log(truth / rate) / width;
        x *= 1 + drift * sin((double)i / 7); /* steeper and flatter, the middle stays */
        capacity_add(&c, rate, field_uniform(state) < 1 / (1 + exp(-x)));
    }
}

/*
 * 400 searches each: the true rate may lie outside in 5 % and three standard errors at most, looked
 * at when the search stops by itself, which is when it looks best.
 */
static void the_interval_covers(void **state)
{
    static const double widths[] = {0.005, 0.05, 0.2, 0.6};
    enum { SEARCHES = 400 };
    uint64_t seed = 1;
    (void)state;
    for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
        int missed = 0, settled = 0;
        double runs = 0;
        for (int i = 0; i < SEARCHES; i++) {
            const double truth = 1000 * exp(field_normal(&seed));
            search(truth, widths[w], i % 2 == 0 ? 0 : 0.5, 120, &seed);
            missed += c.low > truth || c.high < truth;
            settled += c.high / c.low <= 1.25;
            runs += (double)c.count;
        }
        print_message("width %.3f: missed %d of %d, settled %d, %.0f runs\n",
                      widths[w],
                      missed,
                      SEARCHES,
                      settled,
                      runs / SEARCHES);
        assert_true(missed <= SEARCHES * 0.05 + 3 * sqrt(SEARCHES * 0.05 * 0.95));
        if (widths[w] < 0.01)
            assert_true(settled > SEARCHES * 0.95);
    }
}

/* Without any edge, passes by a fair coin at every rate, no bound may be found too often. */
static void a_coin_proves_nothing(void **state)
{
    uint64_t seed = 2;
    int found = 0;
    (void)state;
    for (int i = 0; i < 400; i++) {
        capacity_init(&c, 0.05, 0.1, 1000);
        for (int r = 0; r < 100; r++)
            capacity_add(&c, capacity_next(&c), field_uniform(&seed) < 0.5);
        found += c.low > 0 || !isinf(c.high);
    }
    print_message("bounds by a coin: %d of 400\n", found);
    assert_true(found <= 400 * 0.05 + 3 * sqrt(400 * 0.05 * 0.95));
}

static void a_sharp_edge_takes_few_runs(void **state)
{
    uint64_t seed = 3;
    (void)state;
    search(12345, 1e-6, 0, 200, &seed);
    assert_true(capacity_is_done(&c));
    assert_true(c.low <= 12345 && c.high >= 12345 && c.high / c.low <= 1.25);
    assert_true(capacity_estimate(&c) > c.low && capacity_estimate(&c) < c.high);
    assert_true(c.count < 60);
}

static void one_sided_outcomes_have_one_sided_answers(void **state)
{
    (void)state;
    capacity_init(&c, 0.05, 0.1, 1000);
    assert_true(capacity_next(&c) == 1000);
    assert_true(isnan(capacity_estimate(&c)));
    for (int i = 0; i < 20; i++)
        capacity_add(&c, capacity_next(&c), true);
    assert_true(c.low > 1000 && isinf(c.high) && !capacity_is_done(&c));
    capacity_init(&c, 0.05, 0.1, 1000);
    for (int i = 0; i < 20; i++)
        capacity_add(&c, capacity_next(&c), false);
    assert_true(c.low <= 0 && c.high < 1000);
    capacity_init(&c, 0.05, 0.1, 1000);
    capacity_add(&c, 0, true);
    capacity_add(&c, NAN, true);
    assert_int_equal(c.count, 0);
    capacity_add(&c, 1000, true);
    capacity_add(&c, 1000, false);
    assert_true(isfinite(capacity_next(&c)));
    for (int i = 0; i < 2 * CAPACITY_RUNS_MAX; i++)
        capacity_add(&c, 1000, i % 2 == 0);
    assert_true(capacity_is_done(&c) && c.low <= 0 && isinf(c.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_covers),
        cmocka_unit_test(a_coin_proves_nothing),
        cmocka_unit_test(a_sharp_edge_takes_few_runs),
        cmocka_unit_test(one_sided_outcomes_have_one_sided_answers),
    };
    return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
