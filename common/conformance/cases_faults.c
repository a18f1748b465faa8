/* SPDX-License-Identifier: MIT */
/*
 * What the system refuses: failing polls (L10), failing wake-ups (S8), interrupted waits, and each
 * step of creating a loop (X1). Method: sim/faults makes the n-th call of a kind fail. Cases choose
 * DISABLED where they need the native poll.
 */
#include <sched.h>
#include <signal.h>

#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

static struct velo_loop *create_polling(void)
{
    struct velo_options options = conf_options();
    options.fast_path = VELO_FAST_DISABLED;
    return conf_create(&options);
}

/* ---- L10 ---- */

struct failing {
    struct velo_loop *loop;
    struct conf_count began;
    atomic_uint pending;
};

static void one_less(void *arg)
{
    struct failing *failing = arg;
    atomic_fetch_sub(&failing->pending, 1);
}

static void arm_poll_failure(void *arg)
{
    (void)arg;
    sim_fault(SIM_POLL_WAIT, 0, UINT64_MAX / 2, EBADF);
    sim_fault(SIM_POLL_LOOK, 0, UINT64_MAX / 2, EBADF);
}

/* Does a running loop poll by calls that are seen here? It is SLEEPING before it makes one. */
static bool polls_are_seen(void)
{
    uint64_t deadline = conf_now_ns() + CONF_NS_PER_S;
    while (sim_calls(SIM_POLL_WAIT) + sim_calls(SIM_POLL_LOOK) == 0) {
        if (conf_now_ns() > deadline)
            return false;
        sched_yield();
    }
    return true;
}

/* L10, trap L16: a poll that fails for good ends the run with its error, after a termination. */
CONF_CASE(a_failing_poll_ends_the_run_with_its_error, "L10 L7", CONF_OWN_MODE)
{
    struct velo_loop *loop = create_polling();
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    if (conf_has(VELO_CAP_TIMERS))
        assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, conf_count_fn, &ran, NULL),
                         0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_wait_state(loop, VELO_STATE_SLEEPING);
    if (!polls_are_seen()) {
        assert_int_equal(velo_loop_close(loop), 0);
        conf_na("waits for events by a call that the test cannot fail");
    }
    assert_int_equal(velo_submit(loop, arm_poll_failure, NULL), 0);
    assert_int_equal(conf_runner_join(&runner), -EBADF);
    sim_faults_clear();
    assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
    assert_int_equal(conf_count_get(&ran), 0);
    assert_int_equal(conf_discarded(loop), conf_has(VELO_CAP_TIMERS) ? 1 : 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), -ESHUTDOWN);
    assert_int_equal(velo_loop_shutdown(loop, -1), -ESHUTDOWN);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), -ESHUTDOWN);
    conf_destroy(loop);
}

static void ignore_fd(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

static void keep_submitting(void *arg, unsigned index)
{
    struct failing *failing = arg;
    int rc = 0;
    (void)index;
    conf_count_add(&failing->began, 1);
    while (rc == 0) {
        if (atomic_fetch_add(&failing->pending, 1) > 1000)
            sched_yield();
        rc = velo_submit(failing->loop, one_less, failing);
    }
    CONF_EXPECT_INT(rc, -ESHUTDOWN);
}

/* L10, L7: producers are at work when the poll fails; nothing hangs and nothing is lost. */
CONF_CASE(a_failing_poll_under_load_keeps_the_ledger, "L10 L7", CONF_OWN_MODE | VELO_CAP_FDS)
{
    for (unsigned round = 0; round < conf_rounds(50); round++) {
        struct failing failing = {.loop = create_polling()};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&failing.began);
        /* a busy loop polls only if there is something to poll */
        struct fd_pair pair = fd_pair_open();
        assert_int_equal(velo_fd_watch(failing.loop, pair.near, VELO_READ, ignore_fd, NULL, NULL),
                         0);
        conf_runner_start(&runner, failing.loop, VELO_RUN_FOREVER);
        conf_team_start(&team, 2, keep_submitting, &failing);
        conf_count_wait(&failing.began, 2);
        conf_sync(failing.loop);
        conf_wait_running(failing.loop);
        if (!polls_are_seen()) {
            assert_int_equal(velo_loop_close(failing.loop), 0);
            conf_na("waits for events by a call that the test cannot fail");
        }
        arm_poll_failure(NULL);
        conf_team_join(&team);
        assert_int_equal(conf_runner_join(&runner), -EBADF);
        sim_faults_clear();
        conf_destroy(failing.loop);
        fd_pair_close(&pair);
    }
}

