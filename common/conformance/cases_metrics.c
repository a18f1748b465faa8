/* SPDX-License-Identifier: MIT */
/*
 * Metrics in full (X3): the ledger by lane, callback times, the owner's time, processor time, and
 * snapshots for readers beside a running loop. Method: turns by hand under the frozen clock, where
 * every number can be told beforehand; then readers beside a loop under load.
 */
#include <string.h>
#include <time.h>

#include "../sim/clock.h"
#include "../sim/faults.h"
#include "conf.h"
#include "jobs.h"
#include "kinds.h"
#include "probes.h"

static struct velo_options measuring(void)
{
    struct velo_options options = conf_options();
    options.metrics = true;
    options.spin_ns = -1; /* under a frozen clock a spin would not end */
    return options;
}

static struct velo_loop *measured_loop(void)
{
    struct velo_options options = measuring();
    return conf_create(&options);
}

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

/* ---- callback times ---- */

/* Take so long, by the frozen clock. */
static void take(void *arg)
{
    sim_clock_advance(*(const uint64_t *)arg);
}

static void assert_within(uint64_t value, uint64_t expected)
{
    uint64_t off = value > expected ? value - expected : expected - value;
    if (off * 64 > expected)
        fail_msg("%llu is not within 1.6 %% of %llu",
                 (unsigned long long)value,
                 (unsigned long long)expected);
}

static void check_quantiles(struct velo_loop *loop, uint64_t p50, uint64_t p90, uint64_t max)
{
    struct velo_metrics seen = conf_metrics(loop);
    assert_within(seen.callback_p50_ns, p50);
    assert_within(seen.callback_p90_ns, p90);
    assert_within(seen.callback_p99_ns, max);
    assert_int_equal(seen.callback_max_ns, max);
}

/* X3, trap X1: the quantiles of one to five callbacks, of every kind. */
CONF_CASE(quantiles_of_few_callbacks, "X3", VELO_CAP_METRICS)
{
    static const uint64_t took[5] = {50000, 1000, 7, 300000, 20000};
    static const uint64_t p50[5] = {50000, 1000, 1000, 1000, 20000};
    static const uint64_t max[5] = {50000, 50000, 50000, 300000, 300000};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        sim_clock_freeze(0);
        struct velo_loop *loop = measured_loop();
        for (unsigned i = 0; i < 5; i++) {
            uint64_t took_ns = took[i];
            assert_int_equal(kind_add(kind, loop, take, &took_ns, NULL), 0);
            conf_turns(loop, 2);
            assert_int_equal(conf_metrics(loop).callbacks_measured, i + 1);
            check_quantiles(loop, p50[i], max[i], max[i]);
        }
        conf_destroy(loop);
        sim_clock_release();
    }
}

static void take_in_callback(struct fd_probe *probe)
{
    take(probe->more);
}

/* X3: descriptor callbacks are measured like all others. */
CONF_CASE(descriptor_callbacks_are_measured, "X3", VELO_CAP_METRICS | VELO_CAP_FDS)
{
    uint64_t took_ns = 12345;
    sim_clock_freeze(0);
    struct velo_loop *loop = measured_loop();
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {.then = take_in_callback, .more = &took_ns};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(conf_metrics(loop).callbacks_measured, 1);
    check_quantiles(loop, 12345, 12345, 12345);
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
    sim_clock_release();
}

/* X3, trap X2: gaps of hours and of centuries neither overflow nor disorder anything. */
CONF_CASE(quantiles_across_gaps_of_the_clock, "X3", VELO_CAP_METRICS)
{
    uint64_t gaps[] = {5 * 3600 * CONF_NS_PER_S, 0, UINT64_C(1) << 61, 1};
    sim_clock_freeze(0);
    struct velo_loop *loop = measured_loop();
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(velo_submit(loop, take, &gaps[i]), 0);
        conf_turns(loop, 1);
        struct velo_metrics seen = conf_metrics(loop);
        uint64_t longest = i < 2 ? gaps[0] : gaps[2];
        assert_int_equal(seen.callback_max_ns, longest);
        assert_int_equal(seen.turn_max_ns, longest);
        assert_true(seen.callback_p50_ns <= seen.callback_p90_ns);
        assert_true(seen.callback_p90_ns <= seen.callback_p99_ns);
        assert_true(seen.callback_p99_ns <= longest);
    }
    assert_int_equal(conf_metrics(loop).running_ns, gaps[0] + gaps[2] + 1);
    conf_destroy(loop);
    sim_clock_release();
}

