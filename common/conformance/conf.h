/* SPDX-License-Identifier: MIT */
/*
 * conf.h - what a conformance case may use.
 *
 * A case is one CONF_CASE in any cases_*.c of this folder; nothing has to be registered elsewhere.
 * Each case runs in its own child process, in the fast path mode under test, beside a watchdog.
 *
 * Two rules. First: cmocka asserts leave by longjmp, so they are for the main thread of the case,
 * outside loop callbacks; callbacks and other threads use CONF_EXPECT, which records, prints and
 * fails the case when it has ended. Second: nobody sleeps to wait for something; use conf_count, or
 * conf_wait_state where the library offers nothing to wait on. Both end with a failure after
 * CONF_PATIENCE_NS, well before the watchdog.
 */
#ifndef CONF_H
#define CONF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "velo.h"

#define CONF_NS_PER_MS UINT64_C(1000000)
#define CONF_NS_PER_S UINT64_C(1000000000)
#define CONF_PATIENCE_NS (10 * CONF_NS_PER_S)

/* ---- cases ---- */

/* Pseudo capability: the case chooses the fast path mode of its loops itself. Without it, a case
 * that needs descriptors is n/a while the mode under test is FORCED. */
#define CONF_OWN_MODE (UINT64_C(1) << 63)

struct conf_case {
    const char *name;
    const char *clauses; /* "S3 L7" */
    const char *file;
    int line;
    uint64_t needs;            /* VELO_CAP_* that the contestant must declare, CONF_OWN_MODE */
    void (*run)(void **state); /* a cmocka test function */
    const char *expect;        /* planted cases only (--self-test): the result that is right */
    const char *expect_reason; /*   and a part of its reason */
    unsigned timeout_ms;       /* 0 = the usual watchdog */
    struct conf_case *next;
};

void conf_register(struct conf_case *entry);

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names and initialisers
#define CONF_CASE_FULL(name_, clauses_, needs_, expect_, reason_, timeout_ms_)                     \
    static void name_(void **conf_state);                                                          \
    __attribute__((constructor)) static void name_##_register(void)                                \
    {                                                                                              \
        static struct conf_case entry = {.name = #name_,                                           \
                                         .clauses = clauses_,                                      \
                                         .file = __FILE__,                                         \
                                         .line = __LINE__,                                         \
                                         .needs = needs_,                                          \
                                         .run = name_,                                             \
                                         .expect = expect_,                                        \
                                         .expect_reason = reason_,                                 \
                                         .timeout_ms = timeout_ms_};                               \
        conf_register(&entry);                                                                     \
    }                                                                                              \
    static void name_(void **conf_state __attribute__((unused)))
// NOLINTEND(bugprone-macro-parentheses)

/* CONF_CASE(name_is_a_sentence, "S3 L7", VELO_CAP_TIMERS) { ... } */
#define CONF_CASE(name_, clauses_, needs_) CONF_CASE_FULL(name_, clauses_, needs_, NULL, NULL, 0)

