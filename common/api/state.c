/* SPDX-License-Identifier: MIT */
/* Questions about a loop, waking it, and its descriptor for embedding. */
#include "common/core.h"
#include "common/parts/clock.h"

#include <errno.h>

/*
 * An end is declared in steps: the state, which has one winner, then the inboxes, last the mode.
 * Until that is set calls may still be accepted, so the state that is told is the one before (L4).
 */
enum velo_state velo_loop_state(const struct velo_loop *loop)
{
    const struct lifecycle *life = &core_of_const(loop)->life;
    enum velo_state state = lifecycle_state(life);
    if (state != VELO_STATE_TERMINATING || lifecycle_stop(life) != STOP_NO)
        return state;
    return lifecycle_has_owner(life) ? VELO_STATE_RUNNING : VELO_STATE_AWAKE;
}

bool velo_loop_is_owner(const struct velo_loop *loop)
{
    return lifecycle_is_owner(&core_of_const(loop)->life) && !core_is_forked(core_of_const(loop));
}

bool velo_loop_is_alive(const struct velo_loop *loop)
{
    struct velo_core *core =
        (struct velo_core *)(uintptr_t)loop; /* a question, yet it is counted */
    bool owner = core_enter_guest(core);
    bool alive = core_is_alive(loop);
    core_leave_guest(core, owner);
    return alive;
}

int velo_loop_wake(struct velo_loop *loop)
{
    bool owner;
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (!core_enter_work(core_of(loop), &owner))
        return -ESHUTDOWN;
    /* (R3) seq_cst: before the look whether the owner sleeps; pairs with core_must_look() */
    atomic_store_explicit(&core_of(loop)->poked, 1, memory_order_seq_cst);
    loop_notify(loop);
    core_leave_work(core_of(loop), owner);
    return 0;
}

uint64_t velo_loop_now_ns(const struct velo_loop *loop)
{
    const struct velo_core *core = core_of_const(loop);
    return lifecycle_is_owner(&core->life) ? core->now_ns : clock_now_ns();
}

int velo_loop_backend_fd(struct velo_loop *loop)
{
    bool owner;
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if ((velo_impl()->capabilities & VELO_CAP_BACKEND_FD) == 0)
        return -ENOTSUP;
    struct velo_core *core = core_of(loop);
    if (!core_enter_work(core, &owner))
        return -ESHUTDOWN;
    int rc = fdtable_pin(&core->fds);
    if (rc >= 0) {
        loop_notify(loop);
        if (lifecycle_state(&core->life) == VELO_STATE_AWAKE)
            core_expose(loop);
    }
    core_leave_work(core, owner);
    return rc;
}
