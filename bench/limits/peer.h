/* SPDX-License-Identifier: MIT */
/* peer.h - the second thread of a probe, pinned, from a start that both know of to its end. */
#ifndef BENCH_LIMITS_PEER_H
#define BENCH_LIMITS_PEER_H

#include <pthread.h>

struct peer {
    pthread_t thread;
    pthread_barrier_t start;
    void (*body)(void *arg);
    void *arg;
    int cpu;
};

/* Start a thread on [cpu]; returns once it is pinned and about to enter [body]. 0 or -errno. */
int peer_start(struct peer *peer, int cpu, void (*body)(void *arg), void *arg);

/* Wait for the end of [body], which the caller has asked for by its own means. */
void peer_join(struct peer *peer);

/* Pin the calling thread. 0 or -errno. */
int pin_to(int cpu);

#endif
