/* SPDX-License-Identifier: MIT */
/*
 * The child side of a case: its loops, its ledger and its recorded failures.
 *
 * Every loop made by conf_create() has hooks of ours, which count and then call the hooks of the
 * case. So the ledger (L7) is checked at the end of each case, whatever its subject is. State is
 * global on purpose: a child process runs exactly one case.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"

/* One loop of this case. Kept when it is gone, so that its discards can still be asked for. */
struct host {
    struct velo_loop *loop;
    struct velo_options user; /* the case's own hooks and ctx */
    atomic_ullong discarded;  /* on_discard calls; any thread */
    atomic_ullong logged[4];  /* log lines by level; any thread */
    atomic_bool gone;         /* destroyed: do not touch loop */
    struct host *next;
};

static struct {
    const struct conf_case *entry;
    struct conf_shared *shared;
    enum velo_fast_path mode;
    uint64_t seed;
    atomic_uint recorded; /* failures told by CONF_EXPECT */
    pthread_mutex_t lock; /* guards hosts */
    struct host *hosts;
} child = {.lock = PTHREAD_MUTEX_INITIALIZER};

void conf_child_begin(const struct conf_case *entry,
                      enum velo_fast_path mode,
                      uint64_t seed,
                      struct conf_shared *shared)
{
    child.entry = entry;
    child.mode = mode;
    child.seed = seed;
    child.shared = shared;
}

bool conf_child_is_clean(void)
{
    return atomic_load(&child.recorded) == 0;
}

uint64_t conf_child_seed(void)
{
    return child.seed;
}

enum velo_fast_path conf_mode(void)
{
    return child.mode;
}

bool conf_has(uint64_t capabilities)
{
    return (velo_impl()->capabilities & capabilities) == capabilities;
}

/* ---- verdicts ---- */

static void give_reason(const char *text)
{
    if (!atomic_exchange(&child.shared->reason_taken, true))
        snprintf(child.shared->reason, sizeof child.shared->reason, "%s", text);
}

void conf_na(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    give_reason(text);
    atomic_store(&child.shared->verdict, CONF_NA);
    skip();
}

void conf_aborted(unsigned count)
{
    char text[256];
    snprintf(text, sizeof text, "the library has ended %u processes", count);
    give_reason(text);
    atomic_store(&child.shared->verdict, CONF_DEVIATION);
    skip();
}

static bool declares(const char *clause, enum velo_deviates when)
{
    const struct velo_deviation *deviation = velo_impl()->deviations;
    for (; deviation != NULL && deviation->clause != NULL; deviation++) {
        if (deviation->when == when && (clause == NULL || strcmp(deviation->clause, clause) == 0))
            return true;
    }
    return false;
}

bool conf_may_abort(void)
{
    return declares(NULL, VELO_DEVIATES_BY_ABORT);
}

bool conf_refused_later(void)
{
    return declares("F7", VELO_DEVIATES_WHEN_REFUSED);
}

bool conf_record(bool ok, const char *file, int line, const char *format, ...)
{
    if (ok)
        return true;
    char what[300], text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s:%d: %s", file, line, what);
    give_reason(text);
    if (atomic_fetch_add(&child.recorded, 1) < 20)
        fprintf(stderr, "%s\n", text);
    return false;
}

bool conf_expect_int(
    long long actual, long long expected, const char *text, const char *file, int line)
{
    if (actual == expected)
        return true;
    const char *name = actual < 0 && actual > -200 ? velo_strerror((int)actual) : "";
    return conf_record(false,
                       file,
                       line,
                       "%.150s is %lld%s%s%s, expected %lld",
                       text,
                       actual,
                       name[0] != '\0' ? " (" : "",
                       name,
                       name[0] != '\0' ? ")" : "",
                       expected);
}

void conf_assert_int(
    long long actual, long long expected, const char *text, const char *file, int line)
{
    if (!conf_expect_int(actual, expected, text, file, line))
        _fail(file, line);
}

