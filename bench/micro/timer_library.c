/* SPDX-License-Identifier: MIT */
/*
 * timer_library.c - the same question as in timer_arm_cancel, put to the library that a guest
 * stands for.
 *
 * A guest runs its library's own timers, bare (timer_library.h): handles that were allocated
 * before, no adapter. Everybody else runs velo.h's, with all that the contract promises of them.
 */
#include "timer_library.h"

#include "cases.h"
#include "timer_churn.h"

static const struct timer_library *library;

static void cancel_and_arm(void)
{
    const size_t slot = timer_churn_slot();
    batch_note(library->stop(slot));
    batch_note(library->start(slot, timer_churn_delay_ns()));
}

static void run(struct race *race)
{
    library = timer_library != NULL ? timer_library() : &timer_churn_velo;
    timer_churn_run(race, library, cancel_and_arm);
}

static const struct micro_point points[] = {
    {"n=1000", 1e3, false},
    {"n=1000000", 1e6, false},
    {NULL, 0, false},
};

const struct micro_case case_timer_library = {
    .load = {.name = "timer_library",
             .summary = "as timer_arm_cancel, but guests run their library's own timers, bare",
             .params = timer_population_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_TIMERS,
             .run = run},
    .family = "cpu",
    .points = points,
};
