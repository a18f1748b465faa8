/* SPDX-License-Identifier: MIT */
/* submit_metrics.c - case submit with the option metrics: the difference is its price (X3). */
#include "cases.h"
#include "flow.h"

static void run(struct race *race)
{
    race->tune = race_tune_metrics;
    flow_run(race, 1);
}

const struct micro_case case_submit_metrics = {
    .load = {.name = "submit_metrics",
             .summary = "submit, with the loop's metrics on: what do they cost?",
             .params = micro_no_params,
             .metrics = flow_metrics,
             .needs = VELO_CAP_IMMEDIATES | VELO_CAP_METRICS,
             .run = run},
    .family = "cap",
    .points = micro_only_point,
};
