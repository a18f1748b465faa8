/* SPDX-License-Identifier: MIT */
/*
 * Slow callbacks (X4): on_slow at the edges of its threshold, and the watchdog, which reports a
 * callback while it still runs. Method: a callback that must be reported does not return before it
 * was; one that must not be waits until the watchdog has looked at it under the frozen clock.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "../sim/faults.h"
#include "conf.h"
#include "jobs.h"
#include "kinds.h"
#include "probes.h"

/* ---- on_slow ---- */

struct slow_log {
    unsigned count;
    uint64_t elapsed_ns;
};

static void note_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct slow_log *log = ctx;
    (void)fn;
    (void)arg;
    log->count++;
    log->elapsed_ns = elapsed_ns;
}

static void take(void *arg)
{
    sim_clock_advance(*(const uint64_t *)arg);
}

/* X4, X5: slow_ns is reached exactly, or missed by a nanosecond; with and without metrics. */
CONF_CASE(slow_ns_at_its_edge, "X4 X5", 0)
{
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        if (!kind_is_offered(i / 2))
            continue;
        struct slow_log log = {0};
        struct velo_options options = conf_options();
        uint64_t below_ns = 4999, exactly_ns = 5000;
        options.ctx = &log;
        options.on_slow = note_slow;
        options.slow_ns = 5000;
        options.metrics = i % 2 == 1;
        sim_clock_freeze(0);
        struct velo_loop *loop = conf_create(&options);
        assert_int_equal(kind_add(i / 2, loop, take, &below_ns, NULL), 0);
        conf_turns(loop, 2);
        assert_int_equal(log.count, 0);
        assert_int_equal(kind_add(i / 2, loop, take, &exactly_ns, NULL), 0);
        conf_turns(loop, 2);
        assert_int_equal(log.count, 1);
        assert_int_equal(log.elapsed_ns, 5000);
        conf_destroy(loop);
        sim_clock_release();
    }
}

/* X4: with metrics alone nothing is slow. */
CONF_CASE(metrics_alone_report_nothing, "X4 X3", VELO_CAP_METRICS)
{
    struct slow_log log = {0};
    struct velo_options options = conf_options();
    uint64_t took_ns = 3600 * CONF_NS_PER_S;
    options.ctx = &log;
    options.on_slow = note_slow;
    options.metrics = true;
    sim_clock_freeze(0);
    struct velo_loop *loop = conf_create(&options);
    assert_int_equal(velo_submit(loop, take, &took_ns), 0);
    conf_turns(loop, 1);
    assert_int_equal(log.count, 0);
    conf_destroy(loop);
    sim_clock_release();
}

/* ---- the watchdog ---- */

struct watch {
    struct velo_loop *loop;
    struct conf_count reports;
    uint64_t seen; /* reports that the callbacks have waited for */
    velo_fn fn;    /* of the last report */
    void *arg;
    uint64_t elapsed_ns;
    pthread_t thread;
    sigset_t blocked;
    void (*also)(struct watch *watch); /* called by the report */
    unsigned slow;                     /* reports to on_slow */
};

static void note_stuck(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct watch *watch = ctx;
    watch->fn = fn;
    watch->arg = arg;
    watch->elapsed_ns = elapsed_ns;
    watch->thread = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &watch->blocked);
    CONF_EXPECT(!velo_loop_is_owner(watch->loop));
    if (watch->also != NULL)
        watch->also(watch);
    conf_count_add(&watch->reports, 1);
}

static void note_return(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct watch *watch = ctx;
    CONF_EXPECT(fn == watch->fn && arg == watch->arg && elapsed_ns >= watch->elapsed_ns);
    watch->slow++;
}

static struct velo_options watching(struct watch *watch, uint64_t slow_ns)
{
    struct velo_options options = conf_options();
    *watch = (struct watch){.loop = NULL};
    conf_count_init(&watch->reports);
    options.ctx = watch;
    options.on_stuck = note_stuck;
    options.on_slow = note_return;
    options.slow_ns = slow_ns;
    options.watchdog = true;
    options.spin_ns = -1;
    return options;
}

static void watch_start(struct watch *watch, uint64_t slow_ns)
{
    struct velo_options options = watching(watch, slow_ns);
    watch->loop = conf_create(&options);
}