/* ---- S8: failing wake-ups ---- */

enum { WARM_UP = 100 };

struct waking {
    struct velo_loop *loop;
    struct conf_runner runner;
    struct conf_count ran;
};

static void waking_start(struct waking *waking)
{
    waking->loop = create_polling();
    conf_count_init(&waking->ran);
    conf_runner_start(&waking->runner, waking->loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_state(waking->loop, VELO_STATE_SLEEPING));
    /* A submit that comes on the way to sleep need not ring; one of a hundred does. */
    for (uint64_t i = 1; i <= WARM_UP; i++) {
        assert_int_equal(velo_submit(waking->loop, conf_count_fn, &waking->ran), 0);
        assert_true(conf_count_wait(&waking->ran, i));
        assert_true(conf_wait_state(waking->loop, VELO_STATE_SLEEPING));
    }
    if (sim_calls(SIM_WAKE_WRITE) == 0) {
        assert_int_equal(velo_loop_close(waking->loop), 0);
        conf_na("wakes up by a call that the test cannot fail");
    }
}

static void waking_end(struct waking *waking)
{
    sim_faults_clear();
    assert_int_equal(velo_loop_shutdown(waking->loop, -1), 0);
    assert_int_equal(conf_runner_join(&waking->runner), 0);
    conf_destroy(waking->loop);
}

/* S8 ruling, trap W3: the wake-up fails for a while; accepted work runs once a later one succeeds.
 */
CONF_CASE(a_failed_wakeup_strands_no_task, "S8", CONF_OWN_MODE)
{
    struct waking waking;
    uint64_t hits = 0;
    waking_start(&waking);
    for (unsigned i = 0; i < 20; i++) {
        conf_wait_state(waking.loop, VELO_STATE_SLEEPING);
        sim_fault(SIM_WAKE_WRITE, 0, UINT64_MAX / 2, EIO);
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        hits += sim_faults_hit(SIM_WAKE_WRITE);
        sim_faults_clear();
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        assert_true(conf_count_wait(&waking.ran, WARM_UP + 2 * (i + 1)));
    }
    assert_true(hits > 0);
    assert_true(conf_logged(waking.loop, VELO_LOG_ERROR) + conf_logged(waking.loop, VELO_LOG_WARN) >
                0);
    waking_end(&waking);
}

/* S8 ruling, trap W6: an interrupted wake-up is repeated, by the same submit. */
CONF_CASE(an_interrupted_wakeup_is_repeated, "S8", CONF_OWN_MODE)
{
    struct waking waking;
    waking_start(&waking);
    for (unsigned i = 0; i < 20; i++) {
        conf_wait_state(waking.loop, VELO_STATE_SLEEPING);
        sim_fault(SIM_WAKE_WRITE, 0, 1 + i % 5, EINTR);
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        assert_true(conf_count_wait(&waking.ran, WARM_UP + i + 1));
    }
    waking_end(&waking);
}

/* S8 ruling, trap W4: "full" means that a wake-up is pending: the submit has succeeded. */
CONF_CASE(a_full_wakeup_counter_means_pending, "S8", CONF_OWN_MODE)
{
    struct waking waking;
    waking_start(&waking);
    for (unsigned i = 0; i < 20; i++) {
        conf_wait_state(waking.loop, VELO_STATE_SLEEPING);
        sim_fault(SIM_WAKE_WRITE, 0, 1, EAGAIN);
        uint64_t calls = sim_calls(SIM_WAKE_WRITE);
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        assert_in_range(sim_calls(SIM_WAKE_WRITE) - calls, 0, 1); /* it is not repeated */
        assert_true(conf_count_wait(&waking.ran, WARM_UP + i + 1));
    }
    assert_int_equal(conf_logged(waking.loop, VELO_LOG_ERROR), 0);
    waking_end(&waking);
}

/* Trap W6: an interrupted wait or wake-up read is no error, no end, and doubles nothing. */
CONF_CASE(interrupted_waits_are_no_events, "S8 L10 A3", CONF_OWN_MODE)
{
    static const enum sim_call calls[] = {SIM_POLL_WAIT, SIM_POLL_LOOK, SIM_WAKE_READ};
    struct waking waking;
    waking_start(&waking);
    for (unsigned i = 0; i < 60; i++) {
        sim_fault(calls[i % 3], i % 2, 1 + i % 3, EINTR);
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        assert_true(conf_count_wait(&waking.ran, WARM_UP + i + 1));
        conf_wait_state(waking.loop, VELO_STATE_SLEEPING);
    }
    conf_sync(waking.loop);
    assert_int_equal(conf_count_get(&waking.ran), WARM_UP + 60);
    waking_end(&waking);
}

