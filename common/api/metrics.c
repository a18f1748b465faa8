/* SPDX-License-Identifier: MIT */
/* velo_metrics_read: sums of what the owner, other threads and the contestant's inbox count. */
#include "common/core.h"

#include <errno.h>
#include <string.h>

/* How the items of each lane ended. */
static void read_ended(const struct velo_core *core, struct velo_lane_metrics *lanes)
{
    for (int lane = 0; lane < VELO_LANES; lane++) {
        const struct lane_ledger *own = &core->ledger.lanes[lane];
        lanes[lane].executed = counter_get(&own->executed);
        lanes[lane].discarded = counter_get(&own->discarded);
        lanes[lane].cancelled =
            counter_get(&own->cancelled) + shared_counter_get(&core->foreign.cancelled[lane]);
    }
    lanes[VELO_LANE_OFFLOAD].discarded += shared_counter_get(&core->foreign.discarded);
}

/* How many were accepted. After read_ended(): then no item has ended that was not accepted. */
static void read_accepted(const struct velo_core *core,
                          const struct loop_counts *counts,
                          struct velo_lane_metrics *lanes)
{
    for (int lane = 0; lane < VELO_LANES; lane++) {
        const struct lane_ledger *own = &core->ledger.lanes[lane];
        lanes[lane].accepted = counter_get(&own->accepted) - counter_get(&own->moved) +
                               shared_counter_get(&core->foreign.accepted[lane]);
    }
    lanes[VELO_LANE_TASK].accepted += counts->accepted[VELO_LANE_TASK];
    lanes[VELO_LANE_PRIORITY].accepted += counts->accepted[VELO_LANE_PRIORITY];
    lanes[VELO_LANE_TICK].accepted += counter_get(&core->ticks.tail);
    lanes[VELO_LANE_MICROTASK].accepted += counter_get(&core->microtasks.tail);
    lanes[VELO_LANE_CLOSE].accepted += counter_get(&core->closing.tail);
}

static void sum_lanes(struct velo_metrics *out)
{
    for (int lane = 0; lane < VELO_LANES; lane++) {
        out->accepted += out->lanes[lane].accepted;
        out->executed += out->lanes[lane].executed;
        out->cancelled += out->lanes[lane].cancelled;
        out->discarded += out->lanes[lane].discarded;
    }
}

static void read_rest(const struct velo_core *core, struct velo_metrics *out)
{
    const struct ledger *ledger = &core->ledger;
    out->turns = counter_get(&ledger->turns);
    out->polls = counter_get(&ledger->polls);
    out->parks = counter_get(&ledger->parks);
    out->fast_entries = counter_get(&ledger->fast_entries);
    out->timers_fired = counter_get(&ledger->timers_fired);
    out->fd_events = counter_get(&ledger->fd_events);
    uint64_t next = counter_get(&ledger->next_deadline_ns);
    /* (R4) relaxed: a bound only */
    uint64_t mailed = atomic_load_explicit(&core->foreign.next_ns, memory_order_relaxed);
    out->next_deadline_ns = mailed < next ? mailed : next;
    out->timers_armed = counter_get(&ledger->armed) + shared_counter_get(&core->foreign.armed);
    out->descriptors = fdtable_count(&core->fds);
}

static void collect(const struct velo_loop *loop, struct velo_metrics *out)
{
    struct loop_counts counts;
    read_ended(core_of_const(loop), out->lanes);
    loop_count(loop, &counts);
    read_accepted(core_of_const(loop), &counts, out->lanes);
    sum_lanes(out);
    read_rest(core_of_const(loop), out);
    out->wakeups = counts.wakeups;
    out->pending = counts.pending;
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
    if (owner) /* a deadline armed in this callback counts */
        counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
    collect(loop, &all);
    core_leave_guest(core, owner);
    size_t size = out->size < sizeof(all) ? out->size : sizeof(all);
    all.size = out->size;
    memcpy(out, &all, size);
    return 0;
}
