/* SPDX-License-Identifier: MIT */
/*
 * Races that are forced: a thread of the library is held at a schedule point (sim/points.h) while
 * the case acts. Here a loop at work, cases_points_end.c has its end and the workers. Release
 * builds have no such points; there these cases are n/a, and the same clauses are met by the racing
 * cases of the other files and by the interleavings of common/sched.
 */
#include <unistd.h>

#include "kinds.h"
#include "probes.h"
#include "stage.h"

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

/*
 * S8 F3: a task comes when the owner has left its sleep for a ready descriptor, so its wake-up is
 * heard by nobody. Then the owner drops a descriptor that its user has closed while a duplicate
 * lives: what polls may have to be made anew. The next task wakes it all the same.
 */
CONF_CASE(an_unheard_wake_up_before_a_stray_is_dropped_costs_no_later_one, "S8 F3", VELO_CAP_FDS)
{
    struct stage stage;
    struct fd_pair ready = fd_pair_open();
    struct fd_pair stray = fd_pair_open();
    need_points();
    stage_start(&stage);
    assert_int_equal(
        velo_fd_watch(stage.loop, ready.near, VELO_READ, on_readable, &stage.ran, NULL), 0);
    assert_int_equal(
        velo_fd_watch(stage.loop, stray.near, VELO_READ, on_readable, &stage.ran, &stage.id), 0);
    hold_sleeper(&stage, POINT_SLEEP_CHECKED);
    fd_pair_feed(&ready);
    sim_hold(POINT_SLEEP_LEFT);
    sim_let_go(POINT_SLEEP_CHECKED);
    assert_held(POINT_SLEEP_LEFT);
    assert_int_equal(submit_call(&stage), 0);
    int duplicate = dup(stray.near);
    close(stray.near);
    assert_int_equal(velo_fd_unwatch(stage.loop, stage.id), 0);
    sim_let_go(POINT_SLEEP_LEFT);
    assert_true(conf_count_wait(&stage.ran, 2));
    for (unsigned target = 3; target < 6; target++) {
        assert_true(conf_wait_state(stage.loop, VELO_STATE_SLEEPING));
        assert_int_equal(submit_call(&stage), 0);
        assert_true(conf_count_wait(&stage.ran, target));
    }
    stage_end(&stage);
    close(duplicate);
    close(stray.far);
    fd_pair_close(&ready);
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
    hold_producer(&stage, &actor);
    assert_int_equal(submit_call(&stage), 0);
    assert_int_equal(velo_timer_start(stage.loop, 1000, 0, conf_count_fn, &fired, NULL), 0);
    assert_true(conf_count_wait(&fired, 1));
    sim_let_go(POINT_PUT_CLAIMED);
    assert_int_equal(actor_join(&actor), 0);
    assert_true(conf_count_wait(&stage.ran, 2));
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), 2);
}

/* A3: a submit has begun and not stored its task: that is no event yet, so ONCE waits for it. */
CONF_CASE(once_waits_for_a_submit_that_has_begun, "A3 S3", 0)
{
    struct stage stage = {.loop = conf_create(NULL)};
    struct actor actor;
    need_points();
    conf_count_init(&stage.ran);
    sim_hold(POINT_PUT_CLAIMED);
    actor_start(&actor, submit_call, &stage);
    bool held = actor_is_held(&actor, POINT_PUT_CLAIMED);
    conf_runner_start(&stage.runner, stage.loop, VELO_RUN_ONCE);
    if (held) /* it naps: it cannot know that nobody will ring */
        assert_true(conf_wait_state(stage.loop, VELO_STATE_SLEEPING));
    sim_let_go(POINT_PUT_CLAIMED);
    assert_int_equal(actor_join(&actor), 0);
    assert_int_equal(conf_runner_join(&stage.runner), 0);
    assert_int_equal(conf_count_get(&stage.ran), 1);
    conf_destroy(stage.loop);
    if (!held)
        conf_na("this contestant has no such moment");
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

/* A descriptor is ready and its owner held at [point]; another thread unwatches it meanwhile. */
static void unwatch_at(struct stage *stage, struct fd_pair *pair, enum point point)
{
    stage_start(stage);
    *pair = fd_pair_readable();
    sim_hold(point);
    assert_int_equal(
        velo_fd_watch(stage->loop, pair->near, VELO_READ, on_readable, &stage->ran, &stage->id), 0);
    assert_held(point);
    assert_int_equal(velo_fd_unwatch(stage->loop, stage->id), 0);
    sim_let_go(point);
}

/* F3, trap F1: another thread unwatches while a callback is claimed: it returns although the owner
 * stands still, and nothing begins after that call. */
CONF_CASE(an_unwatch_never_waits_for_a_callback_that_begins, "F3", VELO_CAP_FDS)
{
    struct stage stage;
    struct fd_pair pair;
    need_points();
    unwatch_at(&stage, &pair, POINT_FD_CLAIMED);
    fd_pair_feed(&pair);
    for (int i = 0; i < 3; i++)
        conf_sync(stage.loop);
    stage_end(&stage);
    assert_true(conf_count_get(&stage.ran) <= 1);
    fd_pair_close(&pair);
}

/* F3 F4, trap F1: the owner has read what to call, another thread unwatches: nothing begins. */
CONF_CASE(an_unwatch_before_the_claim_prevents_the_callback, "F3 F4", VELO_CAP_FDS)
{
    struct stage stage;
    struct fd_pair pair;
    need_points();
    unwatch_at(&stage, &pair, POINT_FD_READ);
    for (int i = 0; i < 3; i++)
        conf_sync(stage.loop);
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), 0);
    fd_pair_close(&pair);
}