/* Run [count] callbacks: one in [rhythm] takes 3000 ns, the others 1000. */
static void run_rhythm(struct velo_loop *loop, unsigned count, unsigned rhythm)
{
    static uint64_t took_ns[2] = {1000, 3000};
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(velo_submit(loop, take, &took_ns[i % rhythm == 0]), 0);
    conf_turns(loop, 1);
}

/* X3: of many callbacks few are measured, but no rhythm hides from them. */
CONF_CASE(many_callbacks_are_sampled, "X3", VELO_CAP_METRICS)
{
    for (unsigned rhythm = 2; rhythm <= 8; rhythm *= 2) {
        sim_clock_freeze(0);
        struct velo_loop *loop = measured_loop();
        run_rhythm(loop, 64, rhythm);
        assert_int_equal(conf_metrics(loop).callbacks_measured, 64);
        run_rhythm(loop, 20000, rhythm);
        struct velo_metrics seen = conf_metrics(loop);
        assert_in_range(seen.callbacks_measured, 64 + 20000 / 64, 64 + 20000 / 16);
        if (rhythm > 2) /* with 2, half of them */
            assert_within(seen.callback_p50_ns, 1000);
        assert_within(seen.callback_p90_ns, 3000);
        assert_int_equal(seen.callback_max_ns, 3000);
        conf_destroy(loop);
        sim_clock_release();
    }
}

/* X3: when the clock is read for another reason anyway, every callback is measured. */
CONF_CASE(all_callbacks_are_measured_for_slow_ns, "X3 X4", VELO_CAP_METRICS)
{
    for (unsigned i = 0; i < 2; i++) {
        struct velo_options options = measuring();
        options.slow_ns = i == 0 ? 3600 * CONF_NS_PER_S : 0;
        options.cpu_accounting = i == 1;
        struct velo_loop *loop = conf_create(&options);
        for (unsigned n = 0; n < 1000; n++)
            assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        conf_turns(loop, 1);
        assert_int_equal(conf_metrics(loop).callbacks_measured, 1000);
        conf_destroy(loop);
    }
}

/* X3: the longest turn is exact: no callback that was not measured escapes it. */
CONF_CASE(the_longest_turn_bounds_every_callback, "X3", VELO_CAP_METRICS)
{
    uint64_t long_ns = CONF_NS_PER_S;
    sim_clock_freeze(0);
    struct velo_loop *loop = measured_loop();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(velo_submit(loop, i == 777 ? take : nothing, &long_ns), 0);
    conf_turns(loop, 3);
    assert_int_equal(conf_metrics(loop).turn_max_ns, long_ns);
    conf_destroy(loop);
    sim_clock_release();
}

/* ---- the owner's time ---- */

static void let_time_pass(void *ctx, int64_t timeout_ns)
{
    (void)ctx;
    if (timeout_ns > 0)
        sim_clock_advance((uint64_t)timeout_ns);
}

