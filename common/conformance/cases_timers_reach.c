/* SPDX-License-Identifier: MIT */
/*
 * T7 and T8: what a timer keeps alive, and delays at both ends of the scale.
 *
 * Idea: "does not spin" is counted in polls and CPU time while real time passes; "is not early" is
 * a lower bound. Nothing here depends on how fast the machine is.
 */
#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

#define HOUR_NS (3600 * CONF_NS_PER_S)

/* ---- T7 ---- */

/* T7 A1. Unreferenced, a timer does not count as alive; referenced again, it does. */
CONF_CASE(unreferenced_timer_is_not_alive, "T7 A1", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned fired = 0;
    velo_id id;
    assert_int_equal(velo_timer_start(loop, HOUR_NS, 0, tally_fn, &fired, &id), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_unref(loop, id), 0);
    assert_false(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_ref(loop, id), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_timer_cancel(loop, id), 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

/* T7 A2, traps T16 and A3. Armed and unreferenced before any turn: RUN_UNTIL_IDLE returns at once,
 * and the timer, although due, has not kept it. */
CONF_CASE(unreferenced_timer_does_not_hold_run_until_idle,
          "T7 A2",
          VELO_CAP_TIMERS | VELO_CAP_UNTIL_IDLE)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned fired = 0;
    velo_id ids[2];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(velo_timer_start(loop, HOUR_NS, i * HOUR_NS, tally_fn, &fired, &ids[i]),
                         0);
        assert_int_equal(velo_timer_unref(loop, ids[i]), 0);
    }
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(fired, 0);
    assert_int_equal(velo_loop_state(loop), VELO_STATE_AWAKE);
    conf_destroy(loop);
}

/* T7. While something else keeps the loop alive an unreferenced timer fires as usual. */
CONF_CASE(unreferenced_timer_fires_while_another_keeps_the_loop,
          "T7",
          VELO_CAP_TIMERS | VELO_CAP_UNTIL_IDLE)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned unreferenced = 0;
    unsigned referenced = 0;
    velo_id id;
    assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, tally_fn, &unreferenced, &id), 0);
    assert_int_equal(velo_timer_unref(loop, id), 0);
    assert_int_equal(velo_timer_start(loop, 3 * CONF_NS_PER_MS, 0, tally_fn, &referenced, NULL), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(unreferenced, 1);
    assert_int_equal(referenced, 1);
    conf_destroy(loop);
}

