/* SPDX-License-Identifier: MIT */
/*
 * Has this process been forked off? A child has a copy of its parent's loops: it may not use them,
 * for their descriptors are shared and their other threads do not exist (L11).
 *
 * One number per process counts its generations, from the root on: a handler that fork() calls in
 * the child adds one. A loop remembers the number of its birth, so a look costs one load of a line
 * that never changes. A child that was forked off by a callback returns into the parent's run; so
 * that this ends at once, each thread has a list of the loops that it is inside of, whose stop
 * words the handler sets. (A process made by _Fork() or clone() may only exec or exit, says POSIX.)
 */
#ifndef VELO_PARTS_FORKED_H
#define VELO_PARTS_FORKED_H

#include "common/parts/lines.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A loop that a thread is inside of; the thread's own. */
struct forked_link {
    struct forked_link *outer;
    _Atomic uint32_t *word; /* gets [value] in a child of this thread */
    uint32_t value;
};

/* With its line for itself: every submit reads it, and what a program puts beside it may change. */
struct forked_process {
    _Alignas(LINES_BYTES) _Atomic uint32_t generation;
};
extern struct forked_process forked_process __attribute__((visibility("hidden")));

/* Let fork() tell us. Idempotent; any thread. 0 or -ENOMEM. */
int forked_register(void);

/* The number of this process, for the look of later: does it still hold? */
static inline uint32_t forked_now(void)
{
    /* (Y1) relaxed: it changes only while the process has one thread */
    return atomic_load_explicit(&forked_process.generation, memory_order_relaxed);
}

/* This thread goes into a loop, and comes out of it. */
void forked_enter(struct forked_link *link, _Atomic uint32_t *word, uint32_t value);
void forked_leave(struct forked_link *link);

/* Is this thread inside? Unlike an owner's name, never true by accident in a child. */
bool forked_is_inside(const struct forked_link *link);

#endif
