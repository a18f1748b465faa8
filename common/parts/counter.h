/* SPDX-License-Identifier: MIT */
/*
 * A counter with one writer and many readers: plain loads and stores in the machine, no data race
 * in the language. Two kinds: struct counter is written by the owner only; struct shared_counter by
 * any thread.
 */
#ifndef VELO_PARTS_COUNTER_H
#define VELO_PARTS_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

struct counter {
    _Atomic uint64_t value; /* the owner writes */
};

struct shared_counter {
    _Atomic uint64_t value; /* any thread adds */
};

static inline uint64_t counter_get(const struct counter *c)
{
    /* (K1) relaxed: a statistic; orders nothing */
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static inline void counter_add(struct counter *c, uint64_t n)
{
    /* (K1) relaxed: one writer, so load and store need not be one operation */
    uint64_t old = atomic_load_explicit(&c->value, memory_order_relaxed);
    atomic_store_explicit(&c->value, old + n, memory_order_relaxed); /* (K1) */
}

static inline void counter_set(struct counter *c, uint64_t value)
{
    /* (K1) relaxed: as above */
    atomic_store_explicit(&c->value, value, memory_order_relaxed);
}

static inline uint64_t shared_counter_get(const struct shared_counter *c)
{
    /* (K2) seq_cst: who sees the count also sees what was done before it; and a loop that announces
     * its sleep and then looks whether it is alive sees a change whose maker saw no sleeper (A2) */
    return atomic_load_explicit(&c->value, memory_order_seq_cst);
}

static inline void shared_counter_add(struct shared_counter *c, uint64_t n)
{
    /* (K2) seq_cst: publishes what was done before it; pairs with (K2) above */
    atomic_fetch_add_explicit(&c->value, n, memory_order_seq_cst);
}

#endif
