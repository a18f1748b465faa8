/* SPDX-License-Identifier: MIT */
/*
 * capacity.h - the highest rate that a loop can stand, from runs that each say pass or fail.
 *
 * Capacity C is the rate at which a run passes as often as it fails. All that is assumed: at rates
 * above C a run passes with a chance of at most 1/2 given the past, below C of at least 1/2. The
 * curve between may have any shape, rates may be chosen by what was seen, and one may look and stop
 * at any time: the interval covers C with probability 1 - alpha all the same.
 *
 * Why: for a candidate c two gamblers start with 1 each. One bets on every run at a rate of c or
 * more that it will pass, the other on every run at c or less that it will fail, never at odds
 * below even. If c = C neither game favours its player, so the chance that one of them ever owns
 * 2/alpha is at most alpha (Ville). c is refuted from below or above when one of them does. Games
 * of other candidates may favour their players, so an end of the interval moves only over an
 * unbroken run of refuted rates: C between two rates r and s is passed from below only if s was
 * refuted, and what s's game takes in is fair at C as well.
 */
#ifndef JUDGE_CAPACITY_H
#define JUDGE_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>

enum { CAPACITY_RUNS_MAX = 400 };

struct capacity_run {
    double rate; /* per second */
    bool pass;
    double pass_log, fail_log; /* what this run multiplies the two fortunes by, as logarithms */
    bool too_low, too_high;    /* this rate, as a candidate for C, was refuted by a gambler */
};

struct capacity {
    double alpha, precision; /* the search ends when high/low is at most 1 + precision */
    double start;            /* the first rate */
    struct capacity_run runs[CAPACITY_RUNS_MAX];
    size_t count;
    double low, high;    /* C lies between, at confidence 1 - alpha; 0 and INFINITY at first */
    double below, above; /* how far from the estimate the next probes go, as log ratios */
};

void capacity_init(struct capacity *c, double alpha, double precision, double start);

/* Takes the outcome of one run. Beyond CAPACITY_RUNS_MAX nothing is taken. */
void capacity_add(struct capacity *c, double rate, bool pass);

/* The rate to try next. */
double capacity_next(const struct capacity *c);

/* The rate that tells passes from failures best; NAN until there are both. */
double capacity_estimate(const struct capacity *c);

bool capacity_is_done(const struct capacity *c);

#endif
