/* SPDX-License-Identifier: MIT */
/*
 * guest_fake.h - a library for the unit tests of common/guest: poll(2) over what it was told to
 * watch, that counts and can be told to refuse, to err, and to stand still.
 *
 * It is the most awkward kind: it learns of changes by a turn (lazy), keeps what was closed first
 * (strays), reports hang-up as readable unless [exact], and watches nothing but levels.
 */
#ifndef VELO_UNIT_GUEST_FAKE_H
#define VELO_UNIT_GUEST_FAKE_H

#include "common/guest/guest.h"

enum { FAKE_WATCHED = 700 };

/* A place at which a thread can be made to stand; under [fake.lock]. */
struct fake_gate {
    bool shut;
    unsigned inside; /* threads that stand there */
};

struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fake_gate at_wait; /* guest_turn() that may wait */
    struct fake_gate at_ring; /* guest_ring(), before it rings */
    /* told by the test */
    bool exact;           /* the library's bits are those of poll(2) */
    unsigned refuse;      /* so many starts fail, */
    int refusal;          /*   with this */
    unsigned break_bells; /* so many rings fail with -EIO */
    int give_up;          /* once this fd is reported, the library watches it no longer; or -1 */
    int lies_about;       /* this fd is reported readable although it is not; or -1 */
    /* seen by the test */
    unsigned turns, starts, stops, taken_out, released, renewed, rings;
    unsigned renewed_in_ring; /* a bell was just being rung: the fault of L9 */
    unsigned closed;          /* the library's loop was ended */
    int64_t waited_ns;        /* the time-out of the last turn that might wait */
    uint64_t alarm_ns;        /* for when the alarm was set then */
    unsigned ringing;         /* threads inside guest_ring() */
};

extern struct fake fake;

/* Forget all of the last test. */
void fake_reset(void);

/* Make the next thread stand at [gate], others pass it meanwhile; let it go on; wait for it. */
void fake_shut(struct fake_gate *gate);
void fake_open(struct fake_gate *gate);
void fake_await(const struct fake_gate *gate);

/* One of the counters, while other threads count. */
unsigned fake_count(const unsigned *counter);

#endif
