/* SPDX-License-Identifier: MIT */
/* owner_submit.c - what does a task cost that a callback of the loop submits itself? */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    fan_run(race, velo_submit);
}

const struct micro_case case_owner_submit = {
    .load = {.name = "owner_submit",
             .summary = "a task that the owner submits: submit, dispatch and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = 0,
             .run = run},
    .family = "cpu",
    .points = micro_core_point,
};
