/* SPDX-License-Identifier: MIT */
/*
 * uring.c - prices of io_uring: an empty operation, a message from ring to ring, a descriptor that
 * became ready among many.
 *
 * Rings are set up as a loop would set them up: one thread submits and is the thread that made the
 * ring, and completions are prepared when it asks for them and not when the kernel likes. Kernels
 * before 6.1 know no such rings; there a plain ring is measured and the remark says so.
 */
#include "descriptors.h"
#include "limits.h"
#include "peer.h"
#include "span.h"

#include <errno.h>
#include <liburing.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 32, ENTRIES = 64, CQ = 32768 };

/* A CQE of a poll tells which of [fds] in its user data. */
struct pollring {
    struct io_uring ring;
    int *fds;
    bool *silent; /* its poll ended and is to be set up again */
    int count;
};

/* Returns 0 or -errno; *plain when the kernel knows no deferred task work. */
static int ring_open(struct io_uring *ring, unsigned entries, unsigned cq, bool *plain)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, .cq_entries = cq};
    if (cq > 0)
        params.flags |= IORING_SETUP_CQSIZE;
    int rc = io_uring_queue_init_params(entries, ring, &params);
    *plain = rc == -EINVAL;
    if (rc != -EINVAL)
        return rc;
    params = (struct io_uring_params){.flags = cq > 0 ? IORING_SETUP_CQSIZE : 0, .cq_entries = cq};
    return io_uring_queue_init_params(entries, ring, &params);
}

static int refuse(struct bench *bench, int rc, const char *what)
{
    snprintf(bench->reason, sizeof bench->reason, "%s: %s", what, strerror(-rc));
    return rc;
}

static void remark(struct bench *bench, bool plain)
{
    if (plain)
        snprintf(bench->reason, sizeof bench->reason, "a plain ring: no deferred task work here");
}

/* ---- nothing to do ---- */

static int nop_open(struct bench *bench)
{
    bool plain;
    struct io_uring *ring = calloc(1, sizeof *ring);
    if (!ring)
        return refuse(bench, -ENOMEM, "io_uring");
    int rc = ring_open(ring, ENTRIES, 0, &plain);
    bench->state = ring;
    if (rc == 0)
        remark(bench, plain);
    else
        free(ring);
    return rc == 0 ? 0 : refuse(bench, rc, "io_uring_setup");
}

static void nop_close(struct bench *bench)
{
    io_uring_queue_exit(bench->state);
    free(bench->state);
}

/* One call submits [count] and waits for them all. */
static bool nops(struct io_uring *ring, unsigned count)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned done = 0;
    bool ok = true;
    for (unsigned i = 0; i < count; i++)
        io_uring_prep_nop(io_uring_get_sqe(ring));
    ok &= io_uring_submit_and_wait(ring, count) == (int)count;
    io_uring_for_each_cqe(ring, head, cqe)
    {
        ok &= cqe->res == 0;
        done++;
    }
    io_uring_cq_advance(ring, done);
    return ok && done == count;
}

static double nops_by(struct bench *bench, unsigned at_once)
{
    struct span span;
    bool ok = true;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (unsigned i = 0; i < BATCH; i += at_once)
            ok &= nops(bench->state, at_once);
    if (ok)
        return span_cpu_ns(&span);
    refuse(bench, -EIO, "io_uring nop");
    return NAN;
}

static double nop_alone(struct bench *bench)
{
    return nops_by(bench, 1);
}

static double nop_of_32(struct bench *bench)
{
    return nops_by(bench, BATCH);
}

/* ---- from ring to ring ---- */

struct message {
    _Atomic int fds[2]; /* of both rings; 0 = not there yet, below: -errno */
    _Atomic bool stop;
};

/* One call sends to the other ring and waits for what comes from it; only a failure to send shows
 * as a completion of its own. */
