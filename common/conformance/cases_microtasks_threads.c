/* SPDX-License-Identifier: MIT */
/*
 * M4: ticks and microtasks that come from other threads.
 *
 * Idea: the owner is either asleep (the call must wake it) or held inside a callback (the call must
 * take effect at the checkpoint of that very callback).
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"

typedef int (*lane_call)(struct velo_loop *loop, velo_fn fn, void *arg);

static void wakes_a_sleeper(lane_call queue)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    unsigned rounds = conf_rounds(300);
    for (unsigned i = 0; i < rounds; i++) {
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(queue(loop, conf_count_fn, &ran), 0);
        assert_true(conf_count_wait_for(&ran, i + 1, CONF_NS_PER_S));
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_count_get(&ran), rounds);
    conf_destroy(loop);
}

/* M4, trap W8. No timer and no task helps: the microtask alone must end the sleep. */
CONF_CASE(foreign_microtask_wakes_a_sleeping_loop, "M4", VELO_CAP_MICROTASKS)
{
    wakes_a_sleeper(velo_queue_microtask);
}

/* M4, trap W8. The same for a tick. */
CONF_CASE(foreign_tick_wakes_a_sleeping_loop, "M4", VELO_CAP_MICROTASKS)
{
    wakes_a_sleeper(velo_next_tick);
}

/* ---- the owner is held in a callback ---- */

struct held {
    struct conf_trace trace;
    struct velo_loop *loop;
    struct conf_count entered;
    struct conf_count release;
    struct conf_runner runner;
    struct conf_step later; /* for a callback that queues one more */
};

static void hold_here(struct conf_step *step)
{
    struct held *held = step->more;
    conf_count_add(&held->entered, 1);
    conf_count_wait(&held->release, 1);
}

static void held_init(struct held *held)
{
    conf_trace_init(&held->trace);
    conf_count_init(&held->entered);
    conf_count_init(&held->release);
    held->loop = conf_create(NULL);
}

static struct conf_step held_step(struct held *held, const char *word)
{
    return (struct conf_step){
        .trace = &held->trace, .word = word, .loop = held->loop, .more = held};
}

static void held_end(struct held *held)
{
    conf_count_add(&held->release, 1);
    assert_int_equal(velo_loop_shutdown(held->loop, -1), 0);
    assert_int_equal(conf_runner_join(&held->runner), 0);
}

/* M4. While task 1 runs, another thread queues a microtask and then a tick: both calls have
 * returned before task 1 ends, so both run before task 2, the tick first. */
CONF_CASE(foreign_microtasks_run_at_the_checkpoint_of_the_running_callback,
          "M4 M2",
          VELO_CAP_MICROTASKS)
{
    struct held h;
    held_init(&h);
    struct conf_step first = held_step(&h, "1");
    struct conf_step second = held_step(&h, "2");
    struct conf_step tick = held_step(&h, "tick");
    struct conf_step micro = held_step(&h, "micro");
    first.then = hold_here;
    assert_int_equal(velo_submit(h.loop, conf_step_fn, &first), 0);
    assert_int_equal(velo_submit(h.loop, conf_step_fn, &second), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_queue_microtask(h.loop, conf_step_fn, &micro), 0);
    assert_int_equal(velo_next_tick(h.loop, conf_step_fn, &tick), 0);
    held_end(&h);
    conf_trace_is(&h.trace, "1 tick micro 2");
    conf_destroy(h.loop);
}

/* M4. Queued while microtask 1 runs: it may join this checkpoint or run after the next callback,
 * but not later, so it comes before task 3. */
CONF_CASE(foreign_microtask_during_a_checkpoint_runs_at_the_next_one_at_the_latest,
          "M4",
          VELO_CAP_MICROTASKS)
{
    struct held h;
    held_init(&h);
    struct conf_step micro_1 = held_step(&h, "micro-1");
    struct conf_step micro_2 = held_step(&h, "micro-2");
    struct conf_step second = held_step(&h, "2");
    struct conf_step third = held_step(&h, "3");
    micro_1.then = hold_here;
    assert_int_equal(velo_queue_microtask(h.loop, conf_step_fn, &micro_1), 0);
    assert_int_equal(velo_submit(h.loop, conf_step_fn, &second), 0);
    assert_int_equal(velo_submit(h.loop, conf_step_fn, &third), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_queue_microtask(h.loop, conf_step_fn, &micro_2), 0);
    held_end(&h);
    const char *at_2 = strstr(h.trace.text, "micro-2");
    assert_non_null(at_2);
    const char *at_3 = strstr(h.trace.text, " 3");
    assert_non_null(at_3);
    assert_true(at_2 < at_3);
    conf_destroy(h.loop);
}

