/* SPDX-License-Identifier: MIT */
/* limits.c - runs the probes: repetitions, median, spread, and words where there is no number. */
#include "limits.h"
#include "peer.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct limit *const groups[] = {limits_cpu,
                                             limits_memory,
                                             limits_kernel,
                                             limits_sleep,
                                             limits_pair,
                                             limits_wake,
                                             limits_barrier,
                                             limits_uring,
                                             NULL};

int bench_init(struct bench *bench, uint64_t rep_ns)
{
    cpu_set_t set;
    *bench = (struct bench){.rep_ns = rep_ns};
    for (int i = 0; i < BENCH_CPUS_MAX; i++)
        bench->cpus[i] = -1;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return -errno;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &set))
            continue;
        if (bench->cpu_count < BENCH_CPUS_MAX)
            bench->cpus[bench->cpu_count] = cpu;
        bench->cpu_count++;
    }
    return pin_to(bench->cpus[0]);
}

static void repeat(const struct limit *limit, struct bench *bench, struct limit_result *out)
{
    for (int i = 0; i < LIMIT_REPS; i++) {
        double cost = limit->once(bench);
        if (!isfinite(cost))
            break;
        out->reps[out->rep_count++] = cost;
    }
}

void limit_run(const struct limit *limit, struct bench *bench, struct limit_result *out)
{
    *out = (struct limit_result){.id = limit->id,
                                 .name = limit->name,
                                 .unit = "ns",
                                 .method = limit->method,
                                 .median = NAN,
                                 .min = NAN,
                                 .max = NAN};
    bench->reason[0] = '\0';
    if (limit->two_cpus && bench->cpu_count < 2) {
        snprintf(out->reason, sizeof out->reason, "needs two CPUs, this process may use one");
        return;
    }
    if (!limit->setup || limit->setup(bench) == 0) {
        repeat(limit, bench, out);
        if (limit->teardown)
            limit->teardown(bench);
    }
    memcpy(out->reason, bench->reason, sizeof out->reason);
    if (out->rep_count < LIMIT_REPS)
        return;
    double sorted[LIMIT_REPS];
    memcpy(sorted, out->reps, sizeof sorted);
    out->median = limit_median(sorted, LIMIT_REPS);
    out->min = sorted[0];
    out->max = sorted[LIMIT_REPS - 1];
}

/* ---- which of them ---- */

static bool is_probe(const char *id)
{
    for (size_t g = 0; groups[g]; g++)
        for (const struct limit *limit = groups[g]; limit->id; limit++)
            if (strcmp(limit->id, id) == 0)
                return true;
    return false;
}

bool limits_unknown(const char *only, char unknown[LIMIT_ID_BYTES])
{
    for (const char *at = only + strspn(only, ","); *at; at += strspn(at, ",")) {
        size_t length = strcspn(at, ",");
        snprintf(unknown, LIMIT_ID_BYTES, "%.*s", (int)length, at);
        if (length >= LIMIT_ID_BYTES || (!is_probe(unknown) && !limits_is_derived(unknown)))
            return true;
        at += length;
    }
    return false;
}

size_t limits_run(struct bench *bench, const char *only, struct limit_result out[LIMITS_MAX])
{
    size_t count = 0;
    for (size_t g = 0; groups[g]; g++)
        for (const struct limit *limit = groups[g]; limit->id && count < LIMITS_MAX; limit++)
            if (limits_named(only, limit->id) || limits_is_part(only, limit->id))
                limit_run(limit, bench, &out[count++]);
    return limits_derive(out, count, only);
}
