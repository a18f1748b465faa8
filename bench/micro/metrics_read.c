/* SPDX-License-Identifier: MIT */
/* metrics_read.c - what does a snapshot of all counters cost who takes it on the owner? */
#include "batch.h"
#include "cases.h"

static uint64_t turns;

static void read_metrics(void)
{
    struct velo_metrics m = {.size = sizeof m};
    batch_note(velo_metrics_read(batch.solo.loop, &m));
    turns = m.turns;
}

static void run(struct race *race)
{
    if (!batch_open(race))
        return;
    batch_measure(read_metrics);
    if (race->result.ok && turns == 0)
        race_fail(race, "the counters say that there was no turn");
    batch_close();
}

const struct micro_case case_metrics_read = {
    .load = {.name = "metrics_read",
             .summary = "velo_metrics_read on the owner",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_METRICS,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
