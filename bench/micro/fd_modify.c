/* SPDX-License-Identifier: MIT */
/*
 * fd_modify.c - what does it cost to change what a watched descriptor is watched for?
 *
 * Between nothing and READ, as flow control does; the descriptor is never ready.
 */
#include "../race/quiet_fd.h"
#include "batch.h"
#include "cases.h"

static velo_id id;

static void change(void)
{
    static bool reads;
    reads = !reads;
    batch_note(velo_fd_modify(batch.solo.loop, id, reads ? VELO_READ : 0));
}

static void run(struct race *race)
{
    if (!quiet_fd_open(race) || !batch_open(race))
        return;
    batch_note(quiet_fd_watch(batch.solo.loop, &id));
    batch_measure(change);
    batch_note(velo_fd_unwatch(batch.solo.loop, id));
    batch_close();
    quiet_fd_close(race);
}

const struct micro_case case_fd_modify = {
    .load = {.name = "fd_modify",
             .summary = "change the events of a watched descriptor, on the owner",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_FDS,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
