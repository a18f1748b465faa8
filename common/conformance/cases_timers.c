/* SPDX-License-Identifier: MIT */
/*
 * T1, T2, T3, T6: when timers fire and in which order.
 *
 * Idea: with the clock stopped a deadline is exact to the nanosecond, and one call is one timers
 * phase. Real time is used once, for "never early", where a lower bound suffices.
 */
#include <stdlib.h>

#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

static struct velo_loop *frozen_loop(void)
{
    sim_clock_freeze(0);
    return conf_create(NULL);
}

/* ---- T1: never early ---- */

/* T1 T8, trap T18. One nanosecond before the deadline nothing happens, at the deadline the timer
 * fires; the delays go beyond 2^31 and 2^32 ns and ms. */
CONF_CASE(timer_fires_at_its_deadline_and_not_a_nanosecond_before, "T1 T2 T8", VELO_CAP_TIMERS)
{
    static const uint64_t delays[] = {1,
                                      999,
                                      1000001,
                                      10 * CONF_NS_PER_MS,
                                      (UINT64_C(1) << 31) + 1,
                                      (UINT64_C(1) << 32) + 7,
                                      86400 * CONF_NS_PER_S,
                                      (UINT64_C(1) << 31) * CONF_NS_PER_MS + 1,
                                      (UINT64_C(1) << 32) * CONF_NS_PER_MS + 1};
    struct velo_loop *loop = frozen_loop();
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        unsigned fired = 0;
        assert_int_equal(velo_timer_start(loop, delays[i], 0, tally_fn, &fired, NULL), 0);
        sim_clock_advance(delays[i] - 1);
        conf_turns(loop, 2);
        assert_int_equal(fired, 0);
        sim_clock_advance(1);
        conf_turns(loop, 1);
        assert_int_equal(fired, 1);
        conf_turns(loop, 2);
        assert_int_equal(fired, 1);
    }
    conf_destroy(loop);
}

struct late_arm {
    struct velo_loop *loop;
    unsigned fired;
};

static void burn_then_arm_fn(void *arg)
{
    struct late_arm *late = arg;
    sim_clock_advance(50 * CONF_NS_PER_MS);
    CONF_EXPECT_INT(
        velo_timer_start(late->loop, 10 * CONF_NS_PER_MS, 0, tally_fn, &late->fired, NULL), 0);
}

static void check_late_arm(struct late_arm *late)
{
    conf_turns(late->loop, 1);
    sim_clock_advance(10 * CONF_NS_PER_MS - 1);
    conf_turns(late->loop, 2);
    assert_int_equal(late->fired, 0);
    sim_clock_advance(1);
    conf_turns(late->loop, 1);
    assert_int_equal(late->fired, 1);
}

/* T1. The callback burns 50 ms and then arms 10 ms: they count from the call, not from the
 * beginning of the turn. From a task, and from a timer, whose phase has fixed the clock as well. */
CONF_CASE(delay_counts_from_the_call_and_not_from_the_turn, "T1", VELO_CAP_TIMERS)
{
    struct late_arm late = {.loop = frozen_loop()};
    assert_int_equal(velo_submit(late.loop, burn_then_arm_fn, &late), 0);
    check_late_arm(&late);
    late.fired = 0;
    assert_int_equal(velo_timer_start(late.loop, 0, 0, burn_then_arm_fn, &late, NULL), 0);
    check_late_arm(&late);
    conf_destroy(late.loop);
}

/* T1. The loop did nothing for an hour: a timer armed now does not count from the last turn. */
CONF_CASE(delay_counts_from_the_call_after_a_long_idle_time, "T1", VELO_CAP_TIMERS)
{
    struct late_arm late = {.loop = frozen_loop()};
    conf_turns(late.loop, 1);
    sim_clock_advance(3600 * CONF_NS_PER_S);
    assert_int_equal(
        velo_timer_start(late.loop, 10 * CONF_NS_PER_MS, 0, tally_fn, &late.fired, NULL), 0);
    check_late_arm(&late);
    conf_destroy(late.loop);
}

struct real_timer {
    uint64_t armed_ns;
    uint64_t delay_ns;
    struct real_scene *scene;
};
struct real_scene {
    struct velo_loop *loop;
    unsigned fired;
    unsigned early;
};

static void real_timer_fn(void *arg)
{
    struct real_timer *timer = arg;
    uint64_t waited = conf_now_ns() - timer->armed_ns;
    timer->scene->fired++;
    timer->scene->early += waited < timer->delay_ns;
}

/* T1, trap T1. 20,000 timers with random delays below 60 ms in odd nanoseconds, real clock: none
 * before its deadline, judged in nanoseconds. */
