/* SPDX-License-Identifier: MIT */
/* next_tick.c - what does a next tick cost, queued by a callback and run in the same checkpoint? */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    fan_run(race, velo_next_tick);
}

const struct micro_case case_next_tick = {
    .load = {.name = "next_tick",
             .summary = "a next tick: queue, checkpoint and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_MICROTASKS,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
