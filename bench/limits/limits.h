/* SPDX-License-Identifier: MIT */
/*
 * limits.h - what this machine can do at best, one probe for each thing that a loop is made of.
 *
 * A result of a contestant says little until it stands beside the price of a cache line that moves
 * to another core or of a futex that wakes a thread, on the same machine and at the same hour. Each
 * probe measures one such price; derive.c combines prices to the limits L1..L10 of whole
 * operations.
 *
 * A probe returns the cost of one operation in one repetition. It is called LIMIT_REPS times
 * between its set-up and its tear-down, on a thread pinned to the first allowed CPU.
 */
#ifndef BENCH_LIMITS_LIMITS_H
#define BENCH_LIMITS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMIT_REPS = 5, LIMIT_REASON_BYTES = 128, LIMIT_ID_BYTES = 8, BENCH_CPUS_MAX = 8 };

/* What a probe works with. */
struct bench {
    uint64_t rep_ns;                 /* length of one repetition */
    bool brief;                      /* there is no time for what takes long to set up */
    int cpus[BENCH_CPUS_MAX];        /* the first CPUs that this process may use; the rest is -1 */
    int cpu_count;                   /* how many it may use */
    void *state;                     /* the probe's own, from set-up to tear-down */
    char reason[LIMIT_REASON_BYTES]; /* why a probe cannot be run, or a remark; "" otherwise */
};

/* One probe. */
struct limit {
    const char *id;
    const char *name;
    const char *method;                    /* how, in a few words; the clock included */
    bool two_cpus;                         /* needs cpus[1] */
    int (*setup)(struct bench *bench);     /* may be NULL; 0, or -errno with a reason */
    double (*once)(struct bench *bench);   /* nanoseconds per operation; NAN with a reason */
    void (*teardown)(struct bench *bench); /* may be NULL; called if set-up succeeded */
};

/* What came out. Numbers are NAN when there is no result; [reason] says why. */
struct limit_result {
    const char *id;
    const char *name;
    const char *unit;
    const char *method;
    double reps[LIMIT_REPS];
    size_t rep_count;
    double median;
    double min, max; /* over the repetitions */
    char reason[LIMIT_REASON_BYTES];
};

/* The probes, by what they need: one thread; memory beyond the caches; the kernel; a timer; two
 * threads that spin; two threads that sleep; membarrier; io_uring. Each list ends with a NULL id.
 */
extern const struct limit limits_cpu[];
extern const struct limit limits_memory[];
extern const struct limit limits_kernel[];
extern const struct limit limits_sleep[];
extern const struct limit limits_pair[];
extern const struct limit limits_wake[];
extern const struct limit limits_barrier[];
extern const struct limit limits_uring[];

/* Every probe and every derived limit fit here. */
enum { LIMITS_MAX = 96 };

/* Find the CPUs that this process may use and pin the calling thread to the first. 0 or -errno. */
int bench_init(struct bench *bench, uint64_t rep_ns);

/*
 * Run the probes and derive the rest. [only] names results by their ids, "C8,L3", and takes what
 * they are made of along; NULL = all. Returns how many results were written to [out].
 */
size_t limits_run(struct bench *bench, const char *only, struct limit_result out[LIMITS_MAX]);

/* Run one probe. */
void limit_run(const struct limit *limit, struct bench *bench, struct limit_result *out);

/* The first id in [only] that no probe and no derived limit has, into [unknown]; false if none. */
bool limits_unknown(const char *only, char unknown[LIMIT_ID_BYTES]);

/* ---- derive.c ---- */

/* Does the list [only] ("C8,L3"; NULL = all) name [id]? */
bool limits_named(const char *only, const char *id);

/* Append the limits that [only] names and that follow from the [count] results in [out]; returns
 * the new count. */
size_t limits_derive(struct limit_result out[LIMITS_MAX], size_t count, const char *only);

/* Is the result of probe [id] a part of a derived limit that [only] names? */
bool limits_is_part(const char *only, const char *id);

/* Is there a derived limit of this name? */
bool limits_is_derived(const char *id);

/* The result with this id, or NULL. */
const struct limit_result *
limit_find(const struct limit_result *results, size_t count, const char *id);

/* Sorts [values]; NAN for none. */
double limit_median(double *values, size_t count);

/* ---- pairs.c ---- */

enum { PAIRS_MAX = BENCH_CPUS_MAX * (BENCH_CPUS_MAX - 1) / 2 };

/* Two CPUs, and what lines cost between them. */
struct limit_pair {
    int cpus[2];
    struct limit_result add;        /* C7 */
    struct limit_result round_trip; /* C8 */
};

/* Where there are more than two CPUs: every two of the first BENCH_CPUS_MAX. Returns how many. */
size_t limits_pairs(const struct bench *bench, struct limit_pair out[PAIRS_MAX]);

#endif
