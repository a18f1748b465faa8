/* SPDX-License-Identifier: MIT */
/* owner_submit_metrics.c - case owner_submit with the option metrics: the difference is its price
 * (X3), without what two threads add. */
#include "cases.h"
#include "fan.h"

static void run(struct race *race)
{
    race->tune = race_tune_metrics;
    fan_run(race, velo_submit);
}

const struct micro_case case_owner_submit_metrics = {
    .load = {.name = "owner_submit_metrics",
             .summary = "owner_submit, with the loop's metrics on: what do they cost?",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_METRICS,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
