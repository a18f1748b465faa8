/* SPDX-License-Identifier: MIT */
/*
 * The states of a loop and the moves between them (L1), and how a termination is agreed on.
 *
 *   AWAKE -> RUNNING          a thread enters run
 *   RUNNING -> SLEEPING       its owner announces a sleep
 *   SLEEPING -> RUNNING       the sleep is over
 *   RUNNING -> AWAKE          run returns
 *   AWAKE, RUNNING, SLEEPING -> TERMINATING    the first shutdown or close, under [lock]
 *   TERMINATING -> TERMINATED                  the thread that drained or discarded
 *
 * Every move is a compare-and-swap, so each has one winner. Who moves to TERMINATING then closes
 * the inboxes and only after that sets [stop]: the owner leaves its turn on [stop], and finds the
 * inboxes closed.
 */
#ifndef VELO_LIFECYCLE_H
#define VELO_LIFECYCLE_H

#include "common/parts/forked.h"
#include "common/parts/thread.h"
#include "velo.h"

#include <pthread.h>
#include <stdatomic.h>

enum stop {
    STOP_NO,
    STOP_GRACEFUL,
    STOP_IMMEDIATE,
    STOP_FORKED /* the process was forked off by a callback: leave, and touch nothing (L11) */
};

struct lifecycle {
    _Atomic uint32_t state;      /* enum velo_state */
    _Atomic uint32_t stop;       /* enum stop; set once, or by a fork */
    _Atomic(const void *) owner; /* the thread inside run or draining, see thread_self() */
    struct forked_link link;     /* of the owner's thread */
    pthread_mutex_t lock;        /* guards the agreement on termination, and [orphaned] */
    bool orphaned;               /* a worker asked for a shutdown, and nobody drains yet */
    pthread_cond_t ended;        /* state is TERMINATED; monotonic clock */
};

/* Is [from] -> [to] a legal move? Pure; used by assertions and tests. */
static inline bool lifecycle_is_legal(enum velo_state from, enum velo_state to)
{
    switch (from) {
    case VELO_STATE_AWAKE:
        return to == VELO_STATE_RUNNING || to == VELO_STATE_TERMINATING;
    case VELO_STATE_RUNNING:
        return to == VELO_STATE_AWAKE || to == VELO_STATE_SLEEPING || to == VELO_STATE_TERMINATING;
    case VELO_STATE_SLEEPING:
        return to == VELO_STATE_RUNNING || to == VELO_STATE_TERMINATING;
    case VELO_STATE_TERMINATING:
        return to == VELO_STATE_TERMINATED;
    default:
        return false;
    }
}

static inline enum velo_state lifecycle_state(const struct lifecycle *life)
{
    /* (S1) seq_cst: a state seen after a submit returned is not older than it; pairs with (S2) */
    return (enum velo_state)atomic_load_explicit(&life->state, memory_order_seq_cst);
}

/* Move if the state is [from]. */
static inline bool lifecycle_move(struct lifecycle *life, enum velo_state from, enum velo_state to)
{
    uint32_t expected = from;
    /* (S2) seq_cst: part of the sleep announcement; hands the loop from owner to owner */
    return atomic_compare_exchange_strong_explicit(
        &life->state, &expected, to, memory_order_seq_cst, memory_order_seq_cst);
}

static inline enum stop lifecycle_stop(const struct lifecycle *life)
{
    /* (S3) acquire: the inboxes are closed; pairs with (S3) in lifecycle_set_stop() */
    return (enum stop)atomic_load_explicit(&life->stop, memory_order_acquire);
}

static inline void lifecycle_set_stop(struct lifecycle *life, enum stop stop)
{
    /* (S3) release: pairs with (S3) above */
    atomic_store_explicit(&life->stop, stop, memory_order_release);
}

static inline bool lifecycle_is_owner(const struct lifecycle *life)
{
    /* (S4) relaxed: only the caller itself stores the value that it compares with */
    return atomic_load_explicit(&life->owner, memory_order_relaxed) == thread_self();
}

static inline bool lifecycle_has_owner(const struct lifecycle *life)
{
    /* (S4) relaxed: a snapshot */
    return atomic_load_explicit(&life->owner, memory_order_relaxed) != NULL;
}

/* The calling thread becomes the owner. */
static inline void lifecycle_own(struct lifecycle *life)
{
    forked_enter(&life->link, &life->stop, STOP_FORKED);
    /* (S4) relaxed: as above */
    atomic_store_explicit(&life->owner, thread_self(), memory_order_relaxed);
}

/* The owner is the owner no longer. */
static inline void lifecycle_disown(struct lifecycle *life)
{
    forked_leave(&life->link);
    /* (S4) relaxed: as above */
    atomic_store_explicit(&life->owner, NULL, memory_order_relaxed);
}

#endif
