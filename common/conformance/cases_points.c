/* SPDX-License-Identifier: MIT */
/*
 * Races that are forced: a thread of the library is held at a schedule point (sim/points.h) while
 * the case acts. Release builds have no such points; there these cases are n/a, and the same
 * clauses are met by the racing cases of the other files and by the interleavings of common/sched.
 */
#include <unistd.h>

#include "../sim/points.h"
#include "conf.h"
#include "kinds.h"
#include "probes.h"

/* First line of each case. */
static void need_points(void)
{
    if (!sim_has_points())
        conf_na("no schedule points in this build");
}

static void assert_held(enum point point)
{
    if (!sim_wait_held(point, CONF_PATIENCE_NS))
        fail_msg("no thread came to point %d", (int)point);
}

/* A thread that makes one call while the case goes on. */
struct actor {
    int (*call)(void *arg);
    void *arg;
    int result;
    struct conf_count done;
    pthread_t thread;
};

static void *actor_main(void *arg)
{
    struct actor *actor = arg;
    actor->result = actor->call(actor->arg);
    conf_count_add(&actor->done, 1);
    return NULL;
}

static void actor_start(struct actor *actor, int (*call)(void *arg), void *arg)
{
    *actor = (struct actor){.call = call, .arg = arg};
    conf_count_init(&actor->done);
    assert_int_equal(pthread_create(&actor->thread, NULL, actor_main, actor), 0);
}

static int actor_join(struct actor *actor)
{
    assert_true(conf_count_wait(&actor->done, 1));
    assert_int_equal(pthread_join(actor->thread, NULL), 0);
    return actor->result;
}

/* Is it held at [point]? False: its call is over, so this contestant has no such moment. */
static bool actor_is_held(struct actor *actor, enum point point)
{
    while (!sim_wait_held(point, 10 * CONF_NS_PER_MS)) {
        if (conf_count_get(&actor->done) != 0)
            return sim_wait_held(point, 0);
    }
    return true;
}

/* ---- a loop that another thread runs, and what the case and its actors do to it ---- */

struct stage {
    struct velo_loop *loop;
    struct conf_runner runner;
    struct conf_count ran;
    unsigned tally; /* of timers and descriptors; owner */
    velo_id id;
};

static void stage_start(struct stage *stage)
{
    *stage = (struct stage){.loop = conf_create(NULL)};
    conf_count_init(&stage->ran);
    conf_runner_start(&stage->runner, stage->loop, VELO_RUN_FOREVER);
    conf_sync(stage->loop);
}

static void stage_end(struct stage *stage)
{
    assert_int_equal(velo_loop_shutdown(stage->loop, -1), 0);
    assert_int_equal(conf_runner_join(&stage->runner), 0);
    conf_destroy(stage->loop);
}

static void stage_is_na(struct stage *stage)
{
    stage_end(stage);
    conf_na("this contestant has no such moment");
}

static int submit_call(void *arg)
{
    struct stage *stage = arg;
    return velo_submit(stage->loop, conf_count_fn, &stage->ran);
}

static int shutdown_call(void *arg)
{
    return velo_loop_shutdown(((struct stage *)arg)->loop, -1);
}

static int close_call(void *arg)
{
    return velo_loop_close(((struct stage *)arg)->loop);
}

static int destroy_call(void *arg)
{
    return conf_destroy_as_is(((struct stage *)arg)->loop);
}

/* Let a sleeping owner go round once and stop at [point] on its way back to sleep, or out of it. */
static void hold_sleeper(struct stage *stage, enum point point)
{
    assert_true(conf_wait_state(stage->loop, VELO_STATE_SLEEPING));
    sim_hold(point);
    assert_int_equal(velo_loop_wake(stage->loop), 0);
    assert_held(point);
}

/* ---- sleep ---- */

/* S8, trap W1: work of each kind comes between the last look and the sleep. */
CONF_CASE(work_after_the_last_look_ends_the_sleep, "S8 M4", 0)
{
    struct stage stage;
    need_points();
    stage_start(&stage);
    for (unsigned kind = 0, target = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        hold_sleeper(&stage, POINT_SLEEP_CHECKED);
        assert_int_equal(kind_add(kind, stage.loop, conf_count_fn, &stage.ran, NULL), 0);
        sim_let_go(POINT_SLEEP_CHECKED);
        if (!conf_count_wait(&stage.ran, ++target))
            fail_msg("a %s is lost", kind_name(kind));
    }
    stage_end(&stage);
}

