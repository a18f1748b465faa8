/* SPDX-License-Identifier: MIT */
/*
 * What keeps a loop alive, and when run returns by itself (A1-A3). Method: turns on the
 * case's own thread; for races a thread that runs the loop until idle again and again.
 */
#include <stdio.h>
#include <unistd.h>

#include "../sim/clock.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

static void on_event(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1)
        conf_count_add(arg, 1);
}

/* ---- A1 ---- */

/* A1, trap A9: each kind of work holds the loop until it ran; then nothing does. */
CONF_CASE(queued_work_of_every_kind_is_alive, "A1", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        struct velo_loop *loop = conf_create(NULL);
        struct conf_count ran;
        conf_count_init(&ran);
        assert_false(velo_loop_is_alive(loop));
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        if (!velo_loop_is_alive(loop))
            fail_msg("a queued %s is not alive", kind_name(kind));
        conf_turns(loop, 2);
        assert_int_equal(conf_count_get(&ran), 1);
        if (velo_loop_is_alive(loop))
            fail_msg("a %s that ran is still alive", kind_name(kind));
        conf_destroy(loop);
    }
}

struct adding {
    struct velo_loop *loop;
    unsigned kind;
};

static void add_and_look(void *arg)
{
    struct adding *adding = arg;
    CONF_EXPECT_INT(kind_add(adding->kind, adding->loop, nothing, NULL, NULL), 0);
    CONF_EXPECT(velo_loop_is_alive(adding->loop));
}

/* A1: on the owner the answer is exact: what a callback has just added is alive. */
CONF_CASE(work_that_a_callback_added_is_alive, "A1", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct adding adding = {.loop = conf_create(NULL), .kind = kind};
        if (kind_is_offered(kind)) {
            assert_int_equal(velo_submit(adding.loop, add_and_look, &adding), 0);
            conf_turns(adding.loop, 3);
            assert_false(velo_loop_is_alive(adding.loop));
        }
        conf_destroy(adding.loop);
    }
}

/* A1: work that was taken back no longer holds the loop. */
CONF_CASE(cancelled_work_is_not_alive, "A1", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_has_id(kind) || !kind_is_offered(kind))
            continue;
        struct velo_loop *loop = conf_create(NULL);
        velo_id id = 0;
        assert_int_equal(kind_add(kind, loop, nothing, NULL, &id), 0);
        assert_int_equal(kind_cancel(kind, loop, id), 0);
        assert_false(velo_loop_is_alive(loop));
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        conf_destroy(loop);
    }
}

/* A1: a far timer and a watched descriptor are alive; unref and unwatch end that. */
CONF_CASE(timers_and_descriptors_are_alive, "A1", VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count seen;
    int ends[2];
    velo_id timer = 0, watch = 0;
    conf_count_init(&seen);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, &timer), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_unref(loop, timer), 0);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_ref(loop, timer), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_cancel(loop, timer), 0);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &seen, &watch), 0);
    assert_true(velo_loop_is_alive(loop));
    conf_turns(loop, 2);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_fd_unwatch(loop, watch), 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    close(ends[0]);
    close(ends[1]);
}

/* ---- A2 ---- */

/* A2: with nothing alive it returns at once; afterwards the loop is as new. */
CONF_CASE(until_idle_returns_at_once_when_nothing_is_alive, "A2 L3", VELO_CAP_UNTIL_IDLE)
{
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    }
    conf_destroy(loop);
}

static void add_next_kind(struct conf_step *step)
{
    struct conf_step *next = step->more;
    if (next != NULL)
        CONF_EXPECT_INT(
            kind_add((unsigned)(next->word[0] - 'a'), step->loop, conf_step_fn, next, NULL), 0);
}

