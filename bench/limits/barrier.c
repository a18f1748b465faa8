/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - the price of making all other threads of the process pass a barrier (membarrier).
 *
 * Where the others sleep there is nobody to interrupt; where one runs, its CPU gets an interrupt
 * and the call waits for it. A process has to register before it may call.
 */
#include "limits.h"
#include "peer.h"
#include "span.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <math.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BATCH = 10 };

static long barrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

static int enlist(struct bench *bench)
{
    if (barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
        return 0;
    int rc = -errno;
    snprintf(bench->reason, sizeof bench->reason, "membarrier: %s", strerror(-rc));
    return rc;
}

static double barriers(struct bench *bench)
{
    struct span span;
    bool ok = true;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            ok &= barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
    if (ok)
        return span_wall_ns(&span);
    snprintf(bench->reason, sizeof bench->reason, "membarrier: %s", strerror(errno));
    return NAN;
}

static void sleep_to_the_end(void *arg)
{
    sem_t *end = arg;
    while (sem_wait(end) != 0)
        continue;
}

static void spin_to_the_end(void *arg)
{
    const _Atomic bool *stop = arg;
    while (!atomic_load_explicit(stop, memory_order_relaxed))
        cpu_relax();
}

static double beside_sleeper(struct bench *bench)
{
    struct peer peer;
    sem_t end;
    sem_init(&end, 0, 0);
    int rc = peer_start(&peer, bench->cpus[0], sleep_to_the_end, &end);
    double ns = rc == 0 ? barriers(bench) : NAN;
    if (rc == 0) {
        sem_post(&end);
        peer_join(&peer);
    } else {
        snprintf(bench->reason, sizeof bench->reason, "no second thread: %s", strerror(-rc));
    }
    sem_destroy(&end);
    return ns;
}

static double beside_spinner(struct bench *bench)
{
    struct peer peer;
    _Atomic bool stop = false;
    int rc = peer_start(&peer, bench->cpus[1], spin_to_the_end, &stop);
    if (rc != 0) {
        snprintf(bench->reason, sizeof bench->reason, "no second thread: %s", strerror(-rc));
        return NAN;
    }
    double ns = barriers(bench);
    atomic_store(&stop, true);
    peer_join(&peer);
    return ns;
}

const struct limit limits_barrier[] = {
    {.id = "C20",
     .name = "membarrier, the others asleep",
     .method = "registered, private and expedited; wall time",
     .setup = enlist,
     .once = beside_sleeper},
    {.id = "C20r",
     .name = "membarrier, another one runs",
     .method = "a second thread spins on its CPU; wall time",
     .two_cpus = true,
     .setup = enlist,
     .once = beside_spinner},
    {.id = NULL},
};