CONF_CASE(no_timer_is_early_by_the_real_clock, "T1", VELO_CAP_TIMERS)
{
    unsigned count = conf_rounds(20000);
    struct real_scene scene = {.loop = conf_create(NULL)};
    struct real_timer *timers = calloc(count, sizeof(*timers));
    struct conf_random random = conf_random(1);
    assert_non_null(timers);
    for (unsigned i = 0; i < count; i++) {
        struct real_timer *timer = &timers[i];
        timer->scene = &scene;
        timer->delay_ns = conf_random_below(&random, 60 * CONF_NS_PER_MS);
        timer->armed_ns = conf_now_ns();
        assert_int_equal(
            velo_timer_start(scene.loop, timer->delay_ns, 0, real_timer_fn, timer, NULL), 0);
    }
    while (scene.fired < count)
        assert_int_equal(velo_loop_run(scene.loop, VELO_RUN_ONCE), 0);
    assert_int_equal(scene.fired, count);
    assert_int_equal(scene.early, 0);
    conf_destroy(scene.loop);
    free(timers);
}

/* T1, trap T20. Time is CLOCK_MONOTONIC, which no change of the wall clock touches. */
CONF_CASE(loop_time_is_the_monotonic_clock, "T1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    for (int i = 0; i < 100; i++) {
        uint64_t before = conf_now_ns();
        uint64_t now = velo_loop_now_ns(loop);
        uint64_t after = conf_now_ns();
        assert_true(before <= now && now <= after);
    }
    conf_destroy(loop);
}

/* ---- T2: order ---- */

struct ordered {
    struct order *order;
    uint64_t deadline_ns;
    unsigned number;
};
struct order {
    struct ordered *last;
    unsigned fired;
    unsigned wrong;
};

static void ordered_fn(void *arg)
{
    struct ordered *item = arg;
    struct order *order = item->order;
    const struct ordered *last = order->last;
    if (last && (last->deadline_ns > item->deadline_ns ||
                 (last->deadline_ns == item->deadline_ns && last->number > item->number)))
        order->wrong++;
    order->last = item;
    order->fired++;
}

/* T2, traps T3 and T22. Equal deadlines fire in the order of arming: 12, and 100,000. */
CONF_CASE(equal_deadlines_fire_in_the_order_of_arming, "T2", VELO_CAP_TIMERS)
{
    unsigned sizes[2] = {12, conf_rounds(100000)};
    struct velo_loop *loop = frozen_loop();
    for (int s = 0; s < 2; s++) {
        struct order order = {0};
        struct ordered *items = calloc(sizes[s], sizeof(*items));
        assert_non_null(items);
        for (unsigned i = 0; i < sizes[s]; i++) {
            items[i] = (struct ordered){&order, CONF_NS_PER_MS, i};
            assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, ordered_fn, &items[i], NULL),
                             0);
        }
        sim_clock_advance(CONF_NS_PER_MS);
        conf_turns(loop, 1);
        assert_int_equal(order.fired, sizes[s]);
        assert_int_equal(order.wrong, 0);
        free(items);
    }
    conf_destroy(loop);
}

/* T2, trap T3. 300, 100 and 200 us lie inside one millisecond: the deadline decides all the same.
 */
CONF_CASE(deadlines_inside_one_millisecond_fire_in_their_order, "T2", VELO_CAP_TIMERS)
{
    struct conf_trace trace;
    struct velo_loop *loop = frozen_loop();
    static const char *const words[3] = {"300us", "100us", "200us"};
    static const uint64_t delays[3] = {300000, 100000, 200000};
    struct conf_step steps[3];
    conf_trace_init(&trace);
    for (int i = 0; i < 3; i++) {
        steps[i] = (struct conf_step){.trace = &trace, .word = words[i], .loop = loop};
        assert_int_equal(velo_timer_start(loop, delays[i], 0, conf_step_fn, &steps[i], NULL), 0);
    }
    sim_clock_advance(CONF_NS_PER_MS);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "100us 200us 300us");
    conf_destroy(loop);
}

/* Arm [count] timers while the clock moves; many deadlines are equal although the delays differ. */
static void arm_random(struct velo_loop *loop,
                       struct order *order,
                       struct ordered *items,
                       unsigned count,
                       uint64_t spread_ns)
{
    struct conf_random random = conf_random(2);
    uint64_t start_ns = sim_clock_advance(0);
    for (unsigned i = 0; i < count; i++) {
        uint64_t now_ns = sim_clock_advance(conf_random_below(&random, 3));
        uint64_t at_ns = start_ns + spread_ns / 4 + conf_random_below(&random, spread_ns);
        if (i % 2 == 0)
            at_ns -= at_ns % (spread_ns / 64);
        if (at_ns < now_ns)
            at_ns = now_ns;
        items[i] = (struct ordered){order, at_ns, i};
        assert_int_equal(velo_timer_start(loop, at_ns - now_ns, 0, ordered_fn, &items[i], NULL), 0);
    }
}

