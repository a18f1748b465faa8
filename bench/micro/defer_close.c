/* SPDX-License-Identifier: MIT */
/* defer_close.c - what does a close callback cost: deferred, dispatched and called? */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    fan_run(race, velo_defer_close);
}

const struct micro_case case_defer_close = {
    .load = {.name = "defer_close",
             .summary = "a close callback that the owner defers: defer, dispatch and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
