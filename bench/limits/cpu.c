/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - prices that one thread pays alone: clock, calls, atomics on its own lines, malloc.
 *
 * Everything stays in the first-level cache. Operations are written out, not put behind a pointer:
 * a call would be as dear as what is measured.
 */
#include "limits.h"
#include "peer.h"
#include "span.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 1000, RING_SLOTS = 1024 };

typedef void (*task_fn)(void *arg);

static double clock_read(struct bench *bench)
{
    struct span span;
    struct timespec t;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            clock_gettime(CLOCK_MONOTONIC, &t);
    return span_cpu_ns(&span);
}

static double counter_read(struct bench *bench)
{
    struct span span;
    if (!HAS_COUNTER) {
        snprintf(bench->reason, sizeof bench->reason, "no counter known for this processor");
        return NAN;
    }
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            keep(read_counter());
    return span_cpu_ns(&span);
}

static void count_up(void *arg)
{
    uint64_t *counter = arg;
    ++*counter;
}

static double indirect_call(struct bench *bench)
{
    struct span span;
    uint64_t counter = 0;
    task_fn volatile target = count_up;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            target(&counter);
    keep(counter);
    return span_cpu_ns(&span);
}

/* What a microtask is at the least: a slot written, read again and called. */
static double ring_push_pop_call(struct bench *bench)
{
    static struct {
        task_fn fn;
        void *arg;
    } ring[RING_SLOTS];
    struct span span;
    uint64_t counter = 0;
    size_t head = 0;
    size_t tail = 0;
    task_fn volatile target = count_up;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++) {
            ring[tail % RING_SLOTS].fn = target;
            ring[tail++ % RING_SLOTS].arg = &counter;
            keep(ring);
            size_t slot = head++ % RING_SLOTS;
            ring[slot].fn(ring[slot].arg);
        }
    keep(counter);
    return span_cpu_ns(&span);
}

static double fetch_add(struct bench *bench)
{
    struct span span;
    _Atomic uint64_t word = 0;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            keep(atomic_fetch_add(&word, 1));
    return span_cpu_ns(&span);
}

static double exchange(struct bench *bench)
{
    struct span span;
    _Atomic uint64_t word = 0;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (uint64_t i = 0; i < BATCH; i++)
            keep(atomic_exchange(&word, i));
    return span_cpu_ns(&span);
}

static double compare_exchange(struct bench *bench)
{
    struct span span;
    _Atomic uint64_t word = 0;
    uint64_t seen = 0;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++) {
            keep(atomic_compare_exchange_strong(&word, &seen, seen + 1));
            seen++;
        }
    return span_cpu_ns(&span);
}

static double store_fence_load(struct bench *bench)
{
    struct span span;
    _Atomic uint64_t mine = 0;
    _Atomic uint64_t other = 0;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (uint64_t i = 0; i < BATCH; i++) {
            atomic_store_explicit(&mine, i, memory_order_relaxed);
            atomic_thread_fence(memory_order_seq_cst);
            keep(atomic_load_explicit(&other, memory_order_relaxed));
        }
    return span_cpu_ns(&span);
}

static void wait_for_end(void *arg)
{
    sem_t *end = arg;
    while (sem_wait(end) != 0)
        continue;
}

/* A second thread is alive, asleep: a lock that knows of one thread only may cheat. */
static double mutex_pair(struct bench *bench)
{
    struct span span;
    struct peer peer;
    sem_t end;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    sem_init(&end, 0, 0);
    if (peer_start(&peer, bench->cpus[0], wait_for_end, &end) != 0) {
        snprintf(bench->reason, sizeof bench->reason, "no second thread");
        return NAN;
    }
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
        }
    double ns = span_cpu_ns(&span);
    sem_post(&end);
    peer_join(&peer);
    sem_destroy(&end);
    return ns;
}

static double malloc_free(struct bench *bench)
{
    struct span span;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++) {
            void *p = malloc(64);
            keep(p);
            free(p);
        }
    return span_cpu_ns(&span);
}

static double relax(struct bench *bench)
{
    struct span span;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            cpu_relax();
    return span_cpu_ns(&span);
}

#define ALONE "one thread, 1000 at a time, its CPU time"

const struct limit limits_cpu[] = {
    {.id = "C1", .name = "clock_gettime", .method = ALONE, .once = clock_read},
    {.id = "C1t", .name = "time stamp counter", .method = ALONE, .once = counter_read},
    {.id = "C2", .name = "indirect call", .method = ALONE, .once = indirect_call},
    {.id = "C3",
     .name = "ring push + pop + call",
     .method = "1024 slots of 16 bytes; " ALONE,
     .once = ring_push_pop_call},
    {.id = "C4", .name = "fetch-add, uncontended", .method = ALONE, .once = fetch_add},
    {.id = "C4x", .name = "exchange, uncontended", .method = ALONE, .once = exchange},
    {.id = "C4c",
     .name = "compare-exchange, uncontended",
     .method = ALONE,
     .once = compare_exchange},
    {.id = "C5", .name = "store + fence + load", .method = ALONE, .once = store_fence_load},
    {.id = "C6",
     .name = "mutex lock + unlock, uncontended",
     .method = "a second thread sleeps; its CPU time",
     .once = mutex_pair},
    {.id = "C24", .name = "malloc + free of 64 bytes", .method = ALONE, .once = malloc_free},
    {.id = "C25", .name = "pause instruction", .method = ALONE, .once = relax},
    {.id = NULL},
};
