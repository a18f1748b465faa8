/* SPDX-License-Identifier: MIT */
/*
 * pair.c - prices of two threads that never sleep, each on its own CPU: lines that move.
 *
 * Shared words stand 128 bytes apart, since the prefetcher fetches lines in pairs.
 */
#include "limits.h"
#include "peer.h"
#include "span.h"

#include <math.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 64, LINE_BYTES = 64, LINES_MANY = 16384, LINES_FEW = 64 };

#define STOP UINT64_MAX

/* What two threads share. One at a time: probes do not overlap. */
static struct {
    alignas(128) _Atomic uint64_t ping;
    alignas(128) _Atomic uint64_t pong;
    alignas(128) _Atomic bool go; /* both begin here */
    alignas(128) _Atomic bool stop;
    alignas(128) uint64_t peer_ops; /* the peer writes, we read after its end */
    alignas(128) pthread_mutex_t mutex;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static alignas(128) unsigned char lines[LINES_MANY][LINE_BYTES];

static double no_peer(struct bench *bench, int rc)
{
    snprintf(bench->reason, sizeof bench->reason, "no second thread: %s", strerror(-rc));
    return NAN;
}

/* ---- both do the same to one word ---- */

/* A tight loop keeps the line for a burst; with some pauses in between the line moves more often.
 */
static inline void pause_a_little(void)
{
    for (int i = 0; i < 4; i++)
        cpu_relax();
}

static inline void add(void)
{
    atomic_fetch_add(&shared.ping, 1);
}

static inline void swap(void)
{
    atomic_exchange(&shared.ping, 1);
}

static inline void compare_until_done(void)
{
    uint64_t seen = atomic_load_explicit(&shared.ping, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&shared.ping, &seen, seen + 1))
        continue;
}

static inline void lock_and_unlock(void)
{
    pthread_mutex_lock(&shared.mutex);
    shared.peer_ops += 0; /* a critical section that touches its line */
    pthread_mutex_unlock(&shared.mutex);
}

/* A batch of operations written out, since a call would be as dear as what is measured. */
#define BATCH_OF(name, operation, between)                                                         \
    static void name(void)                                                                         \
    {                                                                                              \
        for (int i = 0; i < BATCH; i++) {                                                          \
            operation();                                                                           \
            between;                                                                               \
        }                                                                                          \
    }
BATCH_OF(add_batch, add, (void)0)
BATCH_OF(add_batch_paused, add, pause_a_little())
BATCH_OF(swap_batch, swap, (void)0)
BATCH_OF(swap_batch_paused, swap, pause_a_little())
BATCH_OF(compare_batch, compare_until_done, (void)0)
BATCH_OF(compare_batch_paused, compare_until_done, pause_a_little())
BATCH_OF(mutex_batch, lock_and_unlock, (void)0)
BATCH_OF(mutex_batch_paused, lock_and_unlock, pause_a_little())

struct contender {
    void (*batch)(void);
    uint64_t ops;
};

static void contend(void *arg)
{
    struct contender *contender = arg;
    while (!atomic_load_explicit(&shared.go, memory_order_acquire))
        continue;
    while (!atomic_load_explicit(&shared.stop, memory_order_relaxed)) {
        contender->batch();
        contender->ops += BATCH;
    }
}

/* Operations of both threads, over the wall time from a start that both see; and whose they were.
 */
static double contended(struct bench *bench, void (*batch)(void))
{
    struct contender other = {.batch = batch};
    struct peer peer;
    struct span span;
    atomic_store(&shared.stop, false);
    atomic_store(&shared.go, false);
    int rc = peer_start(&peer, bench->cpus[1], contend, &other);
    if (rc != 0)
        return no_peer(bench, rc);
    atomic_store(&shared.go, true);
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        batch();
    atomic_store(&shared.stop, true);
    peer_join(&peer);
    double mine = (double)span.ops / (double)(span.ops + other.ops);
    snprintf(bench->reason,
             sizeof bench->reason,
             "shares %.0f and %.0f %%, last time",
             100 * mine,
             100 - 100 * mine);
    span.ops += other.ops;
    return span_wall_ns(&span);
}

#define CONTENDED(name, batch)                                                                     \
    static double name(struct bench *bench)                                                        \
    {                                                                                              \
        return contended(bench, batch);                                                            \
    }
CONTENDED(contended_add, add_batch)
CONTENDED(contended_add_paused, add_batch_paused)
CONTENDED(contended_swap, swap_batch)
CONTENDED(contended_swap_paused, swap_batch_paused)
CONTENDED(contended_compare, compare_batch)
CONTENDED(contended_compare_paused, compare_batch_paused)
CONTENDED(contended_mutex, mutex_batch)
CONTENDED(contended_mutex_paused, mutex_batch_paused)

/* ---- there and back ---- */

static void answer(void *arg)
{
    (void)arg;
    uint64_t last = 0;
    for (;;) {
        uint64_t value = atomic_load_explicit(&shared.ping, memory_order_acquire);
        if (value == last)
            continue;
        if (value == STOP)
            return;
        last = value;
        atomic_store_explicit(&shared.pong, value, memory_order_release);
    }
}

