/* SPDX-License-Identifier: MIT */
/*
 * A gate counts the foreign calls that are inside the library, and can be closed.
 *
 * Idea: one word, bit 0 = closed, the rest = calls inside. Entering is one fetch-add, whose old
 * value says whether the gate was closed before: so a call is either inside before the closing, and
 * is waited for, or it sees the bit and turns round (L4, L7, L8). Submits do not pay for this:
 * their ticket is their entry (ingress_tickets.h).
 */
#ifndef VELO_PARTS_GATE_H
#define VELO_PARTS_GATE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GATE_CLOSED 1u
#define GATE_ONE 2u

struct gate {
    _Atomic uint64_t word; /* any thread */
};

/* Leave. The last access of the caller to the loop's memory. */
static inline void gate_leave(struct gate *gate)
{
    /* (G2) release: all that the call did happens before the waiter goes on; pairs with (G3) */
    atomic_fetch_sub_explicit(&gate->word, GATE_ONE, memory_order_release);
}

/* Enter. False: the gate is closed and the caller is not inside. */
static inline bool gate_enter(struct gate *gate)
{
    /* (G1) seq_cst: entry precedes every later load of the call; pairs with (G3), and with the
     * retired chunks of slots.c */
    uint64_t old = atomic_fetch_add_explicit(&gate->word, GATE_ONE, memory_order_seq_cst);
    if ((old & GATE_CLOSED) == 0)
        return true;
    gate_leave(gate);
    return false;
}

/* Close for good; idempotent. Calls that are inside go on. */
static inline void gate_close(struct gate *gate)
{
    /* (G4) seq_cst: total order with the entries (G1) on the same word */
    atomic_fetch_or_explicit(&gate->word, GATE_CLOSED, memory_order_seq_cst);
}

static inline bool gate_is_empty(const struct gate *gate)
{
    /* (G3) seq_cst: sees what the calls did that have left; pairs with (G1), (G2) */
    return atomic_load_explicit(&gate->word, memory_order_seq_cst) < GATE_ONE;
}

/* Wait until nobody is inside. Calls are short, so yielding suffices. */
static inline void gate_wait_empty(const struct gate *gate)
{
    while (!gate_is_empty(gate))
        sched_yield();
}

#endif
