/* SPDX-License-Identifier: MIT */
/*
 * gbench.h - Google Benchmark for C: cases in, runs out, nothing of C++ in between.
 *
 * Why: the library is a good stopwatch and a good registry, but its defaults are made for a person
 * in front of a terminal. It ignores flags that it does not know, reports a failed case and exits
 * with status 0, divides real time by the threads, and aborts the process when a loop is left
 * early. Behind this header those are errors with words.
 *
 * Rules for every function:
 *   - No C++ exception leaves it. A caught one is remembered by velo_gb_error() and makes
 *     velo_gb_run() fail, wherever it happened.
 *   - int results are 0 or a negative errno value unless stated. Strings are copied.
 *   - Functions on a case and on the registry: one thread, before velo_gb_run(). Functions on a
 *     state: inside its body, from the thread that runs the body.
 *
 * Two ways to time a body:
 *   batches      while (velo_gb_next_batch(state, 64)) for (i = 0; i < 64; i++) ...
 *                The library picks the number of iterations. There is no loop of one iteration: a
 *                call for each would cost more than what we measure.
 *   manual time  velo_gb_iterations(c, 1), velo_gb_manual_time(c): the body owns its window and
 *                says how long it was with velo_gb_iter_seconds(). For anything with threads.
 */
#ifndef BENCH_SHIM_GBENCH_H
#define BENCH_SHIM_GBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A registered case; lives until velo_gb_shutdown(). */
struct velo_gb_case;

/* One execution of a body; valid inside it. */
struct velo_gb_state;

/* What is measured. [user] is what velo_gb_add() got. */
typedef void (*velo_gb_body)(struct velo_gb_state *state, void *user);

enum velo_gb_time_unit { VELO_GB_NS, VELO_GB_US, VELO_GB_MS, VELO_GB_S };

/* How the library treats a counter before it reports it. */
enum {
    VELO_GB_RATE = 1 << 0,          /* divide by the seconds */
    VELO_GB_PER_THREAD = 1 << 1,    /* divide by the threads (threads add up their counters) */
    VELO_GB_PER_ITERATION = 1 << 2, /* divide by the iterations */
    VELO_GB_INVERT = 1 << 3         /* 1/x, last of all */
};

struct velo_gb_counter {
    const char *name;
    double value; /* may be NaN or infinite: the receiver must not print it as JSON */
};

/* One finished run, as the sink gets it. All pointers end with the call. */
struct velo_gb_report {
    const char *name;  /* with arguments and modifiers, as the library spells it */
    const char *kind;  /* "iteration", or the name of an aggregate: "mean", "median", "stddev" */
    const char *unit;  /* of real and cpu: "ns", "us", "ms", "s" */
    const char *label; /* "" if the body set none */
    const char *error; /* "" unless the body, or this shim, declared the run wrong */
    int64_t iterations;
    int64_t threads;
    double real; /* time per iteration; the body's own figure with velo_gb_manual_time() */
    double cpu;
    const struct velo_gb_counter *counters; /* in the order of their names */
    size_t counter_count;
};

/* What the library knows about the machine. */
struct velo_gb_machine {
    const char *host;
    const char *cpu_scaling; /* "enabled", "disabled" or "unknown" */
    int cpus;
    double cycles_per_second;
};

/* Receives everything. Each function may be NULL; [ctx] is its first argument. */
struct velo_gb_sink {
    void *ctx;
    void (*machine)(void *ctx, const struct velo_gb_machine *machine);
    void (*run)(void *ctx, const struct velo_gb_report *run);
    void (*finish)(void *ctx);
};

struct velo_gb_totals {
    size_t matched; /* cases that the filter let through */
    size_t failed;  /* runs that ended with an error, and failures of this shim */
};

/*
 * Hand the library its flags and take them out of argv. Only --benchmark_* and --v are its; what
 * else stands in argv is left there. The flags are checked here, strictly, since the library takes
 * a bad value for no value, and stops the program in the middle for some.
 * Returns: 0; -EINVAL unknown flag, bad value, or an environment variable BENCHMARK_* that would
 *          change the measurement: see velo_gb_error(). Nothing was handed over then.
 */
int velo_gb_init(int *argc, char **argv);

/*
 * Print what velo_gb_init() left in argv, on stderr, one line each.
 * Returns: how many; a caller without own arguments exits with status 2 unless it is 0.
 */
int velo_gb_unrecognized(int argc, char **argv);

