/* SPDX-License-Identifier: MIT */
/*
 * on_timer_audit (X4, T4, T5, L7): every event of a timer's life, in order, with its id and
 * deadline. On the fake clock, which starts at BASE_NS.
 */
#include "common/sim/clock.h"
#include "conf.h"
#include "probes.h"

#define BASE_NS UINT64_C(1000000000)

static struct conf_trace trace;
static velo_id ids[2];

/* Write "armed0@5": the timer by its place in [ids], the deadline relative to the start. */
static void on_audit(void *ctx, const struct velo_timer_audit *audit)
{
    static const char *const words[] = {"armed", "restarted", "fired", "cancelled", "discarded"};
    (void)ctx;
    int which = audit->id == ids[0] ? 0 : audit->id == ids[1] ? 1 : 9;
    uint64_t deadline = audit->deadline_ns == 0 ? 0 : audit->deadline_ns - BASE_NS;
    conf_trace_add(&trace, "%s%d@%llu", words[audit->event], which, (unsigned long long)deadline);
    CONF_EXPECT(audit->event != VELO_TIMER_FIRED || audit->now_ns >= audit->deadline_ns);
}

static struct velo_loop *audited_loop(void)
{
    struct velo_options options = conf_options();
    options.on_timer_audit = on_audit;
    conf_trace_init(&trace);
    ids[0] = ids[1] = 0;
    sim_clock_freeze(BASE_NS);
    return conf_create(&options);
}

static void start(struct velo_loop *loop, unsigned which, uint64_t delay, uint64_t period)
{
    static unsigned ran;
    assert_int_equal(velo_timer_start(loop, delay, period, tally_fn, &ran, &ids[which]), 0);
}

/* Before any run the caller is foreign; the id is known when the hook hears of it (T6). */
CONF_CASE(audit_tells_of_arming_firing_and_periods, "T4 T6 X4", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = audited_loop();
    start(loop, 0, 5, 0);
    start(loop, 1, 10, 20);
    conf_trace_is(&trace, "armed0@5 armed1@10");
    sim_clock_advance(10);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "fired0@5 fired1@10");
    sim_clock_advance(20);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "fired1@30");
    conf_destroy(loop);
    conf_trace_is(&trace, "discarded1@50");
}

static void change_on_owner(void *arg)
{
    struct velo_loop *loop = arg;
    CONF_EXPECT_INT(velo_timer_restart(loop, ids[0], 100), 0);
    CONF_EXPECT_INT(velo_timer_cancel(loop, ids[0]), 0);
    CONF_EXPECT_INT(velo_timer_cancel(loop, ids[0]), -ENOENT);
    CONF_EXPECT_INT(velo_timer_restart(loop, ids[0], 1), -ENOENT);
}

/* What failed is not told. */
CONF_CASE(audit_tells_of_restart_and_cancel_on_the_owner, "T4 T5 X4", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = audited_loop();
    start(loop, 0, 5, 0);
    assert_int_equal(velo_submit(loop, change_on_owner, loop), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "armed0@5 restarted0@100 cancelled0@100");
    conf_destroy(loop);
    conf_trace_is(&trace, "");
}

/* Another thread does not know the deadline that it cancels. */
CONF_CASE(audit_tells_of_restart_and_cancel_elsewhere,
          "T4 T5 X4",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    struct velo_loop *loop = audited_loop();
    start(loop, 0, 5, 0);
    change_on_owner(loop);
    conf_trace_is(&trace, "armed0@5 restarted0@100 cancelled0@0");
    conf_turns(loop, 1);
    conf_destroy(loop);
    conf_trace_is(&trace, "");
}

static void restart_itself(void *arg)
{
    struct velo_loop *loop = arg;
    static bool again;
    conf_trace_add(&trace, "ran");
    if (!again)
        CONF_EXPECT_INT(velo_timer_restart(loop, ids[0], 7), 0);
    again = !again;
}

/* The hook hears of a firing before the callback runs; a one shot may arm itself again. */
CONF_CASE(audit_comes_before_the_callback, "T4 X4", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = audited_loop();
    assert_int_equal(velo_timer_start(loop, 1, 0, restart_itself, loop, &ids[0]), 0);
    sim_clock_advance(1);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "armed0@1 fired0@1 ran restarted0@8");
    sim_clock_advance(7);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "fired0@8 ran");
    conf_destroy(loop);
}

struct tally {
    _Atomic uint64_t events[VELO_TIMER_DISCARDED + 1];
    struct velo_loop *loop;
};

static void count_event(void *ctx, const struct velo_timer_audit *audit)
{
    struct tally *tally = ctx;
    atomic_fetch_add(&tally->events[audit->event], 1);
}

static void start_and_cancel(void *arg, unsigned index)
{
    struct tally *tally = arg;
    static unsigned ran;
    for (unsigned i = 0; i < conf_rounds(500); i++) {
        velo_id id = 0;
        uint64_t delay = (i + index) % 3 == 0 ? 0 : CONF_NS_PER_S * 3600;
        CONF_EXPECT_INT(velo_timer_start(tally->loop, delay, 0, tally_fn, &ran, &id), 0);
        if (i % 2 == 0)
            velo_timer_cancel(tally->loop, id);
    }
}

/* L7: as in the ledger, every armed timer is told to have fired, been cancelled or discarded. */
CONF_CASE(audit_adds_up, "L7 T5 X4", VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)
{
    static struct tally tally;
    struct conf_runner runner;
    struct conf_team team;
    struct velo_options options = conf_options();
    options.on_timer_audit = count_event;
    options.ctx = &tally;
    tally.loop = conf_create(&options);
    conf_runner_start(&runner, tally.loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_running(tally.loop)); /* else the close may come first */
    conf_team_start(&team, 3, start_and_cancel, &tally);
    conf_team_join(&team);
    conf_wait_running(tally.loop); /* else the close may come before the run */
    assert_int_equal(velo_loop_close(tally.loop), 0);
    assert_int_equal(conf_runner_join(&runner), -ECANCELED);
    assert_int_equal(tally.events[VELO_TIMER_ARMED], 3 * conf_rounds(500));
    assert_int_equal(tally.events[VELO_TIMER_FIRED] + tally.events[VELO_TIMER_CANCELLED] +
                         tally.events[VELO_TIMER_DISCARDED],
                     tally.events[VELO_TIMER_ARMED]);
    assert_int_equal(tally.events[VELO_TIMER_DISCARDED], conf_discarded(tally.loop));
    conf_destroy(tally.loop);
}