/* A2, traps A5, A8: a chain through every kind of work; the last one ends in a callback. */
CONF_CASE(until_idle_follows_a_chain_of_every_kind,
          "A2 A1",
          VELO_CAP_UNTIL_IDLE | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES |
              VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD | VELO_CAP_BATCH)
{
    static const char *const words[KINDS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct conf_trace trace;
    struct velo_loop *loop = conf_create(NULL);
    struct conf_step steps[KINDS];
    conf_trace_init(&trace);
    for (unsigned kind = 0; kind < KINDS; kind++)
        steps[kind] = (struct conf_step){
            &trace, words[kind], loop, add_next_kind, kind + 1 < KINDS ? &steps[kind + 1] : NULL};
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[0]), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    conf_trace_is(&trace, "a b c d e f g h");
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

struct restless {
    struct velo_loop *loop;
    struct conf_count ran;
    uint64_t wanted;
    atomic_bool stop;
};

/* Runs until idle, over and over: each return is a decision that a submit can race. */
static void run_until_enough(void *arg, unsigned index)
{
    struct restless *restless = arg;
    (void)index;
    while (!atomic_load(&restless->stop))
        CONF_EXPECT_INT(velo_loop_run(restless->loop, VELO_RUN_UNTIL_IDLE), 0);
}

/* A2, trap A1: work that arrives while the loop decides to return is run, now or by the next run.
 */
CONF_CASE(work_that_races_the_decision_to_return_is_not_lost, "A2 S8 L2", VELO_CAP_UNTIL_IDLE)
{
    struct conf_random random = conf_random(0);
    struct restless restless = {.loop = conf_create(NULL)};
    struct conf_team team;
    uint64_t added = 0;
    conf_count_init(&restless.ran);
    conf_team_start(&team, 1, run_until_enough, &restless);
    for (unsigned i = 0; i < conf_rounds(8000); i++) {
        unsigned kind = i % KINDS;
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, restless.loop, conf_count_fn, &restless.ran, NULL), 0);
        assert_true(conf_count_wait(&restless.ran, ++added));
        if (i % 2 == 0)
            conf_jitter(&random, 3000);
    }
    atomic_store(&restless.stop, true);
    conf_team_join(&team);
    assert_int_equal(conf_count_get(&restless.ran), added);
    conf_destroy(restless.loop);
}

/* Holds the owner at the [skip]-th reading of the clock in its run, while the case adds work. */
struct decision {
    struct velo_loop *loop;
    atomic_int skip;
    struct conf_count held, go;
};

static void hold_at_reading(void *ctx)
{
    struct decision *decision = ctx;
    if (!velo_loop_is_owner(decision->loop) || atomic_fetch_sub(&decision->skip, 1) != 0)
        return;
    conf_count_add(&decision->held, 1);
    conf_count_wait(&decision->go, 1);
}

/*
 * A2, trap A1, without luck: a timer that holds nothing makes the loop read the clock, and being
 * embedded makes it do so after it has decided to return. At each reading of the run in turn a task
 * arrives, and that run must run it.
 */
CONF_CASE(a_task_at_any_point_of_the_decision_to_return_is_run,
          "A2",
          VELO_CAP_UNTIL_IDLE | VELO_CAP_TIMERS)
{
    bool held = true;
    for (int skip = 0; held && skip < 16; skip++) {
        struct decision decision = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        struct conf_count ran;
        velo_id id;
        conf_count_init(&ran);
        conf_count_init(&decision.held);
        conf_count_init(&decision.go);
        atomic_init(&decision.skip, skip);
        (void)velo_loop_backend_fd(decision.loop); /* -ENOTSUP is fine */
        assert_int_equal(
            velo_timer_start(decision.loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, &id), 0);
        assert_int_equal(velo_timer_unref(decision.loop, id), 0);
        assert_int_equal(velo_submit(decision.loop, nothing, NULL), 0); /* for one turn at least */
        sim_clock_hook(hold_at_reading, &decision);
        conf_runner_start(&runner, decision.loop, VELO_RUN_UNTIL_IDLE);
        held = conf_count_wait_for(&decision.held, 1, 300 * CONF_NS_PER_MS);
        if (held)
            assert_int_equal(velo_submit(decision.loop, conf_count_fn, &ran), 0);
        conf_count_add(&decision.go, 1);
        assert_int_equal(conf_runner_join(&runner), 0);
        sim_clock_hook(NULL, NULL);
        if (conf_count_get(&ran) != held)
            fail_msg("a task was left behind (reading %d)", skip);
        conf_destroy(decision.loop);
    }
}

