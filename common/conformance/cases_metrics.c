/* SPDX-License-Identifier: MIT */
/*
 * Metrics (X3): the ledger by lane, a struct that may grow, the depth of the queue, and what all
 * that must not cost. Method: turns by hand, where every number can be told beforehand, and counted
 * system calls. Times and readers beside a loop have files of their own.
 */
#include <string.h>

#include "../sim/faults.h"
#include "jobs.h"
#include "kinds.h"
#include "measured.h"
#include "probes.h"

/* ---- the ledger by lane ---- */

static const enum velo_lane lane_of[KINDS] = {
    [KIND_TASK] = VELO_LANE_TASK,
    [KIND_PRIORITY] = VELO_LANE_PRIORITY,
    [KIND_BATCH] = VELO_LANE_TASK,
    [KIND_TICK] = VELO_LANE_TICK,
    [KIND_MICROTASK] = VELO_LANE_MICROTASK,
    [KIND_IMMEDIATE] = VELO_LANE_IMMEDIATE,
    [KIND_CLOSING] = VELO_LANE_CLOSE,
    [KIND_TIMER] = VELO_LANE_TIMER,
};

struct adder {
    struct velo_loop *loop;
    unsigned kind;
    unsigned count;
    bool cancel; /* take the last one back */
};

static void add(void *arg)
{
    const struct adder *adder = arg;
    velo_id id = 0;
    for (unsigned i = 0; i < adder->count; i++)
        CONF_EXPECT_INT(kind_add(adder->kind, adder->loop, nothing, NULL, &id), 0);
    if (adder->cancel && kind_has_id(adder->kind))
        CONF_EXPECT_INT(kind_cancel(adder->kind, adder->loop, id), 0);
}

static void check_lanes(struct velo_loop *loop, const struct velo_lane_metrics *expected)
{
    struct velo_metrics seen = conf_metrics(loop);
    struct velo_lane_metrics sum = {0};
    for (unsigned lane = 0; lane < VELO_LANES; lane++) {
        assert_int_equal(seen.lanes[lane].accepted, expected[lane].accepted);
        assert_int_equal(seen.lanes[lane].executed, expected[lane].executed);
        assert_int_equal(seen.lanes[lane].cancelled, expected[lane].cancelled);
        assert_int_equal(seen.lanes[lane].discarded, expected[lane].discarded);
        sum.accepted += seen.lanes[lane].accepted;
        sum.executed += seen.lanes[lane].executed;
        sum.cancelled += seen.lanes[lane].cancelled;
        sum.discarded += seen.lanes[lane].discarded;
    }
    assert_int_equal(seen.accepted, sum.accepted);
    assert_int_equal(seen.executed, sum.executed);
    assert_int_equal(seen.cancelled, sum.cancelled);
    assert_int_equal(seen.discarded, sum.discarded);
}

/* X3, L7: each kind of work is in the ledger of its lane, whoever adds, cancels or discards it. */
CONF_CASE(each_lane_has_a_ledger_of_its_own, "X3 L7", VELO_CAP_METRICS)
{
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        unsigned kind = i / 2;
        if (!kind_is_offered(kind))
            continue;
        struct velo_options options = conf_options();
        options.metrics = i % 2 == 1;
        struct adder adder = {conf_create(&options), kind, 4, true};
        struct velo_lane_metrics expected[VELO_LANES] = {{0}};
        struct velo_lane_metrics *lane = &expected[lane_of[kind]];
        unsigned cancels = kind_has_id(kind) ? 1 : 0;
        add(&adder); /* not on the owner */
        assert_int_equal(velo_submit(adder.loop, add, &adder), 0);
        expected[VELO_LANE_TASK].accepted += 1;
        lane->accepted += 4;
        lane->cancelled += cancels;
        check_lanes(adder.loop, expected);
        conf_turns(adder.loop, 3);
        expected[VELO_LANE_TASK].executed += 1;
        lane->accepted += 4;
        lane->cancelled += cancels;
        lane->executed += 8 - 2 * cancels;
        check_lanes(adder.loop, expected);
        add(&adder);
        assert_int_equal(velo_loop_close(adder.loop), 0);
        lane->accepted += 4;
        lane->cancelled += cancels;
        lane->discarded += 4 - cancels;
        check_lanes(adder.loop, expected);
        conf_destroy(adder.loop);
    }
}

/* X3, O1: offloads have a lane, too. */
CONF_CASE(offloads_have_a_lane, "X3 O1", VELO_CAP_METRICS | VELO_CAP_OFFLOAD)
{
    struct velo_options options = measuring();
    options.workers = 1;
    struct velo_loop *loop = conf_create(&options);
    struct job running, queued;
    struct velo_lane_metrics expected[VELO_LANES] = {{0}};
    job_init(&running, loop, true);
    job_init(&queued, loop, false);
    job_begin(&running);
    assert_int_equal(job_add(&queued), 0);
    assert_int_equal(velo_offload_cancel(loop, queued.id), 0);
    expected[VELO_LANE_OFFLOAD] = (struct velo_lane_metrics){.accepted = 2, .cancelled = 1};
    check_lanes(loop, expected);
    job_open(&running);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    expected[VELO_LANE_OFFLOAD].executed = 1;
    check_lanes(loop, expected);
    assert_int_equal(conf_metrics(loop).callbacks_measured, 2); /* both completions */
    conf_destroy(loop);
}

