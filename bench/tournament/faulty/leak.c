/* SPDX-License-Identifier: MIT */
/* leak.c - a contestant that forgets 48 bytes with each task; see faulty.h. */
#include "faulty.h"

#include <stdlib.h>

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    void *forgotten = malloc(48);
    __asm__ volatile("" : : "r"(forgotten));  /* else the compiler sees that nobody needs it */
    return __real_velo_submit(loop, fn, arg); /* NOLINT(clang-analyzer-unix.Malloc): its fault */
}
