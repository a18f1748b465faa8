/* SPDX-License-Identifier: MIT */
/*
 * timer_arm_cancel.c - what does a time-out cost that never happens, with n others pending?
 *
 * The way of most timers: armed, then cancelled a little later because the answer came. Each
 * operation arms one and cancels the one armed IN_FLIGHT operations ago, in a callback on the
 * owner. The n others are not touched.
 */
#include "../race/clock.h"
#include "cases.h"
#include "timer_population.h"

#include <errno.h>
#include <string.h>

enum { IN_FLIGHT = 64 };

static struct {
    struct solo solo;
    struct timer_population others;
    velo_id recent[IN_FLIGHT];
    size_t next;
    uint64_t pairs;
} state;

static void arm(size_t slot)
{
    solo_note(&state.solo,
              velo_timer_start(state.solo.loop,
                               timer_population_delay_ns(&state.others),
                               0,
                               timer_population_fire,
                               &state.others,
                               &state.recent[slot]));
}

static void cancel(size_t slot)
{
    solo_note(&state.solo, velo_timer_cancel(state.solo.loop, state.recent[slot]));
}

/* A batch in one callback, then a turn, in which a contestant may tidy up. */
static void work(void *arg)
{
    (void)arg;
    for (int i = 0; i < MICRO_BATCH; i++) {
        size_t slot = state.next++ % IN_FLIGHT;
        cancel(slot);
        arm(slot);
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

/* Every cancel has answered 0 (solo_note), so none can have fired: count them all the same. */
static void finish(void)
{
    for (size_t slot = 0; slot < IN_FLIGHT; slot++)
        cancel(slot);
    race_check(state.solo.race, state.solo.failed, "velo_timer_cancel");
    timer_population_cancel(&state.others, &state.solo);
    solo_close(&state.solo);
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &state.solo.stage};
    if (!solo_open(&state.solo, race) ||
        !timer_population_arm(&state.others, &state.solo, params_integer(&race->params, "n")))
        return;
    for (size_t slot = 0; slot < IN_FLIGHT; slot++)
        arm(slot);
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    finish();
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, true},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_arm_cancel = {
    .load = {.name = "timer_arm_cancel",
             .summary = "arm a timer and cancel a recent one, on the owner, n others pending",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