/* ---- hooks: count, then hand on ---- */

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    struct host *host = ctx;
    atomic_fetch_add(&host->discarded, 1);
    if (host->user.on_discard != NULL)
        host->user.on_discard(host->user.ctx, fn, arg);
}

static void on_log(void *ctx, enum velo_log_level level, const char *event, const char *fields)
{
    struct host *host = ctx;
    CONF_EXPECT(event != NULL && fields != NULL);
    if (CONF_EXPECT((unsigned)level < 4))
        atomic_fetch_add(&host->logged[level], 1);
    if (host->user.on_log != NULL)
        host->user.on_log(host->user.ctx, level, event, fields);
}

static void on_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct host *host = ctx;
    host->user.on_slow(host->user.ctx, fn, arg, elapsed_ns);
}

static void on_stuck(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct host *host = ctx;
    host->user.on_stuck(host->user.ctx, fn, arg, elapsed_ns);
}

static void on_timer_audit(void *ctx, const struct velo_timer_audit *audit)
{
    struct host *host = ctx;
    host->user.on_timer_audit(host->user.ctx, audit);
}

static void on_turn_begin(void *ctx)
{
    struct host *host = ctx;
    host->user.on_turn_begin(host->user.ctx);
}

static void on_turn_end(void *ctx)
{
    struct host *host = ctx;
    host->user.on_turn_end(host->user.ctx);
}

/* ---- loops ---- */

struct velo_options conf_options(void)
{
    struct velo_options options = {.size = sizeof options, .fast_path = child.mode};
    return options;
}

struct velo_loop *conf_create(const struct velo_options *options)
{
    struct host *host = calloc(1, sizeof *host);
    assert_non_null(host);
    host->user = options != NULL ? *options : conf_options();
    struct velo_options wrapped = host->user;
    wrapped.ctx = host;
    wrapped.on_discard = on_discard;
    wrapped.on_log = on_log;
    wrapped.on_slow = host->user.on_slow != NULL ? on_slow : NULL;
    wrapped.on_stuck = host->user.on_stuck != NULL ? on_stuck : NULL;
    wrapped.on_timer_audit = host->user.on_timer_audit != NULL ? on_timer_audit : NULL;
    wrapped.on_turn_begin = host->user.on_turn_begin != NULL ? on_turn_begin : NULL;
    wrapped.on_turn_end = host->user.on_turn_end != NULL ? on_turn_end : NULL;
    assert_int_equal(velo_loop_create(&host->loop, &wrapped), 0);
    assert_non_null(host->loop);
    pthread_mutex_lock(&child.lock);
    host->next = child.hosts;
    child.hosts = host;
    pthread_mutex_unlock(&child.lock);
    return host->loop;
}

static struct host *find_host(const struct velo_loop *loop)
{
    pthread_mutex_lock(&child.lock);
    struct host *host = child.hosts;
    while (host != NULL && host->loop != loop) /* the latest first: addresses come again */
        host = host->next;
    pthread_mutex_unlock(&child.lock);
    return host;
}

uint64_t conf_discarded(const struct velo_loop *loop)
{
    struct host *host = find_host(loop);
    return host != NULL ? atomic_load(&host->discarded) : 0;
}

uint64_t conf_logged(const struct velo_loop *loop, enum velo_log_level level)
{
    struct host *host = find_host(loop);
    return host != NULL ? atomic_load(&host->logged[level]) : 0;
}

struct velo_metrics conf_metrics(struct velo_loop *loop)
{
    struct velo_metrics metrics = {.size = sizeof metrics};
    CONF_EXPECT_INT(velo_metrics_read(loop, &metrics), 0);
    return metrics;
}

