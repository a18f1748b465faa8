/* SPDX-License-Identifier: MIT */
/*
 * Spin, then park: how long the owner looks for work before it goes to sleep (P6).
 *
 * Spinning for as long as a park costs is at most twice as dear as knowing the future (A. Karlin et
 * al., "Competitive snoopy caching", 1988). The cost of a park is measured: from the moment a waker
 * claims the wake-up to the moment the owner runs again. The gap between going idle and the next
 * event is averaged; the owner spins only while that average says the event will come within a
 * park's cost, for at most twice the average, never longer than the cost or the user's cap. When
 * it was pre-empted while spinning, somebody else needs the processor: it parks for a while.
 * Where its wakers run on the very processor to which it is confined, it never spins.
 */
#ifndef FASTPATH_SPIN_H
#define FASTPATH_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
    int64_t option_ns;    /* velo_options.spin_ns: 0 automatic, -1 off, else a cap */
    uint64_t park_ns;     /* average cost of a park */
    uint64_t gap_ns;      /* average time from idle to the next event, capped */
    uint32_t punished;    /* idle times left to sit out after a pre-emption */
    uint32_t until_check; /* idle times until the number of processors is asked again */
    bool confined;        /* one processor is allowed */
    bool shared;          /* the last waker ran on the owner's processor */
};

void spin_init(struct spin *spin, int64_t option_ns);

/* How long to spin now; 0 = park at once. */
uint64_t spin_budget_ns(struct spin *spin);

/* An idle time has ended after [gap_ns]. */
void spin_note_gap(struct spin *spin, uint64_t gap_ns);

/* A park took [park_ns] from the claim of a waker on [waker_cpu] to the owner's return. */
void spin_note_park(struct spin *spin, uint64_t park_ns, int waker_cpu);

/* A spin with [budget_ns] took [spent_ns]: far more means pre-emption. */
void spin_note_spent(struct spin *spin, uint64_t budget_ns, uint64_t spent_ns);

#endif
