/* SPDX-License-Identifier: MIT */
/*
 * Fault sweeps over programs of one thread: see sweep.h. Calls from outside of run travel as those
 * of a foreign thread; calls in a task are the owner's.
 */
#include "sweep.h"

/* ---- programs ---- */

static void no_work(struct sweep *run)
{
    (void)run;
}

/* Three of every kind, and one taken back of those that have an id. */
static void some_of_each(struct sweep *run)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        velo_id id = 0;
        if (!kind_is_offered(kind))
            continue;
        sweep_add(run, kind, NULL);
        sweep_add(run, kind, NULL);
        int rc = sweep_add(run, kind, kind_has_id(kind) ? &id : NULL);
        if (rc == 0 && kind_has_id(kind))
            sweep_cancel(run, kind, id);
    }
}

static void kinds_of_work(struct sweep *run)
{
    some_of_each(run);
    sweep_turns(run, 3);
    sweep_on_owner(run, some_of_each);
    sweep_turns(run, 3);
}

enum { BATCH = 900 };

static void batch(struct sweep *run)
{
    struct velo_task tasks[BATCH];
    for (unsigned i = 0; i < BATCH; i++)
        tasks[i] = (struct velo_task){sweep_ran, run};
    atomic_fetch_add(&run->accepted, BATCH);
    if (SWEEP_CALL(run, velo_submit_many(run->loop, tasks, BATCH), -ENOMEM) != 0)
        atomic_fetch_sub(&run->accepted, BATCH);
}

/* Batches and single tasks that need several chunks, arrays, or rings. */
static void pour(struct sweep *run)
{
    for (unsigned i = 0; i < 3 && conf_has(VELO_CAP_BATCH); i++)
        batch(run);
    for (unsigned i = 0; i < 600; i++) {
        sweep_add(run, KIND_TASK, NULL);
        if (kind_is_offered(KIND_PRIORITY))
            sweep_add(run, KIND_PRIORITY, NULL);
        if (kind_is_offered(KIND_TICK))
            sweep_add(run, KIND_TICK, NULL);
    }
}

static void floods(struct sweep *run)
{
    pour(run);
    sweep_turns(run, 2);
    sweep_on_owner(run, pour);
    sweep_turns(run, 2);
    pour(run);
}

enum { TIMERS = 1200 };

static void ticking(void *arg)
{
    (void)arg;
}

/* Timers near and far; a third restarted, a third cancelled, some let go of. */
static void many_timers(struct sweep *run)
{
    static velo_id ids[TIMERS];
    for (unsigned i = 0; i < TIMERS; i++) {
        uint64_t delay_ns = i % 2 == 0 ? 0 : (uint64_t)i * i * i * CONF_NS_PER_MS;
        bool periodic = i % 7 == 1; /* one entry of the books, however often it fires */
        uint64_t period_ns = periodic ? 3600 * CONF_NS_PER_S : 0;
        velo_fn fn = periodic ? ticking : sweep_ran;
        atomic_fetch_add(&run->accepted, 1);
        int rc = SWEEP_CALL(
            run, velo_timer_start(run->loop, delay_ns, period_ns, fn, run, &ids[i]), -ENOMEM);
        if (rc == 0)
            continue;
        ids[i] = 0;
        atomic_fetch_sub(&run->accepted, 1);
    }
    for (unsigned i = 0; i < TIMERS; i++) {
        if (ids[i] == 0)
            continue;
        if (i % 3 == 0)
            SWEEP_CALL(run, velo_timer_restart(run->loop, ids[i], i * CONF_NS_PER_S), -ENOMEM);
        if (i % 3 == 1)
            sweep_cancel(run, KIND_TIMER, ids[i]);
        if (i % 3 == 2)
            CONF_EXPECT_INT(velo_timer_unref(run->loop, ids[i]), 0);
    }
}

static void timers(struct sweep *run)
{
    many_timers(run);
    sweep_turns(run, 3);
    sweep_on_owner(run, many_timers);
    sweep_turns(run, 3);
}

