/* SPDX-License-Identifier: MIT */
/*
 * timer_churn.h - the frame of timer_arm_cancel and timer_library: what does a time-out cost that
 * never happens, with n others pending?
 *
 * The way of most timers: armed, then cancelled a little later because the answer came. Each
 * operation cancels the one armed IN_FLIGHT operations ago and arms another in its slot, in a
 * callback on the owner. The n others are not touched. What an operation calls stands in the case,
 * so that a call through a pointer is part of no price but its own.
 */
#ifndef BENCH_MICRO_TIMER_CHURN_H
#define BENCH_MICRO_TIMER_CHURN_H

#include "batch.h"
#include "timer_library.h"
#include "timer_population.h"

enum { TIMER_CHURN_IN_FLIGHT = 64 };

/* One per process. */
struct timer_churn {
    struct timer_population delays; /* only where they come from */
    size_t others;
    size_t next;
    velo_id *ids; /* of velo.h's timers, by slot */
};

extern struct timer_churn timer_churn;

/* The slot of the next operation. */
static inline size_t timer_churn_slot(void)
{
    return timer_churn.others + timer_churn.next++ % TIMER_CHURN_IN_FLIGHT;
}

static inline uint64_t timer_churn_delay_ns(void)
{
    return timer_population_delay_ns(&timer_churn.delays);
}

/* The callback of velo.h's timers: a failure. */
void timer_churn_never(void *arg);

static inline int timer_churn_start(size_t slot, uint64_t delay_ns)
{
    return velo_timer_start(
        batch.solo.loop, delay_ns, 0, timer_churn_never, NULL, &timer_churn.ids[slot]);
}

static inline int timer_churn_stop(size_t slot)
{
    return velo_timer_cancel(batch.solo.loop, timer_churn.ids[slot]);
}

/* These as a library. */
extern const struct timer_library timer_churn_velo;

/* Arm all of [timers], measure [operation], cancel all, each with the answer 0. */
void timer_churn_run(struct race *race,
                     const struct timer_library *timers,
                     void (*operation)(void));

#endif
