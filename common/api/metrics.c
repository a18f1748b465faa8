/* SPDX-License-Identifier: MIT */
/* velo_metrics_read: sums of what the owner, other threads and the contestant's inbox count. */
#include "common/core.h"

#include <errno.h>
#include <string.h>

static void read_ledger(const struct velo_core *core,
                        const struct loop_counts *counts,
                        struct velo_metrics *out)
{
    const struct ledger *ledger = &core->ledger;
    uint64_t rings = counter_get(&core->ticks.tail) + counter_get(&core->microtasks.tail) +
                     counter_get(&core->closing.tail) - counter_get(&ledger->moved);
    out->accepted = counts->accepted + rings + counter_get(&ledger->accepted_ops) +
                    shared_counter_get(&core->foreign.accepted);
    out->executed = counter_get(&ledger->executed);
    out->cancelled = counter_get(&ledger->cancelled) + shared_counter_get(&core->foreign.cancelled);
    out->discarded = counter_get(&ledger->discarded) + shared_counter_get(&core->foreign.discarded);
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
    out->wakeups = counts->wakeups;
    out->pending = counts->pending;
}

int velo_metrics_read(struct velo_loop *loop, struct velo_metrics *out)
{
    if (loop == NULL || out == NULL || out->size <= sizeof(out->size))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    struct loop_counts counts;
    struct velo_metrics all = {0};
    bool owner = core_enter_guest(core);
    if (owner) /* a deadline armed in this callback counts */
        counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
    loop_count(loop, &counts);
    read_ledger(core, &counts, &all);
    core_leave_guest(core, owner);
    size_t size = out->size < sizeof(all) ? out->size : sizeof(all);
    all.size = out->size;
    memcpy(out, &all, size);
    return 0;
}
