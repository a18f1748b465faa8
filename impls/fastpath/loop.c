/* SPDX-License-Identifier: MIT */
/*
 * fastpath: chunked ingress; while no descriptor is watched, neither epoll nor eventfd is touched:
 * the owner spins for as long as that pays, then parks on a futex. Its own submits take no locked
 * instruction. See README.md.
 *
 * Wake protocol: common/parts/wake.h. The queue words of its proof are, as in chunked, the ticket
 * words of both lanes and the core's mail and states; in addition
 *   the descriptor count and the fast path mode   changed (F9, F10, F11), then loop_notify() (W1)
 * on which the choice between futex and epoll rests: the owner chooses, announces the kind (W2),
 * looks at everything again, the choice included, and then blocks in what it has announced. So who
 * changes the choice either is seen by that look or sees the announcement, and wakes the owner in
 * the primitive in which it sleeps (P3); the claimed kind tells the waker which one that is.
 * While the owner spins it is not announced, and nobody makes a system call.
 */
#include "common/lanes_loop.h"
#include "common/parts/clock.h"
#include "common/parts/lines.h"
#include "common/parts/pause.h"
#include "common/parts/point.h"
#include "local.h"
#include "spin.h"

#include <errno.h>
#include <sched.h>

#define SPIN_LOOKS 16 /* between two looks at the clock */

struct velo_loop {
    struct velo_core core; /* first: a loop is a core */
    struct lanes lanes;
    /* owner only, but for the counts of [local] */
    _Alignas(LINES_BYTES) struct local local[LANES];
    struct spin spin;
    bool fast; /* the last poll was on the fast path */
};
VELO_EMBEDS_LANES(struct velo_loop);
LINES_BEGIN(struct velo_loop, local);

int loop_init(struct velo_loop *loop)
{
    loop->lanes.wake.timed = true;
    spin_init(&loop->spin, loop->core.opts.spin_ns);
    for (int lane = 0; lane < LANES; lane++)
        loop->local[lane].alloc = loop->core.opts.allocator;
    return lanes_open(loop);
}

void loop_fini(struct velo_loop *loop)
{
    lanes_fini(&loop->lanes);
    for (int lane = 0; lane < LANES; lane++)
        local_fini(&loop->local[lane]);
}

/* ---- producers ---- */

/* The owner's own submit: no locked instruction, no wake-up. */
static int
submit_on_owner(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    struct local *local = &loop->local[lane];
    struct limits *limits = &loop->lanes.limits;
    if (lifecycle_stop(&loop->core.life) != STOP_NO)
        return -ESHUTDOWN;
    int rc = limits->any ? limits_take(limits, count) : 0;
    if (rc != 0)
        return rc;
    uint64_t stamp = ingress_claimed(&loop->lanes.queue[lane]);
    rc = local_reserve(local, count);
    if (ingress_is_closed(&loop->lanes.queue[lane])) /* then the stamp may mean nothing */
        rc = -ESHUTDOWN;
    if (rc != 0) {
        if (limits->any)
            limits_give(limits, count);
        return rc;
    }
    for (size_t i = 0; i < count; i++)
        local_push(local, tasks[i].fn, tasks[i].arg, stamp);
    return 0;
}

static int submit(struct velo_loop *loop, int lane, velo_fn fn, void *arg)
{
    const struct velo_task task = {fn, arg};
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (lifecycle_is_owner(&loop->core.life))
        return submit_on_owner(loop, lane, &task, 1);
    return lanes_push(&loop->lanes, &loop->core.work, lane, fn, arg);
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
    if (lifecycle_is_owner(&loop->core.life))
        return submit_on_owner(loop, LANE_NORMAL, tasks, count);
    return lanes_push_many(&loop->lanes, &loop->core.work, LANE_NORMAL, tasks, count);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    const struct lanes *lanes = &loop->lanes;
    out->pending = 0;
    for (int lane = 0; lane < LANES; lane++) {
        uint64_t begun = counter_get(&loop->local[lane].head); /* first: never a negative count */
        uint64_t queued = counter_get(&loop->local[lane].tail);
        out->pending += ingress_look(&lanes->queue[lane], &out->accepted[lane]) + queued - begun;
        out->accepted[lane] += queued;
    }
    out->wakeups = shared_counter_get(&lanes->wake.calls);
}

/* ---- the owner's tasks ---- */

/* Take the next task of the lane, from whichever queue has it. */
__attribute__((always_inline)) static inline bool
next(struct velo_loop *loop, int lane, struct velo_task *task)
{
    if (local_is_next(&loop->local[lane], counter_get(&loop->lanes.queue[lane].taken))) {
        *task = local_pop(&loop->local[lane]);
        lanes_begun(&loop->lanes);
        return true;
    }
    return lanes_pop(&loop->lanes, lane, task);
}