/* Stay inside the callback until it was reported. */
static void hang(void *arg)
{
    struct watch *watch = arg;
    watch->seen++;
    CONF_EXPECT(conf_count_wait(&watch->reports, watch->seen));
}

/* The same under the frozen clock, by which no other callback is slow, whatever the machine does.
 */
static void hang_frozen(void *arg)
{
    sim_clock_advance(CONF_NS_PER_MS);
    hang(arg);
}

/* X4: a callback of any kind is reported while it runs, with its function, its argument and at
 * least slow_ns; then by on_slow; once each. */
CONF_CASE(the_watchdog_reports_what_still_runs, "X4", 0)
{
    struct watch watch;
    unsigned ran = 0;
    watch_start(&watch, CONF_NS_PER_MS);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, watch.loop, hang, &watch, NULL), 0);
        conf_turns(watch.loop, 2);
        ran++;
        assert_int_equal(conf_count_get(&watch.reports), ran);
        assert_true(watch.fn == hang && watch.arg == &watch);
        assert_true(watch.elapsed_ns >= CONF_NS_PER_MS);
        assert_false(pthread_equal(watch.thread, pthread_self()));
        assert_int_equal(watch.slow, ran);
        assert_int_equal(conf_logged(watch.loop, VELO_LOG_WARN), ran);
    }
    conf_destroy(watch.loop);
}

static void hang_in_callback(struct fd_probe *probe)
{
    hang(probe->more);
}

/* X4: callbacks of descriptors have another type: no function is told. */
CONF_CASE(the_watchdog_reports_descriptor_callbacks, "X4", VELO_CAP_FDS)
{
    struct watch watch;
    watch_start(&watch, CONF_NS_PER_MS);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {.then = hang_in_callback, .more = &watch};
    fd_probe_watch(&probe, watch.loop, pair.near, VELO_READ);
    conf_turns(watch.loop, 1);
    assert_int_equal(conf_count_get(&watch.reports), 1);
    assert_true(watch.fn == NULL && watch.arg == &probe);
    assert_int_equal(velo_fd_unwatch(watch.loop, probe.id), 0);
    conf_destroy(watch.loop);
    fd_pair_close(&pair);
}

static void hang_when_done(struct job *job)
{
    hang(job->more);
}

