/* SPDX-License-Identifier: MIT */
/*
 * span.h - time a loop for a given while, with two clocks.
 *
 *     struct span span;
 *     for (span_begin(&span, bench->rep_ns); span_more(&span, 1000);)
 *         for (int i = 0; i < 1000; i++) operation();
 *     return span_cpu_ns(&span);
 *
 * The end is decided by the wall clock; work of one thread is billed in CPU time, so that another
 * process on the same CPU makes the loop shorter and not dearer.
 */
#ifndef BENCH_LIMITS_SPAN_H
#define BENCH_LIMITS_SPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct span {
    uint64_t begin_ns;
    uint64_t now_ns;
    uint64_t end_ns;
    uint64_t cpu_begin_ns;
    uint64_t ops;
    bool running;
};

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* What it costs to look at [clock] twice, which a short stretch of work must not pay. */
static inline uint64_t clock_cost_ns(clockid_t clock)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100; i++) {
        uint64_t begin_ns = clock_ns(clock);
        uint64_t cost_ns = clock_ns(clock) - begin_ns;
        least = cost_ns < least ? cost_ns : least;
    }
    return least;
}

/* Time since [begin_ns] on [clock], without what looking costs. */
static inline uint64_t past_ns(clockid_t clock, uint64_t begin_ns, uint64_t overhead_ns)
{
    uint64_t took_ns = clock_ns(clock) - begin_ns;
    return took_ns > overhead_ns ? took_ns - overhead_ns : 0;
}

static inline void span_begin(struct span *span, uint64_t length_ns)
{
    span->ops = 0;
    span->running = false;
    span->cpu_begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    span->begin_ns = span->now_ns = clock_ns(CLOCK_MONOTONIC);
    span->end_ns = span->begin_ns + length_ns;
}

/* Is there time for another [batch] operations? Counts the batch before. */
static inline bool span_more(struct span *span, uint64_t batch)
{
    if (span->running)
        span->ops += batch;
    span->running = true;
    span->now_ns = clock_ns(CLOCK_MONOTONIC);
    return span->now_ns < span->end_ns;
}

static inline double span_wall_ns(const struct span *span)
{
    return (double)(span->now_ns - span->begin_ns) / (double)span->ops;
}

/* Call it right after the loop, on its thread. */
static inline double span_cpu_ns(const struct span *span)
{
    return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - span->cpu_begin_ns) / (double)span->ops;
}

/* The compiler must have computed [x], and must not move memory accesses across. */
#define keep(x) __asm__ volatile("" : : "g"(x) : "memory")

#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("yield" : : : "memory")
#else
#define cpu_relax() __asm__ volatile("" : : : "memory")
#endif

/* A counter that a program may read without the kernel; 0 names a processor that we know none of.
 */
#if defined(__x86_64__) || defined(__i386__)
#define HAS_COUNTER 1
#define read_counter() __builtin_ia32_rdtsc()
#elif defined(__aarch64__)
#define HAS_COUNTER 1
static inline uint64_t read_counter(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
}
#else
#define HAS_COUNTER 0
#define read_counter() ((uint64_t)0)
#endif

#endif
