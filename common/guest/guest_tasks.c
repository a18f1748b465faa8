/* SPDX-License-Identifier: MIT */
/*
 * A guest's queue of tasks, and when its bell is rung.
 *
 * The bells of libraries coalesce and carry nothing, so tasks wait here: two rings per lane under
 * one lock, of which the owner takes the open one when the other is used up. That is what users of
 * these libraries write; it is no contest of queues. What helps any queue it has, too: what
 * producers and owner write stands on lines of its own, and is asked for ahead (lines.h). It does
 * not hold back in a flood, as natives do (lag.h): that would be to busy-wait in a callback of the
 * library while other handlers are due.
 *
 * Wake protocol. [armed] and the open rings are guarded by the lock.
 *   owner:    lock; if nothing is queued: armed = true; unlock; look for mail; wait if armed
 *   producer: lock; append; if armed: armed = false, the bell is mine; unlock; ring if mine
 * No wake-up is lost: the lock orders the two sections. If the producer's is first, the owner sees
 * its task and does not wait; if the owner's is first, the producer sees armed. One bell per sleep,
 * none while the owner is awake: who finds armed clears it in the same section. Mail of the core
 * and changes of descriptors are published before their sender enters the section, so the same
 * holds for them. That a bell rung before the library waits ends that wait is the library's
 * promise. TSan sees the rest.
 */
#include "common/guest/guest.h"

#include "common/parts/lines.h"
#include "common/parts/point.h"

#include <errno.h>
#include <sched.h>

#define WAKE_TRIES 16

int guest_tasks_init(struct guest *guest)
{
    const struct velo_options *options = &guest->core.opts;
    rate_init(&guest->rate, options->rate_per_sec, options->rate_burst);
    for (int lane = 0; lane < GUEST_LANES; lane++)
        guest->open[lane].alloc = guest->running[lane].alloc = options->allocator;
    return -pthread_mutex_init(&guest->lock, NULL);
}

void guest_tasks_fini(struct guest *guest)
{
    for (int lane = 0; lane < GUEST_LANES; lane++) {
        ring_fini(&guest->open[lane]);
        ring_fini(&guest->running[lane]);
    }
    pthread_mutex_destroy(&guest->lock);
}

bool guest_tasks_forget(struct guest *guest)
{
    if (pthread_mutex_trylock(&guest->lock) != 0)
        return false;
    pthread_mutex_unlock(&guest->lock);
    /* whose bell was being rung: the library may have begun it, and would wait for its end */
    return shared_counter_get(&guest->done) == guest->claims;
}

/* ---- producers ---- */

/* Under the lock: does the owner sleep, and is it mine to wake? */
static bool claim_wake(struct guest *guest)
{
    if (!guest->armed)
        return false;
    guest->armed = false;
    guest->claims++;
    return true;
}

/* The bell could not be rung: let the next submit try, unless the owner is up already. */
static void reopen_wake(struct guest *guest, int error)
{
    core_log_failed_wake(&guest->core, error);
    pthread_mutex_lock(&guest->lock);
    bool reopened = guest->asleep;
    if (reopened) {
        guest->armed = true;
        guest->claims--;
    }
    pthread_mutex_unlock(&guest->lock);
    if (!reopened)
        shared_counter_add(&guest->done, 1);
}

static void ring(struct guest *guest)
{
    int rc = 0;
    for (int i = 0; i < WAKE_TRIES; i++) {
        shared_counter_add(&guest->calls, 1);
        rc = guest_ring(guest_loop(guest));
        if (rc == 0) {
            shared_counter_add(&guest->done, 1);
            return;
        }
    }
    reopen_wake(guest, rc);
}

/* Room for [count] more. */
static int reserve(struct ring *ring, size_t count)
{
    uint64_t wanted = ring->size == 0 ? RING_MIN : ring->size;
    if (count > SIZE_MAX / sizeof(struct velo_task) / 2 - ring_count(ring))
        return -ENOMEM;
    while (wanted < ring_count(ring) + count)
        wanted *= 2;
    return wanted == ring->size ? 0 : ring_resize(ring, wanted);
}