void conf_check_ledger(struct velo_loop *loop)
{
    if (!conf_has(VELO_CAP_METRICS))
        return;
    struct velo_metrics seen = conf_metrics(loop);
    uint64_t ended = seen.executed + seen.cancelled + seen.discarded;
    if (seen.accepted != ended || seen.discarded != conf_discarded(loop))
        fail_msg(
            "L7: accepted %llu, executed %llu, cancelled %llu, discarded %llu, on_discard %llu",
            (unsigned long long)seen.accepted,
            (unsigned long long)seen.executed,
            (unsigned long long)seen.cancelled,
            (unsigned long long)seen.discarded,
            (unsigned long long)conf_discarded(loop));
}

int conf_destroy_as_is(struct velo_loop *loop)
{
    struct host *host = find_host(loop);
    int rc = velo_loop_destroy(loop);
    if (rc == 0 && host != NULL)
        atomic_store(&host->gone, true);
    return rc;
}

static void forget_host(const struct velo_loop *loop)
{
    pthread_mutex_lock(&child.lock);
    struct host **link = &child.hosts;
    while (*link != NULL && (*link)->loop != loop)
        link = &(*link)->next;
    struct host *host = *link;
    if (host != NULL)
        *link = host->next;
    pthread_mutex_unlock(&child.lock);
    free(host);
}

void conf_destroy(struct velo_loop *loop)
{
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
    conf_check_ledger(loop);
    uint64_t before = conf_discarded(loop);
    assert_int_equal(velo_loop_destroy(loop), 0);
    assert_int_equal(conf_discarded(loop), before);
    forget_host(loop);
}

void conf_turns(struct velo_loop *loop, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
}

void conf_sync(struct velo_loop *loop)
{
    struct conf_count ran;
    conf_count_init(&ran);
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    assert_true(conf_count_wait(&ran, 1));
}

bool conf_wait_state(const struct velo_loop *loop, enum velo_state state)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    while (velo_loop_state(loop) != state) {
        if (conf_now_ns() > deadline)
            return conf_record(false,
                               __FILE__,
                               __LINE__,
                               "state is %d, waited in vain for %d",
                               (int)velo_loop_state(loop),
                               (int)state);
        sched_yield();
    }
    return true;
}

bool conf_wait_running(const struct velo_loop *loop)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    while (velo_loop_state(loop) == VELO_STATE_AWAKE) {
        if (conf_now_ns() > deadline)
            return conf_record(false, __FILE__, __LINE__, "waited in vain for a running loop");
        sched_yield();
    }
    return true;
}

static void *runner_main(void *arg)
{
    struct conf_runner *runner = arg;
    runner->result = velo_loop_run(runner->loop, runner->mode);
    return NULL;
}

void conf_runner_start(struct conf_runner *runner, struct velo_loop *loop, enum velo_run_mode mode)
{
    runner->loop = loop;
    runner->mode = mode;
    runner->result = 1;
    assert_int_equal(pthread_create(&runner->thread, NULL, runner_main, runner), 0);
}

int conf_runner_join(struct conf_runner *runner)
{
    assert_int_equal(pthread_join(runner->thread, NULL), 0);
    return runner->result;
}

/* ---- for the watchdog: not signal-safe, but the case hangs anyway and SIGKILL follows ---- */

void conf_child_dump(void)
{
    for (struct host *host = child.hosts; host != NULL; host = host->next) {
        if (atomic_load(&host->gone))
            continue;
        fprintf(stderr, "loop %p: state %d", (void *)host->loop, (int)velo_loop_state(host->loop));
        fflush(stderr);
        struct velo_metrics seen = conf_metrics(host->loop);
        fprintf(stderr,
                ", accepted %llu, executed %llu, cancelled %llu, discarded %llu, pending %llu, "
                "turns %llu, polls %llu, wakeups %llu\n",
                (unsigned long long)seen.accepted,
                (unsigned long long)seen.executed,
                (unsigned long long)seen.cancelled,
                (unsigned long long)seen.discarded,
                (unsigned long long)seen.pending,
                (unsigned long long)seen.turns,
                (unsigned long long)seen.polls,
                (unsigned long long)seen.wakeups);
    }
}
