/* SPDX-License-Identifier: MIT */
/*
 * capacity.c - see capacity.h for the claim and why it holds.
 *
 * How the gamblers bet decides only how narrow the interval gets. They bet on the share of passes
 * among the past runs that bear on the rate: passes at this rate or above it, failures at this rate
 * or below. Where to probe is decided likewise: a little below and above the estimate, closer after
 * a run that came out as expected, further away after one that did not, so that about four of five
 * come out as expected (Kaernbach 1991).
 */
#include "capacity.h"

#include <math.h>
#include <stdint.h>

#define FARTHER 1.5
#define CLOSER 0.9 /* 0.9^4 * 1.5 is about 1: in balance at four of five */
#define FARTHEST 0.7
#define FIRST_STEP 0.2

void capacity_init(struct capacity *c, double alpha, double precision, double start)
{
    *c = (struct capacity){.alpha = alpha,
                           .precision = precision,
                           .start = start,
                           .high = INFINITY,
                           .below = FIRST_STEP,
                           .above = FIRST_STEP};
}

double capacity_estimate(const struct capacity *c)
{
    /* The least mistakes of "passes below, fails above", over all cuts between two rates. */
    size_t least = SIZE_MAX, passes = 0;
    double from = NAN, to = NAN;
    for (size_t i = 0; i < c->count; i++)
        passes += c->runs[i].pass;
    if (passes == 0 || passes == c->count)
        return NAN;
    for (size_t i = 0; i < c->count; i++) {
        const double at = c->runs[i].rate; /* the cut lies just above this rate */
        double next = INFINITY;
        size_t mistakes = 0;
        for (size_t j = 0; j < c->count; j++) {
            const bool above = c->runs[j].rate > at;
            mistakes += above == c->runs[j].pass ? 1 : 0;
            if (above && c->runs[j].rate < next)
                next = c->runs[j].rate;
        }
        if (isinf(next) || mistakes > least)
            continue;
        from = mistakes < least ? at : fmin(from, at);
        to = mistakes < least ? next : fmax(to, next);
        least = mistakes;
    }
    return sqrt(from * to);
}

/* What is thought of a rate that was never tried: below the estimate most pass, above it few. */
static double first_thought(const struct capacity *c, double rate, double estimate)
{
    if (isnan(estimate)) /* one outcome only so far: more of the same */
        return c->count == 0 ? 0.5 : c->runs[0].pass ? 0.8 : 0.2;
    const double apart = log(rate / estimate);
    if (apart < -c->below / 2)
        return 0.8;
    return apart > c->above / 2 ? 0.2 : 0.5;
}

/* The share of passes to be expected at [rate] by the past. */
static double expected_share(const struct capacity *c, double rate, double estimate)
{
    double passes = 0, fails = 0;
    for (size_t i = 0; i < c->count; i++) {
        passes += c->runs[i].pass && c->runs[i].rate >= rate;
        fails += !c->runs[i].pass && c->runs[i].rate <= rate;
    }
    return (passes + first_thought(c, rate, estimate)) / (passes + fails + 1);
}

/* Marks the rates on which a gambler has become rich: once is enough (Ville). */
static void refute(struct capacity *c)
{
    const double rich = log(2 / c->alpha);
    for (size_t i = 0; i < c->count; i++) {
        const double candidate = c->runs[i].rate;
        double passes = 0, fails = 0;
        for (size_t j = 0; j < c->count; j++) {
            passes += c->runs[j].rate >= candidate ? c->runs[j].pass_log : 0;
            fails += c->runs[j].rate <= candidate ? c->runs[j].fail_log : 0;
        }
        c->runs[i].too_low = c->runs[i].too_low || passes >= rich;
        c->runs[i].too_high = c->runs[i].too_high || fails >= rich;
    }
}

/*
 * Each end moves past the refuted rates up to the first one that stands. Past one that stands it
 * must not move, whatever was refuted beyond: C may be that one, and only C's own game is fair.
 */
static void draw_in(struct capacity *c)
{
    double first_standing = INFINITY, last_standing = 0;
    refute(c);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->runs[i].too_low)
            first_standing = fmin(first_standing, c->runs[i].rate);
        if (!c->runs[i].too_high)
            last_standing = fmax(last_standing, c->runs[i].rate);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->runs[i].rate < first_standing)
            c->low = fmax(c->low, c->runs[i].rate);
        if (c->runs[i].rate > last_standing)
            c->high = fmin(c->high, c->runs[i].rate);
    }
}

static double bounded_step(const struct capacity *c, double step)
{
    return fmin(fmax(step, log1p(c->precision) / 2.5), FARTHEST);
}

static void adapt_steps(struct capacity *c, double estimate, double rate, bool pass)
{
    if (isnan(estimate))
        return;
    if (rate < estimate)
        c->below = bounded_step(c, c->below * (pass ? CLOSER : FARTHER));
    else
        c->above = bounded_step(c, c->above * (pass ? FARTHER : CLOSER));
}

void capacity_add(struct capacity *c, double rate, bool pass)
{
    if (c->count == CAPACITY_RUNS_MAX || !(rate > 0))
        return;
    const double estimate = capacity_estimate(c);
    const double share = expected_share(c, rate, estimate);
    const double on_pass = fmax(share, 0.5), on_fail = fmax(1 - share, 0.5);
    adapt_steps(c, estimate, rate, pass);
    c->runs[c->count++] = (struct capacity_run){
        .rate = rate,
        .pass = pass,
        .pass_log = log(2 * (pass ? on_pass : 1 - on_pass)),
        .fail_log = log(2 * (pass ? 1 - on_fail : on_fail)),
    };
    draw_in(c);
}

double capacity_next(const struct capacity *c)
{
    double most_passed = 0, least_failed = INFINITY;
    for (size_t i = 0; i < c->count; i++) {
        if (c->runs[i].pass)
            most_passed = fmax(most_passed, c->runs[i].rate);
        else
            least_failed = fmin(least_failed, c->runs[i].rate);
    }
    if (c->count == 0)
        return c->start;
    if (most_passed <= 0)
        return least_failed / 2;
    if (isinf(least_failed))
        return most_passed * 2;
    double middle = capacity_estimate(c);
    if (isnan(middle)) /* all at one rate */
        middle = c->runs[0].rate;
    const bool lower =
        isinf(c->high) && c->low <= 0 ? c->count % 2 == 0 : middle / c->low > c->high / middle;
    return middle * exp(lower ? -c->below : c->above);
}

bool capacity_is_done(const struct capacity *c)
{
    return c->count == CAPACITY_RUNS_MAX || (c->low > 0 && c->high / c->low <= 1 + c->precision);
}