/* T7, trap T16. ref and unref are a switch and not a counter; both ways, 1,000 times. */
CONF_CASE(ref_and_unref_are_idempotent, "T7", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned fired = 0;
    velo_id id;
    assert_int_equal(velo_timer_start(loop, HOUR_NS, 0, tally_fn, &fired, &id), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(velo_timer_unref(loop, id), 0);
    assert_int_equal(velo_timer_ref(loop, id), 0);
    assert_true(velo_loop_is_alive(loop));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(velo_timer_ref(loop, id), 0);
    assert_int_equal(velo_timer_unref(loop, id), 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

/* T7. Unknown, cancelled and fired ids: -ENOENT, and liveness stays as it was. */
CONF_CASE(ref_and_unref_of_an_unknown_timer_find_nothing, "T7", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    unsigned fired = 0;
    velo_id ids[4] = {0, UINT64_MAX, 0, 0};
    assert_int_equal(velo_timer_start(loop, HOUR_NS, 0, tally_fn, &fired, &ids[2]), 0);
    assert_int_equal(velo_timer_cancel(loop, ids[2]), 0);
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &fired, &ids[3]), 0);
    conf_turns(loop, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(velo_timer_ref(loop, ids[i]), -ENOENT);
        assert_int_equal(velo_timer_unref(loop, ids[i]), -ENOENT);
    }
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

struct self_unref {
    struct velo_loop *loop;
    velo_id id;
    unsigned fired;
};

static void self_unref_fn(void *arg)
{
    struct self_unref *s = arg;
    if (++s->fired == 3)
        CONF_EXPECT_INT(velo_timer_unref(s->loop, s->id), 0);
}

/* T7 A5, trap T11. A periodic timer gives up its hold in its third callback: run returns unaided.
 */
CONF_CASE(periodic_timer_that_unreferences_itself_lets_the_loop_end,
          "T7 A2",
          VELO_CAP_TIMERS | VELO_CAP_UNTIL_IDLE)
{
    struct self_unref s = {.loop = conf_create(NULL)};
    assert_int_equal(velo_timer_start(s.loop, 1000, 1000, self_unref_fn, &s, &s.id), 0);
    assert_int_equal(velo_loop_run(s.loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(s.fired, 3);
    assert_false(velo_loop_is_alive(s.loop));
    conf_destroy(s.loop);
}

static void last_hold_goes(int (*let_go)(struct velo_loop *loop, velo_id id))
{
    unsigned rounds = conf_rounds(50);
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < rounds; i++) {
        struct conf_runner runner;
        unsigned fired = 0;
        velo_id id;
        assert_int_equal(velo_timer_start(loop, HOUR_NS, 0, tally_fn, &fired, &id), 0);
        conf_runner_start(&runner, loop, VELO_RUN_UNTIL_IDLE);
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(let_go(loop, id), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(fired, 0);
        velo_timer_cancel(loop, id);
    }
    conf_destroy(loop);
}

/* T7 A2, trap A6. Another thread unreferences the timer that the sleeping loop lives for. */
CONF_CASE(foreign_unref_of_the_last_timer_ends_run_until_idle,
          "T7 A2",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD | VELO_CAP_UNTIL_IDLE)
{
    last_hold_goes(velo_timer_unref);
}

/* T5 A2, trap A6. The same with a cancel. */
CONF_CASE(foreign_cancel_of_the_last_timer_ends_run_until_idle,
          "T5 A2",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD | VELO_CAP_UNTIL_IDLE)
{
    last_hold_goes(velo_timer_cancel);
}

/* ---- T8: far away ---- */

static const uint64_t far_delays[] = {UINT64_MAX,
                                      UINT64_MAX - 1,
                                      (UINT64_C(1) << 63),
                                      (UINT64_C(1) << 63) - 1,
                                      (UINT64_C(1) << 32) * CONF_NS_PER_MS,
                                      30 * 24 * HOUR_NS};
enum { FAR = sizeof(far_delays) / sizeof(far_delays[0]) };

/* T8, trap T18. Delays at the end of the type, started and restarted: not at once and not in a
 * week; all of them can be cancelled. */
CONF_CASE(delay_overflow_saturates, "T8", VELO_CAP_TIMERS)
{
    sim_clock_freeze(0);
    struct velo_loop *loop = conf_create(NULL);
    unsigned fired = 0;
    velo_id ids[2 * FAR];
    for (unsigned i = 0; i < FAR; i++) {
        assert_int_equal(velo_timer_start(loop, far_delays[i], 0, tally_fn, &fired, &ids[i]), 0);
        assert_int_equal(velo_timer_start(loop, 1, 0, tally_fn, &fired, &ids[FAR + i]), 0);
        assert_int_equal(velo_timer_restart(loop, ids[FAR + i], far_delays[i]), 0);
    }
    for (int day = 0; day < 8; day++) {
        conf_turns(loop, 2);
        assert_int_equal(fired, 0);
        sim_clock_advance(24 * HOUR_NS);
    }
    for (unsigned i = 0; i < 2 * FAR; i++)
        assert_int_equal(velo_timer_cancel(loop, ids[i]), 0);
    conf_turns(loop, 1);
    assert_int_equal(fired, 0);
    conf_destroy(loop);
}

/* Processor time of 15 ms in which the loop is not to poll. */
static uint64_t far_wait_cpu_ns(void *arg)
{
    (void)conf_wait_state(arg, VELO_STATE_SLEEPING);
    uint64_t polls = conf_metrics(arg).polls;
    uint64_t cpu_ns = conf_cpu_ns();
    conf_elapse_ns(15 * CONF_NS_PER_MS);
    cpu_ns = conf_cpu_ns() - cpu_ns;
    assert_in_range(conf_metrics(arg).polls - polls, 0, 3);
    return cpu_ns;
}

/* T8, trap T18. A loop that waits for such a timer sleeps: over 15 ms of real time it neither polls
 * nor uses the processor, and a submit still wakes it. */
CONF_CASE(waiting_for_a_far_timer_does_not_spin,
          "T8",
          VELO_CAP_TIMERS | VELO_CAP_METRICS | VELO_CAP_TIMER_ANY_THREAD)
{
    const uint64_t most_ns = 7 * CONF_NS_PER_MS;
    for (unsigned i = 0; i < FAR; i++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        unsigned fired = 0;
        assert_int_equal(velo_timer_start(loop, far_delays[i], 0, tally_fn, &fired, NULL), 0);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        conf_sync(loop);
        print_message("delay %llu\n", (unsigned long long)far_delays[i]);
        assert_in_range(conf_least(most_ns, far_wait_cpu_ns, loop), 0, most_ns);
        conf_sync(loop);
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(fired, 0);
        conf_destroy(loop);
    }
}

/* ---- T8: very near ---- */

/* Timers one after the other: at least [least], and then until one was hardly late, for a machine
 * that is busy delays them all for a while. A loop that rounds never has one. */
enum { HOPS = 50, HOPS_MOST = 2000 };
struct hop {
    struct velo_loop *loop;
    uint64_t delay_ns;
    uint64_t armed_ns;
    uint64_t hardly_ns;
    unsigned least;
    uint64_t best_late_ns;
    unsigned fired;
    unsigned early;
};

static bool hop_is_over(const struct hop *hop)
{
    return hop->fired >= HOPS_MOST ||
           (hop->fired >= hop->least && hop->best_late_ns < hop->hardly_ns);
}

static void hop_fn(void *arg)
{
    struct hop *hop = arg;
    uint64_t waited_ns = conf_now_ns() - hop->armed_ns;
    hop->fired++;
    if (waited_ns < hop->delay_ns)
        hop->early++;
    else if (waited_ns - hop->delay_ns < hop->best_late_ns)
        hop->best_late_ns = waited_ns - hop->delay_ns;
    if (hop_is_over(hop))
        return;
    hop->armed_ns = conf_now_ns();
    CONF_EXPECT_INT(velo_timer_start(hop->loop, hop->delay_ns, 0, hop_fn, hop, NULL), 0);
}

static void hop_along(struct hop *hop)
{
    hop->best_late_ns = UINT64_MAX;
    hop->armed_ns = conf_now_ns();
    assert_int_equal(velo_timer_start(hop->loop, hop->delay_ns, 0, hop_fn, hop, NULL), 0);
    while (!hop_is_over(hop))
        assert_int_equal(velo_loop_run(hop->loop, VELO_RUN_ONCE), 0);
    assert_int_equal(hop->early, 0);
    if (hop->best_late_ns >= hop->hardly_ns)
        fail_msg("the best of %u timers was %llu ns late",
                 hop->fired,
                 (unsigned long long)hop->best_late_ns);
}

/* T8, trap T2. Fifty timers of 300 us, one after the other: none early, and the loop waits for them
 * instead of asking again and again. */
CONF_CASE(delay_below_a_millisecond_does_not_spin, "T8 T1", VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    struct hop hop = {
        .loop = conf_create(NULL), .delay_ns = 300000, .hardly_ns = UINT64_MAX, .least = HOPS};
    hop_along(&hop);
    uint64_t polls = conf_metrics(hop.loop).polls;
    if (polls > 4 * hop.fired)
        fail_msg("%llu polls for %u timers", (unsigned long long)polls, hop.fired);
    conf_destroy(hop.loop);
}

static void end_run(void *arg)
{
    CONF_EXPECT_INT(velo_loop_shutdown(arg, 0), 0);
}

/* T8, trap T2. A timer of 700 us in a run that goes on, whose wait is another system call than that
 * of RUN_ONCE: it is waited for, too. */
CONF_CASE(delay_below_a_millisecond_does_not_spin_in_a_long_run,
          "T8",
          VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    uint64_t polls = 0;
    for (unsigned i = 0; i < HOPS; i++) {
        struct velo_loop *loop = conf_create(NULL);
        assert_int_equal(velo_timer_start(loop, 700000, 0, end_run, loop, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_FOREVER), 0);
        polls += conf_metrics(loop).polls;
        conf_destroy(loop);
    }
    if (polls > 4 * HOPS)
        fail_msg("%llu polls for %d timers", (unsigned long long)polls, (int)HOPS);
}

/* T8. Lateness is bounded by the kernel's slack and not by a tick of a millisecond: the best of
 * many timers of 100 us is less than half a millisecond late. */
CONF_CASE(delay_below_a_millisecond_is_not_rounded_to_one, "T8 T1", VELO_CAP_TIMERS)
{
    struct hop hop = {.loop = conf_create(NULL),
                      .delay_ns = 100000,
                      .hardly_ns = CONF_NS_PER_MS / 2,
                      .least = HOPS};
    hop_along(&hop);
    conf_destroy(hop.loop);
}

/* T8. The same for timers of several milliseconds beside a watched descriptor, whose wait is
 * another system call. */
CONF_CASE(timer_beside_a_descriptor_is_neither_early_nor_rounded,
          "T8 T1 F8",
          VELO_CAP_TIMERS | VELO_CAP_FDS)
{
    struct hop hop = {.loop = conf_create(NULL),
                      .delay_ns = 1300000,
                      .hardly_ns = CONF_NS_PER_MS / 2,
                      .least = 20};
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, hop.loop, pair.near, VELO_READ);
    hop_along(&hop);
    conf_destroy(hop.loop);
    fd_pair_close(&pair);
}

/* A3 T8. A turn that blocks until a deadline fires that timer in the same call. */
CONF_CASE(blocking_turn_fires_the_timer_that_ended_it, "T8 A3", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 1; i <= 10; i++) {
        unsigned fired = 0;
        assert_int_equal(velo_timer_start(loop, i * 200000, 0, tally_fn, &fired, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
        assert_int_equal(fired, 1);
    }
    conf_destroy(loop);
}