/* ---- the struct may grow ---- */

struct newer_metrics {
    struct velo_metrics known;
    uint64_t unknown[2];
};

/* X3: a caller with the struct of an older library gets what that had, one with a newer struct what
 * this library knows. */
CONF_CASE(metrics_are_read_by_older_and_newer_callers, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct newer_metrics seen;
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    memset(&seen, 0x5a, sizeof seen);
    seen.known.size = offsetof(struct velo_metrics, lanes);
    assert_int_equal(velo_metrics_read(loop, &seen.known), 0);
    assert_int_equal(seen.known.pending, 1);
    assert_int_equal(seen.known.size, offsetof(struct velo_metrics, lanes));
    assert_true(seen.known.lanes[0].accepted == UINT64_C(0x5a5a5a5a5a5a5a5a));
    seen.known.size = sizeof seen;
    assert_int_equal(velo_metrics_read(loop, &seen.known), 0);
    assert_int_equal(seen.known.size, sizeof seen);
    assert_int_equal(seen.known.lanes[VELO_LANE_TASK].accepted, 1);
    assert_true(seen.unknown[0] == UINT64_C(0x5a5a5a5a5a5a5a5a));
    conf_destroy(loop);
}

/* X3: without the option nothing is measured. */
CONF_CASE(without_the_option_nothing_is_measured, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    conf_turns(loop, 2);
    struct velo_metrics seen = conf_metrics(loop), zero = {0};
    size_t from = offsetof(struct velo_metrics, pending_max);
    assert_memory_equal((char *)&seen + from, (char *)&zero + from, sizeof seen - from);
    assert_int_equal(seen.executed, 100);
    conf_destroy(loop);
}

/* ---- the depth of the queue ---- */

/* X3: the most tasks that were pending. */
CONF_CASE(the_deepest_queue_is_remembered, "X3", VELO_CAP_METRICS | VELO_CAP_PRIORITY)
{
    struct velo_loop *loop = measured_loop();
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit_priority(loop, nothing, NULL), 0);
    assert_int_equal(conf_metrics(loop).pending_max, 8);
    conf_turns(loop, 1);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).pending_max, 8);
    assert_int_equal(conf_metrics(loop).pending, 0);
    conf_destroy(loop);
}

/* ---- what metrics do not do ---- */

static uint64_t all_waits(void)
{
    return sim_calls(SIM_POLL_WAIT) + sim_calls(SIM_POLL_LOOK) + sim_calls(SIM_FUTEX_WAIT) +
           sim_calls(SIM_FUTEX_WAKE) + sim_calls(SIM_WAKE_WRITE) + sim_calls(SIM_WAKE_READ);
}

/* The waits and wake-ups of some turns by hand, and of sleeps that timers end. */
static uint64_t waits_of_a_life(bool metrics)
{
    struct velo_options options = conf_options();
    options.metrics = metrics;
    options.spin_ns = -1;
    uint64_t before = all_waits();
    struct velo_loop *loop = conf_create(&options);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        conf_turns(loop, 2);
        if (conf_has(VELO_CAP_TIMERS))
            assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, nothing, NULL, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    }
    uint64_t waits = all_waits() - before;
    conf_destroy(loop);
    return waits;
}

/* X3, trap X5: with metrics not one more wait or wake-up; the frozen clock makes lives equal. */
CONF_CASE(metrics_cost_no_wait_and_no_wakeup, "X3 S8", VELO_CAP_METRICS)
{
    sim_clock_freeze(0);
    sim_sleep(let_time_pass, NULL);
    uint64_t without = waits_of_a_life(false);
    assert_int_equal(waits_of_a_life(true), without);
    sim_sleep(NULL, NULL);
    sim_clock_release();
}

/* X3, trap X5: an idle loop with metrics does nothing, and reading does not disturb its sleep. */
CONF_CASE(an_idle_loop_with_metrics_sleeps, "X3 S8", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_sync(loop);
    assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
    struct velo_metrics before = conf_metrics(loop);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(conf_metrics(loop).turns, before.turns);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_SLEEPING);
    }
    bool quiet = false;
    for (unsigned tries = 0; tries < 20 && !quiet; tries++) { /* it may be on its way to sleep */
        uint64_t waits = all_waits();
        conf_elapse_ns(50 * CONF_NS_PER_MS);
        quiet = all_waits() == waits;
    }
    assert_true(quiet);
    assert_int_equal(conf_metrics(loop).turns, before.turns);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* X3, trap X4: what the loop does for itself (wake-ups, changes of its path) is no callback. */
CONF_CASE(internal_wakeups_are_no_callbacks, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(velo_loop_wake(loop), 0);
    }
    if (conf_has(VELO_CAP_TIMERS)) {
        velo_id id = 0;
        assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, &id), 0);
        assert_int_equal(velo_timer_cancel(loop, id), 0);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.executed, 0);
    assert_int_equal(seen.callbacks_measured, 0);
    assert_int_equal(seen.fd_events, 0);
    assert_int_equal(seen.timers_fired, 0);
    conf_destroy(loop);
}
