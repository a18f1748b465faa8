/* SPDX-License-Identifier: MIT */
/* See lanes.h. */
#include "common/parts/lanes.h"

#include "common/parts/pause.h"

int lanes_init(struct lanes *lanes, int eventfd, const struct velo_options *options)
{
    lanes->wake.eventfd = eventfd;
    limits_init(&lanes->limits, options);
    int rc = ingress_init(&lanes->queue[LANE_NORMAL], options->allocator);
    if (rc != 0)
        return rc;
    rc = ingress_init(&lanes->queue[LANE_PRIORITY], options->allocator);
    if (rc != 0)
        ingress_fini(&lanes->queue[LANE_NORMAL]);
    return rc;
}

void lanes_fini(struct lanes *lanes)
{
    wake_wait_done(&lanes->wake);
    ingress_fini(&lanes->queue[LANE_NORMAL]);
    ingress_fini(&lanes->queue[LANE_PRIORITY]);
}

void lanes_forget(struct lanes *lanes)
{
    wake_forget(&lanes->wake);
    ingress_forget(&lanes->queue[LANE_NORMAL]);
    ingress_forget(&lanes->queue[LANE_PRIORITY]);
}

void lanes_refuse(struct lanes *lanes)
{
    ingress_close(&lanes->queue[LANE_NORMAL]);
    ingress_close(&lanes->queue[LANE_PRIORITY]);
}

static uint64_t count_waiting(const void *lanes)
{
    return lanes_count(lanes);
}

void lanes_lag(struct lanes *lanes)
{
    lag_hold(&lanes->lag, count_waiting, lanes);
}

static int push(struct lanes *lanes, int lane, const struct velo_task *tasks, size_t count)
{
    struct ingress *in = &lanes->queue[lane];
    if (count == 1)
        return ingress_push(in, &lanes->wake, tasks[0].fn, tasks[0].arg);
    return ingress_push_many(in, &lanes->wake, tasks, count);
}

/* With limits. The state is asked first: a closed loop is closed, not full. */
static int push_limited(struct lanes *lanes, int lane, const struct velo_task *tasks, size_t count)
{
    if (ingress_is_closed(&lanes->queue[lane]))
        return -ESHUTDOWN;
    int rc = limits_take(&lanes->limits, count);
    if (rc != 0)
        return rc;
    rc = push(lanes, lane, tasks, count);
    if (rc != 0)
        limits_give(&lanes->limits, count);
    return rc;
}

int lanes_push_many(
    struct lanes *lanes, struct gate *gate, int lane, const struct velo_task *tasks, size_t count)
{
    if (!lanes->limits.any && !ingress_needs_supply(count))
        return push(lanes, lane, tasks, count);
    if (!gate_enter(gate))
        return -ESHUTDOWN;
    int rc = lanes->limits.any ? push_limited(lanes, lane, tasks, count)
                               : push(lanes, lane, tasks, count);
    gate_leave(gate);
    return rc;
}

bool lanes_pop_patiently(struct lanes *lanes, int lane, struct velo_task *task)
{
    struct ingress *in = &lanes->queue[lane];
    if (ingress_count(in) == 0)
        return false;
    for (int i = 0; i < STALL_SPINS; i++) {
        if (ingress_pop(in, task))
            return true;
        cpu_pause();
    }
    sched_yield(); /* its producer may be waiting for this very processor */
    return ingress_pop(in, task);
}

int64_t lanes_timeout_ns(struct lanes *lanes, int64_t timeout_ns)
{
    const struct ingress *normal = &lanes->queue[LANE_NORMAL];
    const struct ingress *priority = &lanes->queue[LANE_PRIORITY];
    if (timeout_ns == 0 || lanes_count(lanes) == 0) {
        lanes->nap_ns = 0;
        return timeout_ns;
    }
    if (ingress_is_ready(normal) || ingress_is_ready(priority)) {
        lanes->nap_ns = 0;
        return 0;
    }
    int64_t nap = lanes->nap_ns == 0 ? NAP_MIN_NS : lanes->nap_ns * 2;
    lanes->nap_ns = nap < NAP_MAX_NS ? nap : NAP_MAX_NS;
    return timeout_ns > 0 && timeout_ns < lanes->nap_ns ? timeout_ns : lanes->nap_ns;
}
