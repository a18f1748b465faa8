/* SPDX-License-Identifier: MIT */
/*
 * timer_population.h - the timers that are pending while something else is measured.
 *
 * None of them fires during a run: they are a minute to an hour away, as idle time-outs are. Delays
 * come from the seed, so each contestant meets the same ones.
 */
#ifndef BENCH_MICRO_TIMER_POPULATION_H
#define BENCH_MICRO_TIMER_POPULATION_H

#include "../race/random.h"
#include "solo.h"

struct timer_population {
    velo_id *ids;
    size_t count;
    uint64_t fired; /* must stay 0 */
    struct random random;
};

/* A delay of a time-out: one minute to one hour. */
uint64_t timer_population_delay_ns(struct timer_population *population);

/* The callback of all these timers; [arg] is the population. */
void timer_population_fire(void *arg);

/* Arm them. False if the race has failed. */
bool timer_population_arm(struct timer_population *population, struct solo *solo, size_t count);

/* Cancel them, each with the answer 0, check that none fired, free the ids. */
void timer_population_cancel(struct timer_population *population, struct solo *solo);

/* The metric-independent part of a case with the parameter n. */
extern const struct param_spec timer_population_params[];

#endif