/* End the case as not applicable; the reason goes into every report. Main thread only. */
void conf_na(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the case as a deviation: the library of a guest has ended [count] processes in which it was
 * refused something, and all else was right. A failure unless that is declared. Main thread only.
 */
void conf_aborted(unsigned count);
/* Does the contestant declare that its library may end the process? */
bool conf_may_abort(void);
/* Does it declare that a registration may be refused by the kernel after the call (F7)? */
bool conf_refused_later(void);

/* ---- failures that any thread and any callback may record ---- */

bool conf_record(bool ok, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define CONF_EXPECT(condition_)                                                                    \
    conf_record((condition_), __FILE__, __LINE__, "expected: %s", #condition_)
#define CONF_EXPECT_INT(actual_, expected_)                                                        \
    conf_expect_int((long long)(actual_), (long long)(expected_), #actual_, __FILE__, __LINE__)
bool conf_expect_int(
    long long actual, long long expected, const char *text, const char *file, int line);

/* cmocka prints integers in hexadecimal, which makes -11 unreadable, and keeps the text of fail_msg
 * apart from its place; so these two are ours. */
#undef fail_msg
#define fail_msg(...)                                                                              \
    do {                                                                                           \
        conf_record(false, __FILE__, __LINE__, __VA_ARGS__);                                       \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)
#undef assert_int_equal
#define assert_int_equal(actual_, expected_)                                                       \
    conf_assert_int((long long)(actual_), (long long)(expected_), #actual_, __FILE__, __LINE__)
void conf_assert_int(
    long long actual, long long expected, const char *text, const char *file, int line);

/* ---- loops ---- */

/* The mode under test (--mode). */
enum velo_fast_path conf_mode(void);
bool conf_has(uint64_t capabilities);

/* Zeroed options with size and the mode under test. */
struct velo_options conf_options(void);

/*
 * Create a loop; NULL = conf_options(). The hooks of [options] are called with its ctx, and every
 * discard and log line is also counted here. Asserts success.
 */
struct velo_loop *conf_create(const struct velo_options *options);
/* What on_discard reported so far, how often for this arg, and how many log lines of a level. */
uint64_t conf_discarded(const struct velo_loop *loop);
uint64_t conf_logged(const struct velo_loop *loop, enum velo_log_level level);
/* After termination: accepted = executed + cancelled + discarded, discarded = on_discard (L7). */
void conf_check_ledger(struct velo_loop *loop);
/* Close, check the ledger, destroy; each must succeed. The usual last line of a case. */
void conf_destroy(struct velo_loop *loop);
/* velo_loop_destroy and nothing else, for cases about it; the watchdog leaves the loop alone then.
 */
int conf_destroy_as_is(struct velo_loop *loop);

struct velo_metrics conf_metrics(struct velo_loop *loop);
/* Run [count] turns on this thread without blocking. */
void conf_turns(struct velo_loop *loop, unsigned count);
/* Submit a task to a running loop and wait until it ran. */
void conf_sync(struct velo_loop *loop);
/* Wait until the loop is in [state]; false (and recorded) after CONF_PATIENCE_NS. */
bool conf_wait_state(const struct velo_loop *loop, enum velo_state state);
/* Wait until some thread is inside run. */
bool conf_wait_running(const struct velo_loop *loop);

/* A thread that runs a loop. conf_runner_start does not wait; join returns what run returned. */
struct conf_runner {
    struct velo_loop *loop;
    enum velo_run_mode mode;
    pthread_t thread;
    int result;
};
void conf_runner_start(struct conf_runner *runner, struct velo_loop *loop, enum velo_run_mode mode);
int conf_runner_join(struct conf_runner *runner);

/* ---- threads ---- */

enum { CONF_TEAM_MAX = 64 };

/* [count] threads that all begin fn(arg, index) together. */
typedef void (*conf_team_fn)(void *arg, unsigned index);
struct conf_team {
    conf_team_fn fn;
    void *arg;
    unsigned count;
    atomic_uint next_index;
    pthread_barrier_t start;
    pthread_t threads[CONF_TEAM_MAX];
};
void conf_team_start(struct conf_team *team, unsigned count, conf_team_fn fn, void *arg);
void conf_team_join(struct conf_team *team);

/* ---- waiting ---- */

/* A counter that threads and callbacks add to and that threads wait for. */
struct conf_count {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t value;
};
void conf_count_init(struct conf_count *count);
void conf_count_add(struct conf_count *count, uint64_t more);
uint64_t conf_count_get(struct conf_count *count);
/* Wait until the value is at least [target]; false (and recorded) after CONF_PATIENCE_NS. */
bool conf_count_wait(struct conf_count *count, uint64_t target);
/* The same with a limit of its own; false says that time ran out and records nothing. */
bool conf_count_wait_for(struct conf_count *count, uint64_t target, uint64_t limit_ns);

/* Callbacks: add one to the conf_count in arg; wait for it to become 1 (to hold the owner). */
void conf_count_fn(void *arg);
void conf_hold_fn(void *arg);

/* ---- traces ---- */

/* Words in the order in which callbacks ran, separated by one space. Thread-safe. */
struct conf_trace {
    pthread_mutex_t lock;
    size_t length;
    char text[8192];
};
void conf_trace_init(struct conf_trace *trace);
void conf_trace_add(struct conf_trace *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Assert the whole text, then empty it. Main thread only. */
void conf_trace_is(struct conf_trace *trace, const char *expected);

/* The arg of conf_step_fn, which adds [word], then calls [then] (may be NULL) with the step. */
struct conf_step {
    struct conf_trace *trace;
    const char *word;
    struct velo_loop *loop;
    void (*then)(struct conf_step *step);
    void *more;
};
void conf_step_fn(void *arg);

/* ---- numbers ---- */

/* Seeded random: equal for equal --seed, case and stream. */
struct conf_random {
    uint64_t state;
};
struct conf_random conf_random(unsigned stream);
uint64_t conf_random_next(struct conf_random *random);
uint64_t conf_random_below(struct conf_random *random, uint64_t bound);

/* [rounds] in a release build, fewer under sanitizers; at least 1. */
unsigned conf_rounds(unsigned rounds);
/* Real CLOCK_MONOTONIC, whatever the simulated clock says. */
uint64_t conf_now_ns(void);
/* Processor time: of the process, of one thread. */
uint64_t conf_cpu_ns(void);
uint64_t conf_thread_cpu_ns(pthread_t thread);
/* The least of up to three measurements; one that is at most [enough] is the last. For processor
 * time: a hypervisor's stall is billed to whoever ran, so a figure may be too large and never too
 * small, and what a loop does use, it uses every time. */
uint64_t conf_least(uint64_t enough, uint64_t (*measure)(void *arg), void *arg);
/* Let real time pass, to measure what happens meanwhile; never to wait for something. */
void conf_elapse_ns(uint64_t ns);
/* Spin for a random, seeded time below [limit_ns]: moves the point where two threads meet. */
void conf_jitter(struct conf_random *random, uint64_t limit_ns);
unsigned conf_open_fds(void);
/* _exit() for the children of a case, which keeps what a build with gcov has counted. */
_Noreturn void conf_exit_now(int status);
size_t conf_heap_bytes(void);

#endif