static void then_queue_second(struct conf_step *step)
{
    struct held *held = step->more;
    hold_here(step);
    held->later = held_step(held, "second");
    CONF_EXPECT_INT(velo_queue_microtask(held->loop, conf_step_fn, &held->later), 0);
}

/* M3, trap Q14. A foreign call that returned before the owner's call began is first in its lane. */
CONF_CASE(foreign_microtask_that_returned_first_runs_first,
          "M3 M4",
          VELO_CAP_MICROTASKS | VELO_CAP_GLOBAL_FIFO)
{
    struct held h;
    held_init(&h);
    struct conf_step task = held_step(&h, "task");
    struct conf_step first = held_step(&h, "first");
    task.then = then_queue_second;
    assert_int_equal(velo_submit(h.loop, conf_step_fn, &task), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_queue_microtask(h.loop, conf_step_fn, &first), 0);
    held_end(&h);
    conf_trace_is(&h.trace, "task first second");
    conf_destroy(h.loop);
}

/* ---- many producers ---- */

enum { PRODUCERS = 4, PER_PRODUCER_MAX = 50000 };

struct producer_item {
    struct producer *producer;
    unsigned number;
};
struct producer {
    unsigned next[2]; /* owner thread only: the number expected in each lane */
    unsigned wrong;
    struct producer_item *items;
};
struct flood {
    struct velo_loop *loop;
    unsigned per_producer;
    struct producer producers[PRODUCERS];
};

static void produced(void *arg, unsigned lane)
{
    struct producer_item *item = arg;
    item->producer->wrong += item->producer->next[lane] != item->number;
    item->producer->next[lane] = item->number + 2;
}

static void tick_fn(void *arg)
{
    produced(arg, 0);
}

static void micro_fn(void *arg)
{
    produced(arg, 1);
}

/* Even numbers are ticks, odd ones microtasks. */
static void flood_fn(void *arg, unsigned index)
{
    struct flood *flood = arg;
    struct producer *producer = &flood->producers[index];
    struct conf_random random = conf_random(index);
    for (unsigned i = 0; i < flood->per_producer; i++) {
        struct producer_item *item = &producer->items[i];
        *item = (struct producer_item){producer, i};
        int rc = i % 2 == 0 ? velo_next_tick(flood->loop, tick_fn, item)
                            : velo_queue_microtask(flood->loop, micro_fn, item);
        CONF_EXPECT_INT(rc, 0);
        if (i % 1024 == 0)
            conf_jitter(&random, 50000);
    }
}

/* M3 M4, trap Q2. Four threads, numbered items, the loop sleeps now and then: every item once, each
 * lane in the order of its producer. */
CONF_CASE(foreign_microtasks_keep_the_order_of_each_producer, "M3 M4", VELO_CAP_MICROTASKS)
{
    struct flood flood = {.per_producer = conf_rounds(PER_PRODUCER_MAX) & ~1u};
    struct conf_runner runner;
    struct conf_team team;
    flood.loop = conf_create(NULL);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        flood.producers[i].next[1] = 1;
        flood.producers[i].items = calloc(flood.per_producer, sizeof(struct producer_item));
        assert_non_null(flood.producers[i].items);
    }
    conf_runner_start(&runner, flood.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, PRODUCERS, flood_fn, &flood);
    conf_team_join(&team);
    assert_true(conf_wait_running(flood.loop));
    assert_int_equal(velo_loop_shutdown(flood.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(flood.producers[i].wrong, 0);
        assert_int_equal(flood.producers[i].next[0], flood.per_producer);
        assert_int_equal(flood.producers[i].next[1], flood.per_producer + 1);
        free(flood.producers[i].items);
    }
    conf_destroy(flood.loop);
}

/* M4 A1. Queued on a loop that has never run, by this thread: kept, alive, run in the first turn.
 */
CONF_CASE(microtask_queued_before_the_first_run_runs_in_the_first_turn,
          "M4 L2 A1",
          VELO_CAP_MICROTASKS)
{
    struct held h;
    held_init(&h);
    struct conf_step tick = held_step(&h, "tick");
    struct conf_step micro = held_step(&h, "micro");
    assert_int_equal(velo_queue_microtask(h.loop, conf_step_fn, &micro), 0);
    assert_int_equal(velo_next_tick(h.loop, conf_step_fn, &tick), 0);
    assert_true(velo_loop_is_alive(h.loop));
    conf_trace_is(&h.trace, "");
    conf_turns(h.loop, 1);
    conf_trace_is(&h.trace, "tick micro");
    assert_false(velo_loop_is_alive(h.loop));
    conf_destroy(h.loop);
}