/* Processor time of 100 ms of rest. */
static uint64_t rest_cpu_ns(void *arg)
{
    (void)conf_wait_state(arg, VELO_STATE_SLEEPING);
    uint64_t cpu = conf_cpu_ns();
    conf_elapse_ns(100 * CONF_NS_PER_MS);
    return conf_cpu_ns() - cpu;
}

/* Trap W7: a wake-up read that yields nothing neither spins nor ends the loop. */
CONF_CASE(a_wakeup_read_without_data_is_harmless, "S8", CONF_OWN_MODE)
{
    const uint64_t most_ns = 5 * CONF_NS_PER_MS;
    struct waking waking;
    waking_start(&waking);
    for (unsigned i = 0; i < 20; i++) {
        sim_fault(SIM_WAKE_READ, 0, 2, EAGAIN);
        assert_int_equal(velo_submit(waking.loop, conf_count_fn, &waking.ran), 0);
        assert_true(conf_count_wait(&waking.ran, WARM_UP + i + 1));
    }
    sim_faults_clear();
    conf_sync(waking.loop);
    assert_in_range(conf_least(most_ns, rest_cpu_ns, waking.loop), 0, most_ns);
    waking_end(&waking);
}

static void on_signal(int number)
{
    (void)number;
}

/* Trap W6, real signals, in the mode under test: they interrupt the sleep and change nothing. */
CONF_CASE(real_signals_do_not_disturb_a_sleeping_loop, "S8 A3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count ran;
    struct sigaction action = {.sa_handler = on_signal};
    conf_count_init(&ran);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= 50; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        assert_true(conf_count_wait(&ran, i));
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_count_get(&ran), 50);
    conf_destroy(loop);
}

/* A3, trap W6: RUN_ONCE is not ended by a signal: it waits for an event. */
CONF_CASE(a_signal_does_not_end_run_once, "A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count ran;
    struct sigaction action = {.sa_handler = on_signal};
    conf_count_init(&ran);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    conf_runner_start(&runner, loop, VELO_RUN_ONCE);
    assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
    uint64_t before = sleeps(), limit = conf_now_ns() + CONF_PATIENCE_NS;
    while (sleeps() == before && conf_now_ns() < limit) { /* the first may come before the wait */
        pthread_kill(runner.thread, SIGUSR1);
        sched_yield();
    }
    assert_true(sleeps() > before); /* interrupted, it waits again */
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_count_get(&ran), 1);
    assert_int_equal(conf_metrics(loop).turns, 1);
    conf_destroy(loop);
}

/* ---- X1: creating a loop fails at each step ---- */

/* X1, trap L22: each step of creation fails once; nothing leaks and the next attempt works. */
CONF_CASE(creation_fails_cleanly_at_each_step, "X1 L8", 0)
{
    static const struct {
        enum sim_call call;
        int error;
    } steps[] = {{SIM_EPOLL_CREATE, EMFILE},
                 {SIM_EVENTFD, EMFILE},
                 {SIM_TIMERFD, EMFILE},
                 {SIM_EPOLL_CTL, ENOMEM},
                 {SIM_ALLOC, ENOMEM}};
    unsigned hits = 0;
    struct velo_options options = conf_options();
    options.fast_path = VELO_FAST_DISABLED;
    struct velo_loop *warm = NULL;
    assert_int_equal(velo_loop_create(&warm, &options), 0); /* whatever libc does only once */
    assert_int_equal(velo_loop_destroy(warm), 0);
    unsigned fds = conf_open_fds();
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (unsigned skip = 0;; skip++) {
            struct velo_loop *const untouched = (struct velo_loop *)&hits;
            struct velo_loop *loop = untouched;
            sim_fault(steps[i].call, skip, 1, steps[i].error);
            int rc = velo_loop_create(&loop, &options);
            bool hit = sim_faults_hit(steps[i].call) > 0;
            sim_faults_clear();
            if (rc == 0) {
                assert_int_equal(velo_loop_destroy(loop), 0);
            } else {
                assert_true(hit);
                assert_int_equal(rc, -steps[i].error);
                assert_ptr_equal(loop, untouched);
                hits++;
            }
            assert_int_equal(conf_open_fds(), fds);
            if (!hit)
                break;
        }
    }
    if (hits == 0)
        conf_na("creates loops without a call that the test can fail");
    struct velo_loop *loop = conf_create(&options);
    conf_turns(loop, 1);
    conf_destroy(loop);
}
