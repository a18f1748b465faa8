/* SPDX-License-Identifier: MIT */
/*
 * Races that are forced (see cases_points.c), for contestants whose tasks are complete when they
 * become visible: a producer is held when its task is written and nobody can see it. It stands in
 * nobody's way: to the loop, that task does not exist yet. And an owner is held that takes them all
 * at once.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"
#include "probes.h"
#include "stage.h"

static int close_call(void *arg)
{
    return velo_loop_close(((struct stage *)arg)->loop);
}

static int destroy_call(void *arg)
{
    return conf_destroy_as_is(((struct stage *)arg)->loop);
}

/* A submit of [producer] that nobody can see yet; n/a if there is no such moment. */
static void hold_unseen(struct stage *stage, struct actor *producer)
{
    sim_hold(POINT_PUT_WRITTEN);
    actor_start(producer, submit_call, stage);
    if (!actor_is_held(producer, POINT_PUT_WRITTEN)) {
        actor_join(producer);
        sim_let_go(POINT_PUT_WRITTEN);
        if (stage->runner.loop != NULL)
            stage_end(stage);
        else
            conf_destroy(stage->loop);
        conf_na("this contestant has no such moment");
    }
}

static int submit_eight(void *arg)
{
    struct stage *stage = arg;
    struct velo_task tasks[8];
    for (unsigned i = 0; i < 8; i++)
        tasks[i] = (struct velo_task){conf_count_fn, &stage->ran};
    return velo_submit_many(stage->loop, tasks, 8);
}

/*
 * S3 S8 R3: beside the held producer all kinds of work of others run, batches too; and then the
 * loop sleeps for good, without naps. When the producer goes on, its task wakes it.
 */
CONF_CASE(a_producer_that_stands_still_holds_up_nobody, "S3 S8 R3", 0)
{
    struct stage stage;
    struct actor producer;
    unsigned target = 0;
    need_points();
    stage_start(&stage);
    hold_unseen(&stage, &producer);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, stage.loop, conf_count_fn, &stage.ran, NULL), 0);
        assert_true(conf_count_wait(&stage.ran, ++target));
    }
    assert_int_equal(submit_eight(&stage), 0);
    assert_true(conf_count_wait(&stage.ran, target + 8));
    assert_true(conf_wait_state(stage.loop, VELO_STATE_SLEEPING));
    uint64_t polls = conf_metrics(stage.loop).polls;
    conf_elapse_ns(20 * CONF_NS_PER_MS);
    assert_int_equal(conf_metrics(stage.loop).polls, polls);
    assert_int_equal(conf_metrics(stage.loop).pending, 0);
    sim_let_go(POINT_PUT_WRITTEN);
    assert_int_equal(actor_join(&producer), 0);
    assert_true(conf_count_wait(&stage.ran, target + 9));
    stage_end(&stage);
}

/*
 * S3 S4 L7: the producer is held between its look at what is there and the moment when its tasks
 * appear, and another submit comes in between; and again, when it tries again: all run, and a batch
 * stays in one piece.
 */
CONF_CASE(what_overtakes_a_submit_is_not_lost, "L7 S3 S4", 0)
{
    int (*const calls[])(void *) = {submit_call, submit_eight};
    struct stage stage;
    unsigned target = 0, seen = 0;
    need_points();
    stage_start(&stage);
    for (unsigned i = 0; i < 2; i++) {
        struct actor producer;
        hold_sleeper(&stage, POINT_SLEEP_CHECKED); /* so that nothing is taken meanwhile */
        assert_int_equal(submit_call(&stage), 0);
        sim_hold(POINT_PUT_WRITTEN);
        actor_start(&producer, calls[i], &stage);
        bool held = actor_is_held(&producer, POINT_PUT_WRITTEN);
        assert_int_equal(submit_call(&stage), 0);
        if (held) {
            sim_hold(POINT_PUT_WRITTEN); /* it goes on, and comes back */
            held = actor_is_held(&producer, POINT_PUT_WRITTEN);
        }
        if (!held)
            sim_let_go(POINT_PUT_WRITTEN);
        assert_int_equal(submit_call(&stage), 0);
        sim_let_go(POINT_PUT_WRITTEN);
        assert_int_equal(actor_join(&producer), 0);
        sim_let_go(POINT_SLEEP_CHECKED);
        target += i == 0 ? 4 : 11;
        assert_true(conf_count_wait(&stage.ran, target));
        seen += !held;
    }
    stage_end(&stage);
    assert_int_equal(conf_count_get(&stage.ran), target);
    if (seen != 0)
        conf_na("this contestant has no such moment");
}

struct busy_owner {
    struct conf_count begun, go;
};

static void busy_fn(void *arg)
{
    struct busy_owner *owner = arg;
    conf_count_add(&owner->begun, 1);
    conf_count_wait(&owner->go, 1);
}

/* X3: what was counted once is counted ever after, also when its submit has not returned and the
 * owner has just taken it. The owner is awake, for a held producer may have claimed the waking of
 * one that sleeps, and then nobody else does it. */