/* X3: time inside run is either running or polling; time outside is neither. */
CONF_CASE(time_is_running_or_polling, "X3", VELO_CAP_METRICS | VELO_CAP_TIMERS)
{
    uint64_t took_ns = 3 * CONF_NS_PER_MS;
    sim_clock_freeze(0);
    sim_sleep(let_time_pass, NULL);
    struct velo_loop *loop = measured_loop();
    assert_int_equal(velo_timer_start(loop, 50 * CONF_NS_PER_MS, 0, take, &took_ns, NULL), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    sim_clock_advance(CONF_NS_PER_S);
    assert_int_equal(velo_submit(loop, take, &took_ns), 0);
    conf_turns(loop, 2);
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.running_ns, 2 * took_ns);
    assert_in_range(seen.polling_ns, 50 * CONF_NS_PER_MS, 51 * CONF_NS_PER_MS);
    assert_int_equal(seen.turn_max_ns, took_ns); /* less what it waited */
    conf_destroy(loop);
    sim_sleep(NULL, NULL);
    sim_clock_release();
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * CONF_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void use_cpu(void *arg)
{
    uint64_t until = thread_cpu_ns() + *(const uint64_t *)arg;
    while (thread_cpu_ns() < until)
        ;
}

static void wait_idly(void *arg)
{
    (void)arg;
    conf_elapse_ns(5 * CONF_NS_PER_MS);
}

/* X3: processor time of the owner inside run, and of its callbacks; waiting costs none. */
CONF_CASE(processor_time_is_accounted_for, "X3", VELO_CAP_METRICS)
{
    uint64_t used_ns = 2 * CONF_NS_PER_MS;
    for (unsigned i = 1; i < 4; i++) { /* metrics, cpu_accounting, both */
        struct velo_options options = conf_options();
        options.metrics = (i & 1) != 0;
        options.cpu_accounting = (i & 2) != 0;
        struct velo_loop *loop = conf_create(&options);
        uint64_t before = thread_cpu_ns();
        assert_int_equal(velo_submit(loop, use_cpu, &used_ns), 0);
        assert_int_equal(velo_submit(loop, wait_idly, NULL), 0);
        assert_int_equal(velo_submit(loop, use_cpu, &used_ns), 0);
        conf_turns(loop, 2);
        uint64_t bound = thread_cpu_ns() - before;
        struct velo_metrics seen = conf_metrics(loop);
        if (options.metrics)
            assert_in_range(seen.cpu_ns, 2 * used_ns, bound);
        else
            assert_int_equal(seen.cpu_ns, 0);
        if (options.cpu_accounting) {
            assert_in_range(seen.callback_cpu_ns, 2 * used_ns, bound);
            assert_in_range(seen.callback_cpu_max_ns, used_ns, seen.callback_cpu_ns - used_ns);
        } else {
            assert_int_equal(seen.callback_cpu_ns, 0);
        }
        conf_destroy(loop);
    }
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

/* ---- who reads when ---- */

static void read_on_owner(void *arg)
{
    struct velo_loop *loop = arg;
    struct velo_metrics seen = conf_metrics(loop);
    CONF_EXPECT_INT(seen.lanes[VELO_LANE_TASK].executed, 2); /* this is the second */
    CONF_EXPECT_INT(seen.pending, 1);
    CONF_EXPECT_INT(velo_submit(loop, nothing, NULL), 0);
    CONF_EXPECT_INT(conf_metrics(loop).accepted, 4);
    CONF_EXPECT(seen.running_ns >= seen.callback_max_ns);
}

/* X3: exact on the owner and at rest. */
CONF_CASE(metrics_are_exact_on_the_owner_and_at_rest, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, read_on_owner, loop), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(conf_metrics(loop).accepted, 3);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).executed, 3);
    assert_int_equal(conf_metrics(loop).pending, 1);
    conf_turns(loop, 1);
    assert_int_equal(conf_metrics(loop).executed, 4);
    conf_destroy(loop);
}

/* X3: who sees the loop asleep sees what it did before. */
CONF_CASE(a_sleeping_loop_has_published_its_counters, "X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= conf_rounds(100); i++) {
        conf_sync(loop);
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        struct velo_metrics seen = conf_metrics(loop);
        assert_int_equal(seen.executed, i);
        assert_int_equal(seen.accepted, i);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

struct beside {
    struct velo_loop *loop;
    atomic_bool stop;
    atomic_uint read;
};

static void check_snapshot(const struct velo_metrics *now, const struct velo_metrics *last)
{
    const struct velo_lane_metrics *lanes = now->lanes;
    uint64_t begun = 0, accepted = 0;
    for (unsigned lane = 0; lane < VELO_LANES; lane++) {
        uint64_t ended = lanes[lane].executed + lanes[lane].cancelled + lanes[lane].discarded;
        CONF_EXPECT(lanes[lane].accepted >= ended);
        CONF_EXPECT(lanes[lane].accepted >= last->lanes[lane].accepted);
        CONF_EXPECT(lanes[lane].executed >= last->lanes[lane].executed);
        accepted += lanes[lane].accepted;
    }
    for (unsigned lane = VELO_LANE_TASK; lane <= VELO_LANE_PRIORITY; lane++)
        begun += lanes[lane].accepted - lanes[lane].executed - lanes[lane].discarded;
    CONF_EXPECT_INT(now->accepted, accepted);
    CONF_EXPECT_INT(now->pending, begun); /* of the same moment */
    CONF_EXPECT(now->pending_max >= now->pending);
    CONF_EXPECT(now->turns >= last->turns && now->running_ns >= last->running_ns);
    CONF_EXPECT(now->polling_ns >= last->polling_ns && now->cpu_ns >= last->cpu_ns);
    CONF_EXPECT(now->turn_max_ns <= now->running_ns);
    CONF_EXPECT(now->callback_p50_ns <= now->callback_p90_ns);
    CONF_EXPECT(now->callback_p90_ns <= now->callback_p99_ns);
    CONF_EXPECT(now->callback_p99_ns <= now->callback_max_ns);
}

static void read_beside(void *arg, unsigned index)
{
    struct beside *test = arg;
    struct velo_metrics last = {.size = sizeof last};
    (void)index;
    while (!atomic_load(&test->stop)) {
        struct velo_metrics now = conf_metrics(test->loop);
        check_snapshot(&now, &last);
        last = now;
        atomic_fetch_add(&test->read, 1);
    }
}

/* Work of all kinds from this thread, some of it taken back. */
static void load(struct velo_loop *loop, unsigned rounds)
{
    struct conf_random random = conf_random(1);
    for (unsigned i = 0; i < rounds; i++) {
        unsigned kind = (unsigned)conf_random_below(&random, KINDS);
        velo_id id = 0;
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, nothing, NULL, &id), 0);
        if (kind_has_id(kind) && conf_random_below(&random, 2) == 0) {
            int rc = kind_cancel(kind, loop, id);
            CONF_EXPECT(rc == 0 || rc == -ENOENT || rc == -EALREADY);
        }
    }
}

