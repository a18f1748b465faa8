/* SPDX-License-Identifier: MIT */
/*
 * A clock that can be stopped and moved by hand, so that a test decides which timers are due.
 *
 * One word says it all: 0 means real time, anything else is the frozen time. Freezing and moving
 * are for one thread at a time; reading is for everybody.
 */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

#include "../parts/clock.h"

static _Atomic uint64_t frozen_ns;
static void (*_Atomic hook)(void *ctx);
static _Atomic(void *) hook_ctx; /* stored before the hook */

static uint64_t real_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    void (*before)(void *) = atomic_load(&hook);
    if (before != NULL)
        before(atomic_load(&hook_ctx));
    /* acquire: who sees the moved clock sees what the test did before; pairs with the stores below
     */
    uint64_t frozen = atomic_load_explicit(&frozen_ns, memory_order_acquire);
    return frozen != 0 ? frozen : real_now_ns();
}

uint64_t sim_clock_freeze(uint64_t now_ns)
{
    uint64_t at = now_ns != 0 ? now_ns : real_now_ns();
    atomic_store_explicit(&frozen_ns, at, memory_order_release);
    return at;
}

uint64_t sim_clock_advance(uint64_t ns)
{
    return atomic_fetch_add_explicit(&frozen_ns, ns, memory_order_acq_rel) + ns;
}

void sim_clock_hook(void (*before)(void *ctx), void *ctx)
{
    atomic_store(&hook_ctx, ctx);
    atomic_store(&hook, before);
}

void sim_clock_release(void)
{
    atomic_store_explicit(&frozen_ns, 0, memory_order_release);
}
