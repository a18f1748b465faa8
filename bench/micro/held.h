/* SPDX-License-Identifier: MIT */
/*
 * held.h - what a call costs its caller alone: the loop is inside a callback, blocked on a
 * semaphore, awake as far as it knows, but out of the way. Only the calls of [round] are timed.
 */
#ifndef BENCH_MICRO_HELD_H
#define BENCH_MICRO_HELD_H

#include "../race/stage.h"
#include "micro.h"

/* One per process. */
struct held {
    struct stage stage;
    struct race *race;
    int (*prepare)(struct velo_loop *loop); /* before the clock, while the loop is held; NULL */
    int (*round)(struct velo_loop *loop);   /* MICRO_BATCH calls; 0 or an error */
    bool (*settle)(void); /* after each round: wait until what [prepare] added has run; NULL */
};

extern struct held held;

/* Measure [held.round], report, end the loop and verify its ledger. */
void held_run(struct race *race);

#endif