/* How many tasks are in the lane? */
static uint64_t present(const struct velo_loop *loop, int lane)
{
    return ingress_count(&loop->lanes.queue[lane]) + local_count(&loop->local[lane]);
}

static size_t run_lane(struct velo_loop *loop, int lane)
{
    struct velo_task task;
    size_t ran = 0;
    /* S5: those present now; what comes later has a later ticket or stamp */
    uint64_t last = present(loop, lane);
    while (ran < last && !core_lane_ends(&loop->core, ran) && next(loop, lane, &task)) {
        core_call(&loop->core, (enum velo_lane)lane, task.fn, task.arg);
        ran++;
    }
    local_trim(&loop->local[lane]);
    return ran;
}

size_t loop_run_tasks(struct velo_loop *loop)
{
    core_slice_begin(&loop->core);
    if (core_has_completions(&loop->core)) /* R4 */
        core_fence(&loop->core, present(loop, LANE_NORMAL));
    size_t urgent = run_lane(loop, LANE_PRIORITY); /* S6 */
    size_t ran = run_lane(loop, LANE_NORMAL);
    return urgent + ran + core_run_completions(&loop->core, ran);
}

static bool has_local(const struct velo_loop *loop)
{
    return local_count(&loop->local[LANE_NORMAL]) != 0 ||
           local_count(&loop->local[LANE_PRIORITY]) != 0;
}

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    while (lanes_count(&loop->lanes) > 0 || has_local(loop)) {
        for (int i = LANE_PRIORITY; i >= LANE_NORMAL; i--) {
            *lane = (enum velo_lane)i;
            if (next(loop, i, task))
                return true;
        }
        sched_yield(); /* a producer is between its claim and its filling */
    }
    return false;
}

/* ---- idle: spin, then park ---- */

/* May the loop stay out of the kernel's event queue? */
static bool is_fast(const struct velo_loop *loop)
{
    const struct fdtable *fds = &loop->core.fds;
    return fdtable_mode(fds) != VELO_FAST_DISABLED && fdtable_count(fds) == 0 &&
           !fdtable_is_pinned(fds) && !loop->core.unharvested;
}

/* Choose the path for this turn's poll; entering and leaving are counted and told (P5). */
static bool choose_path(struct velo_loop *loop)
{
    bool fast = is_fast(loop);
    if (fast != loop->fast) {
        loop->fast = fast;
        if (fast)
            counter_add(&loop->core.ledger.fast_entries, 1);
        core_log(&loop->core,
                 VELO_LOG_DEBUG,
                 fast ? "fast_path_enter" : "fast_path_leave",
                 "mode=%d descriptors=%u",
                 (int)fdtable_mode(&loop->core.fds),
                 fdtable_count(&loop->core.fds));
    }
    return fast;
}

/* Is there a reason to stop spinning? Looks at slots and flags that rarely change. */
static bool spin_sees_work(struct velo_loop *loop)
{
    return ingress_is_ready(&loop->lanes.queue[LANE_NORMAL]) ||
           ingress_is_ready(&loop->lanes.queue[LANE_PRIORITY]) || core_has_news(&loop->core) ||
           !is_fast(loop);
}

/* Look for work for a while. True: there is some, do not park. */
static bool spin_for_work(struct velo_loop *loop, uint64_t start_ns, int64_t timeout_ns)
{
    uint64_t budget_ns = spin_budget_ns(&loop->spin);
    if (timeout_ns >= 0 && (uint64_t)timeout_ns < budget_ns)
        budget_ns = (uint64_t)timeout_ns;
    if (budget_ns == 0)
        return false;
    bool found = false;
    uint64_t spent_ns = 0;
    while (!found && spent_ns < budget_ns) {
        for (int i = 0; i < SPIN_LOOKS && !found; i++) {
            found = spin_sees_work(loop);
            if (!found)
                cpu_pause();
        }
        spent_ns = clock_now_ns() - start_ns;
    }
    if (found)
        spin_note_gap(&loop->spin, spent_ns);
    spin_note_spent(&loop->spin, budget_ns, spent_ns);
    return found;
}

/* After a park: what did it cost, and how long had the loop been idle? */
static void note_park(struct velo_loop *loop, uint64_t start_ns, bool woken)
{
    uint64_t now_ns = clock_now_ns();
    /* (W8) relaxed: see wake_claim() */
    uint64_t claimed_ns = atomic_load_explicit(&loop->lanes.wake.claimed_ns, memory_order_relaxed);
    bool told = woken && claimed_ns >= start_ns && claimed_ns <= now_ns;
    if (told)
        spin_note_park(&loop->spin,
                       now_ns - claimed_ns,
                       /* (W8) relaxed: see wake_claim() */
                       atomic_load_explicit(&loop->lanes.wake.claimed_cpu, memory_order_relaxed));
    spin_note_gap(&loop->spin, (told ? claimed_ns : now_ns) - start_ns);
}

