/* SPDX-License-Identifier: MIT */
/*
 * fd_modify.c - what does it cost to change what a watched descriptor is watched for?
 *
 * Between nothing and READ, as flow control does. The descriptor is never ready, but at the end:
 * then it must be heard when it is watched for that, and only then.
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

static bool is_heard(unsigned events)
{
    batch_note(velo_fd_modify(batch.solo.loop, id, events));
    solo_turn(&batch.solo);
    solo_turn(&batch.solo); /* some take a turn to tell the kernel */
    return quiet_fd_take() > 0;
}

static void verify(struct race *race)
{
    if (race->result.ok && quiet_fd_feed(race) &&
        (is_heard(0) || !is_heard(VELO_READ) || is_heard(0)))
        race_fail(race, "a descriptor went by what it was watched for before");
}

static void run(struct race *race)
{
    if (!quiet_fd_open(race) || !batch_open(race))
        return;
    batch_note(quiet_fd_watch(batch.solo.loop, &id));
    batch_measure(change);
    verify(race);
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
