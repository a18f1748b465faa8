/* SPDX-License-Identifier: MIT */
/* All counters of a loop together: the owner's, those of other threads, the contestant's. */
#include "common/meter.h"

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

/* What was measured; the depth of the queue now is part of its maximum. */
static void read_meter(const struct velo_core *core, struct velo_metrics *out)
{
    const struct meter *meter = core->meter;
    out->callback_cpu_ns = counter_get(&meter->callback_cpu_ns);
    out->callback_cpu_max_ns = counter_get(&meter->callback_cpu_max_ns);
    if (!core->opts.metrics)
        return;
    out->pending_max = counter_get(&meter->pending_max);
    if (out->pending > out->pending_max)
        out->pending_max = out->pending;
    out->turn_max_ns = counter_get(&meter->turn_max_ns);
    out->running_ns = counter_get(&meter->running_ns);
    out->polling_ns = counter_get(&meter->polling_ns);
    out->cpu_ns = counter_get(&meter->cpu_ns);
}

void meter_collect(const struct velo_loop *loop, struct velo_metrics *out)
{
    struct loop_counts counts;
    read_ended(core_of_const(loop), out->lanes);
    loop_count(loop, &counts);
    read_accepted(core_of_const(loop), &counts, out->lanes);
    sum_lanes(out);
    read_rest(core_of_const(loop), out);
    out->wakeups = counts.wakeups;
    out->pending = counts.pending;
    if (core_of_const(loop)->meter != NULL)
        read_meter(core_of_const(loop), out);
}

void meter_quantiles(const struct meter *meter, struct velo_metrics *out)
{
    static const unsigned permille[] = {500, 900, 990};
    uint64_t value[3];
    out->callbacks_measured = counter_get(&meter->measured);
    histogram_quantiles(&meter->durations, permille, 3, value);
    out->callback_p50_ns = value[0];
    out->callback_p90_ns = value[1];
    out->callback_p99_ns = value[2];
    out->callback_max_ns = histogram_max(&meter->durations);
}
