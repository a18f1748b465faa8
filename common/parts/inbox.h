/* SPDX-License-Identifier: MIT */
/*
 * Inbox: records pushed by any thread, taken all at once by the owner, in the order of arrival.
 *
 * A Treiber stack (R. K. Treiber, 1986) of record indices that is only ever emptied whole, so there
 * is no single pop and no ABA; the owner reverses what it took. Used twice, with different link
 * fields: for what other threads start, and for timers they have cancelled.
 */
#ifndef VELO_PARTS_INBOX_H
#define VELO_PARTS_INBOX_H

#include "common/parts/ops.h"

struct inbox {
    _Atomic uint32_t head; /* index + 1 of the newest record, 0 = empty; any thread */
};

static inline uint32_t *inbox_link(struct velo_op *op, bool reclaim)
{
    return reclaim ? &op->reclaim : &op->next;
}

/* Push [index]. Any thread. */
static inline void inbox_push(struct inbox *inbox, struct velo_op *op, uint32_t index, bool reclaim)
{
    /* (I1) relaxed: a guess, checked by the CAS */
    uint32_t head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
    do {
        *inbox_link(op, reclaim) = head;
        /* (I2) seq_cst: publishes the record, and precedes the pusher's look at the sleep word
         * (Dekker); pairs with (I3) and with (I4) */
    } while (!atomic_compare_exchange_weak_explicit(
        &inbox->head, &head, index + 1, memory_order_seq_cst, memory_order_relaxed));
}

/* Is it empty? seq_cst, so that a sleeper may ask after it has announced its sleep. */
static inline bool inbox_is_empty(const struct inbox *inbox)
{
    /* (I4) seq_cst: the look after the announcement; pairs with (I2) */
    return atomic_load_explicit(&inbox->head, memory_order_seq_cst) == 0;
}

/* Take all, oldest first, linked by the same field and ended by OP_NIL. Owner. */
static inline uint32_t inbox_take(struct inbox *inbox, const struct ops *ops, bool reclaim)
{
    /* (I3) acq_rel: sees the records' fields; pairs with (I2) */
    uint32_t head = atomic_exchange_explicit(&inbox->head, 0, memory_order_acq_rel);
    uint32_t oldest = OP_NIL;
    while (head != 0) {
        uint32_t index = head - 1;
        uint32_t *link = inbox_link(ops_at(ops, index), reclaim);
        head = *link;
        *link = oldest;
        oldest = index;
    }
    return oldest;
}

#endif
