/* SPDX-License-Identifier: MIT */
/*
 * timer_replace.c - what does it cost to cancel any one of n timers and arm another?
 *
 * The hard order: victims are drawn at random, so with a million of them each operation finds cold
 * memory. timer_arm_cancel.c asks the same about recent timers.
 */
#include "batch.h"
#include "cases.h"
#include "timer_population.h"

static struct timer_population all;

static void replace(void)
{
    velo_id *victim = &all.ids[random_below(&all.random, all.count)];
    uint64_t delay_ns = timer_population_delay_ns(&all);
    batch_note(velo_timer_cancel(batch.solo.loop, *victim));
    batch_note(velo_timer_start(batch.solo.loop, delay_ns, 0, timer_population_fire, &all, victim));
}

static void run(struct race *race)
{
    size_t count = params_integer(&race->params, "n");
    if (!batch_open(race) || !timer_population_arm(&all, &batch.solo, count))
        return;
    batch_measure(replace);
    timer_population_cancel(&all, &batch.solo);
    batch_close();
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
