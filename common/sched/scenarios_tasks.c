/* SPDX-License-Identifier: MIT */
/* Tasks against a sleeper, and against the end of the loop. */
#include "scenario.h"

#include <errno.h>

#define BLOCK_TASKS 256u /* of the ticket queue in common/parts */
#define OWN_TASKS 250u   /* one run of them leaves words for one more in the blocks there */

/* Two tasks of the producer [arg]. */
static void submit_two(void *arg)
{
    unsigned producer = (unsigned)(uintptr_t)arg;
    submit_piece(producer, 0);
    submit_piece(producer, 1);
}

static void submit_one(void *arg)
{
    submit_piece((unsigned)(uintptr_t)arg, 0);
}

/* To the end, with [first] as producer 0 and [second] as producer 1 beside the owner. */
static void produce(void (*first)(void *), void (*second)(void *))
{
    int a = sched_spawn("producer-0", first, (void *)0);
    int b = sched_spawn("producer-1", second, (void *)1);
    sched_join(a);
    sched_join(b);
    wait_for_pieces();
    world_end();
}

static void two_producers(void)
{
    world_begin_running();
    produce(submit_two, submit_two);
}

/* The same where the storage of a lock-free queue goes on into its next block. */
static void next_block(void)
{
    world_begin();
    for (unsigned i = 0; i < BLOCK_TASKS - 2; i++)
        SCHED_CHECK(velo_submit(world.loop, count_fn, NULL) == 0);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_NOWAIT) == 0);
    SCHED_CHECK(world.calls == BLOCK_TASKS - 2);
    world_run();
    produce(submit_two, submit_two);
}

/* The same for storage that each producer has for itself: here the one that has used up its own. */
static void own_block(void)
{
    world_begin();
    for (unsigned i = 0; i < OWN_TASKS - 1; i++)
        SCHED_CHECK(velo_submit(world.loop, count_fn, NULL) == 0);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_NOWAIT) == 0);
    world_run();
    int b = sched_spawn("producer-1", submit_two, (void *)1);
    submit_piece(0, 0);
    submit_piece(0, 1);
    submit_piece(0, 2);
    sched_join(b);
    wait_for_pieces();
    world_end();
}

static void submit_batch(void *arg)
{
    unsigned producer = (unsigned)(uintptr_t)arg;
    struct velo_task tasks[3];
    for (unsigned i = 0; i < 3; i++)
        tasks[i] = (struct velo_task){piece_fn, &world.pieces[producer][i]};
    int rc = velo_submit_many(world.loop, tasks, 3);
    for (unsigned i = 0; i < 3; i++)
        world.pieces[producer][i].accepted = rc == 0;
}

static void submit_urgent(void *arg)
{
    struct piece *piece = &world.pieces[(unsigned)(uintptr_t)arg][0];
    piece->accepted = velo_submit_priority(world.loop, piece_fn, piece) == 0;
}

static void batch_and_priority(void)
{
    world_begin_running();
    produce(submit_batch, submit_urgent);
}

static void submit_against_shutdown(void)
{
    world_begin_running();
    int a = sched_spawn("producer-0", submit_two, (void *)0);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    sched_join(a);
    sched_join(world.owner);
    wait_for_pieces(); /* L4: nothing accepted is discarded */
    world_check();
}

static void submit_against_close(void)
{
    world_begin_running();
    int a = sched_spawn("producer-0", submit_two, (void *)0);
    SCHED_CHECK(velo_loop_close(world.loop) == 0);
    sched_join(a);
    sched_join(world.owner);
    world_check();
}

/* Nobody runs the loop: who shuts it down drains it. */
static void submit_against_a_drain(void)
{
    world_begin();
    int a = sched_spawn("producer-0", submit_two, (void *)0);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    sched_join(a);
    wait_for_pieces();
    world_check();
}

static void shut_down_fn(void *arg)
{
    piece_fn(arg);
    SCHED_CHECK(velo_loop_shutdown(world.loop, 0) == 0);
}

static void submit_the_end(void *arg)
{
    (void)arg;
    struct piece *piece = &world.pieces[0][0];
    piece->accepted = true;
    SCHED_CHECK(velo_submit(world.loop, shut_down_fn, piece) == 0);
}

/* L8: the callback ends the loop, its owner destroys it, and the submit may not have returned. */
static void destroy_against_submit(void)
{
    world_begin();
    int a = sched_spawn("producer-0", submit_the_end, NULL);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_FOREVER) == 0);
    world_check();
    sched_join(a);
}

static void shut_down(void *arg)
{
    int rc = velo_loop_shutdown(world.loop, -1);
    (void)arg;
    SCHED_CHECK(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
}

static void two_terminators(void)
{
    world_begin_running();
    int a = sched_spawn("producer-0", submit_one, (void *)0);
    int b = sched_spawn("shutdown", shut_down, NULL);
    SCHED_CHECK(velo_loop_close(world.loop) == 0);
    sched_join(a);
    sched_join(b);
    sched_join(world.owner);
    SCHED_CHECK(world.run_result == 0 || world.run_result == -ECANCELED ||
                world.run_result == -ESHUTDOWN);
    world_check();
}

/* A2: a submit that returned while the run was on is run by it. */
static bool run_must_see;

static void submit_and_look(void *arg)
{
    (void)arg;
    SCHED_CHECK(submit_piece(0, 0) == 0);
    enum velo_state state = velo_loop_state(world.loop);
    run_must_see = state == VELO_STATE_RUNNING || state == VELO_STATE_SLEEPING;
}

static void submit_against_idle_exit(void)
{
    run_must_see = false;
    world_begin();
    SCHED_CHECK(submit_piece(1, 0) == 0);
    int a = sched_spawn("producer-0", submit_and_look, NULL);
    SCHED_CHECK(velo_loop_run(world.loop, VELO_RUN_UNTIL_IDLE) == 0);
    SCHED_CHECK(world.pieces[0][0].ran || !run_must_see);
    sched_join(a);
    SCHED_CHECK(velo_loop_shutdown(world.loop, -1) == 0);
    world_check();
}

const struct scenario scenarios_tasks[] = {
    {"two_producers", "two submits each against a sleeping owner", 0, two_producers},
    {"next_block", "the same at the end of a block of the queue", 0, next_block},
    {"own_block", "the same at the end of a block of one producer", 0, own_block},
    {"batch_and_priority",
     "a batch, a priority task, a sleeper",
     VELO_CAP_BATCH,
     batch_and_priority},
    {"submit_against_shutdown", "what is accepted is executed", 0, submit_against_shutdown},
    {"submit_against_close", "what is accepted ends once", 0, submit_against_close},
    {"submit_against_a_drain", "the same, when nobody runs the loop", 0, submit_against_a_drain},
    {"destroy_against_submit", "destroy right behind the callback", 0, destroy_against_submit},
    {"two_terminators", "shutdown and close at once, and a submit", 0, two_terminators},
    {"submit_against_idle_exit",
     "work that arrives while the run decides to end",
     VELO_CAP_UNTIL_IDLE,
     submit_against_idle_exit},
    {0},
};
