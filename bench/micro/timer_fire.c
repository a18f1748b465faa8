/* SPDX-License-Identifier: MIT */
/*
 * timer_fire.c - what does it cost the loop to fire a timer that is due?
 *
 * A round arms MICRO_BATCH timers with delays below SPREAD_NS, waits until all are due, and times
 * the turns until all have fired. Arming is timed apart (ns_per_arm). n others are pending
 * meanwhile, a minute and more away.
 */
#include "../race/clock.h"
#include "../race/gauge.h"
#include "../race/random.h"
#include "cases.h"
#include "timer_population.h"

#include <inttypes.h>

#define SPREAD_NS UINT64_C(20000)
#define ROUND_TURNS_MAX 1000000

static struct {
    struct solo solo;
    struct timer_population others;
    struct random random;
    uint64_t fired;
    uint64_t early;
    uint64_t armed;
    uint64_t arming_ns;
} state;

/* The argument is when it may fire at the earliest, counted from before the call that armed it. */
static void fire(void *arg)
{
    state.fired++;
    state.early += velo_loop_now_ns(state.solo.loop) < (uintptr_t)arg;
}

static void arm_batch(void)
{
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < MICRO_BATCH; i++) {
        uint64_t delay_ns = random_below(&state.random, SPREAD_NS);
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a time */
        void *earliest = (void *)(uintptr_t)(begin_ns + delay_ns);
        solo_note(&state.solo,
                  velo_timer_start(state.solo.loop, delay_ns, 0, fire, earliest, NULL));
    }
    state.armed += MICRO_BATCH;
    state.arming_ns += clock_now_ns() - begin_ns;
}

/* How long it took to fire them all. */
static uint64_t fire_batch(void)
{
    uint64_t due_ns = clock_now_ns() + SPREAD_NS;
    while (clock_now_ns() < due_ns)
        cpu_relax();
    uint64_t begin_ns = clock_now_ns();
    for (int turns = 0; state.fired < state.armed && turns < ROUND_TURNS_MAX; turns++)
        solo_turn(&state.solo);
    return clock_now_ns() - begin_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct race *race = load;
    uint64_t end_ns = clock_now_ns() + duration_ns;
    do {
        uint64_t fired = state.fired;
        arm_batch();
        lap->elapsed_ns += fire_batch();
        lap->units += state.fired - fired;
        if (state.fired != state.armed)
            race_fail(
                race, "%" PRIu64 " timers were due, %" PRIu64 " fired", state.armed, state.fired);
    } while (race_check(race, state.solo.failed, "a call inside the window") &&
             clock_now_ns() < end_ns);
}

static void open_window(void *load)
{
    (void)load;
    state.armed = state.fired = state.arming_ns = 0;
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {
        .load = race, .lap = lap, .open = open_window, .stage = &state.solo.stage};
    state.random.state = race->seed;
    if (!solo_open(&state.solo, race) ||
        !timer_population_arm(&state.others, &state.solo, params_integer(&race->params, "n")))
        return;
    if (window_run(race, &plan, &total)) {
        micro_report(race, &total);
        race_metric(race, "ns_per_arm", (double)state.arming_ns / (double)state.armed);
    }
    if (state.early > 0)
        race_fail(race, "%" PRIu64 " timers fired before their time", state.early);
    timer_population_cancel(&state.others, &state.solo);
    solo_close(&state.solo);
}

static const struct metric_spec metrics[] = {
    {"ns_per_op", "ns", false},
    {"ns_per_arm", "ns", false},
    {NULL, NULL, false},
};

static const struct micro_point points[] = {
    {"-", 0, false},
    {"n=1000", 1e3, false},
    {"n=100000", 1e5, false},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_fire = {
    .load = {.name = "timer_fire",
             .summary = "fire a timer that is due, 1024 at a time, n others pending",
             .params = timer_population_params,
             .metrics = metrics,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
