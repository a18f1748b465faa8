/* SPDX-License-Identifier: MIT */
/* abort.c - a contestant that ends the whole process by abort(); see faulty.h. */
#include "faulty.h"

#include <stdlib.h>

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (faulty_now())
        abort();
    return __real_velo_submit(loop, fn, arg);
}
