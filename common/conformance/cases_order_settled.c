/* SPDX-License-Identifier: MIT */
/* S5 S6 T2 T4: orders that the contract settles in its notes, because a model must know them. */
#include "../sim/clock.h"
#include "conf.h"

struct order {
    struct velo_loop *loop;
    struct conf_trace trace;
    unsigned runs;
};

static void b_fn(void *arg)
{
    struct order *order = arg;
    conf_trace_add(&order->trace, "b");
}

static void c_fn(void *arg)
{
    struct order *order = arg;
    conf_trace_add(&order->trace, "c");
}

/* S6. Each lane looks when its own part of the phase begins: what a priority task submits to the
 * normal lane runs in the same turn, behind what was there. */
static void submits_fn(void *arg)
{
    struct order *order = arg;
    conf_trace_add(&order->trace, "a");
    CONF_EXPECT_INT(velo_submit(order->loop, c_fn, order), 0);
}

CONF_CASE(task_of_a_priority_task_runs_in_the_same_turn, "S5 S6", VELO_CAP_PRIORITY)
{
    struct order order = {0};
    order.loop = conf_create(NULL);
    conf_trace_init(&order.trace);
    assert_int_equal(velo_submit(order.loop, b_fn, &order), 0);
    assert_int_equal(velo_submit_priority(order.loop, submits_fn, &order), 0);
    conf_turns(order.loop, 1);
    conf_trace_is(&order.trace, "a b c");
    conf_destroy(order.loop);
}

/* T4 T2. A period is armed anew when its callback has returned: what the callback armed for the
 * same moment comes before it, what its checkpoint arms comes after it. */
static void period_tick_fn(void *arg)
{
    struct order *order = arg;
    CONF_EXPECT_INT(velo_timer_start(order->loop, 5, 0, c_fn, order, NULL), 0);
}

static void period_fn(void *arg)
{
    struct order *order = arg;
    conf_trace_add(&order->trace, "a");
    if (order->runs++ > 0)
        return;
    CONF_EXPECT_INT(velo_next_tick(order->loop, period_tick_fn, order), 0);
    CONF_EXPECT_INT(velo_timer_start(order->loop, 5, 0, b_fn, order, NULL), 0);
}

CONF_CASE(period_is_armed_between_its_callback_and_the_checkpoint,
          "T2 T4 M1",
          VELO_CAP_TIMERS | VELO_CAP_MICROTASKS)
{
    struct order order = {0};
    sim_clock_freeze(0);
    order.loop = conf_create(NULL);
    conf_trace_init(&order.trace);
    assert_int_equal(velo_timer_start(order.loop, 0, 5, period_fn, &order, NULL), 0);
    conf_turns(order.loop, 1);
    sim_clock_advance(5);
    conf_turns(order.loop, 1);
    conf_trace_is(&order.trace, "a b a c");
    conf_destroy(order.loop);
}