static int exchange(struct io_uring *ring, int other)
{
    struct io_uring_cqe *cqe;
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_msg_ring(sqe, other, 0, 1, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    int rc = io_uring_submit_and_wait(ring, 1);
    if (rc < 0 || io_uring_peek_cqe(ring, &cqe) != 0)
        return rc < 0 ? rc : -EAGAIN;
    rc = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return rc < 0 ? rc : 0;
}

static int send_only(struct io_uring *ring, int other)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_msg_ring(sqe, other, 0, 1, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return io_uring_submit(ring) < 0 ? -EIO : 0;
}

static int wait_message(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    int rc = io_uring_wait_cqe(ring, &cqe);
    if (rc == 0) {
        rc = cqe->res;
        io_uring_cqe_seen(ring, cqe);
    }
    return rc < 0 ? rc : 0;
}

static int other_ring(struct message *message, int side)
{
    int fd;
    while ((fd = atomic_load(&message->fds[1 - side])) == 0)
        cpu_relax();
    return fd;
}

/* A ring belongs to the thread that made it, so this one is made here. */
static void answer(void *arg)
{
    struct message *message = arg;
    struct io_uring ring;
    bool plain;
    int rc = ring_open(&ring, ENTRIES, 0, &plain);
    atomic_store(&message->fds[1], rc == 0 ? ring.ring_fd : rc);
    if (rc != 0)
        return;
    int other = other_ring(message, 1);
    if (other > 0)
        rc = wait_message(&ring);
    while (rc == 0 && other > 0 && !atomic_load(&message->stop))
        rc = exchange(&ring, other);
    io_uring_queue_exit(&ring);
}

/* Before 5.18 there are no messages, and two rings would wait for each other for good. */
static bool knows_messages(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool known = probe && io_uring_opcode_supported(probe, IORING_OP_MSG_RING);
    io_uring_free_probe(probe);
    return known;
}

static double talk(struct bench *bench, struct message *message, struct io_uring *ring)
{
    struct span span;
    int other = other_ring(message, 0);
    int rc = other < 0 ? other : 0;
    for (span_begin(&span, bench->rep_ns); rc == 0 && span_more(&span, 1);)
        rc = exchange(ring, other);
    double ns = span.ops > 0 ? span_wall_ns(&span) : NAN;
    atomic_store(&message->stop, true);
    if (other > 0)
        send_only(ring, other);
    if (rc == 0)
        return ns;
    refuse(bench, rc, "ring message");
    return NAN;
}

static double message_round_trip(struct bench *bench)
{
    struct message message = {.fds = {0, 0}};
    struct io_uring ring;
    struct peer peer;
    bool plain;
    int rc = ring_open(&ring, ENTRIES, 0, &plain);
    if (rc != 0) {
        refuse(bench, rc, "io_uring_setup");
        return NAN;
    }
    remark(bench, plain);
    double ns = NAN;
    atomic_store(&message.fds[0], ring.ring_fd);
    rc = knows_messages(&ring) ? peer_start(&peer, bench->cpus[1], answer, &message) : -EOPNOTSUPP;
    if (rc == 0) {
        ns = talk(bench, &message, &ring);
        peer_join(&peer);
    } else {
        refuse(bench, rc, rc == -EOPNOTSUPP ? "ring message" : "no second thread");
    }
    io_uring_queue_exit(&ring);
    return ns;
}

/* ---- many descriptors, some ready ---- */

static bool watch(struct pollring *set, int index)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&set->ring);
    if (!sqe) {
        if (io_uring_submit(&set->ring) < 0)
            return false;
        sqe = io_uring_get_sqe(&set->ring);
    }
    if (!sqe)
        return false;
    io_uring_prep_poll_multishot(sqe, set->fds[index], POLLIN);
    io_uring_sqe_set_data64(sqe, (unsigned long long)index);
    return true;
}

static void pollring_close(struct bench *bench)
{
    struct pollring *set = bench->state;
    io_uring_queue_exit(&set->ring);
    for (int i = 0; i < set->count; i++)
        close(set->fds[i]);
    free(set->fds);
    free(set->silent);
    free(set);
}

static int watch_all(struct bench *bench, struct pollring *set, int count)
{
    for (; set->count < count; set->count++) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0)
            return refuse(bench, -errno, "eventfd");
        set->fds[set->count] = fd;
        if (!watch(set, set->count)) {
            set->count++;
            return refuse(bench, -EIO, "multishot poll");
        }
    }
    int rc = io_uring_submit(&set->ring);
    return rc < 0 ? refuse(bench, rc, "multishot poll") : 0;
}

static int pollring_open(struct bench *bench)
{
    int count = descriptor_room();
    bool plain;
    if (count < DESCRIPTORS_READY)
        return descriptors_too_few(bench);
    struct pollring *set = calloc(1, sizeof *set);
    int *fds = calloc((size_t)count, sizeof *fds);
    bool *silent = calloc((size_t)count, sizeof *silent);
    int rc = set && fds && silent ? ring_open(&set->ring, ENTRIES, CQ, &plain) : -ENOMEM;
    if (rc != 0) {
        free(set);
        free(fds);
        free(silent);
        return refuse(bench, rc, "io_uring_setup");
    }
    set->fds = fds;
    set->silent = silent;
    bench->state = set;
    rc = watch_all(bench, set, count);
    if (rc != 0)
        pollring_close(bench);
    else
        remark(bench, plain);
    if (rc == 0)
        descriptors_remark(bench, count);
    return rc;
}

