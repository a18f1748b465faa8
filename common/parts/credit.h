/* SPDX-License-Identifier: MIT */
/*
 * Credit: how many tasks may still be accepted under max_pending. Exact: a compare-and-swap, so a
 * refused submit takes nothing and never makes another one fail. Not touched without a bound.
 */
#ifndef VELO_PARTS_CREDIT_H
#define VELO_PARTS_CREDIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct credit {
    size_t max;          /* 0 = no bound; constant */
    _Atomic size_t used; /* accepted and not yet begun; any thread */
};

static inline bool credit_take(struct credit *credit, size_t n)
{
    /* (C1) relaxed: a guess, checked by the CAS */
    size_t used = atomic_load_explicit(&credit->used, memory_order_relaxed);
    do {
        if (n > credit->max || used > credit->max - n)
            return false;
        /* (C2) relaxed: a count only; the queue publishes the task */
    } while (!atomic_compare_exchange_weak_explicit(
        &credit->used, &used, used + n, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static inline void credit_give(struct credit *credit, size_t n)
{
    /* (C2) relaxed: as above */
    atomic_fetch_sub_explicit(&credit->used, n, memory_order_relaxed);
}

#endif
