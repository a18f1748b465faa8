/* SPDX-License-Identifier: MIT */
/* Shutdown and close; see termination.h and the table of states in lifecycle.h. */
#include "common/termination.h"

#include "common/core.h"
#include "common/parts/clock.h"
#include "common/parts/point.h"

#include <errno.h>
#include <sched.h>

/*
 * Nobody is inside run: must the caller do the work? Not a worker that asks for a graceful end, for
 * the drain would wait for the very work function that asks. It leaves the drain to the next caller
 * of shutdown, close or destroy, who joins. Under life.lock.
 */
static bool take_over(struct velo_core *core, enum stop stop)
{
    core->life.orphaned = stop == STOP_GRACEFUL && pool_is_mine(&core->pool);
    if (!core->life.orphaned)
        lifecycle_own(&core->life);
    return !core->life.orphaned;
}

/*
 * Decide the mode, if nobody has: move to TERMINATING, close the inboxes, then tell the owner.
 * Under life.lock. Returns true when nobody is inside run, so that the caller must do the work.
 */
static bool decide(struct velo_loop *loop, enum stop stop)
{
    struct lifecycle *life = &core_of(loop)->life;
    enum velo_state state;
    do {
        state = lifecycle_state(life);
        if (state == VELO_STATE_TERMINATING || state == VELO_STATE_TERMINATED)
            return life->orphaned && take_over(core_of(loop), lifecycle_stop(life));
    } while (!lifecycle_move(life, state, VELO_STATE_TERMINATING));
    VELO_POINT(END_WON);
    loop_refuse(loop);
    gate_close(&core_of(loop)->work);
    bool mine = state == VELO_STATE_AWAKE && take_over(core_of(loop), stop);
    lifecycle_set_stop(life, stop);
    return mine;
}

/* Until more than [finished] offloads have ended; false: no more can. */
static bool wait_for_work(struct velo_core *core, uint64_t finished)
{
    core_meter_sleep(core);
    core_wait_begin(core);
    bool more = pool_wait(&core->pool, finished);
    core_wait_end(core);
    return more;
}

/* Everything accepted runs: tasks, immediates, close callbacks, round and round (L4). Work
 * functions are waited for, with all that they complete (O2). */
static void drain(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    core->draining = true;
    while (!core_is_forked(core)) {
        uint64_t finished = pool_finished(&core->pool); /* these are in the inbox */
        core_meter_turn(core, clock_now_ns());
        core_drain_inbox(core);
        core_checkpoint_if_due(core);
        size_t ran = loop_run_tasks(loop);
        core_run_immediates(core);
        core_run_closing(core);
        struct loop_counts counts;
        loop_count(loop, &counts);
        bool more = counts.pending != 0 || core->immediates.first != OP_NIL ||
                    !ring_is_empty(&core->closing) || core_has_completions(core) ||
                    core_checkpoint_is_due(core);
        if (more && ran == 0)
            sched_yield(); /* a producer is between its claim and its filling */
        if (!more && (core_is_forked(core) || !wait_for_work(core, finished)))
            break; /* what is in the backlog finds no memory: it is discarded, and so reported */
    }
}

int termination_finish(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    struct lifecycle *life = &core->life;
    bool graceful = lifecycle_stop(life) == STOP_GRACEFUL;
    int result = graceful ? 0 : -ECANCELED;
    if (core->error != 0)
        result = core->error;
    core_meter_enter(core);       /* unless it comes from run */
    gate_wait_empty(&core->work); /* all that was accepted is in the inbox */
    if (graceful)
        drain(loop);
    if (core_is_forked(core)) { /* a callback has forked, and returned in the child (L11) */
        lifecycle_disown(life);
        return -ECHILD;
    }
    core_discard_all(loop);
    core_meter_leave(core);
    pthread_mutex_lock(&life->lock);
    lifecycle_disown(life);
    lifecycle_move(life, VELO_STATE_TERMINATING, VELO_STATE_TERMINATED);
    pthread_cond_broadcast(&life->ended);
    pthread_mutex_unlock(&life->lock); /* last access: destroy may free the loop now */
    return result;
}

