/* SPDX-License-Identifier: MIT */
/* See guard.h. */
#include "common/guard.h"

#ifndef NDEBUG

#include <stdio.h>
#include <stdlib.h>

void guard_fail(const char *how)
{
    fprintf(stderr,
            "velo: a callback has left by %s instead of returning: its loop is broken (X2)\n",
            how);
    abort();
}

void guard_thread_ends(void *guard)
{
    if (((const struct guard *)guard)->frame != NULL)
        guard_fail("pthread_exit");
}

#else

typedef int guard_is_empty; /* ISO C wants something here */

#endif