enum { RUNS_KEPT = 4096 };

struct run_log {
    struct velo_loop *loop;
    atomic_uint ran;
    atomic_uint ended;                 /* runs that have returned */
    atomic_uint ran_at_end[RUNS_KEPT]; /* [ran] when the n-th run returned; before [ended] */
    atomic_bool stop;
};

static void count_ran(void *arg)
{
    struct run_log *log = arg;
    atomic_fetch_add(&log->ran, 1);
}

static void run_and_log(void *arg, unsigned index)
{
    struct run_log *log = arg;
    (void)index;
    while (!atomic_load(&log->stop)) {
        CONF_EXPECT_INT(velo_loop_run(log->loop, VELO_RUN_UNTIL_IDLE), 0);
        unsigned number = atomic_load(&log->ended);
        atomic_store(&log->ran_at_end[number % RUNS_KEPT], atomic_load(&log->ran));
        atomic_store(&log->ended, number + 1);
        if (number % 16 == 0) /* the submitter may be waiting for this very processor */
            sched_yield();
    }
}

/* Submit task number [task]; true if it is known which run it met, and that this run ran it. */
static bool submit_against_the_end(struct run_log *log, unsigned task)
{
    assert_int_equal(velo_submit(log->loop, count_ran, log), 0);
    unsigned run = atomic_load(&log->ended);
    bool was_running = velo_loop_state(log->loop) != VELO_STATE_AWAKE;
    bool same_run = atomic_load(&log->ended) == run;
    uint64_t limit = conf_now_ns() + CONF_PATIENCE_NS;
    for (unsigned looks = 0; atomic_load(&log->ran) < task || atomic_load(&log->ended) == run;
         looks++) {
        if (conf_now_ns() > limit)
            fail_msg("task %u is lost", task);
        if (looks > 100)
            sched_yield();
    }
    if (!was_running || !same_run || atomic_load(&log->ended) - run >= RUNS_KEPT)
        return false;
    if (atomic_load(&log->ran_at_end[run % RUNS_KEPT]) < task)
        fail_msg("a run has left task %u behind, which had arrived before its end", task);
    return true;
}

/*
 * A2, trap A1: a run that was still going on when a submit had returned runs that task before it
 * returns. Which run that was is known where no run ended around the look at the state.
 */
CONF_CASE(until_idle_runs_what_came_before_its_end, "A2", VELO_CAP_UNTIL_IDLE)
{
    static struct run_log log;
    struct conf_random random = conf_random(3);
    struct conf_team team;
    unsigned known = 0, rounds = conf_rounds(6000);
    log.loop = conf_create(NULL);
    conf_team_start(&team, 1, run_and_log, &log);
    uint64_t enough = conf_now_ns() + 2 * CONF_NS_PER_S; /* on a busy machine, fewer rounds */
    for (unsigned task = 1; task <= rounds && conf_now_ns() < enough; task++) {
        known += submit_against_the_end(&log, task);
        conf_jitter(&random, 1000);
    }
    atomic_store(&log.stop, true);
    conf_team_join(&team);
    printf("%u of %u submits met a run that is known\n", known, rounds);
    conf_destroy(log.loop);
}

