/* SPDX-License-Identifier: MIT */
/* Descriptors: the table acts at once on any thread; a sleeper is told where it matters (P3, A2).
 */
#include "common/core.h"

#include <errno.h>

int velo_fd_watch(
    struct velo_loop *loop, int fd, unsigned events, velo_fd_fn fn, void *arg, velo_id *id)
{
    bool owner;
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (fd < 0)
        return -EBADF;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (!core_enter_work(core, &owner))
        return -ESHUTDOWN;
    int rc = fdtable_watch(&core->fds, fd, events, fn, arg, id);
    /* it may sleep where no descriptor is seen; or for the sake of this one, which failed */
    if (!owner && (rc == 0 || fdtable_count(&core->fds) == 0))
        loop_notify(loop);
    core_leave_work(core, owner);
    return rc;
}

int velo_fd_modify(struct velo_loop *loop, velo_id id, unsigned events)
{
    bool owner;
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (!core_enter_work(core, &owner))
        return -ESHUTDOWN;
    int rc = fdtable_modify(&core->fds, id, events);
    if (!owner && core_has_changes(core))
        loop_notify(loop);
    core_leave_work(core, owner);
    return rc;
}

int velo_fd_unwatch(struct velo_loop *loop, velo_id id)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    bool owner = core_enter_guest(core);
    int rc = fdtable_unwatch(&core->fds, id);
    /* the last one: the loop may be idle now, or on the fast path again */
    if (rc == 0 && !owner && (fdtable_count(&core->fds) == 0 || core_has_changes(core)))
        loop_notify(loop);
    core_leave_guest(core, owner);
    return rc;
}
