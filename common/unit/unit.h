/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests of the parts share: cmocka with its includes, random numbers whose seed is
 * printed and can be given again (VELO_SEED=...), and threads that begin together.
 */
#ifndef VELO_UNIT_H
#define VELO_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* splitmix64 (S. Vigna, public domain algorithm) */
static inline uint64_t unit_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t unit_below(uint64_t *state, uint64_t bound)
{
    return unit_random(state) % bound;
}

/* A seed: VELO_SEED, or drawn; printed either way. */
static inline uint64_t unit_seed(void)
{
    const char *given = getenv("VELO_SEED");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                  : (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
    print_message("VELO_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* Rounds of a test: fewer where a sanitizer makes each one slow. */
static inline unsigned unit_rounds(unsigned rounds)
{
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    return rounds / 10 + 1;
#else
    return rounds;
#endif
}

enum { UNIT_TEAM_MAX = 8 };

/* Threads that all begin fn(arg, index) together. */
struct unit_team {
    void (*fn)(void *arg, unsigned index);
    void *arg;
    unsigned count;
    pthread_barrier_t start;
    struct unit_member {
        struct unit_team *team;
        unsigned index;
        pthread_t thread;
    } members[UNIT_TEAM_MAX];
};

static inline void *unit_member_main(void *arg)
{
    struct unit_member *member = arg;
    pthread_barrier_wait(&member->team->start);
    member->team->fn(member->team->arg, member->index);
    return NULL;
}

static inline void unit_team_start(struct unit_team *team,
                                   unsigned count,
                                   void (*fn)(void *arg, unsigned index),
                                   void *arg)
{
    team->fn = fn;
    team->arg = arg;
    team->count = count;
    assert_true(count <= UNIT_TEAM_MAX);
    assert_int_equal(pthread_barrier_init(&team->start, NULL, count), 0);
    for (unsigned i = 0; i < count; i++) {
        struct unit_member *member = &team->members[i];
        member->team = team;
        member->index = i;
        assert_int_equal(pthread_create(&member->thread, NULL, unit_member_main, member), 0);
    }
}

static inline void unit_team_join(struct unit_team *team)
{
    for (unsigned i = 0; i < team->count; i++)
        pthread_join(team->members[i].thread, NULL);
    pthread_barrier_destroy(&team->start);
}

#endif
