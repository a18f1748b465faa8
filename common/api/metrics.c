/* SPDX-License-Identifier: MIT */
/*
 * velo_metrics_read: the counters themselves where nobody changes them meanwhile (on the owner, and
 * while nobody is inside run), else the snapshot that the owner has published, if it keeps one.
 */
#include "common/meter.h"

#include <errno.h>
#include <time.h>

#define TRIES 64           /* in a row, before the reader asks the owner for a pause */
#define TRY_EVERY_NS 20000 /* after that; sleeping also lets an owner of lower priority go on */

static bool is_at_rest(const struct velo_core *core)
{
    enum velo_state state = lifecycle_state(&core->life);
    return state == VELO_STATE_AWAKE || state == VELO_STATE_TERMINATED;
}

/* Read the counters, if nobody is inside run all the while. */
static bool read_at_rest(const struct velo_loop *loop, struct velo_metrics *out)
{
    const struct velo_core *core = core_of_const(loop);
    uint64_t seq = snapshot_seq(&core->meter->snapshot);
    if (!is_at_rest(core))
        return false;
    memset(out, 0, sizeof(*out));
    meter_collect(loop, out);
    return is_at_rest(core) && snapshot_seq(&core->meter->snapshot) == seq;
}

static bool read_snapshot(const struct velo_core *core, struct velo_metrics *out)
{
    uint64_t words[METER_WORDS];
    if (!snapshot_read(&core->meter->snapshot, words, METER_WORDS))
        return false;
    memcpy(&out->accepted, words, sizeof(words));
    return true;
}

/* Numbers of one moment. An attempt fails only if the owner has just published newer ones. */
static void read_together(const struct velo_loop *loop, struct velo_metrics *out)
{
    const struct velo_core *core = core_of_const(loop);
    const struct timespec pause = {0, TRY_EVERY_NS};
    unsigned tries = 0;
    while (!read_at_rest(loop, out) && !read_snapshot(core, out)) {
        if (++tries == TRIES)
            snapshot_hurry(&core->meter->snapshot, true);
        if (tries >= TRIES)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    if (tries >= TRIES)
        snapshot_hurry(&core->meter->snapshot, false);
}

static void read_all(struct velo_loop *loop, bool owner, struct velo_metrics *out)
{
    struct velo_core *core = core_of(loop);
    if (owner) { /* a deadline armed in this callback counts, and its time */
        counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
        if (core->opts.metrics)
            meter_update(core);
    }
    if (owner || !core->opts.metrics)
        meter_collect(loop, out);
    else
        read_together(loop, out);
    if (core->opts.metrics)
        meter_quantiles(core->meter, out);
}

int velo_metrics_read(struct velo_loop *loop, struct velo_metrics *out)
{
    if (loop == NULL || out == NULL || out->size <= sizeof(out->size))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    struct velo_metrics all = {0};
    bool owner = core_enter_guest(core);
    read_all(loop, owner, &all);
    core_leave_guest(core, owner);
    size_t size = out->size < sizeof(all) ? out->size : sizeof(all);
    all.size = out->size;
    memcpy(out, &all, size);
    return 0;
}