/* What came, taken from the ring: each event is one of [set], and put to rest behind the clock. */
static unsigned harvest(struct pollring *set, int ready[DESCRIPTORS_READY])
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned taken = 0;
    unsigned events = 0;
    io_uring_for_each_cqe(&set->ring, head, cqe)
    {
        int index = (int)io_uring_cqe_get_data64(cqe);
        taken++;
        if (!(cqe->flags & IORING_CQE_F_MORE))
            set->silent[index] = true;
        if (cqe->res > 0 && events < DESCRIPTORS_READY)
            ready[events++] = index;
    }
    io_uring_cq_advance(&set->ring, taken);
    return events;
}

static bool put_to_rest(struct pollring *set, const int *ready, unsigned count)
{
    bool ok = true;
    for (unsigned i = 0; i < count; i++) {
        uint64_t value;
        ok &= read(set->fds[ready[i]], &value, sizeof value) == sizeof value;
        if (set->silent[ready[i]])
            ok &= watch(set, ready[i]);
        set->silent[ready[i]] = false;
    }
    return ok && io_uring_submit(&set->ring) >= 0;
}

/* Ask what is true of them now: a completion tells what has woken its poll, which may be over. */
static bool ask_whether_true(const struct pollring *set, const int *ready, unsigned count)
{
    static struct pollfd looks[DESCRIPTORS_READY];
    for (unsigned i = 0; i < count; i++)
        looks[i] = (struct pollfd){set->fds[ready[i]], POLLIN, 0};
    return poll(looks, count, 0) == (int)count;
}

/* Make every 97th ready, time the wait for all of them and taking them from the ring. */
static double poll_many_and(struct bench *bench,
                            bool (*then)(const struct pollring *, const int *, unsigned))
{
    struct pollring *set = bench->state;
    int ready[DESCRIPTORS_READY];
    uint64_t spent_ns = 0;
    uint64_t delivered = 0;
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + bench->rep_ns;
    const uint64_t overhead_ns = clock_cost_ns(CLOCK_THREAD_CPUTIME_ID);
    bool ok = true;
    do {
        uint64_t one = 1;
        unsigned left = DESCRIPTORS_READY;
        harvest(set, ready); /* nothing of the last round is counted in this one */
        for (int i = 0; i < DESCRIPTORS_READY; i++)
            ok &= write(set->fds[i * DESCRIPTORS_STRIDE % set->count], &one, sizeof one) ==
                  sizeof one;
        while (ok && left > 0) {
            uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
            ok &= io_uring_submit_and_wait(&set->ring, left) >= 0;
            unsigned events = harvest(set, ready);
            ok &= then == NULL || then(set, ready, events);
            spent_ns += past_ns(CLOCK_THREAD_CPUTIME_ID, begin_ns, overhead_ns);
            ok &= put_to_rest(set, ready, events);
            delivered += events;
            left -= events < left ? events : left;
        }
    } while (ok && clock_ns(CLOCK_MONOTONIC) < end_ns);
    if (ok && delivered > 0)
        return (double)spent_ns / (double)delivered;
    refuse(bench, -EIO, "multishot poll");
    return NAN;
}

static double poll_many(struct bench *bench)
{
    return poll_many_and(bench, NULL);
}

static double poll_many_true(struct bench *bench)
{
    return poll_many_and(bench, ask_whether_true);
}

#define ONE_THREAD "one call submits and waits; CPU time"

const struct limit limits_uring[] = {
    {.id = "C18",
     .name = "io_uring, nop",
     .method = ONE_THREAD,
     .setup = nop_open,
     .once = nop_alone,
     .teardown = nop_close},
    {.id = "C18b",
     .name = "io_uring, nop of 32",
     .method = ONE_THREAD,
     .setup = nop_open,
     .once = nop_of_32,
     .teardown = nop_close},
    {.id = "C19",
     .name = "ring message round trip, two CPUs",
     .method = "a ring each side, one call sends and waits; wall time",
     .two_cpus = true,
     .once = message_round_trip},
    {.id = "C22",
     .name = "io_uring multishot poll, per event",
     .method = "10000 eventfds, every 97th of 256 ready; CPU time of wait and harvest",
     .setup = pollring_open,
     .once = poll_many,
     .teardown = pollring_close},
    {.id = "C22p",
     .name = "io_uring multishot poll and poll(2)",
     .method = "as C22; one poll(2) asks what is still true of the 256",
     .setup = pollring_open,
     .once = poll_many_true,
     .teardown = pollring_close},
    {.id = NULL},
};
