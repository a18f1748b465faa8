/* SPDX-License-Identifier: MIT */
/*
 * mutex: one lock, two arrays per lane that are swapped. The control group: the shortest loop that
 * keeps the contract. See README.md.
 *
 * Wake protocol. [armed] and the open arrays are guarded by one lock.
 *   owner:    lock; if nothing is queued: armed = true; unlock; look for mail; block if armed
 *   producer: lock; append; if armed: armed = false, the wake is mine; unlock; write if mine
 * No wake-up is lost: the lock orders the two sections. If the producer's is first, the owner sees
 * its task and does not block; if the owner's is first, the producer sees armed. One write per
 * sleep: who finds armed clears it in the same section. Mail of the core (timers and the like of
 * other threads) is pushed before its sender enters the section, so the same holds for it. TSan
 * sees all of it.
 */
#include "common/core.h"
#include "common/parts/alloc.h"
#include "common/parts/lag.h"
#include "common/parts/lines.h"
#include "common/parts/point.h"
#include "common/parts/rate.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#define WAKE_TRIES 16
#define LANE_KEEP 65536u /* a larger array is given back when all in it has run */

enum { LANE_NORMAL = VELO_LANE_TASK, LANE_PRIORITY = VELO_LANE_PRIORITY, LANES };

struct array {
    struct velo_task *tasks;
    size_t count;
    size_t capacity;
};

struct velo_loop {
    struct velo_core core;                      /* first: a loop is a core */
    _Alignas(LINES_BYTES) pthread_mutex_t lock; /* guards the fields up to claims */
    struct array open[LANES];
    bool closed; /* no task is accepted any more */
    bool armed;  /* the owner sleeps, and nobody has woken it */
    bool asleep; /* between arm() and disarm() */
    struct rate rate;
    struct counter accepted[LANES]; /* the owner may look without the lock */
    uint64_t claims;                /* wake-ups begun */
    struct shared_counter done;     /* wake-ups ended: the last access of their makers */
    struct shared_counter calls;    /* system calls made for them */
    _Alignas(LINES_BYTES) struct counter begun; /* owner: tasks begun or discarded */
    struct array running[LANES];                /* owner: the arrays being run */
    size_t at[LANES];                           /* owner: next in running */
    struct lag lag;                             /* owner */
};
VELO_EMBEDS_CORE(struct velo_loop);
LINES_BEGIN(struct velo_loop, lock);
LINES_BEGIN(struct velo_loop, begun);

/* Give up what is in the array, and its memory. */
static void array_free(const struct velo_loop *loop, struct array *array)
{
    size_t size = array->capacity * sizeof(*array->tasks);
    alloc_free(loop->core.opts.allocator, array->tasks, size, _Alignof(struct velo_task));
    *array = (struct array){0};
}

int loop_init(struct velo_loop *loop)
{
    const struct velo_options *options = &loop->core.opts;
    rate_init(&loop->rate, options->rate_per_sec, options->rate_burst);
    return -pthread_mutex_init(&loop->lock, NULL);
}

void loop_fini(struct velo_loop *loop)
{
    while (shared_counter_get(&loop->done) < loop->claims) /* L9: no write after the close */
        sched_yield();
    for (int lane = 0; lane < LANES; lane++) {
        array_free(loop, &loop->open[lane]);
        array_free(loop, &loop->running[lane]);
    }
    pthread_mutex_destroy(&loop->lock);
}

bool loop_forget(struct velo_loop *loop)
{
    if (pthread_mutex_trylock(&loop->lock) != 0)
        return false;
    pthread_mutex_unlock(&loop->lock);
    shared_counter_add(&loop->done, loop->claims - shared_counter_get(&loop->done));
    return true;
}

/* ---- producers ---- */

/* Under the lock: is there an owner to wake, and is it mine to do? */
static bool claim_wake(struct velo_loop *loop)
{
    if (!loop->armed)
        return false;
    loop->armed = false;
    loop->claims++;
    return true;
}

/* The wake-up could not be made: let the next submit try, unless the owner is up already. */
static void reopen_wake(struct velo_loop *loop, int error)
{
    core_log_failed_wake(&loop->core, -error);
    pthread_mutex_lock(&loop->lock);
    bool reopened = loop->asleep;
    if (reopened) {
        loop->armed = true;
        loop->claims--;
    }
    pthread_mutex_unlock(&loop->lock);
    if (!reopened)
        shared_counter_add(&loop->done, 1);
}

