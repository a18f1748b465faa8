/* SPDX-License-Identifier: MIT */
/*
 * test_window.c - the warm-up rule and the two halves, with laps that cost what the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../clock.h"
#include "../window.h"

/* No contestant here: what window.c asks of one. */
void stage_metrics(const struct stage *stage, struct velo_metrics *out)
{
    (void)stage;
    memset(out, 0, sizeof *out);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl nobody = {.name = "nobody"};
    return &nobody;
}

const char *velo_strerror(int result)
{
    (void)result;
    return "";
}

static struct race race;

static struct {
    const uint64_t *costs; /* of successive laps; the last one repeats */
    size_t count, laps, laps_when_opened;
    uint64_t asked_ns; /* duration of the last lap */
    bool spend;        /* really spend the time */
    uint64_t open_ns;  /* processor time that opening takes */
} script;

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t end_ns = clock_now_ns() + (script.spend ? duration_ns : 0);
    (void)load;
    while (clock_now_ns() < end_ns)
        continue;
    size_t i = script.laps < script.count ? script.laps : script.count - 1;
    script.laps++;
    script.asked_ns = duration_ns;
    out->units = script.costs[i] == 0 ? 0 : 1000;
    out->elapsed_ns = script.costs[i] * 1000;
}

static void opened(void *load)
{
    (void)load;
    script.laps_when_opened = script.laps;
    const clock_t end = clock() + (clock_t)(script.open_ns / (NS_PER_S / CLOCKS_PER_SEC));
    while (clock() < end)
        continue;
}

static const struct load nothing = {.name = "nothing"};
static const struct window_plan plan = {.lap = lap, .open = opened};

static bool run(const uint64_t *costs, size_t count, uint64_t window_ns, struct lap *total)
{
    race_init(&race);
    race.load = &nothing;
    race.window_ns = window_ns;
    script.costs = costs;
    script.count = count;
    script.laps = 0;
    return window_run(&race, &plan, total);
}

static void two_close_laps_end_the_warm_up(void **state)
{
    (void)state;
    const uint64_t costs[] = {100, 50, 54, 54, 54};
    struct lap total;
    assert_true(run(costs, 5, 10 * NS_PER_S, &total));
    assert_int_equal(script.laps_when_opened, 3);
    assert_int_equal(race.result.warmup_reason, WARMUP_STEADY);
    assert_true(race.result.steady);
    assert_int_equal(total.units, 2000);
    assert_int_equal(total.elapsed_ns, 108000);
    assert_int_equal(race.result.elapsed_ns, 108000);
}

static void ten_percent_is_the_border(void **state)
{
    (void)state;
    const uint64_t close[] = {100, 90}, apart[] = {100, 89, 100, 89, 89};
    struct lap total;
    assert_true(run(close, 2, 10 * NS_PER_S, &total));
    assert_int_equal(script.laps_when_opened, 2);
    assert_true(run(apart, 5, 10 * NS_PER_S, &total));
    assert_int_equal(script.laps_when_opened, 5);
}

static void warm_up_ends_after_its_limit(void **state)
{
    (void)state;
    uint64_t costs[100];
    struct lap total;
    for (size_t i = 0; i < 100; i++)
        costs[i] = i % 2 == 0 ? 100 : 200;
    script.spend = true;
    assert_true(run(costs, 100, 6 * NS_PER_MS, &total));
    script.spend = false;
    assert_int_equal(race.result.warmup_reason, WARMUP_TIMEOUT);
    assert_in_range(script.laps_when_opened, 1, 6); /* one is enough where it is held up */
    assert_true(race.result.warmup_ms >= 6);
    assert_false(race.result.steady);
}

static void a_window_is_two_laps_of_half_its_length(void **state)
{
    (void)state;
    const uint64_t costs[] = {100};
    struct lap total;
    assert_true(run(costs, 1, 400 * NS_PER_MS, &total));
    assert_int_equal(script.laps - script.laps_when_opened, 2);
    assert_int_equal(script.asked_ns, 200 * NS_PER_MS);
}

/* Reading what the window costs takes time, too: nothing comes between opening and the first lap.
 */
static void opening_is_the_last_thing_before_the_first_lap(void **state)
{
    (void)state;
    const uint64_t costs[] = {100};
    struct lap total;
    script.open_ns = 30 * NS_PER_MS;
    assert_true(run(costs, 1, NS_PER_MS, &total));
    script.open_ns = 0;
    assert_true(race.result.covariates.cpu_ns >= 20 * NS_PER_MS);
}

static void fixed_work_is_one_lap_without_warm_up(void **state)
{
    (void)state;
    const uint64_t costs[] = {100, 300};
    const struct window_plan once = {.lap = lap, .once = true};
    struct lap total;
    race_init(&race);
    race.load = &nothing;
    race.window_ns = NS_PER_MS;
    script.costs = costs;
    script.count = 2;
    script.laps = 0;
    assert_true(window_run(&race, &once, &total));
    assert_int_equal(script.laps, 1);
    assert_int_equal(race.result.warmup_reason, WARMUP_NONE);
    assert_true(race.result.steady);
    assert_int_equal(total.units, 1000);
}

static void nothing_delivered_is_a_failure(void **state)
{
    (void)state;
    const uint64_t costs[] = {0};
    struct lap total;
    assert_false(run(costs, 1, NS_PER_MS, &total));
    assert_false(race.result.ok);
    assert_string_equal(race.result.error, "nothing was delivered in the window");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_close_laps_end_the_warm_up),
        cmocka_unit_test(ten_percent_is_the_border),
        cmocka_unit_test(warm_up_ends_after_its_limit),
        cmocka_unit_test(a_window_is_two_laps_of_half_its_length),
        cmocka_unit_test(opening_is_the_last_thing_before_the_first_lap),
        cmocka_unit_test(fixed_work_is_one_lap_without_warm_up),
        cmocka_unit_test(nothing_delivered_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
