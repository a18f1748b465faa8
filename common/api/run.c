/* SPDX-License-Identifier: MIT */
/* velo_loop_run: who may enter, the four modes, and leaving without losing work (L3, A2, A3). */
#include "common/core.h"
#include "common/parts/point.h"
#include "common/termination.h"

#include <errno.h>
#include <sched.h>

static bool may_go_on(const struct velo_loop *loop)
{
    return lifecycle_stop(&core_of_const(loop)->life) == STOP_NO;
}

static int run_forever(struct velo_loop *loop)
{
    int rc = 0;
    while (rc == 0 && may_go_on(loop))
        rc = loop_turn(loop, true);
    return rc;
}

static void set_until_idle(struct velo_core *core, uint32_t on)
{
    /* (R1) seq_cst: before the liveness is looked at; pairs with (R2) in timers.c and fds.c */
    atomic_store_explicit(&core->until_idle, on, memory_order_seq_cst);
}

static int run_until_idle(struct velo_loop *loop)
{
    int rc = 0;
    set_until_idle(core_of(loop), 1);
    while (rc == 0 && may_go_on(loop) && core_is_alive(loop))
        rc = loop_turn(loop, true);
    set_until_idle(core_of(loop), 0);
    return rc;
}

static int run_once(struct velo_loop *loop)
{
    int rc = 0;
    core_drain_inbox(core_of(loop));
    /* what waits for memory needs a turn to be tried again */
    while (rc == 0 && may_go_on(loop) && core_is_alive(loop) &&
           core_of(loop)->backlog.first == OP_NIL)
        rc = loop_wait(loop);      /* again after a signal, or a wake-up */
    core_take_poke(core_of(loop)); /* it has ended the wait, or is in time for a turn without one */
    return rc >= 0 && may_go_on(loop) ? loop_turn(loop, false) : rc;
}

static int run_mode(struct velo_loop *loop, enum velo_run_mode mode)
{
    switch (mode) {
    case VELO_RUN_FOREVER:
        return run_forever(loop);
    case VELO_RUN_UNTIL_IDLE:
        return run_until_idle(loop);
    case VELO_RUN_ONCE:
        return run_once(loop);
    default:
        core_take_poke(core_of(loop)); /* this run does not block anyway */
        return loop_turn(loop, false);
    }
}

/* Hand the loop back. False: a shutdown came first, and its caller counts on us. */
static bool leave(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    bool pinned = fdtable_is_pinned(&core->fds);
    struct loop_counts counts;
    loop_count(loop, &counts); /* a time slice, or a run that was NOWAIT, may leave tasks */
    bool ready = counts.pending != 0 || core_checkpoint_is_due(core) ||
                 core->immediates.first != OP_NIL || !ring_is_empty(&core->closing) ||
                 core_has_completions(core);
    ready = core_settle(core) || ready;
    /* (R5) release: for who asks for the descriptor later; pairs with (R5) in core_expose() */
    atomic_store_explicit(&core->left_over, ready, memory_order_release);
    if (pinned) {
        loop_expose(loop);
        if (ready || core_timeout_ns(core) == 0) /* something is left: be readable at once (A4) */
            loop_notify(loop);
    }
    core_meter_leave(core);
    lifecycle_disown(&core->life);
    VELO_POINT(EXIT_DECIDED);
    if (lifecycle_move(&core->life, VELO_STATE_RUNNING, VELO_STATE_AWAKE)) {
        if (!pinned) /* it may be by now, and who pinned it may have found it running */
            core_expose(loop);
        return true;
    }
    lifecycle_own(&core->life);
    while (may_go_on(loop)) /* the state has moved; the stop follows in a few instructions */
        sched_yield();
    return false;
}

/* Take the loop, which is AWAKE, unless somebody else is faster. */
static bool take(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    if (!lifecycle_move(&core->life, VELO_STATE_AWAKE, VELO_STATE_RUNNING))
        return false;
    lifecycle_own(&core->life);
    core_meter_enter(core);
    if (fdtable_is_pinned(&core->fds))
        loop_unexpose(loop);
    return true;
}

static int refusal(struct velo_loop *loop)
{
    enum velo_state state = lifecycle_state(&core_of(loop)->life);
    bool ended = state == VELO_STATE_TERMINATING || state == VELO_STATE_TERMINATED;
    return ended ? -ESHUTDOWN : -EBUSY;
}

/* As the owner, until the mode's end. */
static int run_owned(struct velo_loop *loop, enum velo_run_mode mode)
{
    struct velo_core *core = core_of(loop);
    for (;;) {
        int rc = run_mode(loop, mode);
        if (core_is_forked(core)) { /* a callback has forked, and returned in the child (L11) */
            lifecycle_disown(&core->life);
            return -ECHILD;
        }
        if (rc < 0)
            termination_fail(loop, rc);
        if (!may_go_on(loop))
            return termination_finish(loop);
        (void)gate_enter(&core->guests); /* destroy waits: we look at the loop after leaving it */
        bool left = leave(loop);
        /* work that arrived before the loop was AWAKE is run, not left behind (A2) */
        bool again = left && mode == VELO_RUN_UNTIL_IDLE && core_is_alive(loop) && take(loop);
        gate_leave(&core->guests);
        if (!left)
            return termination_finish(loop);
        if (!again)
            return 0;
    }
}

// NOLINTNEXTLINE(readability-function-size): what is nested is inside the macros of pthreads
int velo_loop_run(struct velo_loop *loop, enum velo_run_mode mode)
{
    if (loop == NULL || (unsigned)mode > VELO_RUN_NOWAIT)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (core_is_called_back(core) || pool_is_mine(&core->pool))
        return -EDEADLK; /* a worker that runs the loop would wait for itself */
    if (!take(loop))
        return refusal(loop);
    int rc = 0;
    GUARD_THREAD_BEGIN(&core->guard);
    rc = run_owned(loop, mode);
    GUARD_THREAD_END();
    return rc;
}
