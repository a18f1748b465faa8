/* SPDX-License-Identifier: MIT */
/*
 * submit_caller.c - what does velo_submit cost its caller alone, when nobody needs to be woken?
 *
 * The loop is held in a callback (held.h). submit.c is the other half: both sides at once.
 */
#include "cases.h"
#include "held.h"

static struct tally tally;

static void receive(void *arg)
{
    tally_receive(&tally, arg);
}

static int submit_all(struct velo_loop *loop)
{
    int rc = 0;
    for (int i = 0; i < MICRO_BATCH && rc == 0; i++)
        rc = velo_submit(loop, receive, tally_next(&tally));
    return rc;
}

static void run(struct race *race)
{
    held.round = submit_all;
    held_run(race);
    if (race->result.ok)
        tally_verify(&tally, race);
}

const struct micro_case case_submit_caller = {
    .load = {.name = "submit_caller",
             .summary = "velo_submit, for its caller alone; the loop is inside a callback",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
