/* SPDX-License-Identifier: MIT */
/*
 * stage.h - a loop that another thread runs, actors that make one call each, and the points of
 * sim/points.h at which these threads are held while the case acts.
 */
#ifndef CONF_STAGE_H
#define CONF_STAGE_H

#include "../sim/points.h"
#include "conf.h"

/* First line of each case. */
static inline void need_points(void)
{
    if (!sim_has_points())
        conf_na("no schedule points in this build");
}

static inline void assert_held(enum point point)
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

static inline void *actor_main(void *arg)
{
    struct actor *actor = arg;
    actor->result = actor->call(actor->arg);
    conf_count_add(&actor->done, 1);
    return NULL;
}

static inline void actor_start(struct actor *actor, int (*call)(void *arg), void *arg)
{
    *actor = (struct actor){.call = call, .arg = arg};
    conf_count_init(&actor->done);
    assert_int_equal(pthread_create(&actor->thread, NULL, actor_main, actor), 0);
}

static inline int actor_join(struct actor *actor)
{
    assert_true(conf_count_wait(&actor->done, 1));
    assert_int_equal(pthread_join(actor->thread, NULL), 0);
    return actor->result;
}

/* Is it held at [point]? False: its call is over, so this contestant has no such moment. */
static inline bool actor_is_held(struct actor *actor, enum point point)
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

static inline void stage_start(struct stage *stage)
{
    *stage = (struct stage){.loop = conf_create(NULL)};
    conf_count_init(&stage->ran);
    conf_runner_start(&stage->runner, stage->loop, VELO_RUN_FOREVER);
    conf_sync(stage->loop);
}

static inline void stage_end(struct stage *stage)
{
    assert_int_equal(velo_loop_shutdown(stage->loop, -1), 0);
    assert_int_equal(conf_runner_join(&stage->runner), 0);
    conf_destroy(stage->loop);
}

static inline int submit_call(void *arg)
{
    struct stage *stage = arg;
    return velo_submit(stage->loop, conf_count_fn, &stage->ran);
}

/* Let a sleeping owner go round once and stop at [point] on its way back to sleep, or out of it. */
static inline void hold_sleeper(struct stage *stage, enum point point)
{
    assert_true(conf_wait_state(stage->loop, VELO_STATE_SLEEPING));
    sim_hold(point);
    assert_int_equal(velo_loop_wake(stage->loop), 0);
    assert_held(point);
}

/* A submit of [producer] that has its place and has not filled it; n/a if there is no such moment.
 */
static inline void hold_producer(struct stage *stage, struct actor *producer)
{
    sim_hold(POINT_PUT_CLAIMED);
    actor_start(producer, submit_call, stage);
    if (!actor_is_held(producer, POINT_PUT_CLAIMED)) {
        actor_join(producer);
        sim_let_go(POINT_PUT_CLAIMED);
        stage_end(stage);
        conf_na("this contestant has no such moment");
    }
}

#endif