static int park_futex(struct velo_core *core, int64_t timeout_ns)
{
    struct velo_loop *loop = (struct velo_loop *)(void *)core;
    counter_add(&core->ledger.polls, 1);
    return wake_futex_wait(&loop->lanes.wake, core_deadline_ns(timeout_ns));
}

/* A poll that does not block: none at all on the fast path, always one when that is disabled. */
static int poll_now(struct velo_loop *loop)
{
    if (choose_path(loop))
        return 0;
    return core_poll(&loop->core, 0);
}

/* Announce, look a last time, block in what was announced: [wait], or the futex when [fast]. */
static int park(struct velo_loop *loop,
                bool fast,
                int64_t timeout_ns,
                int (*wait)(struct velo_core *, int64_t))
{
    struct velo_core *core = &loop->core;
    bool nap =
        loop->lanes.nap_ns != 0; /* a claim is open: the ticket word is no reason to stay up */
    if (core_must_look(core)) /* before the announcement, which would cost its sender a wake-up */
        return fast ? 0 : wait(core, 0);
    if (!core_sleep_begin(core))
        return 0;
    uint64_t start_ns = clock_now_ns();
    wake_announce(&loop->lanes.wake, fast ? WAKE_FUTEX : WAKE_EVENTFD);
    counter_add(&core->ledger.parks, 1);
    bool quiet =
        (nap || lanes_count(&loop->lanes) == 0) && !core_must_look(core) && is_fast(loop) == fast;
    int rc = 0;
    VELO_POINT(SLEEP_CHECKED);
    if (quiet)
        rc = fast ? park_futex(core, timeout_ns) : wait(core, timeout_ns);
    VELO_POINT(SLEEP_LEFT);
    bool woken = wake_retract(&loop->lanes.wake);
    core_sleep_end(core);
    if (quiet && !nap)
        note_park(loop, start_ns, woken);
    return rc;
}

/* Be idle for at most [timeout_ns]. */
static int
idle(struct velo_loop *loop, int64_t timeout_ns, int (*wait)(struct velo_core *, int64_t))
{
    bool fast = choose_path(loop);
    VELO_POINT(MODE_READ);
    bool may_spin = fast && loop->lanes.nap_ns == 0 && loop->spin.option_ns >= 0;
    bool found = false;
    if (may_spin) {
        core_wait_begin(&loop->core);
        found = spin_for_work(loop, clock_now_ns(), timeout_ns);
        core_wait_end(&loop->core);
    }
    return found ? 0 : park(loop, fast, timeout_ns, wait);
}

static int64_t timeout_ns_of(struct velo_loop *loop)
{
    for (int lane = 0; lane < LANES;
         lane++) { /* else it waits for a claim: nap until that is filled */
        if (local_is_next(&loop->local[lane], counter_get(&loop->lanes.queue[lane].taken)))
            return 0;
    }
    return lanes_timeout_ns(&loop->lanes, core_timeout_ns(&loop->core));
}

int loop_wait(struct velo_loop *loop)
{
    int64_t timeout_ns = timeout_ns_of(loop);
    return timeout_ns == 0 ? 1 : idle(loop, timeout_ns, core_peek);
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct velo_core *core = &loop->core;
    core_turn_begin(core);
    core_run_timers(core);
    lanes_lag(&loop->lanes);
    loop_run_tasks(loop);
    lanes_trim(&loop->lanes);
    int64_t timeout_ns = may_block ? timeout_ns_of(loop) : 0;
    int rc = timeout_ns == 0 ? poll_now(loop) : idle(loop, timeout_ns, core_poll);
    core_run_fds(core);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    return rc;
}

void loop_expose(struct velo_loop *loop)
{
    wake_expose(&loop->lanes.wake);
    if (lanes_count(&loop->lanes) != 0 || has_local(loop) || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

/* ---- the fast path mode ---- */

int velo_fast_path_set(struct velo_loop *loop, enum velo_fast_path mode)
{
    bool owner;
    if (loop == NULL || (unsigned)mode > VELO_FAST_DISABLED)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (!core_enter_work(&loop->core, &owner))
        return -ESHUTDOWN;
    int rc = fdtable_set_mode(&loop->core.fds, mode);
    if (rc == 0)
        loop_notify(loop); /* it may sleep in the other primitive (P3) */
    core_leave_work(&loop->core, owner);
    return rc;
}

enum velo_fast_path velo_fast_path_get(const struct velo_loop *loop)
{
    return fdtable_mode(&loop->core.fds);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "fastpath",
        .summary = "chunked ingress, no kernel poll without descriptors; spin, then futex",
        .version = "1.0",
        .kind = "native",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_FAST_PATH | VELO_CAP_UNTIL_IDLE |
                        VELO_CAP_BATCH | VELO_CAP_BOUNDED | VELO_CAP_METRICS | VELO_CAP_BACKEND_FD |
                        VELO_CAP_OFFLOAD,
    };
    return &impl;
}
