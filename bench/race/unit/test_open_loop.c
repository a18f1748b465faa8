/* SPDX-License-Identifier: MIT */
/*
 * test_open_loop.c - the schedule: its mean, its shape, its seed; nothing early, nothing left out.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../clock.h"
#include "../open_loop.h"

#define RATE 100000.0
#define ARRIVALS_MAX 4096

const char *velo_strerror(int result)
{
    (void)result;
    return "";
}

static struct race race;
static struct open_loop generator, other;
static uint64_t intended_ns[ARRIVALS_MAX], sent_ns[ARRIVALS_MAX];
static uint64_t count, stall_at, stall_ns;

static bool take(void *load, uint64_t intended, uint64_t now)
{
    (void)load;
    if (count == ARRIVALS_MAX)
        return false;
    intended_ns[count] = intended;
    sent_ns[count] = now;
    if (count++ == stall_at) {
        uint64_t end_ns = clock_now_ns() + stall_ns;
        while (clock_now_ns() < end_ns)
            continue;
    }
    return true;
}

static void start(double rate, bool poisson, uint64_t seed)
{
    race_init(&race);
    race.cpus.spins = 1;
    generator.race = &race;
    generator.send = take;
    generator.sent = 0;
    count = 0;
    stall_at = UINT64_MAX;
    open_loop_schedule(&generator, rate, poisson, seed);
    open_loop_start(&generator);
}

static double mean_gap_ns(const struct open_loop *loop)
{
    double sum = 0;
    for (size_t i = 0; i < GAPS; i++)
        sum += loop->gaps_ns[i];
    return sum / (double)GAPS;
}

static void the_mean_is_exactly_the_rate(void **state)
{
    (void)state;
    start(RATE, true, 1);
    assert_true(fabs(mean_gap_ns(&generator) - 1e9 / RATE) < 1e-6);
    start(RATE, false, 1);
    assert_true(fabs(mean_gap_ns(&generator) - 1e9 / RATE) < 1e-6);
}

static void constant_gaps_are_equal(void **state)
{
    (void)state;
    start(RATE, false, 1);
    for (size_t i = 0; i < GAPS; i++)
        assert_true(generator.gaps_ns[i] == generator.gaps_ns[0]);
}

/* Exponential: the standard deviation equals the mean, and a share of exp(-1) is longer. */
static void poisson_gaps_are_exponential(void **state)
{
    (void)state;
    start(RATE, true, 1);
    double mean = mean_gap_ns(&generator), squares = 0, longer = 0;
    for (size_t i = 0; i < GAPS; i++) {
        double off = generator.gaps_ns[i] - mean;
        squares += off * off;
        longer += generator.gaps_ns[i] > mean;
        assert_true(generator.gaps_ns[i] >= 0 && isfinite(generator.gaps_ns[i]));
    }
    assert_true(fabs(sqrt(squares / (double)GAPS) / mean - 1) < 0.03);
    assert_true(fabs(longer / (double)GAPS - exp(-1)) < 0.01);
}

static void the_schedule_is_a_function_of_the_seed(void **state)
{
    (void)state;
    start(RATE, true, 7);
    open_loop_schedule(&other, RATE, true, 7);
    assert_memory_equal(generator.gaps_ns, other.gaps_ns, sizeof other.gaps_ns);
    open_loop_schedule(&other, RATE, true, 8);
    assert_true(generator.gaps_ns[0] != other.gaps_ns[0]);
}

static void nothing_is_sent_before_its_time(void **state)
{
    (void)state;
    start(RATE, true, 3);
    open_loop_run(&generator, 10 * NS_PER_MS);
    assert_true(race.result.ok);
    assert_int_equal(generator.sent, count);
    assert_int_equal(generator.slip.count, count);
    assert_in_range(count, 800, 1200);
    for (uint64_t i = 0; i < count; i++)
        assert_true(sent_ns[i] >= intended_ns[i]);
}