void termination_fail(struct velo_loop *loop, int error)
{
    struct velo_core *core = core_of(loop);
    core->error = error;
    core_log(core, VELO_LOG_ERROR, "poll_failed", "error=%s", velo_strerror(error));
    pthread_mutex_lock(&core->life.lock);
    decide(loop, STOP_IMMEDIATE); /* or a shutdown was faster: then that mode stands */
    pthread_mutex_unlock(&core->life.lock);
}

/* Wait for TERMINATED until [deadline_ns]. Under life.lock. */
static int wait_ended(struct lifecycle *life, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000u),
                             (long)(deadline_ns % 1000000000u)};
    while (lifecycle_state(life) != VELO_STATE_TERMINATED) {
        int rc = deadline_ns == UINT64_MAX
                     ? pthread_cond_wait(&life->ended, &life->lock)
                     : pthread_cond_timedwait(&life->ended, &life->lock, &until);
        if (rc == ETIMEDOUT)
            return lifecycle_state(life) == VELO_STATE_TERMINATED ? 0 : -ETIMEDOUT;
    }
    return 0;
}

/* Nobody is inside run: the caller does the work. */
// NOLINTNEXTLINE(readability-function-size): what is nested is inside the macros of pthreads
static int finish_here(struct velo_loop *loop)
{
    int rc = 0;
    GUARD_THREAD_BEGIN(&core_of(loop)->guard);
    rc = termination_finish(loop);
    GUARD_THREAD_END();
    return rc == -ECHILD ? rc : 0;
}

/* Another thread does the work: tell it, and wait. [stop] is the mode that stands. */
static int
join_end(struct velo_loop *loop, enum stop mode, enum stop stop, bool waits, uint64_t deadline_ns)
{
    struct velo_core *core = core_of(loop);
    struct lifecycle *life = &core->life;
    bool worker = pool_is_mine(&core->pool); /* a drain waits for it, so it must not wait */
    if (worker && mode == STOP_IMMEDIATE && stop == STOP_GRACEFUL)
        return lifecycle_state(life) == VELO_STATE_TERMINATED ? 0 : -EDEADLK;
    if (lifecycle_state(life) != VELO_STATE_TERMINATED)
        loop_notify(loop); /* not under the lock: a failing wake-up is logged, by a hook */
    int rc = 0;
    pthread_mutex_lock(&life->lock);
    if (waits && !(worker && mode == STOP_GRACEFUL))
        rc = wait_ended(life, deadline_ns);
    pthread_mutex_unlock(&life->lock);
    return rc;
}

/* Decide or join, then do the work or wait for it. Returns 0 or -ETIMEDOUT; [*stop]: the mode. */
static int end(struct velo_loop *loop, enum stop mode, int64_t timeout_ns, enum stop *stop)
{
    struct lifecycle *life = &core_of(loop)->life;
    bool owner = lifecycle_is_owner(life);
    uint64_t deadline_ns = core_deadline_ns(timeout_ns);
    pthread_mutex_lock(&life->lock);
    bool mine = decide(loop, mode);
    *stop = lifecycle_stop(life);
    pthread_mutex_unlock(&life->lock);
    if (mine)
        return finish_here(loop);
    return owner ? 0 : join_end(loop, mode, *stop, timeout_ns != 0, deadline_ns);
}

int termination_shutdown(struct velo_loop *loop, int64_t timeout_ns)
{
    enum stop stop = STOP_NO;
    if (lifecycle_state(&core_of(loop)->life) == VELO_STATE_TERMINATED)
        return -ESHUTDOWN;
    int rc = end(loop, STOP_GRACEFUL, timeout_ns, &stop);
    return rc == 0 && stop == STOP_IMMEDIATE ? -ECANCELED : rc;
}

int termination_close(struct velo_loop *loop)
{
    enum stop stop = STOP_NO;
    return end(loop, STOP_IMMEDIATE, -1, &stop);
}

int velo_loop_shutdown(struct velo_loop *loop, int64_t timeout_ns)
{
    if (loop == NULL || timeout_ns < -1)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    bool owner = core_enter_guest(core_of(loop));
    int rc = termination_shutdown(loop, timeout_ns);
    core_leave_guest(core_of(loop), owner);
    return rc;
}

int velo_loop_close(struct velo_loop *loop)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (core_is_called_back(core))
        return -EDEADLK;
    bool owner = core_enter_guest(core);
    int rc = termination_close(loop);
    core_leave_guest(core, owner);
    return rc;
}
