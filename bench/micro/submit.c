/* SPDX-License-Identifier: MIT */
/* submit.c - what does a task cost from another thread, one by one, to a loop that is awake? */
#include "cases.h"
#include "flow.h"

static void run(struct race *race)
{
    flow_run(race, 1);
}

const struct micro_case case_submit = {
    .load = {.name = "submit",
             .summary =
                 "a task from another thread to a loop that is awake: from submit to its end",
             .params = micro_no_params,
             .metrics = flow_metrics,
             .needs = VELO_CAP_IMMEDIATES,
             .run = run},
    .family = "cap",
    .points = micro_only_point,
};
