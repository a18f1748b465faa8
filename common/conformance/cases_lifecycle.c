/* SPDX-License-Identifier: MIT */
/*
 * States, and who may run a loop when (L1, L2, L3). Method: turns on the case's own thread, and a
 * second thread where two must meet.
 */
#include <sched.h>

#include "conf.h"
#include "probes.h"

/* ---- L1 ---- */

static void state_is_running(void *arg)
{
    CONF_EXPECT_INT(velo_loop_state(arg), VELO_STATE_RUNNING);
}

static void shut_down_and_look(void *arg)
{
    CONF_EXPECT_INT(velo_loop_shutdown(arg, 0), 0);
    CONF_EXPECT_INT(velo_loop_state(arg), VELO_STATE_TERMINATING);
}

/* L1: each state is seen where it belongs. */
CONF_CASE(states_follow_the_life_of_a_loop, "L1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    assert_int_equal(velo_submit(loop, state_is_running, loop), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_sync(loop);
    assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
    assert_int_equal(velo_submit(loop, state_is_running, loop), 0);
    assert_int_equal(velo_submit(loop, shut_down_and_look, loop), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
    conf_destroy(loop);
}

struct watched {
    struct velo_loop *loop;
    struct conf_count looking;
};

/* Once the end has begun, only the end may follow (trap W11: a sleeper that writes over the mark).
 */
static void watch_states(void *arg, unsigned index)
{
    struct watched *watched = arg;
    enum velo_state last = VELO_STATE_AWAKE;
    (void)index;
    conf_count_add(&watched->looking, 1);
    while (last != VELO_STATE_TERMINATED) {
        enum velo_state now = velo_loop_state(watched->loop);
        if (last == VELO_STATE_TERMINATING)
            CONF_EXPECT(now >= VELO_STATE_TERMINATING);
        last = now;
    }
    CONF_EXPECT_INT(velo_loop_state(watched->loop), VELO_STATE_TERMINATED);
}

/* L1: shutdown meets a loop that goes to sleep or comes back; the end is never taken back. */
CONF_CASE(the_end_is_never_overwritten_by_a_sleeper, "L1", 0)
{
    struct conf_random random = conf_random(0);
    for (unsigned round = 0; round < conf_rounds(300); round++) {
        struct watched watched = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        struct conf_team team;
        conf_count_init(&watched.looking);
        conf_team_start(&team, 1, watch_states, &watched);
        conf_count_wait(&watched.looking, 1);
        conf_runner_start(&runner, watched.loop, VELO_RUN_FOREVER);
        conf_wait_running(watched.loop);
        conf_jitter(&random, 30000);
        assert_int_equal(velo_submit(watched.loop, nothing, NULL), 0);
        conf_jitter(&random, 30000);
        assert_int_equal(velo_loop_shutdown(watched.loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        conf_team_join(&team);
        conf_destroy(watched.loop);
    }
}

/* ---- L2 ---- */

/* L2: work of each kind that was accepted before the first run runs in it, in the order of a turn.
 */
CONF_CASE(work_before_the_first_run_is_kept,
          "L2 R1",
          VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS | VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_trace trace;
    conf_trace_init(&trace);
    struct conf_step steps[] = {{&trace, "close", loop, NULL, NULL},
                                {&trace, "immediate", loop, NULL, NULL},
                                {&trace, "task1", loop, NULL, NULL},
                                {&trace, "task2", loop, NULL, NULL},
                                {&trace, "priority", loop, NULL, NULL}};
    assert_int_equal(velo_defer_close(loop, conf_step_fn, &steps[0]), 0);
    assert_int_equal(velo_set_immediate(loop, conf_step_fn, &steps[1], NULL), 0);
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[2]), 0);
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[3]), 0);
    assert_int_equal(velo_submit_priority(loop, conf_step_fn, &steps[4]), 0);
    conf_trace_is(&trace, "");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "priority task1 task2 immediate close");
    conf_destroy(loop);
}

struct numbered {
    atomic_uint next;
    unsigned count;
};

struct numbered_task {
    struct numbered *all;
    unsigned number;
};

static void in_turn(void *arg)
{
    struct numbered_task *task = arg;
    CONF_EXPECT_INT(atomic_fetch_add(&task->all->next, 1), task->number);
}