/* Coordinated omission: a stall of 5 ms delays 500 arrivals, and drops none. */
static void a_stall_delays_arrivals_but_drops_none(void **state)
{
    (void)state;
    start(RATE, false, 3);
    stall_at = 100;
    stall_ns = 5 * NS_PER_MS;
    open_loop_run(&generator, 10 * NS_PER_MS);
    assert_in_range(count, 999, 1001);
    for (uint64_t i = 1; i < count; i++)
        assert_in_range(intended_ns[i] - intended_ns[i - 1], 9999, 10001);
    assert_true(sent_ns[101] - intended_ns[101] >= 4900 * NS_PER_US);
    assert_true(generator.slip.max >= 4900 * NS_PER_US);
}

static void successive_runs_continue_one_schedule(void **state)
{
    (void)state;
    start(RATE, false, 3);
    for (int lap = 0; lap < 5; lap++)
        open_loop_run(&generator, 2 * NS_PER_MS);
    assert_in_range(count, 999, 1001);
    for (uint64_t i = 1; i < count; i++)
        assert_in_range(intended_ns[i] - intended_ns[i - 1], 9999, 10001);
}

static void wait_ns(uint64_t duration_ns)
{
    clock_sleep_until(clock_now_ns() + duration_ns);
}

/* The time between two runs is the harness's own, but what was late before stays late. */
static void a_pause_of_the_harness_delays_nobody(void **state)
{
    (void)state;
    const uint64_t pause_ns = 500 * NS_PER_MS;
    start(RATE, false, 3);
    open_loop_run(&generator, NS_PER_MS);
    wait_ns(pause_ns);
    open_loop_resume(&generator);
    recorder_init(&generator.slip);
    open_loop_run(&generator, NS_PER_MS);
    assert_true(generator.slip.max < pause_ns);
    start(RATE, false, 3);
    stall_at = 90;
    stall_ns = pause_ns;
    open_loop_run(&generator, NS_PER_MS); /* its last arrivals are late by the stall */
    open_loop_resume(&generator);
    recorder_init(&generator.slip);
    open_loop_run(&generator, NS_PER_MS);
    assert_true(generator.slip.max >= pause_ns - 5 * NS_PER_MS);
}

static void a_failing_send_ends_the_run(void **state)
{
    (void)state;
    start(1e6, false, 1);
    open_loop_run(&generator, NS_PER_S);
    assert_int_equal(count, ARRIVALS_MAX);
}

static uint64_t done_but_the_last_ten(void *load)
{
    (void)load;
    return count > 10 ? count - 10 : 0;
}

static bool count_only(void *load, uint64_t intended, uint64_t now)
{
    (void)load;
    count += intended == now;
    return true;
}

static uint64_t never_done(void *load)
{
    (void)load;
    return 0;
}

/* Where nothing is ever delivered the pilot sends its credit, and the rate is the least one. */
static void the_pilot_keeps_to_its_credit_and_has_a_rate_or_fails(void **state)
{
    (void)state;
    start(RATE, true, 1);
    generator.send = count_only;
    assert_true(open_loop_pilot(&generator, done_but_the_last_ten, 100) > 1000);
    assert_int_equal(generator.sent, count);
    start(RATE, true, 1);
    generator.send = count_only;
    assert_true(open_loop_pilot(&generator, never_done, 5) == 0); /* after its patience */
    assert_int_equal(count, 5);
    assert_false(race.result.ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_is_exactly_the_rate),
        cmocka_unit_test(constant_gaps_are_equal),
        cmocka_unit_test(poisson_gaps_are_exponential),
        cmocka_unit_test(the_schedule_is_a_function_of_the_seed),
        cmocka_unit_test(nothing_is_sent_before_its_time),
        cmocka_unit_test(a_stall_delays_arrivals_but_drops_none),
        cmocka_unit_test(successive_runs_continue_one_schedule),
        cmocka_unit_test(a_pause_of_the_harness_delays_nobody),
        cmocka_unit_test(a_failing_send_ends_the_run),
        cmocka_unit_test(the_pilot_keeps_to_its_credit_and_has_a_rate_or_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
