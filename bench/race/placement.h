/* SPDX-License-Identifier: MIT */
/*
 * placement.h - on which processors the loop and its generators run. Where two threads stand can
 * matter more than what they execute, so it is a stated factor of each point, set here and nowhere
 * else: a run whose threads are found elsewhere, because they could not be put there or because a
 * contestant moved them, has no number.
 */
#ifndef RACE_PLACEMENT_H
#define RACE_PLACEMENT_H

#include "gauge.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum placement {
    PLACEMENT_SPREAD,    /* cross-core where there are two processors, else same-core */
    PLACEMENT_FREE,      /* the scheduler decides */
    PLACEMENT_SAME_CORE, /* loop and generators on one processor */
    PLACEMENT_CROSS_CORE /* the loop has its own processor, generators share the others */
};

#define PLACEMENT_CHOICES "spread|free|same-core|cross-core"
#define PLACEMENT_CPUS_MAX 1024

struct placement_map {
    enum placement placement;     /* what is really done: never PLACEMENT_SPREAD */
    int cpus[PLACEMENT_CPUS_MAX]; /* the allowed processors; the loop's own comes first */
    int count;
    unsigned spins; /* looks before a waiting thread yields: 0 where it would block the other */
    struct gauge misplaced; /* 1 once a thread could not be put where it belongs; any thread */
};

/* False for an unknown word. */
bool placement_parse(const char *word, enum placement *out);
const char *placement_name(enum placement placement);

/* How many processors this process may use. */
int placement_cpu_count(void);

/* Decide; on failure write why into [error] and return false. */
bool placement_resolve(struct placement_map *map, enum placement wanted, char *error, size_t size);

/* Pin the calling thread as the loop, or as generator number [index]; a failure is remembered. */
void placement_enter_loop(struct placement_map *map);
void placement_enter_generator(struct placement_map *map, int index);

/*
 * Does everything stand where it was put: the loop's thread [loop], the calling thread as generator
 * 0, and whoever entered since? If not, says in [error] who stands where.
 */
bool placement_holds(struct placement_map *map, pid_t loop, char *error, size_t size);

/* The processors of the loop, and of all generators, into [cpus]; returns how many. */
int placement_of_loop(const struct placement_map *map, int cpus[PLACEMENT_CPUS_MAX]);
int placement_of_generators(const struct placement_map *map, int cpus[PLACEMENT_CPUS_MAX]);

#endif
