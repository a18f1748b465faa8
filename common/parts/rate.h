/* SPDX-License-Identifier: MIT */
/*
 * Rate: how many tasks may be accepted per second, and how many at once after a pause (S1).
 *
 * One word says up to which moment the tasks accepted so far have used up their share of time; a
 * task is refused when its share would end later than a burst from now. That is the generic cell
 * rate algorithm (ATM Forum, Traffic Management 4.0), here with a compare-and-swap: exact, so a
 * refused submit takes nothing. Shares are kept in sixteenths of a nanosecond, for high rates.
 */
#ifndef VELO_PARTS_RATE_H
#define VELO_PARTS_RATE_H

#include "common/parts/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_UNITS_PER_NS 16u
#define RATE_UNITS_PER_S (UINT64_C(1000000000) * RATE_UNITS_PER_NS)
#define RATE_BURST_UNITS_MAX (UINT64_MAX / 4)

struct rate {
    uint64_t share;         /* units of one task; 0 = no limit; constant, as the next three */
    uint64_t burst;         /* tasks */
    uint64_t burst_units;   /* their share */
    uint64_t start_ns;      /* moments are counted from here */
    _Atomic uint64_t spent; /* the moment, in units; any thread */
};

/* [per_second] 0: no limit; [burst] 0: as many as come in one second. */
static inline void rate_init(struct rate *rate, uint64_t per_second, uint64_t burst)
{
    if (per_second == 0)
        return;
    rate->share = per_second < RATE_UNITS_PER_S ? RATE_UNITS_PER_S / per_second : 1;
    rate->burst = burst == 0 ? per_second : burst;
    if (rate->burst > RATE_BURST_UNITS_MAX / rate->share)
        rate->burst = RATE_BURST_UNITS_MAX / rate->share;
    rate->burst_units = rate->burst * rate->share;
    rate->start_ns = clock_now_ns();
}

static inline bool rate_is_limited(const struct rate *rate)
{
    return rate->share != 0;
}

/* May [n] tasks be accepted now? All or none. Any thread, also in a signal handler. */
static inline bool rate_take(struct rate *rate, size_t n)
{
    if (n > rate->burst)
        return false;
    uint64_t now = (clock_now_ns() - rate->start_ns) * RATE_UNITS_PER_NS;
    uint64_t share = n * rate->share;
    /* (Y3) relaxed: a guess, checked by the CAS */
    uint64_t spent = atomic_load_explicit(&rate->spent, memory_order_relaxed);
    uint64_t from;
    do {
        from = spent < now ? now : spent; /* time that went by unused is lost, but for a burst */
        if (from + share > now + rate->burst_units)
            return false;
        /* (Y4) relaxed: a count only; the queue publishes the task */
    } while (!atomic_compare_exchange_weak_explicit(
        &rate->spent, &spent, from + share, memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* What was taken is not used after all. */
static inline void rate_give(struct rate *rate, size_t n)
{
    /* (Y4) relaxed: as above */
    atomic_fetch_sub_explicit(&rate->spent, n * rate->share, memory_order_relaxed);
}

#endif
