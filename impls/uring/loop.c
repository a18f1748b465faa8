/* SPDX-License-Identifier: MIT */
/*
 * uring: the ingress of chunked; descriptors, waiting and waking by io_uring. See README.md; the
 * poller is in the other files, of which uring.h tells.
 *
 * Wake protocol: common/parts/wake.h, whose proof speaks of "queue words". Here these are
 *   the ticket words of both lanes   producers: fetch-add (T1), then look at parked (W1)
 *   the core's mail and states       published before loop_notify() looks at parked (W1)
 *   changes of descriptors           under the table's lock, see uring.h
 * and the owner announces (W2), then looks at all of them (T10, core_must_look, core_poll), then
 * blocks in the ring. The waker writes to the eventfd, which the ring polls.
 */
#include "common/parts/point.h"
#include "uring.h"

#include <errno.h>
#include <sched.h>

VELO_EMBEDS_CORE(struct velo_loop);

static void log_failed_wake(void *loop, int error)
{
    core_log_failed_wake(core_of_const(loop), error);
}

int loop_init(struct velo_loop *loop)
{
    loop->lanes.wake.on_failure = log_failed_wake;
    loop->lanes.wake.ctx = loop;
    return lanes_init(&loop->lanes, loop->core.fds.eventfd, &loop->core.opts);
}

void loop_fini(struct velo_loop *loop)
{
    lanes_fini(&loop->lanes);
    uring_watches_fini(&loop->core);
}

bool loop_forget(struct velo_loop *loop)
{
    lanes_forget(&loop->lanes);
    return true;
}

/* ---- producers ---- */

int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return lanes_push(&loop->lanes, &loop->core.work, LANE_NORMAL, fn, arg);
}

int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return lanes_push(&loop->lanes, &loop->core.work, LANE_PRIORITY, fn, arg);
}

int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (loop == NULL || !core_batch_is_valid(tasks, count))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (count == 0)
        return 0;
    return lanes_push_many(&loop->lanes, &loop->core.work, LANE_NORMAL, tasks, count);
}

void loop_notify(struct velo_loop *loop)
{
    wake_if_asleep(&loop->lanes.wake);
}

void loop_refuse(struct velo_loop *loop)
{
    lanes_refuse(&loop->lanes);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    const struct lanes *lanes = &loop->lanes;
    out->pending = 0;
    for (int lane = 0; lane < LANES; lane++)
        out->pending += ingress_look(&lanes->queue[lane], &out->accepted[lane]);
    out->wakeups = shared_counter_get(&lanes->wake.calls);
}

/* ---- the owner ---- */

static size_t run_lane(struct velo_loop *loop, int lane)
{
    struct velo_task task;
    size_t ran = 0;
    uint64_t present = ingress_count(&loop->lanes.queue[lane]); /* S5 */
    while (ran < present && !core_lane_ends(&loop->core, ran) &&
           lanes_pop(&loop->lanes, lane, &task)) {
        core_call(&loop->core, (enum velo_lane)lane, task.fn, task.arg);
        ran++;
    }
    return ran;
}

size_t loop_run_tasks(struct velo_loop *loop)
{
    core_slice_begin(&loop->core);
    if (core_has_completions(&loop->core)) /* R4 */
        core_fence(&loop->core, ingress_count(&loop->lanes.queue[LANE_NORMAL]));
    size_t urgent = run_lane(loop, LANE_PRIORITY); /* S6 */
    size_t ran = run_lane(loop, LANE_NORMAL);
    return urgent + ran + core_run_completions(&loop->core, ran);
}

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    while (lanes_count(&loop->lanes) > 0) {
        for (int i = LANE_PRIORITY; i >= LANE_NORMAL; i--) {
            *lane = (enum velo_lane)i;
            if (lanes_pop(&loop->lanes, i, task))
                return true;
        }
        sched_yield(); /* a producer is between its claim and its filling */
    }
    return false;
}

/* Wait for at most [timeout_ns] by [wait], which harvests events or only looks. */
static int sleep_until_woken(struct velo_loop *loop,
                             int64_t timeout_ns,
                             int (*wait)(struct velo_core *, int64_t))
{
    struct velo_core *core = &loop->core;
    bool nap =
        loop->lanes.nap_ns != 0; /* a claim is open: the ticket word is no reason to stay up */
    if (core_must_look(core)) /* before the announcement, which would cost its sender a wake-up */
        return wait(core, 0);
    if (!core_sleep_begin(core))
        return 0;
    wake_announce(&loop->lanes.wake, WAKE_EVENTFD);
    counter_add(&core->ledger.parks, 1);
    bool quiet = (nap || lanes_count(&loop->lanes) == 0) && !core_must_look(core);
    VELO_POINT(SLEEP_CHECKED);
    int rc = wait(core, quiet ? timeout_ns : 0);
    VELO_POINT(SLEEP_LEFT);
    wake_retract(&loop->lanes.wake);
    core_sleep_end(core);
    return rc;
}

int loop_wait(struct velo_loop *loop)
{
    int64_t timeout_ns = lanes_timeout_ns(&loop->lanes, core_timeout_ns(&loop->core));
    return timeout_ns == 0 ? 1 : sleep_until_woken(loop, timeout_ns, core_peek);
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct velo_core *core = &loop->core;
    core_turn_begin(core);
    core_run_timers(core);
    lanes_lag(&loop->lanes);
    loop_run_tasks(loop);
    lanes_trim(&loop->lanes);
    int64_t timeout_ns = may_block ? lanes_timeout_ns(&loop->lanes, core_timeout_ns(core)) : 0;
    int rc = timeout_ns == 0 ? core_poll_now(core) : sleep_until_woken(loop, timeout_ns, core_poll);
    core_run_fds(core);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    return rc;
}

void loop_expose(struct velo_loop *loop)
{
    wake_expose(&loop->lanes.wake);
    uring_attend(&loop->core);
    if (lanes_count(&loop->lanes) != 0 || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

void loop_unexpose(struct velo_loop *loop)
{
    wake_retract(&loop->lanes.wake);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "uring",
        .summary = "tickets as chunked; one io_uring polls, waits and is woken",
        .version = "1.0",
        .kind = "native",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH |
                        VELO_CAP_BOUNDED | VELO_CAP_METRICS | VELO_CAP_BACKEND_FD |
                        VELO_CAP_OFFLOAD | VELO_CAP_SIGNAL_SAFE,
    };
    return &impl;
}
