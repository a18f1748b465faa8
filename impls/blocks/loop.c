/* SPDX-License-Identifier: MIT */
/*
 * blocks: tasks stand in blocks of their producers and become visible by one compare-and-swap, all
 * of a batch at once; eventfd and epoll. See README.md; the queue, its wake protocol and the proofs
 * are in common/parts/ingress_blocks.h.
 *
 * Wake protocol, as far as it stands here. Tasks: the tag in the heads of both lanes (B4), for
 * which the sleep word (W2) is announced before. What is no task, the core's mail and states, is
 * published before loop_notify() looks at the sleep word (W1), and looked at after the announcement
 * (core_must_look), as wake.h wants it. There are no naps: a task whose submit has begun and is not
 * visible does not exist for the owner, and its producer will find the tag.
 */
#include "common/core.h"
#include "common/parts/ingress_blocks.h"
#include "common/parts/lag.h"
#include "common/parts/limits.h"

enum { LANE_NORMAL = VELO_LANE_TASK, LANE_PRIORITY = VELO_LANE_PRIORITY };
_Static_assert(LANE_NORMAL < BLOCK_LANES && LANE_PRIORITY < BLOCK_LANES, "lanes of the queue");

struct velo_loop {
    struct velo_core core; /* first: a loop is a core */
    struct wake wake;
    struct blocks tasks;
    _Alignas(LINES_BYTES) struct limits limits; /* producers look whether there are any */
    _Alignas(LINES_BYTES) struct lag lag;       /* owner */
};
VELO_EMBEDS_CORE(struct velo_loop);
LINES_BEGIN(struct velo_loop, limits);
LINES_BEGIN(struct velo_loop, lag);

static void log_failed_wake(void *loop, int error)
{
    core_log_failed_wake(core_of_const(loop), error);
}

int loop_init(struct velo_loop *loop)
{
    loop->wake.eventfd = loop->core.fds.eventfd;
    loop->wake.on_failure = log_failed_wake;
    loop->wake.ctx = loop;
    limits_init(&loop->limits, &loop->core.opts);
    return blocks_init(&loop->tasks, loop->core.opts.allocator);
}

void loop_fini(struct velo_loop *loop)
{
    wake_wait_done(&loop->wake);
    blocks_fini(&loop->tasks);
}

bool loop_forget(struct velo_loop *loop)
{
    wake_forget(&loop->wake);
    blocks_forget(&loop->tasks);
    return true;
}

/* ---- producers ---- */

static inline struct seat *sit_down(struct velo_loop *loop)
{
    if (lifecycle_is_owner(&loop->core.life))
        return seat_enter_own(&loop->tasks);
    return seat_enter(&loop->tasks);
}

static int push(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    struct seat *seat = sit_down(loop);
    if (count == 1)
        return blocks_push(&loop->tasks, seat, &loop->wake, lane, tasks->fn, tasks->arg);
    return blocks_push_many(&loop->tasks, seat, &loop->wake, lane, tasks, count);
}

/*
 * With limits. The state is asked first: a closed loop is closed, not full. Through the gate, since
 * giving back what was taken comes after the queue's refusal.
 */
static int
push_limited(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    if (!gate_enter(&loop->core.work))
        return -ESHUTDOWN;
    int rc = -ESHUTDOWN;
    if (!blocks_is_closed(&loop->tasks))
        rc = limits_take(&loop->limits, count);
    if (rc == 0) {
        rc = push(loop, lane, tasks, count);
        if (rc != 0)
            limits_give(&loop->limits, count);
    }
    gate_leave(&loop->core.work);
    return rc;
}

/* In each caller, where the lane is known. */
static inline __attribute__((always_inline)) int
submit(struct velo_loop *loop, int lane, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (__builtin_expect(loop->limits.any, 0)) {
        const struct velo_task task = {fn, arg};
        return push_limited(loop, lane, &task, 1);
    }
    return blocks_push(&loop->tasks, sit_down(loop), &loop->wake, lane, fn, arg);
}

int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return submit(loop, LANE_NORMAL, fn, arg);
}

int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return submit(loop, LANE_PRIORITY, fn, arg);
}

int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (loop == NULL || !core_batch_is_valid(tasks, count))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (count == 0)
        return 0;
    if (__builtin_expect(loop->limits.any, 0))
        return push_limited(loop, LANE_NORMAL, tasks, count);
    return push(loop, LANE_NORMAL, tasks, count);
}

void loop_notify(struct velo_loop *loop)
{
    blocks_wake(&loop->tasks, &loop->wake);
}

