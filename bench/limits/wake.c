/* SPDX-License-Identifier: MIT */
/*
 * wake.c - prices of two threads that sleep for each other: round trips through the scheduler.
 *
 * Each side has a bell of its own. Round trip = ring the other's, wait for mine. The wait has no
 * timeout; the other side is told to end by the word [stop] and one more ring.
 *
 * In the forms "a" the caller stays awake: it rings once the kernel says that the other is blocked,
 * and spins for the answer, a word. The clock runs in between only.
 */
#include "../race/blocked.h"
#include "limits.h"
#include "peer.h"
#include "span.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One side. A futex side uses [rung]; an eventfd side [event] and [epoll]; a pipe side [event] to
 * ring and [epoll] to wait; a condition [rung] under its lock. */
struct bell {
    alignas(128) _Atomic uint32_t rung;
    int event;
    int epoll;
    pthread_mutex_t lock;
    pthread_cond_t cond;
};

struct wire {
    struct bell bells[2];                  /* [0] wakes us, [1] wakes the peer */
    alignas(128) _Atomic uint32_t answers; /* to a caller that is awake; the peer writes */
    _Atomic pid_t peer;
    alignas(128) _Atomic bool stop;
    void (*ring)(struct bell *bell);
    void (*wait)(struct bell *bell);
};

