/* SPDX-License-Identifier: MIT */
/*
 * submit_full.c - what does a refusal cost its caller, when a bounded queue is full?
 *
 * The loop is held in a callback (held.h) with as many tasks behind it as max_pending allows; each
 * timed call must answer -EAGAIN (S1). full_queue in the race lane is the same with both sides
 * running.
 */
#include "cases.h"
#include "held.h"

#include <errno.h>

enum { BOUND = 64 };

static struct tally tally;
static struct gauge drained; /* tasks that ran */

static void bound(struct velo_options *options)
{
    options->max_pending = BOUND;
}

static void receive(void *arg)
{
    tally_receive(&tally, arg);
    gauge_set(&drained, tally.received);
}

static int fill(struct velo_loop *loop)
{
    int rc = 0;
    for (int i = 0; i < BOUND && rc == 0; i++)
        rc = velo_submit(loop, receive, tally_next(&tally));
    return rc;
}

static int be_refused(struct velo_loop *loop)
{
    for (int i = 0; i < MICRO_BATCH; i++)
        if (velo_submit(loop, receive, NULL) != -EAGAIN)
            return -EPROTO;
    return 0;
}

static bool settle(void)
{
    return gauge_wait(&drained, tally.sent, held.race->cpus.spins);
}

static void run(struct race *race)
{
    race->tune = bound;
    held.settle = settle;
    held.prepare = fill;
    held.round = be_refused;
    held_run(race);
    if (race->result.ok)
        tally_verify(&tally, race);
}

const struct micro_case case_submit_full = {
    .load = {.name = "submit_full",
             .summary =
                 "velo_submit that is refused because the queue is full, for its caller alone",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_BOUNDED,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
