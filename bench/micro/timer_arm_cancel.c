/* SPDX-License-Identifier: MIT */
/*
 * timer_arm_cancel.c - what does a time-out cost that never happens, with n others pending?
 *
 * The way of most timers: armed, then cancelled a little later because the answer came. Each
 * operation arms one and cancels the one armed IN_FLIGHT operations ago, in a callback on the
 * owner. The n others are not touched.
 */
#include "batch.h"
#include "cases.h"
#include "timer_population.h"

enum { IN_FLIGHT = 64 };

static struct {
    struct timer_population others;
    velo_id recent[IN_FLIGHT];
    size_t next;
} state;

static void arm(size_t slot)
{
    batch_note(velo_timer_start(batch.solo.loop,
                                timer_population_delay_ns(&state.others),
                                0,
                                timer_population_fire,
                                &state.others,
                                &state.recent[slot]));
}

static void cancel(size_t slot)
{
    batch_note(velo_timer_cancel(batch.solo.loop, state.recent[slot]));
}

static void cancel_and_arm(void)
{
    size_t slot = state.next++ % IN_FLIGHT;
    cancel(slot);
    arm(slot);
}

/* Every cancel has answered 0 (batch_note), so none can have fired: count them all the same. */
static void run(struct race *race)
{
    size_t others = params_integer(&race->params, "n");
    if (!batch_open(race) || !timer_population_arm(&state.others, &batch.solo, others))
        return;
    for (size_t slot = 0; slot < IN_FLIGHT; slot++)
        arm(slot);
    batch_measure(cancel_and_arm);
    for (size_t slot = 0; slot < IN_FLIGHT; slot++)
        cancel(slot);
    timer_population_cancel(&state.others, &batch.solo);
    batch_close();
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
