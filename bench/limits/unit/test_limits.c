/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - the probes give numbers that can be true.
 *
 * Absolute values belong to the machine. What must hold on every one: a cost is finite and
 * positive, the least is not above the median, and what contains something else costs more than it.
 * The last kind has room for noise: a factor of two between things that lie much further apart.
 */
#include "../limits.h"
#include "../peer.h"

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct bench bench;
static struct limit_result results[LIMITS_MAX];
static size_t count;

static int measure_once(void **state)
{
    (void)state;
    if (bench_init(&bench, 500000) != 0)
        return -1;
    count = limits_run(&bench, results);
    return 0;
}

static double least(const char *id)
{
    const struct limit_result *result = limit_find(results, count, id);
    assert_non_null(result);
    return result->min;
}

static void median_of_few(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2};
    double even[] = {4, 1, 3, 2};
    assert_true(isnan(limit_median(odd, 0)));
    assert_true(limit_median(odd, 1) > 2.9);
    assert_true(fabs(limit_median(odd, 3) - 2) < 1e-12);
    assert_true(fabs(limit_median(even, 4) - 2.5) < 1e-12);
}

static void every_probe_gives_a_cost_or_a_reason(void **state)
{
    (void)state;
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        if (isnan(results[i].median)) {
            assert_true(results[i].reason[0] != '\0');
            continue;
        }
        assert_true(results[i].min > 0);
        assert_true(results[i].min <= results[i].median);
        assert_true(results[i].median < 1e9);
    }
}

static void ids_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(limit_find(results, count, results[i].id), &results[i]);
    assert_null(limit_find(results, count, "C0"));
}

static void what_contains_more_costs_more(void **state)
{
    (void)state;
    assert_true(least("C12r") > least("C12"));     /* write + read, write */
    assert_true(least("C13r") * 2 > least("C13")); /* one ready, none ready */
    assert_true(least("C15s") > least("C14"));     /* a futex that wakes, one that does not */
    assert_true(least("C16s") > least("C12"));
    assert_true(least("C6") * 2 > least("C4"));
    assert_true(least("C11") > least("C2"));
}

static void two_cpus_pay_for_moving_lines(void **state)
{
    (void)state;
    if (bench.cpu_count < 2)
        skip();
    assert_true(least("C8") > least("C4"));
    assert_true(least("C15") > least("C8"));
    assert_true(least("C9") < least("C8"));
}

static void derived_limits_follow_from_their_parts(void **state)
{
    (void)state;
    struct limit_result given[LIMITS_MAX] = {
        {.id = "C2", .median = 2, .min = 1},
        {.id = "C4", .median = 3, .min = 3},
        {.id = "C9", .median = 8, .min = 4},
        {.id = "C8", .median = NAN, .min = NAN},
    };
    size_t all = limits_derive(given, 4);
    const struct limit_result *l3 = limit_find(given, all, "L3");
    const struct limit_result *l4 = limit_find(given, all, "L4");
    const struct limit_result *l1 = limit_find(given, all, "L1");
    assert_true(fabs(l3->median - 4) < 1e-12);
    assert_true(fabs(l3->min - 2) < 1e-12);
    assert_true(fabs(l1->median - 4) < 1e-12);
    assert_true(fabs(l1->min - 3) < 1e-12);
    assert_true(isnan(l4->median));
    assert_string_equal(l4->reason, "C8 was not measured");
}

/* On one CPU, what needs two is null with words, and the rest is measured all the same. */
static void one_cpu_gives_reasons_not_numbers(void **state)
{
    (void)state;
    cpu_set_t saved;
    assert_int_equal(sched_getaffinity(0, sizeof saved, &saved), 0);
    assert_int_equal(pin_to(bench.cpus[0]), 0);
    struct bench one;
    assert_int_equal(bench_init(&one, 100000), 0);
    assert_int_equal(one.cpu_count, 1);
    for (const struct limit *limit = limits_pair; limit->id; limit++) {
        struct limit_result result;
        limit_run(limit, &one, &result);
        assert_true(isnan(result.median));
        assert_string_equal(result.reason, "needs two CPUs, this process may use one");
    }
    for (const struct limit *limit = limits_wake; limit->id; limit++) {
        struct limit_result result;
        limit_run(limit, &one, &result);
        assert_true(limit->two_cpus == (bool)isnan(result.median));
    }
    assert_int_equal(sched_setaffinity(0, sizeof saved, &saved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_of_few),
        cmocka_unit_test(every_probe_gives_a_cost_or_a_reason),
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(what_contains_more_costs_more),
        cmocka_unit_test(two_cpus_pay_for_moving_lines),
        cmocka_unit_test(derived_limits_follow_from_their_parts),
        cmocka_unit_test(one_cpu_gives_reasons_not_numbers),
    };
    return cmocka_run_group_tests_name("limits", tests, measure_once, NULL);
}
