/* SPDX-License-Identifier: MIT */
/* See points.h: a table of what is held where, under one lock. */
#include "points.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#ifdef VELO_POINTS

enum hold { HOLD_NOBODY, HOLD_NEXT, HOLD_HELD };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum hold holds[POINTS];

static void set(enum point point, enum hold hold)
{
    holds[point] = hold;
    pthread_cond_broadcast(&changed);
}

static void reached(enum point point)
{
    pthread_mutex_lock(&lock);
    if (holds[point] == HOLD_NEXT) {
        set(point, HOLD_HELD);
        while (holds[point] == HOLD_HELD)
            pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

bool sim_has_points(void)
{
    return true;
}

void sim_hold(enum point point)
{
    pthread_mutex_lock(&lock);
    set(point, HOLD_NEXT);
    pthread_mutex_unlock(&lock);
    atomic_store(&point_hook, reached);
}

void sim_let_go(enum point point)
{
    pthread_mutex_lock(&lock);
    set(point, HOLD_NOBODY);
    pthread_mutex_unlock(&lock);
}

bool sim_wait_held(enum point point, uint64_t patience_ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* what a static condition waits by */
    uint64_t ns = (uint64_t)until.tv_nsec + patience_ns;
    until.tv_sec += (time_t)(ns / UINT64_C(1000000000));
    until.tv_nsec = (long)(ns % UINT64_C(1000000000));
    int rc = 0;
    pthread_mutex_lock(&lock);
    while (holds[point] != HOLD_HELD && rc == 0)
        rc = pthread_cond_timedwait(&changed, &lock, &until);
    bool held = holds[point] == HOLD_HELD;
    pthread_mutex_unlock(&lock);
    return held;
}

#else

bool sim_has_points(void)
{
    return false;
}

void sim_hold(enum point point)
{
    (void)point;
}

void sim_let_go(enum point point)
{
    (void)point;
}

bool sim_wait_held(enum point point, uint64_t patience_ns)
{
    (void)point;
    (void)patience_ns;
    return false;
}

#endif