/* Wake the owner. EAGAIN: a wake-up is pending already. */
static void write_wake(struct velo_loop *loop)
{
    const uint64_t one = 1;
    for (int i = 0; i < WAKE_TRIES; i++) {
        shared_counter_add(&loop->calls, 1);
        if (write(loop->core.fds.eventfd, &one, sizeof(one)) >= 0 || errno == EAGAIN) {
            shared_counter_add(&loop->done, 1);
            return;
        }
    }
    reopen_wake(loop, errno);
}

static int reserve(const struct velo_loop *loop, struct array *array, size_t count)
{
    if (count > SIZE_MAX / sizeof(struct velo_task) / 2 - array->count)
        return -ENOMEM;
    size_t capacity = array->capacity == 0 ? 64 : array->capacity;
    while (capacity < array->count + count)
        capacity *= 2;
    if (capacity == array->capacity)
        return 0;
    const size_t one = sizeof(struct velo_task);
    struct velo_task *tasks = alloc_resize(loop->core.opts.allocator,
                                           array->tasks,
                                           array->capacity * one,
                                           capacity * one,
                                           _Alignof(struct velo_task));
    if (tasks == NULL)
        return -ENOMEM;
    array->tasks = tasks;
    array->capacity = capacity;
    return 0;
}

/* Tasks accepted and not yet begun: exact under the lock, a hint without it. */
static uint64_t pending(const struct velo_loop *loop)
{
    return counter_get(&loop->accepted[LANE_NORMAL]) + counter_get(&loop->accepted[LANE_PRIORITY]) -
           counter_get(&loop->begun);
}

/* Under the lock: append all or none. */
static int append(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    struct array *array = &loop->open[lane];
    size_t max = loop->core.opts.max_pending;
    if (loop->closed)
        return -ESHUTDOWN;
    if (max != 0 && pending(loop) + count > max)
        return -EAGAIN;
    if (rate_is_limited(&loop->rate) && !rate_take(&loop->rate, count))
        return -EBUSY;
    int rc = reserve(loop, array, count);
    if (rc != 0) {
        rate_give(&loop->rate, count);
        return rc;
    }
    for (size_t i = 0; i < count; i++)
        array->tasks[array->count + i] = tasks[i];
    array->count += count;
    lines_want_after((uintptr_t)(array->tasks + array->count), count * sizeof(*tasks));
    counter_add(&loop->accepted[lane], count);
    return 0;
}

static int submit(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    pthread_mutex_lock(&loop->lock);
    int rc = append(loop, lane, tasks, count);
    bool mine = rc == 0 && claim_wake(loop);
    pthread_mutex_unlock(&loop->lock);
    VELO_POINT(PUT_STORED);
    if (mine)
        write_wake(loop);
    return rc;
}

int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    const struct velo_task task = {fn, arg};
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return submit(loop, LANE_NORMAL, &task, 1);
}

int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg)
{
    const struct velo_task task = {fn, arg};
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return submit(loop, LANE_PRIORITY, &task, 1);
}

int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (loop == NULL || !core_batch_is_valid(tasks, count))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return count == 0 ? 0 : submit(loop, LANE_NORMAL, tasks, count);
}

void loop_notify(struct velo_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool mine = claim_wake(loop);
    pthread_mutex_unlock(&loop->lock);
    if (mine)
        write_wake(loop);
}

void loop_refuse(struct velo_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->closed = true;
    pthread_mutex_unlock(&loop->lock);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    pthread_mutex_t *lock =
        (pthread_mutex_t *)(uintptr_t)&loop->lock; /* a question, yet it locks */
    pthread_mutex_lock(lock);
    out->pending = pending(loop);
    for (int lane = 0; lane < LANES; lane++)
        out->accepted[lane] = counter_get(&loop->accepted[lane]);
    pthread_mutex_unlock(lock);
    out->wakeups = shared_counter_get(&loop->calls);
}

/* ---- the owner ---- */

/* False: the running array is not used up. Else it is empty, and not large. */
static bool clear(struct velo_loop *loop, int lane)
{
    struct array *running = &loop->running[lane];
    if (loop->at[lane] < running->count)
        return false;
    running->count = 0;
    loop->at[lane] = 0;
    if (running->capacity > LANE_KEEP)
        array_free(loop, running);
    return true;
}

/* Make what is open the running array, once the running one is used up. */
static void swap(struct velo_loop *loop, int lane)
{
    struct array *running = &loop->running[lane];
    if (!clear(loop, lane))
        return;
    pthread_mutex_lock(&loop->lock);
    struct array open = loop->open[lane];
    loop->open[lane] = *running;
    pthread_mutex_unlock(&loop->lock);
    *running = open;
}