void loop_refuse(struct velo_loop *loop)
{
    blocks_close(&loop->tasks);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    out->pending = 0;
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        uint64_t waiting;
        out->accepted[lane] = blocks_count(&loop->tasks, lane, &waiting);
        out->pending += waiting;
    }
    out->wakeups = shared_counter_get(&loop->wake.calls);
}

/* ---- the owner ---- */

/* Take the next task that was gathered, which so has begun. */
static inline bool next(struct velo_loop *loop, int lane, struct velo_task *task)
{
    bool there = blocks_pop(&loop->tasks, lane, task);
    if (__builtin_expect(loop->limits.any, 0) && there)
        limits_begun(&loop->limits, 1);
    return there;
}

static size_t run_present(struct velo_loop *loop, int lane)
{
    struct velo_task task;
    size_t ran = 0;
    uint64_t present = blocks_gather(&loop->tasks, lane); /* S5 */
    while (ran < present && !core_lane_ends(&loop->core, ran) && next(loop, lane, &task)) {
        core_call(&loop->core, (enum velo_lane)lane, task.fn, task.arg);
        ran++;
    }
    return ran;
}

/* Most turns of a loop that is awake find nothing: that is seen at once. */
static inline size_t run_lane(struct velo_loop *loop, int lane)
{
    return blocks_lane_is_empty(&loop->tasks, lane) ? 0 : run_present(loop, lane);
}

size_t loop_run_tasks(struct velo_loop *loop)
{
    core_slice_begin(&loop->core);
    if (core_has_completions(&loop->core)) /* R4 */
        core_fence(&loop->core, blocks_gather(&loop->tasks, LANE_NORMAL));
    size_t urgent = run_lane(loop, LANE_PRIORITY); /* S6 */
    size_t ran = run_lane(loop, LANE_NORMAL);
    return urgent + ran + core_run_completions(&loop->core, ran);
}

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    for (int i = LANE_PRIORITY; i >= LANE_NORMAL; i--) {
        *lane = (enum velo_lane)i;
        if (blocks_gather(&loop->tasks, i) != 0 && next(loop, i, task))
            return true;
    }
    return false;
}

/* Wait for at most [timeout_ns] by [wait], which harvests events or only looks. */
static int sleep_until_woken(struct velo_loop *loop,
                             int64_t timeout_ns,
                             int (*wait)(struct velo_core *, int64_t))
{
    struct velo_core *core = &loop->core;
    if (core_must_look(core)) /* before the announcement, which would cost its sender a wake-up */
        return wait(core, 0);
    if (!core_sleep_begin(core))
        return 0;
    wake_announce(&loop->wake, WAKE_EVENTFD);
    counter_add(&core->ledger.parks, 1);
    bool quiet = blocks_arm(&loop->tasks) && !core_must_look(core);
    VELO_POINT(SLEEP_CHECKED);
    int rc = wait(core, quiet ? timeout_ns : 0);
    VELO_POINT(SLEEP_LEFT);
    wake_retract(&loop->wake);
    core_sleep_end(core);
    return rc;
}

static int64_t timeout_ns_of(struct velo_loop *loop)
{
    int64_t timeout_ns = core_timeout_ns(&loop->core);
    bool empty = blocks_lane_is_empty(&loop->tasks, LANE_NORMAL) &&
                 blocks_lane_is_empty(&loop->tasks, LANE_PRIORITY);
    return empty ? timeout_ns : 0; /* R3 */
}

int loop_wait(struct velo_loop *loop)
{
    int64_t timeout_ns = timeout_ns_of(loop);
    return timeout_ns == 0 ? 1 : sleep_until_woken(loop, timeout_ns, core_peek);
}

static uint64_t count_waiting(const void *loop)
{
    struct loop_counts counts;
    loop_count(loop, &counts);
    return counts.pending;
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct velo_core *core = &loop->core;
    core_turn_begin(core);
    core_run_timers(core);
    lag_hold(&loop->lag, count_waiting, loop);
    loop_run_tasks(loop);
    if (__builtin_expect(blocks_has_surplus(&loop->tasks), 0))
        blocks_trim(&loop->tasks);
    int64_t timeout_ns = may_block ? timeout_ns_of(loop) : 0;
    int rc = timeout_ns == 0 ? core_poll_now(core) : sleep_until_woken(loop, timeout_ns, core_poll);
    core_run_fds(core);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    return rc;
}

void loop_expose(struct velo_loop *loop)
{
    wake_expose(&loop->wake);
    if (!blocks_arm(&loop->tasks) || blocks_has_tasks(&loop->tasks) || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

void loop_unexpose(struct velo_loop *loop)
{
    wake_retract(&loop->wake);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "blocks",
        .summary = "lists of producer-local blocks, visible by one compare-and-swap; epoll",
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
