/* SPDX-License-Identifier: MIT */
/* The fast path of a contestant that has none: it is never on. */
#include "common/core.h"

#include <errno.h>

int velo_fast_path_set(struct velo_loop *loop, enum velo_fast_path mode)
{
    if (loop == NULL || (unsigned)mode > VELO_FAST_DISABLED)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (velo_loop_state(loop) >= VELO_STATE_TERMINATING)
        return -ESHUTDOWN;
    return mode == VELO_FAST_FORCED ? -ENOTSUP : 0;
}

enum velo_fast_path velo_fast_path_get(const struct velo_loop *loop)
{
    (void)loop;
    return VELO_FAST_DISABLED;
}
