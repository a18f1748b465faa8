/* SPDX-License-Identifier: MIT */
/*
 * batch.h - one thing done again and again on the owner: MICRO_BATCH times inside one callback,
 * then a turn, in which a contestant may tidy up. The callback submits itself until the lap is
 * over.
 */
#ifndef BENCH_MICRO_BATCH_H
#define BENCH_MICRO_BATCH_H

#include "solo.h"

/* One batch per process. */
struct batch {
    struct solo solo;
    void (*op)(void); /* what is measured; its results go to batch_note() */
    uint64_t ops;     /* how often it was called */
};

extern struct batch batch;

/* Open the loop. False if the race has failed. */
bool batch_open(struct race *race);

/* Run the window with [op] and report. Nothing after a failure. */
void batch_measure(void (*op)(void));

/* Keep the first error. */
static inline void batch_note(int rc)
{
    solo_note(&batch.solo, rc);
}

/* The errors that came after the window, then the loop's end. */
void batch_close(void);

#endif