/* L1, trap W11: the end is declared while the owner goes to sleep, or comes back: it stays. */
CONF_CASE(an_end_declared_around_a_sleep_is_not_overwritten, "L1 L4", 0)
{
    static const enum point points[] = {POINT_SLEEP_CHECKED, POINT_SLEEP_LEFT};
    need_points();
    for (unsigned i = 0; i < 2; i++) {
        struct stage stage;
        struct actor actor;
        stage_start(&stage);
        hold_sleeper(&stage, points[i]);
        actor_start(&actor, shutdown_call, &stage);
        conf_wait_state(stage.loop, VELO_STATE_TERMINATING);
        sim_let_go(points[i]);
        assert_int_equal(actor_join(&actor), 0);
        assert_int_equal(conf_runner_join(&stage.runner), 0);
        assert_int_equal(velo_loop_state(stage.loop), VELO_STATE_TERMINATED);
        conf_destroy(stage.loop);
    }
}

/* S8 T1, trap W13: a timer has ended the sleep, and a task comes before the owner says so. */
CONF_CASE(a_timer_and_a_task_that_end_the_same_sleep_both_run, "S8 T1", VELO_CAP_TIMERS)
{
    struct stage stage;
    need_points();
    stage_start(&stage);
    hold_sleeper(&stage, POINT_SLEEP_CHECKED);
    assert_int_equal(velo_timer_start(stage.loop, 1000, 0, conf_count_fn, &stage.ran, NULL), 0);
    sim_hold(POINT_SLEEP_LEFT);
    sim_let_go(POINT_SLEEP_CHECKED);
    assert_held(POINT_SLEEP_LEFT);
    assert_int_equal(submit_call(&stage), 0);
    sim_let_go(POINT_SLEEP_LEFT);
    assert_true(conf_count_wait(&stage.ran, 2));
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), 2);
}

static void on_readable(int fd, unsigned events, void *arg)
{
    CONF_EXPECT((events & VELO_READ) != 0);
    fd_drain(fd);
    conf_count_add(arg, 1);
}

/* P3, traps P2, P3: the owner has chosen the fast wait when the first descriptor comes, the mode
 * changes, and a task arrives. */
CONF_CASE(what_changes_after_the_choice_of_the_wait_is_served,
          "P3 F6",
          VELO_CAP_FAST_PATH | VELO_CAP_FDS | CONF_OWN_MODE)
{
    struct stage stage;
    struct fd_pair pair;
    need_points();
    stage_start(&stage);
    assert_int_equal(velo_fast_path_set(stage.loop, VELO_FAST_AUTO), 0);
    pair = fd_pair_readable();
    hold_sleeper(&stage, POINT_MODE_READ);
    assert_int_equal(
        velo_fd_watch(stage.loop, pair.near, VELO_READ, on_readable, &stage.ran, &stage.id), 0);
    sim_let_go(POINT_MODE_READ);
    assert_true(conf_count_wait(&stage.ran, 1));
    hold_sleeper(&stage, POINT_MODE_READ);
    assert_int_equal(velo_fd_unwatch(stage.loop, stage.id), 0);
    assert_int_equal(velo_fast_path_set(stage.loop, VELO_FAST_FORCED), 0);
    assert_int_equal(submit_call(&stage), 0);
    sim_let_go(POINT_MODE_READ);
    assert_true(conf_count_wait(&stage.ran, 2));
    stage_end(&stage);
    fd_pair_close(&pair);
}

/* ---- submits ---- */

/* L7 S3, trap Q3: a producer has its place and has not filled it; others pass, timers go on. */
CONF_CASE(a_place_that_is_not_filled_yet_loses_nothing, "S3 L7", VELO_CAP_TIMERS)
{
    struct stage stage;
    struct actor actor;
    struct conf_count fired;
    need_points();
    stage_start(&stage);
    conf_count_init(&fired);
    sim_hold(POINT_PUT_CLAIMED);
    actor_start(&actor, submit_call, &stage);
    if (!actor_is_held(&actor, POINT_PUT_CLAIMED)) {
        actor_join(&actor);
        sim_let_go(POINT_PUT_CLAIMED);
        stage_is_na(&stage);
    }
    assert_int_equal(submit_call(&stage), 0);
    assert_int_equal(velo_timer_start(stage.loop, 1000, 0, conf_count_fn, &fired, NULL), 0);
    assert_true(conf_count_wait(&fired, 1));
    sim_let_go(POINT_PUT_CLAIMED);
    assert_int_equal(actor_join(&actor), 0);
    assert_true(conf_count_wait(&stage.ran, 2));
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), 2);
}