/* Under the lock: tasks accepted and not yet begun. */
static uint64_t pending(const struct guest *guest)
{
    return guest->accepted[GUEST_NORMAL] + guest->accepted[GUEST_PRIORITY] -
           counter_get(&guest->begun);
}

/* Under the lock: append all or none. */
static int append(struct guest *guest, int lane, const struct velo_task *tasks, size_t count)
{
    size_t max = guest->core.opts.max_pending;
    if (guest->closed)
        return -ESHUTDOWN;
    if (max != 0 && pending(guest) + count > max)
        return -EAGAIN;
    if (rate_is_limited(&guest->rate) && !rate_take(&guest->rate, count))
        return -EBUSY;
    int rc = reserve(&guest->open[lane], count);
    if (rc != 0) {
        rate_give(&guest->rate, count);
        return rc;
    }
    for (size_t i = 0; i < count; i++)
        (void)ring_push(&guest->open[lane], tasks[i].fn, tasks[i].arg); /* there is room */
    lines_want_after((uintptr_t)ring_next(&guest->open[lane]), count * sizeof(*tasks));
    guest->accepted[lane] += count;
    return 0;
}

static int submit(struct velo_loop *loop, int lane, const struct velo_task *tasks, size_t count)
{
    struct guest *guest = guest_of(loop);
    pthread_mutex_lock(&guest->lock);
    int rc = append(guest, lane, tasks, count);
    bool mine = rc == 0 && claim_wake(guest);
    pthread_mutex_unlock(&guest->lock);
    VELO_POINT(PUT_STORED);
    if (mine)
        ring(guest);
    return rc;
}

int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    const struct velo_task task = {fn, arg};
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return submit(loop, GUEST_NORMAL, &task, 1);
}

int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg)
{
    const struct velo_task task = {fn, arg};
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return submit(loop, GUEST_PRIORITY, &task, 1);
}

int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (loop == NULL || !core_batch_is_valid(tasks, count))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return count == 0 ? 0 : submit(loop, GUEST_NORMAL, tasks, count);
}

void loop_notify(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    pthread_mutex_lock(&guest->lock);
    bool mine = claim_wake(guest);
    pthread_mutex_unlock(&guest->lock);
    if (mine)
        ring(guest);
}

void loop_refuse(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    pthread_mutex_lock(&guest->lock);
    guest->closed = true;
    pthread_mutex_unlock(&guest->lock);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    /* a question, yet it locks */
    struct guest *guest = (struct guest *)(uintptr_t)loop;
    pthread_mutex_lock(&guest->lock);
    out->pending = pending(guest);
    for (int lane = 0; lane < GUEST_LANES; lane++)
        out->accepted[lane] = guest->accepted[lane];
    pthread_mutex_unlock(&guest->lock);
    out->wakeups = shared_counter_get(&guest->calls);
}

/* ---- the owner's tasks ---- */

/* Take the open ring, once the running one is used up. */
static void take_batch(struct guest *guest, int lane)
{
    struct ring *running = &guest->running[lane];
    if (!ring_is_empty(running))
        return;
    ring_trim(running);
    pthread_mutex_lock(&guest->lock);
    struct ring open = guest->open[lane];
    guest->open[lane] = *running;
    pthread_mutex_unlock(&guest->lock);
    *running = open;
}

static bool next(struct guest *guest, int lane, struct velo_task *task)
{
    take_batch(guest, lane);
    if (ring_is_empty(&guest->running[lane]))
        return false;
    *task = ring_pop(&guest->running[lane]);
    counter_add(&guest->begun, 1);
    return true;
}

/* How many tasks are in the lane? */
static uint64_t present(struct guest *guest, int lane)
{
    pthread_mutex_lock(&guest->lock);
    uint64_t open = ring_count(&guest->open[lane]);
    pthread_mutex_unlock(&guest->lock);
    return open + ring_count(&guest->running[lane]);
}