static void modes_of_the_path(struct sweep *run)
{
    static const enum velo_fast_path modes[] = {
        VELO_FAST_DISABLED, VELO_FAST_AUTO, VELO_FAST_FORCED, VELO_FAST_DISABLED, VELO_FAST_AUTO};
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0] && !sweep_has_ended(run); i++) {
        int rc = velo_fast_path_set(run->loop, modes[i]);
        CONF_EXPECT(rc == 0 || (rc == -ENOTSUP && !conf_has(VELO_CAP_FAST_PATH)));
        sweep_add(run, KIND_TASK, NULL);
        sweep_turns(run, 2);
    }
}

/* Every mode that returns, with something to wait for. */
static void modes_of_running(struct sweep *run)
{
    for (unsigned i = 0; i < 2 && !sweep_has_ended(run); i++) {
        some_of_each(run);
        velo_id id = 0;
        int rc = -ENOMEM;
        if (conf_has(VELO_CAP_TIMERS))
            rc = SWEEP_CALL(run,
                            velo_timer_start(run->loop, CONF_NS_PER_MS / 4, 0, sweep_ran, run, &id),
                            -ENOMEM);
        if (rc == 0)
            atomic_fetch_add(&run->accepted, 1);
        sweep_run(run, VELO_RUN_NOWAIT);
        if (rc == 0)
            sweep_run(run, VELO_RUN_ONCE);
        if (run->lasting) /* a timer that waits for memory keeps the loop alive */
            sim_faults_clear();
        if (conf_has(VELO_CAP_UNTIL_IDLE) && !sweep_has_ended(run))
            sweep_run(run, VELO_RUN_UNTIL_IDLE);
    }
}

/* Everything is pending when the end comes. */
static void load(struct sweep *run)
{
    some_of_each(run);
    pour(run);
    if (conf_has(VELO_CAP_TIMERS))
        many_timers(run);
}

static void a_shutdown(struct sweep *run)
{
    load(run);
    if (!sweep_has_ended(run))
        CONF_EXPECT_INT(velo_loop_shutdown(run->loop, -1), 0);
}

static void shut_down(struct sweep *run)
{
    int rc = velo_loop_shutdown(run->loop, 1);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
}

static void a_shutdown_from_a_callback(struct sweep *run)
{
    load(run);
    sweep_on_owner(run, shut_down);
}

static void a_close(struct sweep *run)
{
    load(run);
    CONF_EXPECT_INT(velo_loop_close(run->loop), 0);
}

/* ---- cases ---- */

/* X1, L8: creating and destroying. */
CONF_CASE(faults_in_create_and_destroy, "X1 L8 L7", 0)
{
    sweep_all("create", NULL, no_work);
}

/* S1, M3, R6: work of every kind, of the owner and of others. */
CONF_CASE(faults_in_work_of_every_kind, "X1 S1 L7 L10", 0)
{
    sweep_all("kinds", NULL, kinds_of_work);
}

/* S1, S4: floods. */
CONF_CASE_FULL(faults_in_a_flood, "X1 S1 S4 L7", 0, NULL, NULL, 120000)
{
    sweep_all("flood", NULL, floods);
}

/* T5, T9: a thousand timers, armed, moved and cancelled. */
CONF_CASE_FULL(faults_in_timers,
               "X1 T5 T9 L7",
               VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD,
               NULL,
               NULL,
               120000)
{
    sweep_all("timers", NULL, timers);
}

/* P1, P3: the path changes between turns. */
CONF_CASE(faults_in_changes_of_the_path, "X1 P1 L10", CONF_OWN_MODE | VELO_CAP_FAST_PATH)
{
    sweep_all("path", NULL, modes_of_the_path);
}

/* L3, A2, A3: all modes of running. */
CONF_CASE(faults_in_the_modes_of_running, "X1 L3 A2 A3 L10", 0)
{
    sweep_all("modes", NULL, modes_of_running);
}

/* L4, L6, L7: the end, with everything pending. */
CONF_CASE_FULL(faults_in_the_end, "X1 L4 L6 L7", 0, NULL, NULL, 120000)
{
    sweep_all("shutdown", NULL, a_shutdown);
    sweep_all("shutdown in a callback", NULL, a_shutdown_from_a_callback);
    sweep_all("close", NULL, a_close);
    sweep_all("destroy", NULL, load);
}
