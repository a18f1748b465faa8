/* SPDX-License-Identifier: MIT */
/* submit_priority.c - what does a task of the priority lane cost, submitted by a callback? */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    fan_run(race, velo_submit_priority);
}

const struct micro_case case_submit_priority = {
    .load = {.name = "submit_priority",
             .summary = "a priority task that the owner submits: submit, dispatch and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_PRIORITY,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