/* A2, trap A6: cancelling the last referenced timer from another thread makes run return. */
CONF_CASE(run_returns_when_the_last_hold_is_taken_away,
          "A2",
          VELO_CAP_UNTIL_IDLE | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    for (unsigned round = 0; round < conf_rounds(200); round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        velo_id held = 0, loose = 0;
        assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, &held), 0);
        assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, &loose), 0);
        assert_int_equal(velo_timer_unref(loop, loose), 0);
        conf_runner_start(&runner, loop, VELO_RUN_UNTIL_IDLE);
        if (round % 2 == 0)
            conf_wait_state(loop, VELO_STATE_SLEEPING);
        else
            conf_wait_running(loop);
        assert_int_equal(
            round % 4 < 2 ? velo_timer_cancel(loop, held) : velo_timer_unref(loop, held), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
        conf_destroy(loop);
    }
}

/* A2, trap A3: only unreferenced timers left: run returns; referenced again in time: it stays. */
CONF_CASE(a_timer_referenced_again_holds_the_loop, "A2 T7", VELO_CAP_UNTIL_IDLE | VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count fired;
    velo_id id = 0;
    conf_count_init(&fired);
    assert_int_equal(velo_timer_start(loop, 5 * CONF_NS_PER_MS, 0, conf_count_fn, &fired, &id), 0);
    assert_int_equal(velo_timer_unref(loop, id), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(conf_count_get(&fired), 0);
    assert_int_equal(velo_timer_ref(loop, id), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(conf_count_get(&fired), 1);
    conf_destroy(loop);
}

/* A2, trap A7: a shutdown meets the decision to return: run ends with 0 or finds the loop ended. */
CONF_CASE(a_shutdown_against_the_return_ends_the_loop, "A2 L5", VELO_CAP_UNTIL_IDLE)
{
    struct conf_random random = conf_random(7);
    for (unsigned round = 0; round < conf_rounds(500); round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct conf_count ran;
        conf_count_init(&ran);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        conf_runner_start(&runner, loop, VELO_RUN_UNTIL_IDLE);
        conf_jitter(&random, 40000);
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        int rc = conf_runner_join(&runner);
        assert_true(rc == 0 || rc == -ESHUTDOWN);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
        assert_int_equal(conf_count_get(&ran), 1);
        conf_destroy(loop);
    }
}

/* ---- A3 ---- */

/* A3: NOWAIT is one turn and never sleeps, whatever is pending. */
CONF_CASE(nowait_runs_one_turn_without_blocking, "A3", VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    for (unsigned i = 1; i <= 100; i++) {
        conf_turns(loop, 1);
        assert_int_equal(conf_metrics(loop).turns, i);
    }
    assert_int_equal(conf_metrics(loop).parks, 0);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    conf_destroy(loop);
}

/* A3 ruling: ONCE does not block when nothing is alive, or when something is pending or due. */
CONF_CASE(once_blocks_only_if_there_is_something_to_wait_for, "A3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct conf_count ran;
        conf_count_init(&ran);
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
        if (conf_count_get(&ran) != 1)
            fail_msg("one turn did not run a %s", kind_name(kind));
    }
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    conf_destroy(loop);
}

/* A3: ONCE that blocks waits for one event, of whatever kind, and returns. */
CONF_CASE(once_blocks_for_one_event, "A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    uint64_t added = 0;
    conf_count_init(&ran);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct conf_runner runner;
        if (!kind_is_offered(kind) || kind == KIND_TIMER)
            continue;
        conf_runner_start(&runner, loop, VELO_RUN_ONCE);
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        added++;
        assert_int_equal(conf_count_get(&ran), added);
    }
    conf_destroy(loop);
}

/* A3 ruling: ONCE that blocked until a timer's deadline fires that timer in the same call. */
CONF_CASE(once_fires_the_timer_that_it_waited_for, "A3 T1", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count fired;
    conf_count_init(&fired);
    for (unsigned i = 1; i <= 10; i++) {
        uint64_t begin = conf_now_ns();
        assert_int_equal(velo_timer_start(loop, 2 * CONF_NS_PER_MS, 0, conf_count_fn, &fired, NULL),
                         0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
        assert_int_equal(conf_count_get(&fired), i);
        assert_true(conf_now_ns() - begin >= 2 * CONF_NS_PER_MS);
    }
    conf_destroy(loop);
}
