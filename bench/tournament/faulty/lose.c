/* SPDX-License-Identifier: MIT */
/* lose.c - a contestant that accepts a task and drops it; see faulty.h. */
#include "faulty.h"

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (faulty_now())
        return 0;
    return __real_velo_submit(loop, fn, arg);
}