/* X4, O1: nor for the callback of an offload; its work function may take as long as it likes. */
CONF_CASE(the_watchdog_reports_completions_not_work, "X4 O1", VELO_CAP_OFFLOAD)
{
    struct watch watch;
    struct job job;
    watch_start(&watch, CONF_NS_PER_MS);
    job_init(&job, watch.loop, true);
    job.after = hang_when_done;
    job.more = &watch;
    job_begin(&job);
    conf_elapse_ns(5 * CONF_NS_PER_MS);
    job_open(&job);
    assert_int_equal(velo_loop_run(watch.loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(conf_count_get(&watch.reports), 1);
    assert_true(watch.fn == NULL && watch.arg == &job);
    conf_destroy(watch.loop);
}

static void hang_on(void *arg)
{
    hang(arg);
    conf_elapse_ns(20 * CONF_NS_PER_MS);
}

/* X4: once, however long it goes on; and the next one again. */
CONF_CASE(the_watchdog_reports_once, "X4", 0)
{
    struct watch watch;
    watch_start(&watch, CONF_NS_PER_MS);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(velo_submit(watch.loop, hang_on, &watch), 0);
        conf_turns(watch.loop, 1);
        assert_int_equal(conf_count_get(&watch.reports), i);
    }
    conf_destroy(watch.loop);
}

/* ---- the edge of its threshold, under the frozen clock ---- */

static pthread_t owner_thread;
static struct conf_count looks; /* readings of the clock by other threads: the watchdog's */

static void count_looks(void *ctx)
{
    (void)ctx;
    if (!pthread_equal(pthread_self(), owner_thread))
        conf_count_add(&looks, 1);
}

/* The watchdog has looked twice since the clock was moved. */
static void wait_for_looks(void)
{
    CONF_EXPECT(conf_count_wait(&looks, conf_count_get(&looks) + 2));
}

static void approach(void *arg)
{
    struct watch *watch = arg;
    sim_clock_advance(CONF_NS_PER_MS - 1);
    wait_for_looks();
    CONF_EXPECT_INT(conf_count_get(&watch->reports), 0);
    sim_clock_advance(1);
    hang(watch);
    CONF_EXPECT_INT(watch->elapsed_ns, CONF_NS_PER_MS);
}

/* X4, X5: not reported a nanosecond below slow_ns, reported at slow_ns. */
CONF_CASE(the_watchdog_at_the_edge_of_slow_ns, "X4 X5", 0)
{
    struct watch watch;
    conf_count_init(&looks);
    owner_thread = pthread_self();
    sim_clock_freeze(0);
    watch_start(&watch, CONF_NS_PER_MS);
    sim_clock_hook(count_looks, NULL);
    assert_int_equal(velo_submit(watch.loop, approach, &watch), 0);
    conf_turns(watch.loop, 1);
    sim_clock_hook(NULL, NULL);
    assert_int_equal(conf_count_get(&watch.reports), 1);
    conf_destroy(watch.loop);
    sim_clock_release();
}

/* X4: callbacks that are quick are not reported, and many of them are not one that is slow. */
CONF_CASE(the_watchdog_is_silent_about_quick_callbacks, "X4", 0)
{
    struct watch watch;
    sim_clock_freeze(0); /* so that no callback takes long, whatever the machine does */
    watch_start(&watch, 1000);
    for (unsigned i = 0; i < conf_rounds(20000); i++)
        assert_int_equal(velo_submit(watch.loop, nothing, NULL), 0);
    conf_turns(watch.loop, 2);
    conf_destroy(watch.loop);
    assert_int_equal(conf_count_get(&watch.reports), 0);
    sim_clock_release();
}

/* ---- what it costs, and how it ends ---- */

/* For some time nobody begins a wait, or wakes anybody. */
static bool nothing_waits_anew(void)
{
    uint64_t waits = sim_calls(SIM_FUTEX_WAIT) + sim_calls(SIM_POLL_WAIT);
    uint64_t wakes = sim_calls(SIM_FUTEX_WAKE) + sim_calls(SIM_WAKE_WRITE);
    conf_elapse_ns(50 * CONF_NS_PER_MS);
    return sim_calls(SIM_FUTEX_WAIT) + sim_calls(SIM_POLL_WAIT) == waits &&
           sim_calls(SIM_FUTEX_WAKE) + sim_calls(SIM_WAKE_WRITE) == wakes;
}

/* X4, trap X5: beside an idle loop the watchdog sleeps; a callback wakes it again. */
CONF_CASE(the_watchdog_sleeps_beside_an_idle_loop, "X4", 0)
{
    struct watch watch;
    struct conf_runner runner;
    sim_clock_freeze(0);
    watch_start(&watch, CONF_NS_PER_MS);
    conf_runner_start(&runner, watch.loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 3; i++) {
        conf_sync(watch.loop);
        bool quiet = false; /* it may still have a nap before it, or the machine be busy */
        for (unsigned tries = 0; tries < 20 && !quiet; tries++)
            quiet = nothing_waits_anew();
        assert_true(quiet);
    }
    assert_int_equal(velo_submit(watch.loop, hang_frozen, &watch), 0);
    assert_true(conf_count_wait(&watch.reports, 1));
    assert_int_equal(velo_loop_shutdown(watch.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(watch.loop);
    sim_clock_release();
}

/* X4, L8: destroy does not wait for its nap, which may last for ever. */
CONF_CASE(destroy_ends_the_watchdog_at_once, "X4 L8", 0)
{
    static const uint64_t slow_ns[] = {1, CONF_NS_PER_MS, 3600 * CONF_NS_PER_S, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++) {
        struct watch watch;
        watch_start(&watch, slow_ns[i]);
        for (unsigned n = 0; n < 10; n++)
            assert_int_equal(velo_submit(watch.loop, nothing, NULL), 0);
        if (i > 1)
            conf_turns(watch.loop, 1);
        conf_destroy(watch.loop);
        assert_int_equal(conf_count_get(&watch.reports), 0);
    }
}

/* X4: signals are not for the watchdog's thread. */
CONF_CASE(the_watchdog_blocks_signals, "X4", 0)
{
    struct watch watch;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    watch_start(&watch, CONF_NS_PER_MS);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
    assert_int_equal(velo_submit(watch.loop, hang, &watch), 0);
    conf_turns(watch.loop, 1);
    assert_true(sigismember(&watch.blocked, SIGUSR1) && sigismember(&watch.blocked, SIGINT));
    conf_destroy(watch.loop);
}

static void call_the_loop(struct watch *watch)
{
    CONF_EXPECT_INT(velo_submit(watch->loop, nothing, NULL), 0);
    CONF_EXPECT_INT(velo_loop_wake(watch->loop), 0);
    if (conf_has(VELO_CAP_METRICS))
        CONF_EXPECT(conf_metrics(watch->loop).executed >= 1);
    CONF_EXPECT_INT(velo_loop_destroy(watch->loop), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_shutdown(watch->loop, 0), 0);
}

/* X4: the report may call the loop, even end it, but not wait for its own end. */
CONF_CASE(the_report_may_call_the_loop, "X4 L8", 0)
{
    struct watch watch;
    sim_clock_freeze(0);
    watch_start(&watch, CONF_NS_PER_MS);
    watch.also = call_the_loop;
    assert_int_equal(velo_submit(watch.loop, hang_frozen, &watch), 0);
    assert_int_equal(velo_loop_run(watch.loop, VELO_RUN_FOREVER), 0);
    assert_int_equal(velo_loop_state(watch.loop), VELO_STATE_TERMINATED);
    conf_destroy(watch.loop);
    sim_clock_release();
}

static void ignore_log(void *ctx, enum velo_log_level level, const char *event, const char *fields)
{
    unsigned *count = ctx;
    (void)level;
    (void)fields;
    *count += strcmp(event, "callback_stuck") == 0;
}

/* X4, X1: it needs a threshold and somebody to tell; a log is somebody. */
CONF_CASE(a_watchdog_needs_a_threshold_and_a_hook, "X4 X1", 0)
{
    struct watch watch;
    unsigned logged = 0;
    struct velo_loop *loop = NULL;
    struct velo_options options = watching(&watch, 0);
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    options = watching(&watch, CONF_NS_PER_MS);
    options.on_stuck = NULL;
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    options.on_log = ignore_log;
    options.ctx = &logged;
    options.on_slow = NULL;
    assert_int_equal(velo_loop_create(&loop, &options), 0);
    assert_int_equal(velo_loop_destroy(loop), 0);
    assert_int_equal(logged, 0);
}

static int lowest_free_fd(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

/* X4, X1: no thread, no loop, and nothing is left behind. */
CONF_CASE(creation_fails_without_a_thread_for_the_watchdog, "X4 X1", 0)
{
    struct watch watch;
    struct velo_options options = watching(&watch, CONF_NS_PER_MS);
    struct velo_loop *loop = NULL;
    int before = lowest_free_fd();
    sim_fault(SIM_THREAD, 0, 1, EAGAIN);
    int rc = velo_loop_create(&loop, &options);
    uint64_t hit = sim_faults_hit(SIM_THREAD);
    sim_faults_clear();
    assert_int_equal(hit, 1);
    assert_int_equal(rc, -EAGAIN);
    assert_null(loop);
    assert_int_equal(lowest_free_fd(), before);
}

/* X4: a watchdog for each loop, all at once. */
CONF_CASE(each_loop_has_a_watchdog_of_its_own, "X4", 0)
{
    enum { LOOPS = 4 };
    struct watch watches[LOOPS];
    struct conf_runner runners[LOOPS];
    for (unsigned i = 0; i < LOOPS; i++) {
        watch_start(&watches[i], CONF_NS_PER_MS);
        conf_runner_start(&runners[i], watches[i].loop, VELO_RUN_FOREVER);
    }
    for (unsigned round = 1; round <= conf_rounds(20); round++) {
        for (unsigned i = 0; i < LOOPS; i++)
            assert_int_equal(velo_submit(watches[i].loop, hang, &watches[i]), 0);
        for (unsigned i = 0; i < LOOPS; i++)
            assert_true(conf_count_wait(&watches[i].reports, round));
    }
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_int_equal(velo_loop_shutdown(watches[i].loop, -1), 0);
        assert_int_equal(conf_runner_join(&runners[i]), 0);
        conf_destroy(watches[i].loop);
    }
}
