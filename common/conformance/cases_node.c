/* SPDX-License-Identifier: MIT */
/*
 * R T M: where the contract differs from Node.js on purpose and no other case shows it; the list is
 * in CONTRACT.md. Where they agree, test/node.sh runs the same programs by both.
 */
#include "../sim/clock.h"
#include "conf.h"

/* Timers of 5 ns, all due: "a" runs, and in its checkpoint the next one, "b", is restarted. */
struct trio {
    struct velo_loop *loop;
    struct conf_trace trace;
    velo_id next;
    int result;
};

static void trio_restart_fn(void *arg)
{
    struct trio *trio = arg;
    trio->result = velo_timer_restart(trio->loop, trio->next, 5);
}

static void trio_a_fn(void *arg)
{
    struct trio *trio = arg;
    conf_trace_add(&trio->trace, "a");
    CONF_EXPECT_INT(velo_next_tick(trio->loop, trio_restart_fn, trio), 0);
}

static void trio_b_fn(void *arg)
{
    struct trio *trio = arg;
    conf_trace_add(&trio->trace, "b");
}

static void trio_c_fn(void *arg)
{
    struct trio *trio = arg;
    conf_trace_add(&trio->trace, "c");
}

/* T4 M1. Node.js has chosen the next timer before it runs the checkpoint, and fires it. */
CONF_CASE(restart_in_the_checkpoint_of_a_timer_postpones_the_next_one,
          "T4 M1",
          VELO_CAP_TIMERS | VELO_CAP_MICROTASKS)
{
    struct trio trio = {.result = 1};
    sim_clock_freeze(0);
    trio.loop = conf_create(NULL);
    conf_trace_init(&trio.trace);
    assert_int_equal(velo_timer_start(trio.loop, 5, 0, trio_a_fn, &trio, NULL), 0);
    assert_int_equal(velo_timer_start(trio.loop, 5, 0, trio_b_fn, &trio, &trio.next), 0);
    assert_int_equal(velo_timer_start(trio.loop, 5, 0, trio_c_fn, &trio, NULL), 0);
    sim_clock_advance(5);
    conf_turns(trio.loop, 2);
    assert_int_equal(trio.result, 0);
    conf_trace_is(&trio.trace, "a c");
    sim_clock_advance(5);
    conf_turns(trio.loop, 1);
    conf_trace_is(&trio.trace, "b");
    conf_destroy(trio.loop);
}

/* T3 R2. Started from outside, a timer without delay always beats an immediate: a turn begins with
 * the timers. In the main module of Node.js it depends on the time of day. */
CONF_CASE(timer_without_delay_beats_an_immediate_set_before_the_run,
          "T3 R2",
          VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    struct trio trio = {0};
    trio.loop = conf_create(NULL);
    conf_trace_init(&trio.trace);
    assert_int_equal(velo_set_immediate(trio.loop, trio_c_fn, &trio, NULL), 0);
    assert_int_equal(velo_timer_start(trio.loop, 0, 0, trio_b_fn, &trio, NULL), 0);
    conf_turns(trio.loop, 1);
    conf_trace_is(&trio.trace, "b c");
    conf_destroy(trio.loop);
}