static size_t run_lane(struct guest *guest, int lane)
{
    struct velo_task task;
    size_t ran = 0;
    bool left_over = !ring_is_empty(&guest->running[lane]); /* by a slice or a shutdown */
    take_batch(guest, lane);
    /* S5 */
    uint64_t there = left_over ? present(guest, lane) : ring_count(&guest->running[lane]);
    for (; ran < there && !core_lane_ends(&guest->core, ran) && next(guest, lane, &task); ran++)
        core_call(&guest->core, (enum velo_lane)lane, task.fn, task.arg);
    return ran;
}

size_t loop_run_tasks(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    core_slice_begin(&guest->core);
    if (core_has_completions(&guest->core)) /* R4 */
        core_fence(&guest->core, present(guest, GUEST_NORMAL));
    size_t urgent = run_lane(guest, GUEST_PRIORITY); /* S6 */
    size_t ran = run_lane(guest, GUEST_NORMAL);
    return urgent + ran + core_run_completions(&guest->core, ran);
}

bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task)
{
    for (int i = GUEST_PRIORITY; i >= GUEST_NORMAL; i--) {
        *lane = (enum velo_lane)i;
        if (next(guest_of(loop), i, task))
            return true;
    }
    return false;
}

/* ---- the sleep ---- */

/* Has a time slice left tasks that the owner has taken? */
static bool has_rest(const struct guest *guest)
{
    return !ring_is_empty(&guest->running[GUEST_NORMAL]) ||
           !ring_is_empty(&guest->running[GUEST_PRIORITY]);
}

/* Is there a task that the owner has not taken? Under the lock. */
static bool has_open(const struct guest *guest)
{
    return !ring_is_empty(&guest->open[GUEST_NORMAL]) ||
           !ring_is_empty(&guest->open[GUEST_PRIORITY]);
}

bool guest_has_tasks(struct guest *guest)
{
    pthread_mutex_lock(&guest->lock);
    bool open = has_open(guest);
    pthread_mutex_unlock(&guest->lock);
    return open || has_rest(guest);
}

/* Announce the sleep, unless tasks are queued. */
static bool arm(struct guest *guest)
{
    pthread_mutex_lock(&guest->lock);
    bool empty = !has_open(guest) && !has_rest(guest);
    guest->armed = guest->asleep = empty;
    pthread_mutex_unlock(&guest->lock);
    return empty;
}

static void disarm(struct guest *guest)
{
    pthread_mutex_lock(&guest->lock);
    guest->armed = false;
    guest->asleep = false;
    pthread_mutex_unlock(&guest->lock);
}

void guest_wait_bells(struct guest *guest)
{
    pthread_mutex_lock(&guest->lock);
    uint64_t claims = guest->claims;
    pthread_mutex_unlock(&guest->lock);
    while (shared_counter_get(&guest->done) < claims)
        sched_yield();
}

/* Wait for at most [timeout_ns] by [wait]. */
int guest_sleep(struct guest *guest,
                int64_t timeout_ns,
                int (*wait)(struct velo_core *core, int64_t timeout_ns))
{
    struct velo_core *core = &guest->core;
    int rc = guest_update(core);
    if (rc != 0)
        return rc;
    if (guest->noted.first != NULL || core_must_look(core))
        return wait(core, 0); /* before the announcement, which would cost a sender its bell */
    if (!core_sleep_begin(core))
        return 0;
    bool armed = arm(guest);
    if (armed)
        counter_add(&core->ledger.parks, 1);
    bool quiet = armed && !core_must_look(core) && !core_has_changes(&guest->core);
    VELO_POINT(SLEEP_CHECKED);
    guest->sleeping = true;
    rc = wait(core, quiet ? timeout_ns : 0);
    guest->sleeping = false;
    VELO_POINT(SLEEP_LEFT);
    disarm(guest);
    core_sleep_end(core);
    return rc;
}

void loop_expose(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    pthread_mutex_lock(&guest->lock);
    guest->armed = guest->asleep = true;
    bool empty = !has_open(guest);
    pthread_mutex_unlock(&guest->lock);
    if (!empty || core_has_mail(&guest->core) || core_has_changes(&guest->core))
        loop_notify(loop); /* readable at once */
}

void loop_unexpose(struct velo_loop *loop)
{
    disarm(guest_of(loop));
}
