/* SPDX-License-Identifier: MIT */
/* reorder.c - a contestant that lets one task pass the one before it; see faulty.h. */
#include "faulty.h"

#include <stddef.h>

/* The task held back by this thread. */
static _Thread_local struct velo_task held;

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (held.fn == NULL && faulty_now()) {
        held = (struct velo_task){fn, arg};
        return 0;
    }
    int rc = __real_velo_submit(loop, fn, arg);
    if (held.fn != NULL) {
        __real_velo_submit(loop, held.fn, held.arg);
        held.fn = NULL;
    }
    return rc;
}