/* L6 L7, trap L9: the loop is closed while a producer has its place and has not filled it. */
CONF_CASE(a_close_waits_for_a_place_that_is_not_filled_yet, "L6 L7", 0)
{
    struct stage stage;
    struct actor producer;
    struct actor closer;
    need_points();
    stage_start(&stage);
    sim_hold(POINT_PUT_CLAIMED);
    actor_start(&producer, submit_call, &stage);
    if (!actor_is_held(&producer, POINT_PUT_CLAIMED)) {
        actor_join(&producer);
        sim_let_go(POINT_PUT_CLAIMED);
        stage_is_na(&stage);
    }
    actor_start(&closer, close_call, &stage);
    conf_wait_state(stage.loop, VELO_STATE_TERMINATING);
    sim_let_go(POINT_PUT_CLAIMED);
    assert_int_equal(actor_join(&producer), 0);
    assert_int_equal(actor_join(&closer), 0);
    assert_int_equal(conf_runner_join(&stage.runner), -ECANCELED);
    assert_int_equal(conf_count_get(&stage.ran) + conf_discarded(stage.loop), 1);
    conf_destroy(stage.loop);
}

static void shut_down_fn(void *arg)
{
    struct stage *stage = arg;
    CONF_EXPECT_INT(velo_loop_shutdown(stage->loop, 0), 0);
}

static int submit_the_end(void *arg)
{
    struct stage *stage = arg;
    return velo_submit(stage->loop, shut_down_fn, stage);
}

/* L8 L9, trap L14: the task has run and ended the loop while its producer has still to wake the
 * owner: destroy waits for that. */
CONF_CASE(destroy_waits_for_a_wake_up_that_is_not_made_yet, "L8 L9", VELO_CAP_TIMERS)
{
    struct stage stage;
    struct actor producer;
    struct actor destroyer;
    need_points();
    stage_start(&stage);
    assert_int_equal(
        velo_timer_start(
            stage.loop, 5 * CONF_NS_PER_MS, 5 * CONF_NS_PER_MS, tally_fn, &stage.tally, NULL),
        0);
    hold_sleeper(&stage, POINT_SLEEP_CHECKED); /* announced: who submits now has to wake it */
    sim_hold(POINT_PUT_STORED);
    actor_start(&producer, submit_the_end, &stage);
    assert_held(POINT_PUT_STORED);
    sim_let_go(POINT_SLEEP_CHECKED); /* the timer wakes it, not the producer */
    assert_int_equal(conf_runner_join(&stage.runner), 0);
    actor_start(&destroyer, destroy_call, &stage);
    conf_elapse_ns(20 * CONF_NS_PER_MS);
    CONF_EXPECT_INT(conf_count_get(&destroyer.done), 0);
    sim_let_go(POINT_PUT_STORED);
    assert_int_equal(actor_join(&destroyer), 0);
    assert_int_equal(actor_join(&producer), 0);
}

/* ---- the end of a run, and of a loop ---- */

/* A2, trap A1: work comes between "nothing is alive" and the end of the run: it runs. */
CONF_CASE(work_at_the_exit_decision_is_run, "A2", VELO_CAP_UNTIL_IDLE)
{
    need_points();
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct stage stage = {.loop = conf_create(NULL)};
        conf_count_init(&stage.ran);
        if (kind_is_offered(kind)) {
            sim_hold(POINT_EXIT_DECIDED);
            conf_runner_start(&stage.runner, stage.loop, VELO_RUN_UNTIL_IDLE);
            assert_held(POINT_EXIT_DECIDED);
            assert_int_equal(kind_add(kind, stage.loop, conf_count_fn, &stage.ran, NULL), 0);
            sim_let_go(POINT_EXIT_DECIDED);
            assert_int_equal(conf_runner_join(&stage.runner), 0);
            if (conf_count_get(&stage.ran) != 1)
                fail_msg("a %s is left behind", kind_name(kind));
        }
        conf_destroy(stage.loop);
    }
}

/* L1 A2, trap A7: a shutdown comes at the same moment: it is obeyed, by the same owner. */
CONF_CASE(a_shutdown_at_the_exit_decision_is_obeyed, "L1 L4 A2", VELO_CAP_UNTIL_IDLE)
{
    struct stage stage = {.loop = NULL};
    struct actor actor;
    need_points();
    stage.loop = conf_create(NULL);
    conf_count_init(&stage.ran);
    sim_hold(POINT_EXIT_DECIDED);
    conf_runner_start(&stage.runner, stage.loop, VELO_RUN_UNTIL_IDLE);
    assert_held(POINT_EXIT_DECIDED);
    assert_int_equal(submit_call(&stage), 0);
    actor_start(&actor, shutdown_call, &stage);
    conf_wait_state(stage.loop, VELO_STATE_TERMINATING);
    sim_let_go(POINT_EXIT_DECIDED);
    assert_int_equal(actor_join(&actor), 0);
    assert_int_equal(conf_runner_join(&stage.runner), 0);
    assert_int_equal(conf_count_get(&stage.ran), 1);
    conf_destroy(stage.loop);
}

