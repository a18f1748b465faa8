/* SPDX-License-Identifier: MIT */
/*
 * timer_restart.c - what does it cost to put off any one of n pending timers?
 *
 * What a connection does with its time-out at every message. Victims are drawn at random, as in
 * timer_replace.c.
 */
#include "batch.h"
#include "cases.h"
#include "timer_population.h"

static struct timer_population all;

static void put_off(void)
{
    velo_id victim = all.ids[random_below(&all.random, all.count)];
    batch_note(velo_timer_restart(batch.solo.loop, victim, timer_population_delay_ns(&all)));
}

static void run(struct race *race)
{
    size_t count = params_integer(&race->params, "n");
    if (!batch_open(race) || !timer_population_arm(&all, &batch.solo, count))
        return;
    batch_measure(put_off);
    timer_population_cancel(&all, &batch.solo);
    batch_close();
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, false},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_restart = {
    .load = {.name = "timer_restart",
             .summary = "put off any one of n timers, on the owner",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
