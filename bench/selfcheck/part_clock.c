/* SPDX-License-Identifier: MIT */
/*
 * part_clock.c - can the clock carry what is measured with it? Resolution, price of a reading,
 * never backwards from one processor to the next. Then the generator that keeps time by it
 * (generator.c).
 */
#include "selfcheck.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    READS = 200000,
    PASSES = 5,
    LOOKS = 300000, /* of each of two threads at the other's clock */
    RESOLUTION_MOST_NS = 100,
    READ_MOST_NS = 150
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The smallest step seen, and what one reading costs. */
static void measure(uint64_t *step_ns, double *read_ns)
{
    *step_ns = UINT64_MAX;
    *read_ns = INFINITY;
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t start_ns = now_ns(), last_ns = start_ns;
        for (int i = 0; i < READS; i++) {
            uint64_t read = now_ns();
            if (read != last_ns && read - last_ns < *step_ns)
                *step_ns = read - last_ns;
            last_ns = read;
        }
        *read_ns = fmin(*read_ns, (double)(last_ns - start_ns) / READS);
    }
}

/* The latest reading of any thread, and how often one read less after it had been published. */
static struct {
    atomic_uint_fast64_t latest;
    atomic_uint backwards;
} shared;

static void *compare(void *unused)
{
    (void)unused;
    for (int i = 0; i < LOOKS; i++) {
        /* acquire and release: who sees a reading reads the clock after it */
        uint64_t before = atomic_load_explicit(&shared.latest, memory_order_acquire);
        uint64_t read = now_ns();
        if (read < before)
            atomic_fetch_add_explicit(&shared.backwards, 1, memory_order_relaxed); /* a count */
        while (before < read &&
               !atomic_compare_exchange_weak_explicit(
                   &shared.latest, &before, read, memory_order_release, memory_order_acquire))
            continue;
    }
    return NULL;
}

static void check_order(struct selfcheck *check)
{
    pthread_t other;
    atomic_store(&shared.latest, 0);
    atomic_store(&shared.backwards, 0);
    int rc = pthread_create(&other, NULL, compare, NULL);
    compare(NULL);
    if (rc == 0)
        pthread_join(other, NULL);
    unsigned backwards = atomic_load(&shared.backwards);
    finding_add(check,
                backwards == 0 ? FINDING_PASS : FINDING_FAIL,
                "0",
                "%u of %d readings of two threads lay before one that was known",
                backwards,
                2 * LOOKS);
}

static void check_price(struct selfcheck *check)
{
    uint64_t step_ns;
    double read_ns;
    measure(&step_ns, &read_ns);
    finding_add(check,
                step_ns <= RESOLUTION_MOST_NS ? FINDING_PASS : FINDING_FAIL,
                "100 ns",
                "the smallest step of the clock is %" PRIu64 " ns",
                step_ns);
    finding_add(check,
                read_ns <= READ_MOST_NS ? FINDING_PASS : FINDING_NOISY,
                "150 ns",
                "a reading takes %.0f ns",
                read_ns);
}

int part_clock(struct selfcheck *check)
{
    check_price(check);
    check_order(check);
    return selfcheck_stopped(check) ? -EINTR : generator_check(check);
}
