/* SPDX-License-Identifier: MIT */
/*
 * timer_replace.c - what does it cost to cancel any one of n timers and arm another?
 *
 * The hard order: victims are drawn at random, so with a million of them each operation finds cold
 * memory. timer_arm_cancel.c asks the same about recent timers.
 */
#include "../race/clock.h"
#include "cases.h"
#include "timer_population.h"

static struct {
    struct solo solo;
    struct timer_population all;
    uint64_t pairs;
} state;

static void work(void *arg)
{
    (void)arg;
    struct timer_population *all = &state.all;
    for (int i = 0; i < MICRO_BATCH; i++) {
        velo_id *victim = &all->ids[random_below(&all->random, all->count)];
        uint64_t delay_ns = timer_population_delay_ns(all);
        solo_note(&state.solo, velo_timer_cancel(state.solo.loop, *victim));
        solo_note(
            &state.solo,
            velo_timer_start(state.solo.loop, delay_ns, 0, timer_population_fire, all, victim));
    }
    state.pairs += MICRO_BATCH;
    if (solo_is_due(&state.solo))
        solo_end(&state.solo);
    else
        solo_note(&state.solo, velo_submit(state.solo.loop, work, NULL));
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t pairs = state.pairs;
    uint64_t begin_ns = clock_now_ns();
    state.solo.deadline_ns = begin_ns + duration_ns;
    solo_note(&state.solo, velo_submit(state.solo.loop, work, NULL));
    solo_turn_until_end(&state.solo);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = state.pairs - pairs;
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &state.solo.stage};
    if (!solo_open(&state.solo, race) ||
        !timer_population_arm(&state.all, &state.solo, params_integer(&race->params, "n")))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    timer_population_cancel(&state.all, &state.solo);
    solo_close(&state.solo);
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, false},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_replace = {
    .load = {.name = "timer_replace",
             .summary = "cancel any one of n timers and arm another, on the owner",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