/* X3, trap X3: all numbers that a reader gets beside a loop under load are of one moment. */
CONF_CASE(snapshots_are_of_one_moment_under_load, "X3 L7", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct conf_runner runner;
    struct conf_team team;
    conf_team_start(&team, 2, read_beside, &test); /* at rest, while it starts, and beside it */
    load(test.loop, conf_rounds(1000));
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    load(test.loop, conf_rounds(20000));
    conf_sync(test.loop);
    atomic_store(&test.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(test.loop);
}

/* X3: the same while run is entered and left all the time. */
CONF_CASE(snapshots_are_of_one_moment_between_runs, "X3", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct conf_team team;
    conf_team_start(&team, 1, read_beside, &test);
    for (unsigned i = 0; i < conf_rounds(3000); i++) {
        assert_int_equal(velo_submit(test.loop, nothing, NULL), 0);
        conf_turns(test.loop, 1);
    }
    atomic_store(&test.stop, true);
    conf_team_join(&team);
    conf_destroy(test.loop);
}

/* X3: a reader comes to its end although the owner publishes as fast as it can. */
CONF_CASE(readers_come_to_an_end, "X3", VELO_CAP_METRICS)
{
    struct beside test = {.loop = measured_loop()};
    struct spinner spinner = {.loop = test.loop};
    struct conf_runner runner;
    struct conf_team team;
    spinner_fn(&spinner);
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_running(test.loop));
    conf_team_start(&team, 3, read_beside, &test);
    uint64_t until = conf_now_ns() + CONF_PATIENCE_NS;
    while (atomic_load(&test.read) < conf_rounds(3000) && conf_now_ns() < until)
        sched_yield();
    CONF_EXPECT(atomic_load(&test.read) >= conf_rounds(3000));
    atomic_store(&test.stop, true);
    atomic_store(&spinner.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(test.loop);
}

static void shut_down(void *arg, unsigned index)
{
    (void)index;
    CONF_EXPECT_INT(velo_loop_shutdown(arg, -1), 0);
}

/* X3, L4: also beside a drain by a thread that was never inside run. */
CONF_CASE(metrics_are_read_beside_a_drain, "X3 L4", VELO_CAP_METRICS)
{
    struct velo_loop *loop = measured_loop();
    struct conf_team team;
    struct conf_count ran, gate;
    conf_count_init(&ran);
    conf_count_init(&gate);
    assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
    assert_int_equal(velo_submit(loop, conf_hold_fn, &gate), 0);
    conf_team_start(&team, 1, shut_down, loop);
    assert_true(conf_count_wait(&ran, 1));
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.accepted, 2);
    assert_in_range(seen.executed, 0, 2);
    conf_count_add(&gate, 1);
    conf_team_join(&team);
    assert_int_equal(conf_metrics(loop).executed, 2);
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
