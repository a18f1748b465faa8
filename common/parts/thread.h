/* SPDX-License-Identifier: MIT */
/* Who is calling: the address of a constant that each thread has its own copy of. */
#ifndef VELO_PARTS_THREAD_H
#define VELO_PARTS_THREAD_H

/* initial-exec: one instruction to find, also in the shared library */
extern _Thread_local const char thread_anchor
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Unique among the threads that live. */
static inline const void *thread_self(void)
{
    return &thread_anchor;
}

#endif
