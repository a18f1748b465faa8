/* SPDX-License-Identifier: MIT */
/*
 * pairs.c - lines between every two CPUs, where there are more than two: two that share a cache and
 * two that stand on different sockets are different machines to a loop.
 */
#include "limits.h"
#include "peer.h"

#include <string.h>

static const struct limit *probe(const char *id)
{
    for (const struct limit *limit = limits_pair; limit->id; limit++)
        if (strcmp(limit->id, id) == 0)
            return limit;
    return NULL;
}

size_t limits_pairs(const struct bench *bench, struct limit_pair out[PAIRS_MAX])
{
    int count = bench->cpu_count < BENCH_CPUS_MAX ? bench->cpu_count : BENCH_CPUS_MAX;
    size_t pairs = 0;
    struct bench one = *bench;
    if (count <= 2)
        return 0;
    for (int a = 0; a < count; a++)
        for (int b = a + 1; b < count; b++) {
            struct limit_pair *pair = &out[pairs++];
            *pair = (struct limit_pair){.cpus = {bench->cpus[a], bench->cpus[b]}};
            one.cpus[0] = bench->cpus[a];
            one.cpus[1] = bench->cpus[b];
            pin_to(one.cpus[0]); /* only fails if the CPU went away: then the numbers show it */
            limit_run(probe("C7"), &one, &pair->add);
            limit_run(probe("C8"), &one, &pair->round_trip);
        }
    pin_to(bench->cpus[0]);
    return pairs;
}
