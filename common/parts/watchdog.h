/* SPDX-License-Identifier: MIT */
/*
 * A thread that watches one other thread, the owner, and reports calls of it that take too long
 * while they still run.
 *
 * The owner publishes each call: [serial] is odd while one runs, and goes up at its begin and at
 * its end. The fields beside it change only while it is even, so who reads the same odd number
 * before and after has read one call (a sequence lock; the fields are atomics, so nothing races).
 *
 * The watchdog sleeps. While it has seen a call it naps until that call would be too long. When
 * there is none, or when it has reported the one that runs, it parks for good, and the owner wakes
 * it at its next begin. So an idle owner has an idle watchdog, a busy one pays for a wake-up at
 * most once in [slow_ns]. No begin is overlooked: the owner publishes it and then looks whether
 * the watchdog has parked, the watchdog parks and then looks for a begin, all in one order
 * (seq_cst).
 */
#ifndef VELO_PARTS_WATCHDOG_H
#define VELO_PARTS_WATCHDOG_H

#include "velo.h"

#include <pthread.h>
#include <stdatomic.h>

enum watchdog_mood {
    WATCHDOG_UP,      /* it looks */
    WATCHDOG_NAPPING, /* until a call is too long */
    WATCHDOG_PARKED,  /* until a call begins */
    WATCHDOG_ENDED    /* by watchdog_join() */
};

struct watchdog_call {
    uint64_t serial;
    uint64_t start_ns;
    velo_fn fn;
    void *arg;
};

struct watchdog {
    void (*report)(void *ctx, const struct watchdog_call *call, uint64_t elapsed_ns); /* constant */
    void *ctx;        /* constant, as is the next */
    uint64_t slow_ns; /* not 0 */
    pthread_t thread;
    _Alignas(64) _Atomic uint64_t serial; /* the owner, as the next three */
    _Atomic uint64_t start_ns;
    _Atomic(velo_fn) fn;
    _Atomic(void *) arg;
    _Alignas(64) _Atomic uint32_t mood; /* enum watchdog_mood; futex word */
};

/* Start the thread, which blocks all signals; report, ctx and slow_ns are set. 0 or -errno. */
int watchdog_launch(struct watchdog *dog);

/* End it and wait for it. Not on its own thread. */
void watchdog_join(struct watchdog *dog);

/* Wake the parked thread. */
void watchdog_wake(struct watchdog *dog);

/* Owner: a call begins. */
static inline void watchdog_begin(struct watchdog *dog, velo_fn fn, void *arg, uint64_t start_ns)
{
    /* (D1) release: who sees one of these sees the end of the last call; pairs with (D1) below */
    atomic_store_explicit(&dog->start_ns, start_ns, memory_order_release);
    atomic_store_explicit(&dog->fn, fn, memory_order_release);
    atomic_store_explicit(&dog->arg, arg, memory_order_release);
    /* (D2) relaxed: the owner's own; seq_cst: publishes the fields, and comes before the look at
     * the mood; pairs with (D2) in watchdog.c */
    uint64_t serial = atomic_load_explicit(&dog->serial, memory_order_relaxed);
    atomic_store_explicit(&dog->serial, serial + 1, memory_order_seq_cst);
    /* (D3) seq_cst: as above; pairs with (D3) in watchdog.c */
    if (atomic_load_explicit(&dog->mood, memory_order_seq_cst) == WATCHDOG_PARKED)
        watchdog_wake(dog);
}

/* Owner: the call has ended. */
static inline void watchdog_end(struct watchdog *dog)
{
    /* (D2) relaxed: the owner's own; release: the fields of the next call come after it */
    uint64_t serial = atomic_load_explicit(&dog->serial, memory_order_relaxed);
    atomic_store_explicit(&dog->serial, serial + 1, memory_order_release);
}

/* The call that runs, if there is one. Any thread. */
static inline bool watchdog_look(const struct watchdog *dog, struct watchdog_call *call)
{
    /* (D2) seq_cst: after the thread has parked this is its last look; pairs with (D2) above */
    call->serial = atomic_load_explicit(&dog->serial, memory_order_seq_cst);
    if ((call->serial & 1) == 0)
        return false;
    /* (D1) acquire: the look below comes after them; pairs with (D1) above */
    call->start_ns = atomic_load_explicit(&dog->start_ns, memory_order_acquire);
    call->fn = atomic_load_explicit(&dog->fn, memory_order_acquire);
    call->arg = atomic_load_explicit(&dog->arg, memory_order_acquire);
    /* (D2) relaxed: ordered by (D1) */
    return atomic_load_explicit(&dog->serial, memory_order_relaxed) == call->serial;
}

#endif