/* L3 L4 L5, traps L1, L2, L13: the first terminator has won and has not closed the inboxes yet. A
 * submit is accepted and run, or refused; a second terminator joins; nobody runs the loop. */
CONF_CASE(an_end_that_is_being_declared_has_one_winner, "L3 L4 L5 L6 L7", 0)
{
    struct stage stage;
    struct actor first;
    struct actor second;
    need_points();
    stage_start(&stage);
    sim_hold(POINT_END_WON);
    actor_start(&first, shutdown_call, &stage);
    assert_held(POINT_END_WON);
    assert_int_equal(velo_loop_run(stage.loop, VELO_RUN_NOWAIT), -ESHUTDOWN);
    int rc = submit_call(&stage);
    assert_true(rc == 0 || rc == -ESHUTDOWN);
    actor_start(&second, close_call, &stage);
    bool overtaken = conf_count_wait_for(&second.done, 1, 50 * CONF_NS_PER_MS);
    sim_let_go(POINT_END_WON);
    assert_int_equal(actor_join(&first), 0);
    assert_int_equal(actor_join(&second), 0);
    assert_false(overtaken);
    assert_int_equal(conf_runner_join(&stage.runner), 0); /* the first mode stands */
    assert_int_equal(conf_count_get(&stage.ran), rc == 0);
    assert_int_equal(conf_discarded(stage.loop), 0);
    conf_destroy(stage.loop);
}

/* ---- timers, descriptors ---- */

/*
 * T5, traps T11, T19, T23: a timer is claimed and its callback has not begun. Cancelling it answers
 * at once, without waiting for the owner; a due sibling can still be cancelled.
 */
CONF_CASE(a_cancel_never_waits_for_a_timer_that_fires,
          "T5",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    struct stage stage;
    velo_id ids[2];
    unsigned sibling = 0;
    need_points();
    stage_start(&stage);
    hold_sleeper(&stage, POINT_SLEEP_CHECKED); /* so that both are due in one phase */
    assert_int_equal(velo_timer_start(stage.loop, 0, 0, conf_count_fn, &stage.ran, &ids[0]), 0);
    assert_int_equal(velo_timer_start(stage.loop, 0, 0, tally_fn, &sibling, &ids[1]), 0);
    sim_hold(POINT_TIMER_CLAIMED);
    sim_let_go(POINT_SLEEP_CHECKED);
    assert_held(POINT_TIMER_CLAIMED);
    assert_int_equal(velo_timer_cancel(stage.loop, ids[0]), -EALREADY);
    assert_int_equal(velo_timer_cancel(stage.loop, ids[1]), 0);
    sim_let_go(POINT_TIMER_CLAIMED);
    assert_true(conf_count_wait(&stage.ran, 1));
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), 1);
    assert_int_equal(sibling, 0);
}

/* T5 T4, trap T11: likewise a periodic one: 0, and the call that was under way is the last. */
CONF_CASE(a_cancel_of_a_period_that_fires_makes_that_call_the_last,
          "T5 T4",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    struct stage stage;
    need_points();
    stage_start(&stage);
    sim_hold(POINT_TIMER_CLAIMED);
    assert_int_equal(velo_timer_start(stage.loop, 1, 1, conf_count_fn, &stage.ran, &stage.id), 0);
    assert_held(POINT_TIMER_CLAIMED);
    assert_int_equal(velo_timer_cancel(stage.loop, stage.id), 0);
    assert_int_equal(velo_timer_cancel(stage.loop, stage.id), -ENOENT);
    sim_let_go(POINT_TIMER_CLAIMED);
    for (int i = 0; i < 3; i++)
        conf_sync(stage.loop);
    stage_end(&stage);
    assert_true(conf_count_get(&stage.ran) <= 1);
}

/* F3, trap F1: another thread unwatches while a callback is claimed: it returns although the owner
 * stands still, and nothing begins after that call. */