/* L2: many tasks, accepted from another thread before anybody runs the loop (trap T6 for tasks). */
CONF_CASE(tasks_before_the_first_run_keep_their_order, "L2 S3", 0)
{
    enum { TASKS = 5000 };
    static struct numbered_task tasks[TASKS];
    struct numbered all = {.count = TASKS};
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    for (unsigned i = 0; i < TASKS; i++) {
        tasks[i] = (struct numbered_task){&all, i};
        assert_int_equal(velo_submit(loop, in_turn, &tasks[i]), 0);
    }
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_sync(loop);
    assert_int_equal(atomic_load(&all.next), TASKS);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* ---- L3 ---- */

static const enum velo_run_mode all_modes[] = {
    VELO_RUN_FOREVER, VELO_RUN_UNTIL_IDLE, VELO_RUN_ONCE, VELO_RUN_NOWAIT};

/* L3: a loop that another thread runs, asleep or awake, refuses a second runner. */
CONF_CASE(run_on_a_running_loop_is_ebusy, "L3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count hold;
    conf_count_init(&hold);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_wait_state(loop, VELO_STATE_SLEEPING);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(velo_loop_run(loop, all_modes[i]), -EBUSY);
    assert_int_equal(velo_submit(loop, conf_hold_fn, &hold), 0);
    conf_wait_state(loop, VELO_STATE_RUNNING);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(velo_loop_run(loop, all_modes[i]), -EBUSY);
    conf_count_add(&hold, 1);
    conf_sync(loop);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

static void run_from_inside(void *arg)
{
    for (unsigned i = 0; i < 4; i++)
        CONF_EXPECT_INT(velo_loop_run(arg, all_modes[i]), -EDEADLK);
}

/* L3: a callback cannot run its own loop; the loop goes on. */
CONF_CASE(run_from_a_callback_is_edeadlk, "L3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    conf_count_init(&ran);
    assert_int_equal(velo_submit(loop, run_from_inside, loop), 0);
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_count_get(&ran), 1);
    conf_destroy(loop);
}

static void run_other_loop(void *arg)
{
    CONF_EXPECT_INT(velo_loop_run(arg, VELO_RUN_NOWAIT), 0);
}

/* L3: a callback may run another loop: EDEADLK is about its own. */
CONF_CASE(run_of_another_loop_from_a_callback_works, "L3", 0)
{
    struct velo_loop *outer = conf_create(NULL), *inner = conf_create(NULL);
    struct conf_count ran;
    conf_count_init(&ran);
    assert_int_equal(velo_submit(inner, conf_count_fn, &ran), 0);
    assert_int_equal(velo_submit(outer, run_other_loop, inner), 0);
    conf_turns(outer, 1);
    assert_int_equal(conf_count_get(&ran), 1);
    conf_destroy(inner);
    conf_destroy(outer);
}

/* L3: no run after the end, however the end came. */
CONF_CASE(run_after_termination_is_eshutdown, "L3", 0)
{
    for (unsigned way = 0; way < 3; way++) {
        struct velo_loop *loop = conf_create(NULL);
        if (way == 2)
            conf_turns(loop, 1);
        assert_int_equal(way == 0 ? velo_loop_close(loop) : velo_loop_shutdown(loop, -1), 0);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(velo_loop_run(loop, all_modes[i]), -ESHUTDOWN);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
        conf_destroy(loop);
    }
}

/* L3, X1: a mode that does not exist. */
CONF_CASE(run_with_an_unknown_mode_is_einval, "L3 X1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_loop_run(loop, (enum velo_run_mode)99), -EINVAL);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    conf_turns(loop, 1);
    conf_destroy(loop);
}

struct owner_check {
    struct velo_loop *loop;
    pthread_t expected;
    unsigned ran;
};

static void check_owner(void *arg)
{
    struct owner_check *check = arg;
    CONF_EXPECT(velo_loop_is_owner(check->loop));
    CONF_EXPECT(pthread_equal(pthread_self(), check->expected));
    check->ran++;
}

static void own_for_a_turn(void *arg, unsigned index)
{
    struct owner_check *check = arg;
    (void)index;
    check->expected = pthread_self();
    CONF_EXPECT(!velo_loop_is_owner(check->loop));
    CONF_EXPECT_INT(velo_submit(check->loop, check_owner, check), 0);
    CONF_EXPECT_INT(velo_loop_run(check->loop, VELO_RUN_NOWAIT), 0);
    CONF_EXPECT(!velo_loop_is_owner(check->loop));
    CONF_EXPECT_INT(velo_loop_state(check->loop), VELO_STATE_AWAKE);
}

/* L3, trap L23: after a run that returned by itself another thread may own the loop. */
CONF_CASE(another_thread_may_run_the_loop_next, "L3", VELO_CAP_UNTIL_IDLE)
{
    struct owner_check check = {.loop = conf_create(NULL)};
    for (unsigned i = 0; i < 20; i++) {
        struct conf_team team;
        conf_team_start(&team, 1, own_for_a_turn, &check);
        conf_team_join(&team);
        own_for_a_turn(&check, 0);
        check.expected = pthread_self();
        assert_int_equal(velo_submit(check.loop, check_owner, &check), 0);
        assert_int_equal(velo_loop_run(check.loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_int_equal(velo_submit(check.loop, check_owner, &check), 0);
        assert_int_equal(velo_loop_run(check.loop, VELO_RUN_ONCE), 0);
    }
    assert_int_equal(check.ran, 80);
    conf_destroy(check.loop);
}

/* L3: is_owner is about the thread, also while another one runs the loop. */
CONF_CASE(is_owner_is_false_on_foreign_threads, "L3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    assert_false(velo_loop_is_owner(loop));
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    struct owner_check check = {.loop = loop, .expected = runner.thread};
    assert_int_equal(velo_submit(loop, check_owner, &check), 0);
    conf_sync(loop);
    assert_false(velo_loop_is_owner(loop));
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(check.ran, 1);
    assert_false(velo_loop_is_owner(loop));
    conf_destroy(loop);
}

/* L3 ruling: what run returns tells how the loop ended. */
CONF_CASE(run_returns_how_the_loop_ended, "L3 L6", 0)
{
    for (unsigned closed = 0; closed < 2; closed++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        assert_int_equal(closed ? velo_loop_close(loop) : velo_loop_shutdown(loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), closed ? -ECANCELED : 0);
        conf_destroy(loop);
    }
}

struct racing_runs {
    struct velo_loop *loop;
    struct conf_count inside, refused;
};

static void race_to_run(void *arg, unsigned index)
{
    struct racing_runs *race = arg;
    int rc = velo_loop_run(race->loop, VELO_RUN_FOREVER);
    (void)index;
    if (rc == 0) {
        conf_count_add(&race->inside, 1);
    } else {
        CONF_EXPECT_INT(rc, -EBUSY);
        conf_count_add(&race->refused, 1);
    }
}

/* L3, trap L1: of threads that run a loop at once one gets it. */
CONF_CASE(one_of_many_racing_runners_wins, "L3 L1", 0)
{
    for (unsigned round = 0; round < conf_rounds(300); round++) {
        struct racing_runs race = {.loop = conf_create(NULL)};
        struct conf_team team;
        conf_count_init(&race.inside);
        conf_count_init(&race.refused);
        conf_team_start(&team, 4, race_to_run, &race);
        conf_count_wait(&race.refused, 3);
        assert_int_equal(velo_loop_shutdown(race.loop, -1), 0);
        conf_team_join(&team);
        assert_int_equal(conf_count_get(&race.inside), 1);
        conf_destroy(race.loop);
    }
}

/* Trap L13: a request to stop that comes before, at the start of, and during run. */
CONF_CASE(stop_at_any_moment_ends_the_run, "L3 L5", 0)
{
    struct conf_random random = conf_random(1);
    for (unsigned round = 0; round < conf_rounds(500); round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct conf_count ran;
        conf_count_init(&ran);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        conf_jitter(&random, 60000);
        assert_int_equal(velo_loop_shutdown(loop, 0), 0);
        int again = velo_loop_shutdown(loop, -1);
        assert_true(again == 0 || again == -ESHUTDOWN);
        int rc = conf_runner_join(&runner);
        assert_true(rc == 0 || rc == -ESHUTDOWN); /* -ESHUTDOWN: the stop came before run */
        assert_int_equal(conf_count_get(&ran), 1);
        conf_destroy(loop);
    }
}