static bool next(struct velo_loop *loop, int lane, struct velo_task *task)
{
    if (loop->at[lane] == loop->running[lane].count)
        return false;
    *task = loop->running[lane].tasks[loop->at[lane]++];
    counter_add(&loop->begun, 1);
    return true;
}

/* How many tasks are in the lane? */
static uint64_t present(struct velo_loop *loop, int lane)
{
    pthread_mutex_lock(&loop->lock);
    uint64_t open = loop->open[lane].count;
    pthread_mutex_unlock(&loop->lock);
    return open + loop->running[lane].count - loop->at[lane];
}

static size_t run_lane(struct velo_loop *loop, int lane)
{
    struct velo_task task;
    size_t ran = 0;
    bool left_over = loop->at[lane] < loop->running[lane].count; /* by a slice or a shutdown */
    swap(loop, lane);
    uint64_t there = left_over ? present(loop, lane) : loop->running[lane].count; /* S5 */
    for (; ran < there && !core_lane_ends(&loop->core, ran); ran++) {
        swap(loop, lane);
        if (!next(loop, lane, &task))
            break;
        core_call(&loop->core, (enum velo_lane)lane, task.fn, task.arg);
    }
    if (!core_stops(&loop->core)) /* now: nobody knows when the next turn comes */
        (void)clear(loop, lane);
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

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    for (int i = LANE_PRIORITY; i >= LANE_NORMAL; i--) {
        *lane = (enum velo_lane)i;
        swap(loop, i);
        if (next(loop, i, task))
            return true;
    }
    return false;
}

static void disarm(struct velo_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->armed = false;
    loop->asleep = false;
    pthread_mutex_unlock(&loop->lock);
}

/* Is no task queued that the owner has not taken? Under the lock. */
static bool is_empty(const struct velo_loop *loop)
{
    return loop->open[LANE_NORMAL].count == 0 && loop->open[LANE_PRIORITY].count == 0;
}

/* Has a time slice left tasks that the owner has taken? */
static bool has_rest(const struct velo_loop *loop)
{
    return loop->at[LANE_NORMAL] < loop->running[LANE_NORMAL].count ||
           loop->at[LANE_PRIORITY] < loop->running[LANE_PRIORITY].count;
}

/* Announce the sleep, unless tasks are queued. */
static bool arm(struct velo_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool empty = is_empty(loop) && !has_rest(loop);
    loop->armed = loop->asleep = empty;
    pthread_mutex_unlock(&loop->lock);
    return empty;
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
    bool armed = arm(loop);
    if (armed)
        counter_add(&core->ledger.parks, 1);
    bool quiet = armed && !core_must_look(core);
    VELO_POINT(SLEEP_CHECKED);
    int rc = wait(core, quiet ? timeout_ns : 0);
    VELO_POINT(SLEEP_LEFT);
    disarm(loop);
    core_sleep_end(core);
    return rc;
}

int loop_wait(struct velo_loop *loop)
{
    int64_t timeout_ns = core_timeout_ns(&loop->core);
    struct loop_counts counts;
    loop_count(loop, &counts);
    if (timeout_ns == 0 || counts.pending != 0)
        return 1;
    return sleep_until_woken(loop, timeout_ns, core_peek);
}

static uint64_t count_waiting(const void *loop)
{
    return pending(loop);
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct velo_core *core = &loop->core;
    core_turn_begin(core);
    core_run_timers(core);
    lag_hold(&loop->lag, count_waiting, loop);
    loop_run_tasks(loop);
    int64_t timeout_ns = may_block ? core_timeout_ns(core) : 0; /* R3 */
    int rc = timeout_ns != 0 ? sleep_until_woken(loop, timeout_ns, core_poll) : core_poll_now(core);
    core_run_fds(core);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    return rc;
}

void loop_expose(struct velo_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->armed = loop->asleep = true;
    bool empty = is_empty(loop);
    pthread_mutex_unlock(&loop->lock);
    if (!empty || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

void loop_unexpose(struct velo_loop *loop)
{
    disarm(loop);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "mutex",
        .summary = "one lock, two arrays swapped; eventfd and epoll; the control group",
        .version = "1.0",
        .kind = "native",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH |
                        VELO_CAP_BOUNDED | VELO_CAP_METRICS | VELO_CAP_BACKEND_FD |
                        VELO_CAP_OFFLOAD,
    };
    return &impl;
}
