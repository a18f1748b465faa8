/* SPDX-License-Identifier: MIT */
/*
 * timer_cancel_foreign.c - what does an exact cancel cost from a thread that does not own the loop?
 *
 * A round arms MICRO_BATCH timers, lets the loop adopt them, and times the cancels, in shuffled
 * order. Each must answer 0: prevented. Arming from the foreign thread is timed apart (ns_per_arm).
 */
#include "../race/clock.h"
#include "../race/random.h"
#include "../race/window.h"
#include "cases.h"
#include "micro.h"

#include <inttypes.h>

static struct {
    struct stage stage;
    struct race *race;
    struct random random;
    velo_id ids[MICRO_BATCH];
    uint64_t armed;
    uint64_t arming_ns;
    uint64_t fired; /* the loop writes; read after its end */
} state;

static void fire(void *arg)
{
    (void)arg;
    state.fired++;
}

static void nothing(void *arg)
{
    (void)arg;
}

static int arm_all(void)
{
    uint64_t begin_ns = clock_now_ns();
    int rc = 0;
    for (int i = 0; i < MICRO_BATCH && rc == 0; i++) {
        uint64_t delay_ns = 60 * NS_PER_S + random_below(&state.random, 3600 * NS_PER_S);
        rc = velo_timer_start(state.stage.loop, delay_ns, 0, fire, NULL, &state.ids[i]);
    }
    state.arming_ns += clock_now_ns() - begin_ns;
    state.armed += MICRO_BATCH;
    return rc;
}

static void shuffle(void)
{
    for (size_t i = MICRO_BATCH - 1; i > 0; i--) {
        size_t k = random_below(&state.random, i + 1);
        velo_id id = state.ids[i];
        state.ids[i] = state.ids[k];
        state.ids[k] = id;
    }
}

static uint64_t cancel_all(void)
{
    uint64_t begin_ns = clock_now_ns();
    int rc = 0;
    for (int i = 0; i < MICRO_BATCH && rc == 0; i++)
        rc = velo_timer_cancel(state.stage.loop, state.ids[i]);
    uint64_t elapsed_ns = clock_now_ns() - begin_ns;
    race_check(state.race, rc, "velo_timer_cancel");
    return elapsed_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t end_ns = clock_now_ns() + duration_ns;
    bool ok = true;
    do {
        ok = race_check(state.race, arm_all(), "velo_timer_start") &&
             stage_call(&state.stage, nothing, NULL);
        if (!ok)
            return;
        shuffle();
        lap->elapsed_ns += cancel_all();
        lap->units += MICRO_BATCH;
        ok = stage_call(&state.stage, nothing, NULL);
    } while (ok && clock_now_ns() < end_ns);
}

static void open_window(void *load)
{
    (void)load;
    state.armed = state.arming_ns = 0;
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &state.stage};
    state.race = race;
    state.random.state = race->seed;
    if (!stage_open(&state.stage, race))
        return;
    if (window_run(race, &plan, &total)) {
        micro_report(race, &total);
        race_metric(race, "ns_per_arm", (double)state.arming_ns / (double)state.armed);
    }
    stage_close(&state.stage);
    if (race->result.ok && state.fired != 0)
        race_fail(race, "%" PRIu64 " cancelled timers fired", state.fired);
}

static const struct metric_spec metrics[] = {
    {"ns_per_op", "ns", false},
    {"ns_per_arm", "ns", false},
    {NULL, NULL, false},
};

const struct micro_case case_timer_cancel_foreign = {
    .load = {.name = "timer_cancel_foreign",
             .summary = "velo_timer_cancel from another thread, exact",
             .params = micro_no_params,
             .metrics = metrics,
             .needs = VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
