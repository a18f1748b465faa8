/* SPDX-License-Identifier: MIT */
/*
 * Fault sweeps over programs of several threads: see sweep.h. A loop that sleeps on a thread of its
 * own while work arrives, and loops that have threads themselves.
 */
#include <sched.h>

#include "sweep.h"

/* ---- a loop that sleeps ---- */

/* Its thread is the test's own: making it does not fail. */
static void start(struct conf_runner *runner, struct sweep *run)
{
    sim_exempt(true);
    conf_runner_start(runner, run->loop, VELO_RUN_FOREVER);
    sim_exempt(false);
    conf_wait_running(run->loop);
}

/* Wait until all that was accepted has ended. */
static void wait_done(struct sweep *run)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    for (;;) {
        uint64_t ended = atomic_load(&run->executed) + atomic_load(&run->cancelled) +
                         atomic_load(&run->discarded);
        if (ended == atomic_load(&run->accepted))
            return;
        if (!CONF_EXPECT(conf_now_ns() < deadline))
            return;
        sched_yield();
    }
}

static void wait_asleep(struct sweep *run)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    while (velo_loop_state(run->loop) < VELO_STATE_SLEEPING && conf_now_ns() < deadline)
        sched_yield();
}

static void end(struct sweep *run, struct conf_runner *runner)
{
    bool polls = sweep_polls(run);
    int rc = velo_loop_shutdown(run->loop, -1);
    CONF_EXPECT(rc == 0 || ((polls || run->lasting) && (rc == -ESHUTDOWN || rc == -ECANCELED)));
    rc = conf_runner_join(runner);
    CONF_EXPECT(rc == 0 || (polls && rc == -run->error && sweep_is_hit(run)));
}

/*
 * Work of every kind, one at a time, for a loop that sleeps: each wakes it. While every wake-up
 * fails work may be stranded; the first one that does not fail gets it going again (S8).
 */
static void a_sleeper(struct sweep *run)
{
    struct conf_runner runner;
    start(&runner, run);
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        if (!kind_is_offered(i % KINDS))
            continue;
        if (!run->lasting)
            wait_asleep(run);
        sweep_add(run, i % KINDS, NULL);
        if (!run->lasting)
            wait_done(run);
    }
    if (run->lasting) {
        int rc = velo_loop_shutdown(run->loop, 1);
        CONF_EXPECT(rc == 0 || rc == -ETIMEDOUT || rc == -ESHUTDOWN || rc == -ECANCELED);
        sim_faults_clear();
        velo_loop_wake(run->loop);
    }
    if (velo_loop_state(run->loop) < VELO_STATE_TERMINATING)
        wait_done(run);
    end(run, &runner);
    wait_done(run);
}

/* The shutdown, or the close, is the only thing that wakes it. */
static void a_sleeper_that_is_shut_down(struct sweep *run)
{
    struct conf_runner runner;
    start(&runner, run);
    wait_asleep(run);
    sweep_add(run, KIND_TASK, NULL);
    wait_asleep(run);
    int rc = velo_loop_shutdown(run->loop, 0);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN || rc == -ECANCELED);
    if (run->lasting) /* nobody can be told anything until then */
        sim_faults_clear();
    rc = velo_loop_close(run->loop);
    CONF_EXPECT_INT(rc, 0);
    conf_runner_join(&runner);
}

/* S8, L10: no wake-up is lost, whatever fails on the way. */
CONF_CASE_FULL(faults_around_a_sleeping_loop, "X1 S8 L10 L7", 0, NULL, NULL, 120000)
{
    sweep_all("sleeper", NULL, a_sleeper);
}

/* L5, L6: an end from outside reaches a sleeping loop. */
CONF_CASE_FULL(faults_in_the_end_of_a_sleeping_loop, "X1 L5 L6 L10", 0, NULL, NULL, 120000)
{
    sweep_all("sleeper shut down", NULL, a_sleeper_that_is_shut_down);
}

/* ---- loops with threads of their own ---- */

enum { OFFLOADS = 12 };

static void work(void *arg)
{
    (void)arg;
}

static void done(int status, void *arg)
{
    CONF_EXPECT(status == 0 || status == -ECANCELED);
    if (status == 0) /* a cancelled one is in the books already */
        sweep_ran(arg);
}

static void offload(struct sweep *run, velo_id *id)
{
    atomic_fetch_add(&run->accepted, 1);
    int rc = SWEEP_CALL(run, velo_offload(run->loop, work, done, run, id), -ENOMEM, -EAGAIN);
    if (rc != 0)
        atomic_fetch_sub(&run->accepted, 1);
}

static void some_offloads(struct sweep *run)
{
    for (unsigned i = 0; i < OFFLOADS; i++) {
        velo_id id = 0;
        offload(run, &id);
        if (i % 3 == 0 && id != 0 && velo_offload_cancel(run->loop, id) == 0)
            atomic_fetch_add(&run->cancelled, 1);
    }
}

static void offloads(struct sweep *run)
{
    some_offloads(run);
    sweep_on_owner(run, some_offloads);
    if (run->lasting) /* what waits for memory keeps the loop alive */
        sim_faults_clear();
    if (!sweep_has_ended(run))
        sweep_run(run, VELO_RUN_UNTIL_IDLE);
}

/* O1, O4: with fewer threads than asked for, or none; the error is that of velo_offload. */
CONF_CASE_FULL(
    faults_in_offloads, "X1 L7", VELO_CAP_UNTIL_IDLE | VELO_CAP_OFFLOAD, NULL, NULL, 120000)
{
    struct velo_options options = conf_options();
    options.workers = 2;
    sweep_all("offloads", &options, offloads);
}

/* ---- with everything on ---- */

static void ignore_stuck(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    (void)ctx;
    (void)fn;
    (void)arg;
    (void)elapsed_ns;
}

static void some_turns(struct sweep *run)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (kind_is_offered(kind))
            sweep_add(run, kind, NULL);
    }
    sweep_turns(run, 3);
}

/* X3, X4: the watchdog's thread, the histograms, and work beside them. */
CONF_CASE(faults_beside_watchdog_and_metrics, "X1 X3 X4 L7", VELO_CAP_METRICS)
{
    struct velo_options options = conf_options();
    options.metrics = true;
    options.cpu_accounting = true;
    options.watchdog = true;
    options.slow_ns = 60 * CONF_NS_PER_S;
    options.on_stuck = ignore_stuck;
    sweep_all("watchdog", &options, some_turns);
}
