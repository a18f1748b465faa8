/* SPDX-License-Identifier: MIT */
/* submit_many.c - what does a task cost from another thread, n at a time, to a loop that is awake?
 */
#include "cases.h"
#include "flow.h"

static void run(struct race *race)
{
    flow_run(race, params_integer(&race->params, "n"));
}

static const struct param_spec params[] = {
    {"n", PARAM_INTEGER, 2, 64, 8, NULL, "tasks of one call"},
    {.name = NULL},
};
static const struct micro_point points[] = {
    {"n=8", 8, true},
    {"n=64", 64, false},
    {NULL, 0, false},
};

const struct micro_case case_submit_many = {
    .load = {.name = "submit_many",
             .summary = "a task of a batch of n from another thread to a loop that is awake",
             .params = params,
             .metrics = flow_metrics,
             .needs = VELO_CAP_IMMEDIATES | VELO_CAP_BATCH,
             .run = run},
    .family = "cap",
    .points = points,
};
