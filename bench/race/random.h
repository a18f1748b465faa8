/* SPDX-License-Identifier: MIT */
/*
 * random.h - the seeded random numbers of a run: splitmix64 (Steele, Lea, Flood 2014). One word of
 * state, good enough for schedules and permutations, the same numbers on every machine.
 */
#ifndef RACE_RANDOM_H
#define RACE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number in (0, 1]: never 0, so that its logarithm is finite. */
static inline double random_unit(struct random *random)
{
    return ((double)(random_next(random) >> 11) + 1.0) / 9007199254740992.0;
}

/* A number in [0, bound). The bias of the plain remainder is below 2^-40 for the bounds used here.
 */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return random_next(random) % bound;
}

#endif
