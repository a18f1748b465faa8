/* SPDX-License-Identifier: MIT */
/*
 * T4: periods, and timers that cancel or restart themselves.
 *
 * Idea: the clock stands still, so "callback start + period" is one exact number.
 */
#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

#define PERIOD_NS (100 * CONF_NS_PER_MS)

/* One timer; its callback may burn time, and then cancel or restart the timer. */
struct subject {
    struct velo_loop *loop;
    velo_id id;
    unsigned fired;
    uint64_t burn_ns;
    uint64_t restart_ns;      /* the delay for restarts made in the callback */
    unsigned restarts_left;   /* restart in that many callbacks */
    unsigned cancel_at;       /* cancel in the callback with this number, 0 = never */
    int restart_result;       /* of the last restart */
    int cancel_results[2];    /* of two cancels in a row */
    bool restart_then_cancel; /* cancel after each restart */
};

static void subject_cancel(struct subject *s)
{
    s->cancel_results[0] = velo_timer_cancel(s->loop, s->id);
    s->cancel_results[1] = velo_timer_cancel(s->loop, s->id);
}

static void subject_fn(void *arg)
{
    struct subject *s = arg;
    s->fired++;
    sim_clock_advance(s->burn_ns);
    if (s->fired == s->cancel_at)
        subject_cancel(s);
    if (s->restarts_left > 0) {
        s->restarts_left--;
        s->restart_result = velo_timer_restart(s->loop, s->id, s->restart_ns);
        if (s->restart_then_cancel)
            subject_cancel(s);
    }
}

static void subject_start(uint64_t delay_ns, uint64_t period_ns, struct subject *s)
{
    sim_clock_freeze(0);
    s->loop = conf_create(NULL);
    assert_int_equal(velo_timer_start(s->loop, delay_ns, period_ns, subject_fn, s, &s->id), 0);
}

/* Move the clock, run two turns, and tell how often the timer fired in them. */
static unsigned fired_after(struct subject *s, uint64_t ns)
{
    unsigned before = s->fired;
    sim_clock_advance(ns);
    conf_turns(s->loop, 2);
    return s->fired - before;
}

/* T4. A period that differs from the first delay, kept over ten rounds; not a nanosecond early. */
CONF_CASE(periodic_timer_fires_every_period_after_its_first_delay, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    subject_start(7, PERIOD_NS, &s);
    assert_int_equal(fired_after(&s, 6), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fired_after(&s, PERIOD_NS - 1), 0);
        assert_int_equal(fired_after(&s, 1), 1);
    }
    conf_destroy(s.loop);
}

/* T4, trap T10. The callback burns 30 of 100 ms: the next one comes 100 ms after its start. */
CONF_CASE(period_counts_from_the_start_of_the_callback, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {.burn_ns = 30 * CONF_NS_PER_MS};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    assert_int_equal(fired_after(&s, PERIOD_NS), 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fired_after(&s, PERIOD_NS - s.burn_ns - 1), 0);
        assert_int_equal(fired_after(&s, 1), 1);
    }
    conf_destroy(s.loop);
}

/* T4, trap T10. The callback burns 350 ms of a period of 100 ms: it fires again at once, but once,
 * and the next deadline is its start + 100 ms: three missed periods are not made up. */
