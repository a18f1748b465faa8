/* SPDX-License-Identifier: MIT */
/* set_immediate.c - what does an immediate cost, set by a callback and run in the next turn? */
#include "cases.h"
#include "fan.h"

/* With its id, as a caller does who may want to clear it. */
static int add(struct velo_loop *loop, velo_fn fn, void *arg)
{
    velo_id id = 0;
    int rc = velo_set_immediate(loop, fn, arg, &id);
    return rc == 0 && id == 0 ? -1 : rc;
}

static void run(struct race *race)
{
    fan_run(race, add);
}

const struct micro_case case_set_immediate = {
    .load = {.name = "set_immediate",
             .summary = "an immediate that a callback sets: set, dispatch and call",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_IMMEDIATES,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
