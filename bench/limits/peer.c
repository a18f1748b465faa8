/* SPDX-License-Identifier: MIT */
/* peer.c - see peer.h. */
#include "peer.h"

#include <errno.h>
#include <sched.h>

int pin_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

static void *peer_main(void *arg)
{
    struct peer *peer = arg;
    pin_to(peer->cpu); /* only fails if the CPU went away: then the numbers show it */
    pthread_barrier_wait(&peer->start);
    peer->body(peer->arg);
    return NULL;
}

int peer_start(struct peer *peer, int cpu, void (*body)(void *arg), void *arg)
{
    peer->body = body;
    peer->arg = arg;
    peer->cpu = cpu;
    int rc = pthread_barrier_init(&peer->start, NULL, 2);
    if (rc != 0)
        return -rc;
    rc = pthread_create(&peer->thread, NULL, peer_main, peer);
    if (rc != 0) {
        pthread_barrier_destroy(&peer->start);
        return -rc;
    }
    pthread_barrier_wait(&peer->start);
    return 0;
}

void peer_join(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    pthread_barrier_destroy(&peer->start);
}
