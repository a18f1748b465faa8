/* SPDX-License-Identifier: MIT */
/*
 * fd_watch.c - what does it cost to watch a descriptor and to stop watching it?
 *
 * The descriptor is an eventfd that is never ready; the system calls of the loop are in the price.
 */
#include "../race/quiet_fd.h"
#include "batch.h"
#include "cases.h"

static void watch_and_unwatch(void)
{
    velo_id id = 0;
    batch_note(quiet_fd_watch(batch.solo.loop, &id));
    batch_note(velo_fd_unwatch(batch.solo.loop, id));
}

static void run(struct race *race)
{
    if (!quiet_fd_open(race) || !batch_open(race))
        return;
    batch_measure(watch_and_unwatch);
    batch_close();
    quiet_fd_close(race);
}

const struct micro_case case_fd_watch = {
    .load = {.name = "fd_watch",
             .summary = "watch a descriptor and unwatch it, on the owner",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_FDS,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
