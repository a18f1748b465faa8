/* SPDX-License-Identifier: MIT */
/*
 * Races that are forced (see cases_points.c), around an end: of a run, of the loop, and of what
 * workers have claimed when it comes.
 */
#include "jobs.h"
#include "kinds.h"
#include "probes.h"
#include "stage.h"

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

/* ---- the end meets sleepers and producers ---- */

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

/* L6 L7, trap L9: the loop is closed while a producer has its place and has not filled it. */
CONF_CASE(a_close_waits_for_a_place_that_is_not_filled_yet, "L6 L7", 0)
{
    struct stage stage;
    struct actor producer;
    struct actor closer;
    need_points();
    stage_start(&stage);
    hold_producer(&stage, &producer);
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

/*
 * Hold a sleeper whose announcement nobody has claimed. Not hold_sleeper(): its own wake-up may
 * claim the very sleep that is held. A timer sends the owner back to sleep; once it has fired after
 * our last call, what is announced later is new.
 */
static void hold_unclaimed(struct stage *stage)
{
    assert_int_equal(
        velo_timer_start(
            stage->loop, 5 * CONF_NS_PER_MS, 5 * CONF_NS_PER_MS, conf_count_fn, &stage->ran, NULL),
        0);
    assert_true(conf_count_wait(&stage->ran, conf_count_get(&stage->ran) + 1));
    sim_hold(POINT_SLEEP_CHECKED);
    assert_held(POINT_SLEEP_CHECKED);
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
    hold_unclaimed(&stage); /* who submits now has to wake it */
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

/* ---- workers ---- */

/* O1 O3, trap O4: a cancel comes when the work is claimed, and when it has returned: too late. */
CONF_CASE(a_cancel_of_claimed_work_is_too_late, "O1 O3", VELO_CAP_OFFLOAD)
{
    static const enum point points[] = {POINT_JOB_CLAIMED, POINT_JOB_DONE};
    struct stage stage;
    need_points();
    stage_start(&stage);
    for (unsigned i = 0; i < 2; i++) {
        struct job job;
        job_init(&job, stage.loop, false);
        sim_hold(points[i]);
        assert_int_equal(job_add(&job), 0);
        assert_held(points[i]);
        assert_int_equal(velo_offload_cancel(stage.loop, job.id), -EBUSY);
        sim_let_go(points[i]);
        assert_true(conf_count_wait(&job.done, 1));
        assert_int_equal(job.status, 0);
        assert_int_equal(velo_offload_cancel(stage.loop, job.id), -ENOENT);
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
    job_init(&jobs[0], loop, false);
    job_init(&jobs[1], loop, false);
    sim_hold(POINT_JOB_CLAIMED);
    assert_int_equal(job_add(&jobs[0]), 0);
    assert_held(POINT_JOB_CLAIMED);
    assert_int_equal(job_add(&jobs[1]), 0);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(conf_discarded(loop), 1);
    sim_let_go(POINT_JOB_CLAIMED);
    assert_int_equal(conf_destroy_as_is(loop), 0);
    job_is(&jobs[0], 1, 0, 1);
    job_is(&jobs[1], 0, 0, 1);
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
    job_init(&job, stage.loop, false);
    sim_hold(POINT_JOB_CLAIMED);
    assert_int_equal(job_add(&job), 0);
    assert_held(POINT_JOB_CLAIMED);
    actor_start(&actor, shutdown_call, &stage);
    conf_wait_state(stage.loop, VELO_STATE_TERMINATING);
    sim_let_go(POINT_JOB_CLAIMED);
    assert_int_equal(actor_join(&actor), 0);
    assert_int_equal(conf_runner_join(&stage.runner), 0);
    job_is(&job, 1, 1, 0);
    conf_destroy(stage.loop);
}
