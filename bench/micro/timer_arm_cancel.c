/* SPDX-License-Identifier: MIT */
/* timer_arm_cancel.c - what does a time-out cost that never happens, with n others pending? */
#include "cases.h"
#include "timer_churn.h"

static void cancel_and_arm(void)
{
    const size_t slot = timer_churn_slot();
    batch_note(timer_churn_stop(slot));
    batch_note(timer_churn_start(slot, timer_churn_delay_ns()));
}

static void run(struct race *race)
{
    timer_churn_run(race, &timer_churn_velo, cancel_and_arm);
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, true},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_arm_cancel = {
    .load = {.name = "timer_arm_cancel",
             .summary = "arm a timer and cancel a recent one, on the owner, n others pending",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
