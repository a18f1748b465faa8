/* SPDX-License-Identifier: MIT */
/* twice.c - a contestant that runs a task twice; see faulty.h. */
#include "faulty.h"

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (faulty_now())
        __real_velo_submit(loop, fn, arg);
    return __real_velo_submit(loop, fn, arg);
}