static void random_order(uint64_t spread_ns, unsigned turns)
{
    unsigned count = conf_rounds(20000);
    struct order order = {0};
    struct velo_loop *loop = frozen_loop();
    struct ordered *items = calloc(count, sizeof(*items));
    assert_non_null(items);
    arm_random(loop, &order, items, count, spread_ns);
    for (unsigned i = 0; i < turns; i++) {
        sim_clock_advance(spread_ns * 5 / 4 / turns + 1);
        conf_turns(loop, 1);
    }
    assert_int_equal(order.fired, count);
    assert_int_equal(order.wrong, 0);
    conf_destroy(loop);
    free(items);
}

/* T2. 20,000 timers with random deadlines, half of them on 80 values: (deadline, arming sequence)
 * strictly, whether all become due in one turn or in many, within microseconds or within a day. */
CONF_CASE(random_deadlines_fire_in_deadline_and_arming_order, "T2", VELO_CAP_TIMERS)
{
    random_order(100 * 1000, 1);
    random_order(100 * CONF_NS_PER_MS, 1);
    random_order(100 * CONF_NS_PER_MS, 700);
    random_order(86400 * CONF_NS_PER_S, 300);
}

/* T2. A timer armed with a shorter delay later has the same deadline: arming sequence decides. */
CONF_CASE(equal_deadlines_of_different_delays_fire_in_the_order_of_arming, "T2", VELO_CAP_TIMERS)
{
    struct conf_trace trace;
    struct velo_loop *loop = frozen_loop();
    struct conf_step long_one = {.trace = &trace, .word = "armed-first"};
    struct conf_step short_one = {.trace = &trace, .word = "armed-second"};
    conf_trace_init(&trace);
    assert_int_equal(velo_timer_start(loop, 500 * CONF_NS_PER_MS, 0, conf_step_fn, &long_one, NULL),
                     0);
    sim_clock_advance(499 * CONF_NS_PER_MS);
    conf_turns(loop, 1);
    assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, conf_step_fn, &short_one, NULL), 0);
    sim_clock_advance(CONF_NS_PER_MS);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "armed-first armed-second");
    conf_destroy(loop);
}

static void advance_10_ms(struct conf_step *step)
{
    (void)step;
    sim_clock_advance(10 * CONF_NS_PER_MS);
}

/* T2. The first timer burns 10 ms and so makes the second one due: it waits for the next turn. */
CONF_CASE(timer_that_becomes_due_during_the_phase_waits_a_turn, "T2", VELO_CAP_TIMERS)
{
    struct conf_trace trace;
    struct velo_loop *loop = frozen_loop();
    struct conf_step slow = {.trace = &trace, .word = "slow", .then = advance_10_ms};
    struct conf_step task = {.trace = &trace, .word = "task"};
    struct conf_step next = {.trace = &trace, .word = "next"};
    conf_trace_init(&trace);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_step_fn, &slow, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 5 * CONF_NS_PER_MS, 0, conf_step_fn, &next, NULL), 0);
    assert_int_equal(velo_submit(loop, conf_step_fn, &task), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "slow task");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "next");
    conf_destroy(loop);
}

/* ---- T3: the phase and what it arms ---- */

static void then_arm_now(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_timer_start(step->loop, 0, 0, conf_step_fn, step->more, NULL), 0);
}

/* T3, trap T8. Delay 0 from a timer callback: not in this phase, although it is due at once. */
CONF_CASE(timer_armed_in_callback_waits_for_next_turn, "T3", VELO_CAP_TIMERS)
{
    struct conf_trace trace;
    struct velo_loop *loop = frozen_loop();
    struct conf_step nested = {.trace = &trace, .word = "nested", .loop = loop};
    struct conf_step outer = {.trace = &trace, .word = "outer", .loop = loop};
    struct conf_step other = {.trace = &trace, .word = "other", .loop = loop};
    outer.then = then_arm_now;
    outer.more = &nested;
    conf_trace_init(&trace);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_step_fn, &outer, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_step_fn, &other, NULL), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "outer other");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "nested");
    conf_destroy(loop);
}

static void queue_arming_microtask(struct conf_step *step)
{
    CONF_EXPECT_INT(velo_queue_microtask(step->loop, conf_step_fn, step->more), 0);
}

