/* SPDX-License-Identifier: MIT */
/* hang.c - a contestant that never returns from a submit; see faulty.h. */
#include "faulty.h"

#include <unistd.h>

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (faulty_now())
        for (;;)
            pause();
    return __real_velo_submit(loop, fn, arg);
}
