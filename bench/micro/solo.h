/* SPDX-License-Identifier: MIT */
/*
 * solo.h - cases without a second thread: the calling thread owns the loop and turns it by hand.
 *
 * One thread on one processor: nothing sleeps, nobody wakes anybody, and what is left is the price
 * of the operation itself. A lap ends when the case says so (solo_end), in a callback.
 */
#ifndef BENCH_MICRO_SOLO_H
#define BENCH_MICRO_SOLO_H

#include "../race/window.h"
#include "micro.h"

struct solo {
    struct stage stage; /* the loop and its books; its thread is never started */
    struct race *race;
    struct velo_loop *loop;   /* the same, at hand */
    uint64_t deadline_ns;     /* of this lap */
    bool ended;               /* this lap: set by solo_end() */
    int failed;               /* what a call inside a callback returned, if not 0: the first */
    struct velo_metrics last; /* counters when the loop had ended */
};

/* Create the loop, pin the thread. False if the race has failed. */
bool solo_open(struct solo *solo, struct race *race);

/* One turn that does not block. */
void solo_turn(struct solo *solo);

/* Turns until solo_end() or a failure. */
void solo_turn_until_end(struct solo *solo);

/* Has the lap lasted long enough? Reads the clock. */
bool solo_is_due(const struct solo *solo);

static inline void solo_end(struct solo *solo)
{
    solo->ended = true;
}

/* Keep the first error of a call that is made too often to look at each. */
static inline void solo_note(struct solo *solo, int rc)
{
    if (rc != 0 && solo->failed == 0)
        solo->failed = rc;
}

/* Shut down, verify the ledger and that nothing was left to discard, destroy. */
void solo_close(struct solo *solo);

/* Open, run the window with laps of [lap] on [load], report, close. */
void solo_run(struct solo *solo, struct race *race, lap_fn lap, void *load);

#endif