CONF_CASE(missed_periods_of_a_slow_callback_are_not_made_up, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {.burn_ns = 350 * CONF_NS_PER_MS};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    sim_clock_advance(PERIOD_NS);
    conf_turns(s.loop, 1);
    assert_int_equal(s.fired, 1);
    s.burn_ns = 0;
    conf_turns(s.loop, 1); /* due since 250 ms: once */
    assert_int_equal(s.fired, 2);
    conf_turns(s.loop, 3);
    assert_int_equal(s.fired, 2);
    assert_int_equal(fired_after(&s, PERIOD_NS - 1), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    conf_destroy(s.loop);
}

/* T4. The loop was away for 100 periods: one call, and the next one a period after it. */
CONF_CASE(missed_periods_of_a_late_loop_are_not_made_up, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    assert_int_equal(fired_after(&s, 100 * PERIOD_NS), 1);
    assert_int_equal(fired_after(&s, PERIOD_NS - 1), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    conf_destroy(s.loop);
}

/* T4 T3, trap T12. The shortest period, 1 ns, and time that flies: still at most once a turn. */
CONF_CASE(shortest_period_fires_at_most_once_a_turn, "T4 T3", VELO_CAP_TIMERS)
{
    struct subject s = {.burn_ns = 1000};
    subject_start(0, 1, &s);
    for (unsigned i = 1; i <= 50; i++) {
        conf_turns(s.loop, 1);
        assert_int_equal(s.fired, i);
    }
    conf_destroy(s.loop);
}

/* T4. Period 0 is one shot. */
CONF_CASE(period_zero_is_one_shot, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    subject_start(0, 0, &s);
    assert_int_equal(fired_after(&s, 0), 1);
    assert_int_equal(fired_after(&s, 1000 * PERIOD_NS), 0);
    assert_false(velo_loop_is_alive(s.loop));
    conf_destroy(s.loop);
}

/* T4 T8. A period without end saturates: it fires after its delay and then not for years. */
CONF_CASE(endless_period_saturates_and_fires_once, "T4 T8", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    subject_start(5, UINT64_MAX, &s);
    assert_int_equal(fired_after(&s, 5), 1);
    for (int year = 0; year < 20; year++)
        assert_int_equal(fired_after(&s, 365 * 86400 * CONF_NS_PER_S), 0);
    assert_int_equal(velo_timer_cancel(s.loop, s.id), 0);
    conf_destroy(s.loop);
}

/* ---- a periodic timer and itself ---- */

/* T4 T5, trap T11. Cancelled in its third callback: 0, then -ENOENT, and it is silent for ever. */
CONF_CASE(periodic_timer_may_cancel_itself, "T4 T5", VELO_CAP_TIMERS)
{
    struct subject s = {.cancel_at = 3};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    for (int i = 0; i < 10; i++)
        fired_after(&s, PERIOD_NS);
    assert_int_equal(s.fired, 3);
    assert_int_equal(s.cancel_results[0], 0);
    assert_int_equal(s.cancel_results[1], -ENOENT);
    assert_false(velo_loop_is_alive(s.loop));
    conf_destroy(s.loop);
}

/* T4. Restarted in its callback with another delay: that delay once, then the old period again. */
CONF_CASE(periodic_timer_restarted_in_its_callback_keeps_its_period, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {.restarts_left = 1, .restart_ns = 20 * CONF_NS_PER_MS, .restart_result = 1};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    assert_int_equal(fired_after(&s, PERIOD_NS), 1);
    assert_int_equal(s.restart_result, 0);
    assert_int_equal(fired_after(&s, s.restart_ns - 1), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    assert_int_equal(fired_after(&s, PERIOD_NS - 1), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    conf_destroy(s.loop);
}

/* T4 T5. Cancelled first, a periodic timer cannot be restarted in the same callback. */
CONF_CASE(periodic_timer_cancelled_in_its_callback_cannot_be_restarted, "T4 T5", VELO_CAP_TIMERS)
{
    struct subject s = {.cancel_at = 1, .restarts_left = 1, .restart_result = 1};
    subject_start(PERIOD_NS, PERIOD_NS, &s);
    assert_int_equal(fired_after(&s, PERIOD_NS), 1);
    assert_int_equal(s.restart_result, -ENOENT);
    assert_int_equal(fired_after(&s, 10 * PERIOD_NS), 0);
    conf_destroy(s.loop);
}

/* ---- a one shot and itself ---- */

/* T4 T5. A one shot cancelled from its own callback: -EALREADY, as often as it asks. */
CONF_CASE(one_shot_cancelled_from_its_own_callback_is_already_running, "T5 T4", VELO_CAP_TIMERS)
{
    struct subject s = {.cancel_at = 1};
    subject_start(0, 0, &s);
    assert_int_equal(fired_after(&s, 0), 1);
    assert_int_equal(s.cancel_results[0], -EALREADY);
    assert_int_equal(s.cancel_results[1], -EALREADY);
    assert_int_equal(velo_timer_cancel(s.loop, s.id), -ENOENT);
    assert_int_equal(fired_after(&s, PERIOD_NS), 0);
    conf_destroy(s.loop);
}

/* T4. Restarted from its own callback, ten times over, it is armed again under the same id. */
CONF_CASE(one_shot_restarted_from_its_own_callback_is_armed_again, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {.restarts_left = 10, .restart_ns = 50, .restart_result = 1};
    subject_start(0, 0, &s);
    assert_int_equal(fired_after(&s, 0), 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(s.restart_result, 0);
        assert_true(velo_loop_is_alive(s.loop));
        assert_int_equal(fired_after(&s, 49), 0);
        assert_int_equal(fired_after(&s, 1), 1);
    }
    assert_int_equal(fired_after(&s, PERIOD_NS), 0);
    assert_int_equal(velo_timer_restart(s.loop, s.id, 0), -ENOENT);
    conf_destroy(s.loop);
}

/* T4 T3. Restarted with delay 0 it does not fire twice in one phase. */
CONF_CASE(one_shot_restarted_with_no_delay_fires_once_a_turn, "T4 T3", VELO_CAP_TIMERS)
{
    struct subject s = {.restarts_left = 20};
    subject_start(0, 0, &s);
    for (unsigned i = 1; i <= 21; i++) {
        conf_turns(s.loop, 1);
        assert_int_equal(s.fired, i);
    }
    conf_turns(s.loop, 2);
    assert_int_equal(s.fired, 21);
    conf_destroy(s.loop);
}

/* T4 T5. Restarted and then cancelled in its own callback: pending again, so the cancel finds it.
 */
CONF_CASE(one_shot_restarted_and_cancelled_in_its_callback_stays_silent, "T4 T5", VELO_CAP_TIMERS)
{
    struct subject s = {.restarts_left = 1, .restart_then_cancel = true, .restart_result = 1};
    subject_start(0, 0, &s);
    assert_int_equal(fired_after(&s, 0), 1);
    assert_int_equal(s.restart_result, 0);
    assert_int_equal(s.cancel_results[0], 0);
    assert_int_equal(fired_after(&s, PERIOD_NS), 0);
    assert_int_equal(velo_timer_cancel(s.loop, s.id), -ENOENT);
    assert_false(velo_loop_is_alive(s.loop));
    conf_destroy(s.loop);
}

/* T4 T5. -EALREADY changes nothing: after it a restart still arms the timer again. */
CONF_CASE(one_shot_refused_to_cancel_can_still_be_restarted, "T4 T5", VELO_CAP_TIMERS)
{
    struct subject s = {.cancel_at = 1, .restarts_left = 1, .restart_ns = 50, .restart_result = 1};
    subject_start(0, 0, &s);
    assert_int_equal(fired_after(&s, 0), 1);
    assert_int_equal(s.cancel_results[0], -EALREADY);
    assert_int_equal(s.restart_result, 0);
    assert_int_equal(fired_after(&s, 50), 1);
    conf_destroy(s.loop);
}

/* ---- restart from outside ---- */

/* T4. A pending timer, restarted: later, then earlier; only the last word counts. */
CONF_CASE(pending_timer_can_be_restarted_later_and_earlier, "T4", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    subject_start(100, 0, &s);
    assert_int_equal(velo_timer_restart(s.loop, s.id, 1000), 0);
    assert_int_equal(fired_after(&s, 500), 0);
    assert_int_equal(velo_timer_restart(s.loop, s.id, 10), 0);
    assert_int_equal(fired_after(&s, 9), 0);
    assert_int_equal(fired_after(&s, 1), 1);
    assert_int_equal(fired_after(&s, 5000), 0);
    conf_destroy(s.loop);
}

/* T4 T2. A restart is an arming: among equal deadlines the restarted timer goes to the end. */
CONF_CASE(restarted_timer_goes_behind_equal_deadlines, "T4 T2", VELO_CAP_TIMERS)
{
    struct conf_trace trace;
    velo_id id;
    sim_clock_freeze(0);
    struct velo_loop *loop = conf_create(NULL);
    struct conf_step first = {.trace = &trace, .word = "restarted"};
    struct conf_step second = {.trace = &trace, .word = "other"};
    conf_trace_init(&trace);
    assert_int_equal(velo_timer_start(loop, 10, 0, conf_step_fn, &first, &id), 0);
    assert_int_equal(velo_timer_start(loop, 10, 0, conf_step_fn, &second, NULL), 0);
    assert_int_equal(velo_timer_restart(loop, id, 10), 0);
    sim_clock_advance(10);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "other restarted");
    conf_destroy(loop);
}

struct postponer {
    struct velo_loop *loop;
    velo_id sibling;
    int result;
};

static void postpone_fn(void *arg)
{
    struct postponer *p = arg;
    p->result = velo_timer_restart(p->loop, p->sibling, 70);
}

/* T4 T3. The first of two due timers restarts the second: it does not fire in this phase. */
CONF_CASE(restart_of_a_due_sibling_postpones_it, "T4 T3", VELO_CAP_TIMERS)
{
    struct postponer p = {.result = 1};
    unsigned fired = 0;
    sim_clock_freeze(0);
    p.loop = conf_create(NULL);
    assert_int_equal(velo_timer_start(p.loop, 5, 0, postpone_fn, &p, NULL), 0);
    assert_int_equal(velo_timer_start(p.loop, 6, 0, tally_fn, &fired, &p.sibling), 0);
    sim_clock_advance(10);
    conf_turns(p.loop, 2);
    assert_int_equal(p.result, 0);
    assert_int_equal(fired, 0);
    sim_clock_advance(69);
    conf_turns(p.loop, 1);
    assert_int_equal(fired, 0);
    sim_clock_advance(1);
    conf_turns(p.loop, 1);
    assert_int_equal(fired, 1);
    conf_destroy(p.loop);
}

/* T4 T5. Fired, cancelled or unknown: a restart answers -ENOENT and arms nothing. */
CONF_CASE(restart_of_a_fired_or_cancelled_timer_finds_nothing, "T4 T5", VELO_CAP_TIMERS)
{
    struct subject s = {0};
    unsigned never = 0;
    velo_id cancelled;
    subject_start(0, 0, &s);
    assert_int_equal(velo_timer_start(s.loop, 5, 0, tally_fn, &never, &cancelled), 0);
    assert_int_equal(velo_timer_cancel(s.loop, cancelled), 0);
    assert_int_equal(velo_timer_restart(s.loop, cancelled, 0), -ENOENT);
    assert_int_equal(fired_after(&s, 0), 1);
    assert_int_equal(velo_timer_restart(s.loop, s.id, 0), -ENOENT);
    assert_int_equal(velo_timer_restart(s.loop, 0, 0), -ENOENT);
    assert_int_equal(velo_timer_restart(s.loop, UINT64_MAX, 0), -ENOENT);
    assert_int_equal(fired_after(&s, PERIOD_NS), 0);
    assert_int_equal(never, 0);
    conf_destroy(s.loop);
}

/* ---- real time ---- */

struct ticker {
    struct velo_loop *loop;
    velo_id id;
    uint64_t started_ns;
    uint64_t period_ns;
    unsigned ticks;
    unsigned early;
};

static void ticker_fn(void *arg)
{
    struct ticker *t = arg;
    t->ticks++;
    t->early += conf_now_ns() - t->started_ns < t->ticks * t->period_ns;
    if (t->ticks == 20)
        CONF_EXPECT_INT(velo_timer_cancel(t->loop, t->id), 0);
}

static void tick_twenty_times(struct velo_loop *loop)
{
    struct ticker t = {.loop = loop, .period_ns = CONF_NS_PER_MS};
    t.started_ns = conf_now_ns();
    assert_int_equal(velo_timer_start(loop, t.period_ns, t.period_ns, ticker_fn, &t, &t.id), 0);
    while (t.ticks < 20)
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    assert_int_equal(t.ticks, 20);
    assert_int_equal(t.early, 0);
    assert_true(conf_now_ns() - t.started_ns < 2 * CONF_NS_PER_S);
}

/* T4 T1. Twenty periods of 1 ms by the real clock: tick n is never before n periods. */
CONF_CASE(periodic_timer_keeps_ticking_in_real_time, "T4 T1", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    tick_twenty_times(loop);
    conf_destroy(loop);
}

/* T4 F8, trap T14. The same beside a watched descriptor that stays silent. */
CONF_CASE(periodic_timer_keeps_ticking_while_a_descriptor_is_watched,
          "T4 F8",
          VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    tick_twenty_times(loop);
    assert_int_equal(probe.calls, 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
}
