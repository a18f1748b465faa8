/* SPDX-License-Identifier: MIT */
/*
 * faulty.h - contestants with one fault each, to see that the gate and the race find it by
 * themselves; and slow.c, which is correct and slower by a known share.
 *
 * Each is impls/mutex with one function wrapped at link time (-Wl,--wrap=NAME for each
 * __wrap_NAME that the file defines), so the load generators are the real ones. They stand outside
 * impls/ and are raced only with --extra and by the self-check.
 */
#ifndef VELO_FAULTY_H
#define VELO_FAULTY_H

#include "velo.h"

#include <stdatomic.h>
#include <stdbool.h>

/* The call that is made wrong: late enough that everything is under way by then. */
enum { FAULTY_CALL = 100 };

/* Defined by the linker: the contestant's own, and what everybody else gets in its place. */
int __real_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);
int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);

/* True for one call among all threads. */
static inline bool faulty_now(void)
{
    static atomic_int calls;
    /* relaxed: a count, it publishes nothing */
    return atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) == FAULTY_CALL;
}

#endif
