/* SPDX-License-Identifier: MIT */
/*
 * chance.h - how often would the judge do that? Series of blocks are drawn and judged by the
 * judge's own code (judge_cell), thousands of times. Pure: the dice hang on the seed alone.
 */
#ifndef VELO_SELFCHECK_CHANCE_H
#define VELO_SELFCHECK_CHANCE_H

#include "../../reports/judge/judge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of two ran first in a block. */
enum series_first { SERIES_FIRST_UNKNOWN, SERIES_FIRST_A, SERIES_FIRST_B };

/* Costs of identical code in one cell, block by block. */
struct series {
    char *cell; /* "race/ping_pong/awake" */
    double floor;
    size_t count;
    double *a, *b;
    enum series_first *first;
    bool squares; /* orders were drawn for whole squares of blocks and not for each block */
};

struct series_list {
    struct series *items;
    size_t count;
};

/*
 * Adds a copy of the blocks in which both costs are there. [first] may be NULL: unknown.
 * Returns: the copy, until the next one is added.
 */
struct series *series_add(struct series_list *list,
                          const char *cell,
                          double floor,
                          const double *a,
                          const double *b,
                          const enum series_first *first,
                          size_t count);
void series_free(struct series_list *list);

/* ln a - ln b of each block into [d]; returns how many are numbers. */
size_t series_differences(const struct series *series, double *d);

/* What a series of trials came to. */
struct tally {
    size_t trials;
    size_t a_wins, b_wins; /* trials in which that side was named WINNER, or the other LOSES */
};

/* Judges each series as it was raced, with the labels that it had. Named in it is a false verdict.
 */
struct tally chance_as_raced(const struct series_list *list, double alpha, uint64_t seed);

/*
 * [trials] times: take a series in turn, give the labels of each block anew by a coin that keeps
 * them with chance [keep] (0.5 is fair), judge. All of them are false verdicts.
 */
struct tally chance_reflip(
    const struct series_list *list, size_t trials, double keep, double alpha, uint64_t seed);

/*
 * [trials] times: draw [blocks] differences out of d[0..count) with replacement, add [shift], judge
 * as one duel in a field of [contestants]. [symmetric]: give each a random sign before the shift.
 * Side a costs less where the sum is positive.
 */
struct chance_draw {
    const double *d;
    size_t count;
    bool symmetric;
    double shift;
    size_t blocks;
    size_t contestants;
    double alpha;
};
struct tally chance_resample(const struct chance_draw *draw, size_t trials, uint64_t seed);

/* The most that may be seen in [trials] when the rate is [rate]: more has a chance below 2 %. */
size_t chance_limit(size_t trials, double rate);

/* Can a count in so many trials be above its limit unless nearly all of them err? Below it a limit
 * of a quarter of the trials or more passes a judge that errs five times as often as it may. */
bool chance_can_fail(size_t trials, size_t limit);

/* ln of the evidence from which on a count of fair coins is called more than chance: as rare. */
double chance_log_e_limit(void);

/* The exact (Clopper-Pearson) 95 % interval of a rate of which [seen] of [trials] were seen. */
void chance_interval(size_t seen, size_t trials, double *low, double *high);

/* The next word of a seeded stream (splitmix64), and a number in [0, 1). */
uint64_t chance_word(uint64_t *state);
double chance_unit(uint64_t *state);

#endif
