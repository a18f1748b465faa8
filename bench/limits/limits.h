/* SPDX-License-Identifier: MIT */
/*
 * limits.h - what this machine can do at best, one probe for each thing that a loop is made of.
 *
 * A result of a contestant says little until it stands beside the price of a cache line that moves
 * to another core or of a futex that wakes a thread, on the same machine and at the same hour. Each
 * probe measures one such price; derive.c combines prices to the limits L1..L9 of whole operations.
 *
 * A probe returns the cost of one operation in one repetition. It is called LIMIT_REPS times
 * between its set-up and its tear-down, on a thread pinned to the first allowed CPU.
 */
#ifndef BENCH_LIMITS_LIMITS_H
#define BENCH_LIMITS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMIT_REPS = 5, LIMIT_REASON_BYTES = 96 };

/* What a probe works with. */
struct bench {
    uint64_t rep_ns; /* length of one repetition */
    int cpus[2];     /* the first two CPUs that this process may use; [1] is -1 if there is one */
    int cpu_count;   /* how many it may use */
    void *state;     /* the probe's own, from set-up to tear-down */
    char reason[LIMIT_REASON_BYTES]; /* why a probe cannot be run, or a remark; "" otherwise */
};

/* One probe. */
struct limit {
    const char *id;
    const char *name;
    bool two_cpus;                         /* needs cpus[1] */
    int (*setup)(struct bench *bench);     /* may be NULL; 0, or -errno with a reason */
    double (*once)(struct bench *bench);   /* nanoseconds per operation; NAN with a reason */
    void (*teardown)(struct bench *bench); /* may be NULL; called if set-up succeeded */
};

/* What came out. [median] and [min] are NAN when there is no result; [reason] says why. */
struct limit_result {
    const char *id;
    const char *name;
    const char *unit;
    double reps[LIMIT_REPS];
    size_t rep_count;
    double median;
    double min;
    char reason[LIMIT_REASON_BYTES];
};

/* The probes, by what they need: one thread; the kernel; two threads; two threads that sleep. */
extern const struct limit limits_cpu[];
extern const struct limit limits_kernel[];
extern const struct limit limits_pair[];
extern const struct limit limits_wake[];

/* Every probe and every derived limit fit here. */
enum { LIMITS_MAX = 64 };

/* Find the CPUs that this process may use and pin the calling thread to the first. 0 or -errno. */
int bench_init(struct bench *bench, uint64_t rep_ns);

/* Run every probe and derive the rest. Returns how many results were written to [out]. */
size_t limits_run(struct bench *bench, struct limit_result out[LIMITS_MAX]);

/* Run one probe. */
void limit_run(const struct limit *limit, struct bench *bench, struct limit_result *out);

/* Append the limits that follow from the [count] results in [out]; returns the new count. */
size_t limits_derive(struct limit_result out[LIMITS_MAX], size_t count);

/* The result with this id, or NULL. */
const struct limit_result *
limit_find(const struct limit_result *results, size_t count, const char *id);

/* Sorts [values]; NAN for none. */
double limit_median(double *values, size_t count);

#endif