/* T3. The same from a microtask of the checkpoint inside the phase. */
CONF_CASE(timer_armed_in_a_checkpoint_of_the_phase_waits_for_next_turn,
          "T3 M1",
          VELO_CAP_TIMERS | VELO_CAP_MICROTASKS)
{
    struct conf_trace trace;
    struct velo_loop *loop = frozen_loop();
    struct conf_step nested = {.trace = &trace, .word = "nested", .loop = loop};
    struct conf_step micro = {.trace = &trace, .word = "micro", .loop = loop};
    struct conf_step outer = {.trace = &trace, .word = "outer", .loop = loop};
    struct conf_step other = {.trace = &trace, .word = "other", .loop = loop};
    outer.then = queue_arming_microtask;
    outer.more = &micro;
    micro.then = then_arm_now;
    micro.more = &nested;
    conf_trace_init(&trace);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_step_fn, &outer, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_step_fn, &other, NULL), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "outer micro other");
    conf_turns(loop, 1);
    conf_trace_is(&trace, "nested");
    conf_destroy(loop);
}

/* T3 R3. Armed with delay 0 by a task, an immediate or a close callback: the next timers phase,
 * which is in the next turn. */
CONF_CASE(zero_delay_means_the_next_timers_phase, "T3", VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    for (int from = 0; from < 3; from++) {
        struct conf_trace trace;
        struct velo_loop *loop = frozen_loop();
        struct conf_step timer = {.trace = &trace, .word = "timer", .loop = loop};
        struct conf_step arms = {
            .trace = &trace, .word = "arms", .loop = loop, .then = then_arm_now, .more = &timer};
        conf_trace_init(&trace);
        int rc = from == 0   ? velo_submit(loop, conf_step_fn, &arms)
                 : from == 1 ? velo_set_immediate(loop, conf_step_fn, &arms, NULL)
                             : velo_defer_close(loop, conf_step_fn, &arms);
        assert_int_equal(rc, 0);
        conf_turns(loop, 1);
        conf_trace_is(&trace, "arms");
        conf_turns(loop, 1);
        conf_trace_is(&trace, "timer");
        conf_destroy(loop);
    }
}

struct ladder {
    struct velo_loop *loop;
    unsigned level;
};

static void ladder_fn(void *arg)
{
    struct ladder *ladder = arg;
    ladder->level++;
    CONF_EXPECT_INT(velo_timer_start(ladder->loop, 0, 0, ladder_fn, ladder, NULL), 0);
}

/* T3, trap T8. A chain of timers with delay 0 climbs one level a turn, beyond 2^16 turns. */
CONF_CASE(zero_delay_chain_moves_one_level_a_turn, "T3", VELO_CAP_TIMERS)
{
    struct ladder ladder = {.loop = frozen_loop()};
    unsigned turns = conf_rounds(100000);
    assert_int_equal(velo_timer_start(ladder.loop, 0, 0, ladder_fn, &ladder, NULL), 0);
    for (unsigned i = 1; i <= turns; i++) {
        conf_turns(ladder.loop, 1);
        if (ladder.level != i)
            fail_msg("level %u after %u turns", ladder.level, i);
    }
    conf_destroy(ladder.loop);
}

/* ---- wrong use ---- */

/* T6 S1, trap Q8. No callback: refused, the id untouched, nothing alive. No id pointer: accepted.
 */
CONF_CASE(timer_without_callback_is_refused_and_without_id_accepted, "T6 S1", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = frozen_loop();
    unsigned fired = 0;
    velo_id id = 77;
    assert_int_equal(velo_timer_start(loop, 0, 0, NULL, &fired, &id), -EINVAL);
    assert_int_equal(id, 77);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, NULL), 0);
    conf_turns(loop, 1);
    assert_int_equal(fired, 1);
    conf_destroy(loop);
}

/* T2 X3. The counters know the next deadline and how many timers are armed. */
CONF_CASE(metrics_know_the_next_deadline_and_the_armed_timers,
          "T2 X3",
          VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    struct velo_loop *loop = frozen_loop();
    uint64_t now_ns = sim_clock_advance(0);
    unsigned fired = 0;
    velo_id early;
    assert_true(conf_metrics(loop).next_deadline_ns == UINT64_MAX);
    assert_int_equal(velo_timer_start(loop, 900, 0, tally_fn, &fired, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 400, 0, tally_fn, &fired, &early), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).next_deadline_ns, now_ns + 400);
    assert_int_equal(conf_metrics(loop).timers_armed, 2);
    assert_int_equal(velo_timer_cancel(loop, early), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).next_deadline_ns, now_ns + 900);
    assert_int_equal(conf_metrics(loop).timers_armed, 1);
    sim_clock_advance(900);
    conf_turns(loop, 1);
    assert_true(conf_metrics(loop).next_deadline_ns == UINT64_MAX);
    assert_int_equal(conf_metrics(loop).timers_armed, 0);
    assert_int_equal(conf_metrics(loop).timers_fired, 1);
    conf_destroy(loop);
}
