/* SPDX-License-Identifier: MIT */
/*
 * gauge.h - one number that one thread writes and others watch.
 *
 * All communication between generators, callbacks and the controlling thread goes through gauges,
 * so this is the only file of the race program with atomics. A gauge fills its own pair of cache
 * lines: what watches it disturbs its writer and nothing else. Watching is not free for the writer:
 * each look takes the line away once. Loads therefore publish rarely, or look rarely
 * (gauge_wait_lazy).
 */
#ifndef RACE_GAUGE_H
#define RACE_GAUGE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gauge {
    alignas(128) _Atomic uint64_t value; /* written by one thread at a time */
};

/* Everything written before is visible to who sees this value. */
static inline void gauge_set(struct gauge *gauge, uint64_t value)
{
    /* (G1) release: publishes what the writer did before; pairs with (G2) */
    atomic_store_explicit(&gauge->value, value, memory_order_release);
}

static inline uint64_t gauge_get(struct gauge *gauge)
{
    /* (G2) acquire: sees what was written before (G1) */
    return atomic_load_explicit(&gauge->value, memory_order_acquire);
}

/* One more. Only for the gauge's one writer: no locked instruction. */
static inline void gauge_step(struct gauge *gauge)
{
    /* (G3) relaxed: the writer reads its own last value; (G1) publishes the new one */
    gauge_set(gauge, atomic_load_explicit(&gauge->value, memory_order_relaxed) + 1);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/*
 * Wait until the gauge is at least [value]: [spins] looks, then sched_yield() between looks (so 0
 * spins is right when writer and watcher share a processor). False after GAUGE_PATIENCE_NS.
 */
#define GAUGE_PATIENCE_NS (UINT64_C(5) * 1000 * 1000 * 1000)
bool gauge_wait(struct gauge *gauge, uint64_t value, unsigned spins);

/* As gauge_wait, but about a microsecond between looks: for a watcher that must not slow the writer
 * down. Also ends (with true) when [stop] is not 0. */
bool gauge_wait_lazy(struct gauge *gauge, uint64_t value, unsigned spins, struct gauge *stop);

#endif