static double line_round_trip(struct bench *bench)
{
    struct peer peer;
    struct span span;
    uint64_t value = 0;
    atomic_store(&shared.ping, 0);
    atomic_store(&shared.pong, 0);
    int rc = peer_start(&peer, bench->cpus[1], answer, NULL);
    if (rc != 0)
        return no_peer(bench, rc);
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++) {
            atomic_store_explicit(&shared.ping, ++value, memory_order_release);
            while (atomic_load_explicit(&shared.pong, memory_order_acquire) != value)
                continue;
        }
    atomic_store(&shared.ping, STOP);
    peer_join(&peer);
    return span_wall_ns(&span);
}

/* ---- lines that the other has written ---- */

/* Fill the lines each time we ask, and say so. */
static void fill(void *arg)
{
    size_t count = *(const size_t *)arg;
    uint64_t last = 0;
    for (;;) {
        uint64_t value = atomic_load_explicit(&shared.ping, memory_order_acquire);
        if (value == last)
            continue;
        if (value == STOP)
            return;
        last = value;
        for (size_t i = 0; i < count; i++)
            memcpy(lines[i], &value, sizeof value);
        atomic_store_explicit(&shared.pong, value, memory_order_release);
    }
}

static double read_dirty(struct bench *bench, size_t count)
{
    struct peer peer;
    uint64_t spent_ns = 0;
    uint64_t passes = 0;
    const uint64_t overhead_ns = clock_cost_ns(CLOCK_MONOTONIC);
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + bench->rep_ns;
    bool ok = true;
    atomic_store(&shared.ping, 0);
    atomic_store(&shared.pong, 0);
    int rc = peer_start(&peer, bench->cpus[1], fill, &count);
    if (rc != 0)
        return no_peer(bench, rc);
    do {
        atomic_store_explicit(&shared.ping, ++passes, memory_order_release);
        while (atomic_load_explicit(&shared.pong, memory_order_acquire) != passes)
            continue;
        uint64_t sum = 0;
        uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
        for (size_t i = 0; i < count; i++) {
            uint64_t word;
            memcpy(&word, lines[i], sizeof word);
            sum += word;
        }
        keep(sum);
        spent_ns += past_ns(CLOCK_MONOTONIC, begin_ns, overhead_ns);
        ok &= sum == passes * count;
    } while (clock_ns(CLOCK_MONOTONIC) < end_ns);
    atomic_store(&shared.ping, STOP);
    peer_join(&peer);
    if (ok)
        return (double)spent_ns / (double)(passes * count);
    snprintf(bench->reason, sizeof bench->reason, "lines were not what was written");
    return NAN;
}

static double read_dirty_many(struct bench *bench)
{
    return read_dirty(bench, LINES_MANY);
}

static double read_dirty_few(struct bench *bench)
{
    return read_dirty(bench, LINES_FEW);
}

#define BOTH "two threads from one start; all operations by wall time"
#define PAUSED "4 pauses after each; two threads, wall time"

const struct limit limits_pair[] = {
    {.id = "C7",
     .name = "fetch-add, 2 threads",
     .method = BOTH,
     .two_cpus = true,
     .once = contended_add},
    {.id = "C7p",
     .name = "fetch-add, 2 threads, pauses",
     .method = PAUSED,
     .two_cpus = true,
     .once = contended_add_paused},
    {.id = "C7x",
     .name = "exchange, 2 threads",
     .method = BOTH,
     .two_cpus = true,
     .once = contended_swap},
    {.id = "C7xp",
     .name = "exchange, 2 threads, pauses",
     .method = PAUSED,
     .two_cpus = true,
     .once = contended_swap_paused},
    {.id = "C7c",
     .name = "compare-exchange loop, 2 threads",
     .method = BOTH,
     .two_cpus = true,
     .once = contended_compare},
    {.id = "C7cp",
     .name = "compare-exchange, 2 threads, pauses",
     .method = PAUSED,
     .two_cpus = true,
     .once = contended_compare_paused},
    {.id = "C7m",
     .name = "mutex, 2 threads",
     .method = BOTH,
     .two_cpus = true,
     .once = contended_mutex},
    {.id = "C7mp",
     .name = "mutex, 2 threads, pauses",
     .method = PAUSED,
     .two_cpus = true,
     .once = contended_mutex_paused},
    {.id = "C8",
     .name = "cache line round trip",
     .method = "a word each on its own 128 bytes; store, spin; wall time",
     .two_cpus = true,
     .once = line_round_trip},
    {.id = "C9",
     .name = "dirty line read, 16384",
     .method = "the other thread fills them; a word of each read; wall time",
     .two_cpus = true,
     .once = read_dirty_many},
    {.id = "C9s",
     .name = "dirty line read, 64",
     .method = "the other thread fills them; a word of each read; wall time",
     .two_cpus = true,
     .once = read_dirty_few},
    {.id = NULL},
};
