/* SPDX-License-Identifier: MIT */
/*
 * Metrics (X3): how long callbacks took, and how the owner has spent its time and that of its
 * processor. Method: callbacks that move the frozen clock by a known time; processor time, which
 * cannot be frozen, is checked against bounds read around it.
 */
#include "../sim/faults.h"
#include "kinds.h"
#include "measured.h"
#include "probes.h"

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

static void use_cpu(void *arg)
{
    uint64_t until = conf_thread_cpu_ns(pthread_self()) + *(const uint64_t *)arg;
    while (conf_thread_cpu_ns(pthread_self()) < until)
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
        uint64_t before = conf_thread_cpu_ns(pthread_self());
        assert_int_equal(velo_submit(loop, use_cpu, &used_ns), 0);
        assert_int_equal(velo_submit(loop, wait_idly, NULL), 0);
        assert_int_equal(velo_submit(loop, use_cpu, &used_ns), 0);
        conf_turns(loop, 2);
        uint64_t bound = conf_thread_cpu_ns(pthread_self()) - before;
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