static void futex_ring(struct bell *bell)
{
    atomic_store(&bell->rung, 1);
    syscall(SYS_futex, &bell->rung, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futex_wait(struct bell *bell)
{
    while (atomic_exchange(&bell->rung, 0) == 0)
        syscall(SYS_futex, &bell->rung, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void event_ring(struct bell *bell)
{
    uint64_t one = 1;
    while (write(bell->event, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void event_wait(struct bell *bell)
{
    struct epoll_event event;
    while (epoll_wait(bell->epoll, &event, 1, -1) != 1)
        continue;
}

static void pipe_ring(struct bell *bell)
{
    while (write(bell->event, "", 1) < 0 && errno == EINTR)
        continue;
}

static void pipe_wait(struct bell *bell)
{
    char byte;
    while (read(bell->epoll, &byte, 1) != 1)
        continue;
}

static void cond_ring(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    atomic_store_explicit(&bell->rung, 1, memory_order_relaxed); /* the lock orders it */
    pthread_mutex_unlock(&bell->lock);
    pthread_cond_signal(&bell->cond);
}

static void cond_wait(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    while (atomic_load_explicit(&bell->rung, memory_order_relaxed) == 0)
        pthread_cond_wait(&bell->cond, &bell->lock);
    atomic_store_explicit(&bell->rung, 0, memory_order_relaxed);
    pthread_mutex_unlock(&bell->lock);
}

static void echo(void *arg)
{
    struct wire *wire = arg;
    for (;;) {
        wire->wait(&wire->bells[1]);
        if (atomic_load(&wire->stop))
            return;
        wire->ring(&wire->bells[0]);
    }
}

static double round_trip(struct bench *bench, int cpu)
{
    struct wire *wire = bench->state;
    struct peer peer;
    struct span span;
    atomic_store(&wire->stop, false);
    int rc = peer_start(&peer, cpu, echo, wire);
    if (rc != 0) {
        snprintf(bench->reason, sizeof bench->reason, "no second thread: %s", strerror(-rc));
        return NAN;
    }
    for (span_begin(&span, bench->rep_ns); span_more(&span, 1);) {
        wire->ring(&wire->bells[1]);
        wire->wait(&wire->bells[0]);
    }
    atomic_store(&wire->stop, true);
    wire->ring(&wire->bells[1]);
    peer_join(&peer);
    return span_wall_ns(&span);
}

static double round_trip_cross(struct bench *bench)
{
    return round_trip(bench, bench->cpus[1]);
}

static double round_trip_same(struct bench *bench)
{
    return round_trip(bench, bench->cpus[0]);
}

/* ---- the caller is awake ---- */

#define ROUNDS_MAX 4096

static void answer(void *arg)
{
    struct wire *wire = arg;
    atomic_store(&wire->peer, gettid());
    for (uint32_t round = 1;; round++) {
        wire->wait(&wire->bells[1]);
        if (atomic_load(&wire->stop))
            return;
        /* release: as a task that a loop has run; pairs with the caller's look */
        atomic_store_explicit(&wire->answers, round, memory_order_release);
    }
}

/* One round, from the ring to the answer, in ns. */
static double call_sleeper(struct wire *wire, int stat_fd, uint32_t round)
{
    while (!blocked_look(stat_fd))
        cpu_relax();
    const uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
    wire->ring(&wire->bells[1]);
    /* acquire: pairs with the peer's store */
    while (atomic_load_explicit(&wire->answers, memory_order_acquire) != round)
        cpu_relax();
    return (double)(clock_ns(CLOCK_MONOTONIC) - begin_ns);
}

/* The median of the rounds that fit into a repetition, since that is what the cells tell. */
static double call_sleeper_often(struct bench *bench, struct wire *wire)
{
    static double took_ns[ROUNDS_MAX];
    uint32_t rounds = 0;
    while (atomic_load(&wire->peer) == 0)
        cpu_relax();
    const int stat_fd = blocked_open(atomic_load(&wire->peer));
    if (stat_fd < 0) {
        snprintf(bench->reason, sizeof bench->reason, "/proc does not tell who is blocked");
        return NAN;
    }
    const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + bench->rep_ns;
    do {
        took_ns[rounds] = call_sleeper(wire, stat_fd, rounds + 1);
        rounds++;
    } while (rounds < ROUNDS_MAX && clock_ns(CLOCK_MONOTONIC) < end_ns);
    close(stat_fd);
    return limit_median(took_ns, rounds);
}

static double round_trip_awake(struct bench *bench)
{
    struct wire *wire = bench->state;
    struct peer peer;
    atomic_store(&wire->stop, false);
    atomic_store(&wire->answers, 0);
    atomic_store(&wire->peer, 0);
    int rc = peer_start(&peer, bench->cpus[1], answer, wire);
    if (rc != 0) {
        snprintf(bench->reason, sizeof bench->reason, "no second thread: %s", strerror(-rc));
        return NAN;
    }
    const double took_ns = call_sleeper_often(bench, wire);
    atomic_store(&wire->stop, true);
    wire->ring(&wire->bells[1]);
    peer_join(&peer);
    return took_ns;
}

static int wire_open(struct bench *bench)
{
    struct wire *wire = aligned_alloc(alignof(struct wire), sizeof *wire);
    bench->state = wire;
    if (!wire) {
        snprintf(bench->reason, sizeof bench->reason, "out of memory");
        return -ENOMEM;
    }
    memset(wire, 0, sizeof *wire);
    for (int i = 0; i < 2; i++) {
        wire->bells[i].event = wire->bells[i].epoll = -1;
        pthread_mutex_init(&wire->bells[i].lock, NULL);
        pthread_cond_init(&wire->bells[i].cond, NULL);
    }
    wire->ring = futex_ring;
    wire->wait = futex_wait;
    return 0;
}

static void wire_close(struct bench *bench)
{
    struct wire *wire = bench->state;
    for (int i = 0; i < 2; i++) {
        if (wire->bells[i].event >= 0)
            close(wire->bells[i].event);
        if (wire->bells[i].epoll >= 0)
            close(wire->bells[i].epoll);
        pthread_cond_destroy(&wire->bells[i].cond);
        pthread_mutex_destroy(&wire->bells[i].lock);
    }
    free(wire);
}

/* Edge-triggered, so that a wait needs no read after it. */
static int bell_open(struct bell *bell)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    bell->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bell->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bell->event < 0 || bell->epoll < 0)
        return -errno;
    return epoll_ctl(bell->epoll, EPOLL_CTL_ADD, bell->event, &event) == 0 ? 0 : -errno;
}

static int wire_open_events(struct bench *bench)
{
    int rc = wire_open(bench);
    if (rc != 0)
        return rc;
    struct wire *wire = bench->state;
    wire->ring = event_ring;
    wire->wait = event_wait;
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = bell_open(&wire->bells[i]);
    if (rc != 0) {
        snprintf(bench->reason, sizeof bench->reason, "eventfd and epoll: %s", strerror(-rc));
        wire_close(bench);
    }
    return rc;
}

static int wire_open_pipes(struct bench *bench)
{
    int rc = wire_open(bench);
    if (rc != 0)
        return rc;
    struct wire *wire = bench->state;
    wire->ring = pipe_ring;
    wire->wait = pipe_wait;
    for (int i = 0; i < 2 && rc == 0; i++) {
        int ends[2];
        rc = pipe2(ends, O_CLOEXEC) == 0 ? 0 : -errno;
        if (rc == 0) {
            wire->bells[i].epoll = ends[0];
            wire->bells[i].event = ends[1];
        }
    }
    if (rc != 0) {
        snprintf(bench->reason, sizeof bench->reason, "pipe: %s", strerror(-rc));
        wire_close(bench);
    }
    return rc;
}

static int wire_open_conds(struct bench *bench)
{
    int rc = wire_open(bench);
    if (rc != 0)
        return rc;
    struct wire *wire = bench->state;
    wire->ring = cond_ring;
    wire->wait = cond_wait;
    return 0;
}

#define FUTEX "a word each side: store, wake one, wait; wall time"
#define EPOLL "eventfd + edge-triggered epoll each side; wall time"
#define AWAKE "the caller rings when the other is blocked, and spins; median"

const struct limit limits_wake[] = {
    {.id = "C15",
     .name = "futex round trip, two CPUs",
     .method = FUTEX,
     .two_cpus = true,
     .setup = wire_open,
     .once = round_trip_cross,
     .teardown = wire_close},
    {.id = "C15s",
     .name = "futex round trip, one CPU",
     .method = FUTEX,
     .setup = wire_open,
     .once = round_trip_same,
     .teardown = wire_close},
    {.id = "C15a",
     .name = "futex round trip, one sleeps",
     .method = AWAKE,
     .two_cpus = true,
     .setup = wire_open,
     .once = round_trip_awake,
     .teardown = wire_close},
    {.id = "C16",
     .name = "eventfd + epoll round trip, two CPUs",
     .method = EPOLL,
     .two_cpus = true,
     .setup = wire_open_events,
     .once = round_trip_cross,
     .teardown = wire_close},
    {.id = "C16s",
     .name = "eventfd + epoll round trip, one CPU",
     .method = EPOLL,
     .setup = wire_open_events,
     .once = round_trip_same,
     .teardown = wire_close},
    {.id = "C16a",
     .name = "eventfd + epoll, one sleeps",
     .method = AWAKE,
     .two_cpus = true,
     .setup = wire_open_events,
     .once = round_trip_awake,
     .teardown = wire_close},
    {.id = "C17",
     .name = "pipe round trip, two CPUs",
     .method = "a pipe each way: write a byte, read; wall time",
     .two_cpus = true,
     .setup = wire_open_pipes,
     .once = round_trip_cross,
     .teardown = wire_close},
    {.id = "C17c",
     .name = "condition variable round trip, two CPUs",
     .method = "lock and condition each side; wall time",
     .two_cpus = true,
     .setup = wire_open_conds,
     .once = round_trip_cross,
     .teardown = wire_close},
    {.id = NULL},
};
