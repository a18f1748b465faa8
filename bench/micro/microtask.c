/* SPDX-License-Identifier: MIT */
/* microtask.c - what does a microtask cost, queued by a callback and run in the same checkpoint? */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    fan_run(race, velo_queue_microtask);
}

const struct micro_case case_microtask = {
    .load = {.name = "microtask",
             .summary = "a microtask: queue, checkpoint and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_MICROTASKS,
             .ceiling = true,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