/*
 * Add a line to the context of the library's own output (--benchmark_out).
 * Returns: 0; -EEXIST the key is there already (the library would keep the first value, silently).
 */
int velo_gb_context(const char *key, const char *value);

/*
 * Register a case.
 * Returns: the case; NULL without name or body, on a name that is there already, or out of memory.
 */
struct velo_gb_case *velo_gb_add(const char *name, velo_gb_body body, void *user);

/*
 * Settings of a case. A value that the library would abort on, or silently ignore, is refused with
 * -EINVAL and makes velo_gb_run() fail, so that a caller may check once, at the end.
 */
int velo_gb_arg(struct velo_gb_case *c,
                int64_t value); /* one run for each call, body reads arg 0 */
int velo_gb_args(struct velo_gb_case *c, const int64_t *values, size_t count);
int velo_gb_arg_names(struct velo_gb_case *c, const char *const *names, size_t count);
/* [threads] bodies at once. Real time is then divided by them: prefer own threads, manual time. */
int velo_gb_threads(struct velo_gb_case *c, int threads);
int velo_gb_min_time(struct velo_gb_case *c, double seconds);  /* not with iterations */
int velo_gb_iterations(struct velo_gb_case *c, int64_t count); /* not with min_time */
int velo_gb_repetitions(struct velo_gb_case *c, int count);
int velo_gb_unit(struct velo_gb_case *c, enum velo_gb_time_unit unit);
int velo_gb_real_time(struct velo_gb_case *c);        /* iterations are chosen by wall clock time */
int velo_gb_manual_time(struct velo_gb_case *c);      /* ... by what velo_gb_iter_seconds() says */
int velo_gb_process_cpu_time(struct velo_gb_case *c); /* cpu: all threads, not only this one */

/*
 * Run the cases that --benchmark_filter lets through.
 * Returns: 0; -ENOENT none matched; -EINVAL a setting was refused before; -EIO some run failed, or
 *          an exception was caught. [totals] may be NULL.
 */
int velo_gb_run(const struct velo_gb_sink *sink, struct velo_gb_totals *totals);

/* Forget cases and context. A program may start again with velo_gb_init(). */
void velo_gb_shutdown(void);

/* What the last refusal or caught exception was about; "" if there was none. Any thread. */
const char *velo_gb_error(void);

/* ---- inside a body ---- */

/*
 * Claim the next [n] iterations; the clock runs from the first call to the one that says no.
 * Returns: true while there is something to do. A body that returns earlier has failed. The last
 *          batch may be larger than what was left; velo_gb_iteration_count() knows.
 */
bool velo_gb_next_batch(struct velo_gb_state *state, int64_t n);

int64_t velo_gb_budget(const struct velo_gb_state *state);          /* iterations wanted in all */
int64_t velo_gb_iteration_count(const struct velo_gb_state *state); /* iterations claimed so far */
int velo_gb_thread_index(const struct velo_gb_state *state);
int velo_gb_thread_count(const struct velo_gb_state *state);
/* The argument at [index]; an index beyond the case's arguments fails the run and reads as 0. */
int64_t velo_gb_state_arg(struct velo_gb_state *state, size_t index);

/* Stop and start the clock inside the loop; in the wrong order, or outside, the run has failed. */
void velo_gb_pause(struct velo_gb_state *state);
void velo_gb_resume(struct velo_gb_state *state);

/* Manual time: this iteration took so long. Not finite, or negative: the run has failed. */
void velo_gb_iter_seconds(struct velo_gb_state *state, double seconds);

void velo_gb_items(struct velo_gb_state *state, int64_t items); /* counter "items_per_second" */
void velo_gb_bytes(struct velo_gb_state *state, int64_t bytes); /* counter "bytes_per_second" */
void velo_gb_set_counter(struct velo_gb_state *state,
                         const char *name,
                         double value,
                         unsigned flags);
void velo_gb_set_label(struct velo_gb_state *state, const char *label);

/* Declare the run wrong; the first reason stands. The body still has to return, soon. */
void velo_gb_skip(struct velo_gb_state *state, const char *why);
bool velo_gb_failed(const struct velo_gb_state *state);

/* ---- against the optimizer: macros, since a call would cost more than what is measured ---- */

/* The compiler must have computed [x] here. */
#define velo_gb_keep(x) __asm__ volatile("" : : "g"(x) : "memory")
/* The compiler must not keep memory in registers across this line. */
#define velo_gb_clobber() __asm__ volatile("" : : : "memory")

#ifdef __cplusplus
}
#endif

#endif