CONF_CASE(what_was_counted_is_counted_while_it_is_taken, "X3", VELO_CAP_METRICS)
{
    struct stage stage;
    struct actor producer;
    struct busy_owner owner;
    need_points();
    stage_start(&stage);
    conf_count_init(&owner.begun);
    conf_count_init(&owner.go);
    assert_int_equal(velo_submit(stage.loop, busy_fn, &owner), 0);
    assert_true(conf_count_wait(&owner.begun, 1));
    sim_hold(POINT_PUT_STORED);
    actor_start(&producer, submit_call, &stage);
    bool held = actor_is_held(&producer, POINT_PUT_STORED);
    uint64_t counted = conf_metrics(stage.loop).accepted;
    sim_hold(POINT_TASKS_TAKEN);
    conf_count_add(&owner.go, 1);
    bool taken = false;
    while (!taken && conf_count_get(&stage.ran) == 0)
        taken = sim_wait_held(POINT_TASKS_TAKEN, 10 * CONF_NS_PER_MS);
    CONF_EXPECT(conf_metrics(stage.loop).accepted >= counted);
    sim_let_go(POINT_TASKS_TAKEN);
    sim_let_go(POINT_PUT_STORED);
    assert_int_equal(actor_join(&producer), 0);
    assert_true(conf_count_wait(&stage.ran, 1));
    stage_end(&stage);
    if (!held || !taken)
        conf_na("this contestant has no such moment");
}

/* L6 L7: a close does not wait for it; that submit is refused. */
CONF_CASE(a_close_refuses_a_submit_that_nobody_can_see, "L6 L7", 0)
{
    struct stage stage;
    struct actor producer;
    need_points();
    stage_start(&stage);
    hold_unseen(&stage, &producer);
    assert_int_equal(submit_eight(&stage), 0);
    assert_true(conf_count_wait(&stage.ran, 8));
    assert_int_equal(velo_loop_close(stage.loop), 0);
    assert_int_equal(conf_runner_join(&stage.runner), -ECANCELED);
    sim_let_go(POINT_PUT_WRITTEN);
    assert_int_equal(actor_join(&producer), -ESHUTDOWN);
    assert_int_equal(conf_count_get(&stage.ran), 8);
    assert_int_equal(conf_discarded(stage.loop), 0);
    assert_int_equal(conf_metrics(stage.loop).accepted, conf_metrics(stage.loop).executed);
    conf_destroy(stage.loop);
}

/* L4: a graceful end likewise, also when the caller of shutdown is the one who drains. */
CONF_CASE(a_drain_refuses_a_submit_that_nobody_can_see, "L4 L7", 0)
{
    need_points();
    for (unsigned inside = 0; inside < 2; inside++) {
        struct stage stage = {.loop = NULL};
        struct actor producer;
        if (inside) {
            stage_start(&stage);
        } else {
            stage.loop = conf_create(NULL);
            conf_count_init(&stage.ran);
        }
        sim_hold(POINT_PUT_WRITTEN);
        actor_start(&producer, submit_call, &stage);
        bool held = actor_is_held(&producer, POINT_PUT_WRITTEN);
        assert_int_equal(submit_eight(&stage), 0);
        assert_int_equal(velo_loop_shutdown(stage.loop, -1), 0);
        sim_let_go(POINT_PUT_WRITTEN);
        assert_int_equal(actor_join(&producer), held ? -ESHUTDOWN : 0);
        if (inside)
            assert_int_equal(conf_runner_join(&stage.runner), 0);
        assert_int_equal(conf_count_get(&stage.ran), held ? 8 : 9);
        conf_destroy(stage.loop);
        if (!held)
            conf_na("this contestant has no such moment");
    }
}

/* L11: a child can destroy a loop at rest: it does not wait for a producer that is not there. */
CONF_CASE(a_child_does_not_wait_for_a_submit_of_its_parent, "L11", 0)
{
    struct stage stage = {.loop = NULL};
    struct actor producer;
    int status = -1;
    need_points();
    stage.loop = conf_create(NULL);
    conf_count_init(&stage.ran);
    hold_unseen(&stage, &producer);
    pid_t child = fork();
    if (child == 0)
        conf_exit_now(velo_loop_destroy(stage.loop) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    sim_let_go(POINT_PUT_WRITTEN);
    assert_int_equal(actor_join(&producer), 0);
    conf_turns(stage.loop, 1);
    assert_int_equal(conf_count_get(&stage.ran), 1);
    conf_destroy(stage.loop);
}

/* L8: destroy waits for it, since it is inside the library: it may still touch the loop. */
CONF_CASE(destroy_waits_for_a_submit_that_nobody_can_see, "L8", 0)
{
    struct stage stage;
    struct actor producer;
    struct actor closer;
    struct actor destroyer;
    need_points();
    stage_start(&stage);
    hold_unseen(&stage, &producer);
    actor_start(&closer, close_call, &stage);
    assert_int_equal(actor_join(&closer), 0);
    assert_int_equal(conf_runner_join(&stage.runner), -ECANCELED);
    actor_start(&destroyer, destroy_call, &stage);
    conf_elapse_ns(20 * CONF_NS_PER_MS);
    CONF_EXPECT_INT(conf_count_get(&destroyer.done), 0);
    sim_let_go(POINT_PUT_WRITTEN);
    assert_int_equal(actor_join(&producer), -ESHUTDOWN);
    assert_int_equal(actor_join(&destroyer), 0);
}