CONF_CASE(an_unwatch_never_waits_for_a_callback_that_begins, "F3", VELO_CAP_FDS)
{
    struct stage stage;
    struct fd_pair pair;
    need_points();
    stage_start(&stage);
    pair = fd_pair_readable();
    sim_hold(POINT_FD_CLAIMED);
    assert_int_equal(
        velo_fd_watch(stage.loop, pair.near, VELO_READ, on_readable, &stage.ran, &stage.id), 0);
    assert_held(POINT_FD_CLAIMED);
    assert_int_equal(velo_fd_unwatch(stage.loop, stage.id), 0);
    sim_let_go(POINT_FD_CLAIMED);
    fd_pair_feed(&pair);
    for (int i = 0; i < 3; i++)
        conf_sync(stage.loop);
    stage_end(&stage);
    assert_true(conf_count_get(&stage.ran) <= 1);
    fd_pair_close(&pair);
}

/* ---- workers ---- */

struct job {
    atomic_uint worked;
    atomic_int status;
    struct conf_count done;
};

static void job_work(void *arg)
{
    atomic_fetch_add(&((struct job *)arg)->worked, 1);
}

static void job_ended(int status, void *arg)
{
    struct job *job = arg;
    atomic_store(&job->status, status);
    conf_count_add(&job->done, 1);
}

static void job_init(struct job *job)
{
    atomic_init(&job->worked, 0);
    atomic_init(&job->status, 1);
    conf_count_init(&job->done);
}

/* O1 O3, trap O4: a cancel comes when the work is claimed, and when it has returned: too late. */
CONF_CASE(a_cancel_of_claimed_work_is_too_late, "O1 O3", VELO_CAP_OFFLOAD)
{
    static const enum point points[] = {POINT_JOB_CLAIMED, POINT_JOB_DONE};
    struct stage stage;
    need_points();
    stage_start(&stage);
    for (unsigned i = 0; i < 2; i++) {
        struct job job;
        velo_id id = 0;
        job_init(&job);
        sim_hold(points[i]);
        assert_int_equal(velo_offload(stage.loop, job_work, job_ended, &job, &id), 0);
        assert_held(points[i]);
        assert_int_equal(velo_offload_cancel(stage.loop, id), -EBUSY);
        sim_let_go(points[i]);
        assert_true(conf_count_wait(&job.done, 1));
        assert_int_equal(atomic_load(&job.status), 0);
        assert_int_equal(velo_offload_cancel(stage.loop, id), -ENOENT);
        conf_sync(stage.loop);
        assert_int_equal(conf_count_get(&job.done), 1);
    }
    stage_end(&stage);
}

/* O2 L7, traps O7, O1: a close does not wait for claimed work, and what is queued never begins. */
CONF_CASE(a_close_leaves_claimed_work_alone, "O2 L7", VELO_CAP_OFFLOAD)
{
    struct velo_options options = conf_options();
    struct job jobs[2];
    need_points();
    options.workers = 1;
    struct velo_loop *loop = conf_create(&options);
    job_init(&jobs[0]);
    job_init(&jobs[1]);
    sim_hold(POINT_JOB_CLAIMED);
    assert_int_equal(velo_offload(loop, job_work, job_ended, &jobs[0], NULL), 0);
    assert_held(POINT_JOB_CLAIMED);
    assert_int_equal(velo_offload(loop, job_work, job_ended, &jobs[1], NULL), 0);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(conf_discarded(loop), 1);
    sim_let_go(POINT_JOB_CLAIMED);
    assert_int_equal(conf_destroy_as_is(loop), 0);
    assert_int_equal(atomic_load(&jobs[0].worked), 1);
    assert_int_equal(atomic_load(&jobs[1].worked), 0);
    assert_int_equal(conf_count_get(&jobs[0].done) + conf_count_get(&jobs[1].done), 0);
}

/* O2 O1, trap O1: a graceful shutdown waits for work that has just been claimed, and completes it.
 */
CONF_CASE(a_shutdown_completes_claimed_work, "O1 O2", VELO_CAP_OFFLOAD)
{
    struct stage stage;
    struct actor actor;
    struct job job;
    need_points();
    stage_start(&stage);
    job_init(&job);
    sim_hold(POINT_JOB_CLAIMED);
    assert_int_equal(velo_offload(stage.loop, job_work, job_ended, &job, NULL), 0);
    assert_held(POINT_JOB_CLAIMED);
    actor_start(&actor, shutdown_call, &stage);
    conf_wait_state(stage.loop, VELO_STATE_TERMINATING);
    sim_let_go(POINT_JOB_CLAIMED);
    assert_int_equal(actor_join(&actor), 0);
    assert_int_equal(conf_runner_join(&stage.runner), 0);
    assert_int_equal(atomic_load(&job.status), 0);
    assert_int_equal(conf_count_get(&job.done), 1);
    conf_destroy(stage.loop);
}
