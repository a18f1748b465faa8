/* SPDX-License-Identifier: MIT */
/*
 * T4, T5, T1 across threads, step by step: timers are changed by another thread while the owner is
 * held in a callback, or asleep.
 *
 * Idea: the owner waits at a gate inside a callback, so that the other thread's call lies in a
 * known place, and is not a race.
 */
#include "../sim/clock.h"
#include "conf.h"
#include "probes.h"

#define CAPS_FOREIGN (VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD)

/* ---- held callbacks: the answers while one runs ---- */

struct holding {
    struct velo_loop *loop;
    struct conf_count entered;
    struct conf_count gate;
    struct conf_runner runner;
    unsigned fired;
    unsigned sibling_fired;
};

static void holding_fn(void *arg)
{
    struct holding *h = arg;
    h->fired++;
    conf_count_add(&h->entered, 1);
    conf_count_wait(&h->gate, 1);
}

static void holding_init(struct holding *h)
{
    *h = (struct holding){0};
    sim_clock_freeze(0);
    conf_count_init(&h->entered);
    conf_count_init(&h->gate);
    h->loop = conf_create(NULL);
}

static void holding_end(struct holding *h)
{
    conf_count_add(&h->gate, 1);
    conf_sync(h->loop);
    assert_int_equal(velo_loop_shutdown(h->loop, -1), 0);
    assert_int_equal(conf_runner_join(&h->runner), 0);
    conf_destroy(h->loop);
}

/* T5, trap T23. While a one shot runs and waits for this thread, this thread cancels it: -EALREADY,
 * at once, no deadlock. */
CONF_CASE(foreign_cancel_of_a_running_one_shot_does_not_wait, "T5", CAPS_FOREIGN)
{
    struct holding h;
    velo_id id;
    holding_init(&h);
    assert_int_equal(velo_timer_start(h.loop, 0, 0, holding_fn, &h, &id), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_timer_cancel(h.loop, id), -EALREADY);
    assert_int_equal(velo_timer_restart(h.loop, id, 0), -EALREADY);
    conf_count_add(&h.gate, 1);
    conf_sync(h.loop);
    assert_int_equal(velo_timer_cancel(h.loop, id), -ENOENT);
    assert_int_equal(h.fired, 1);
    holding_end(&h);
}

/* T5, traps T11 and T23. The same with a periodic timer: 0 means "not again", and it is kept. */
CONF_CASE(foreign_cancel_of_a_running_periodic_timer_ends_it, "T5 T4", CAPS_FOREIGN)
{
    struct holding h;
    velo_id id;
    holding_init(&h);
    assert_int_equal(velo_timer_start(h.loop, 0, 1, holding_fn, &h, &id), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_timer_cancel(h.loop, id), 0);
    assert_int_equal(velo_timer_cancel(h.loop, id), -ENOENT);
    sim_clock_advance(1000);
    conf_count_add(&h.gate, 1);
    conf_sync(h.loop);
    conf_sync(h.loop);
    assert_int_equal(h.fired, 1);
    holding_end(&h);
}

/* T5, trap T19. Two timers are due; while the first one runs, a foreign cancel of the second
 * returns 0: the second stays silent although it belongs to the same phase. */
CONF_CASE(foreign_cancel_counts_for_the_phase_that_runs, "T5", CAPS_FOREIGN)
{
    struct holding h;
    velo_id id;
    holding_init(&h);
    assert_int_equal(velo_timer_start(h.loop, 0, 0, holding_fn, &h, NULL), 0);
    assert_int_equal(velo_timer_start(h.loop, 0, 0, tally_fn, &h.sibling_fired, &id), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_timer_cancel(h.loop, id), 0);
    conf_count_add(&h.gate, 1);
    conf_sync(h.loop);
    assert_int_equal(h.sibling_fired, 0);
    holding_end(&h);
}

/* T4 T5. The same with a restart: the due sibling is postponed by the foreign thread. */
CONF_CASE(foreign_restart_counts_for_the_phase_that_runs, "T4 T5", CAPS_FOREIGN)
{
    struct holding h;
    velo_id id;
    holding_init(&h);
    assert_int_equal(velo_timer_start(h.loop, 0, 0, holding_fn, &h, NULL), 0);
    assert_int_equal(velo_timer_start(h.loop, 0, 0, tally_fn, &h.sibling_fired, &id), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_timer_restart(h.loop, id, CONF_NS_PER_MS), 0);
    conf_count_add(&h.gate, 1);
    conf_sync(h.loop);
    conf_sync(h.loop);
    assert_int_equal(h.sibling_fired, 0);
    assert_int_equal(velo_timer_cancel(h.loop, id), 0);
    holding_end(&h);
}

/* T4 T5. A periodic timer runs and is restarted by the foreign thread: that delay counts, and not
 * the period, which then goes on. */
CONF_CASE(foreign_restart_of_a_running_periodic_timer_moves_its_next_call, "T4 T5", CAPS_FOREIGN)
{
    struct holding h;
    velo_id id;
    holding_init(&h);
    assert_int_equal(velo_timer_start(h.loop, 0, 1000, holding_fn, &h, &id), 0);
    conf_runner_start(&h.runner, h.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&h.entered, 1));
    assert_int_equal(velo_timer_restart(h.loop, id, 5000), 0);
    conf_count_add(&h.gate, 1);
    conf_sync(h.loop);
    sim_clock_advance(4999);
    conf_sync(h.loop);
    assert_int_equal(h.fired, 1);
    sim_clock_advance(1);
    assert_int_equal(velo_loop_wake(h.loop), 0);
    assert_true(conf_count_wait(&h.entered, 2));
    conf_sync(h.loop);
    sim_clock_advance(999);
    conf_sync(h.loop);
    assert_int_equal(h.fired, 2);
    sim_clock_advance(1);
    assert_int_equal(velo_loop_wake(h.loop), 0);
    assert_true(conf_count_wait(&h.entered, 3));
    assert_int_equal(velo_timer_cancel(h.loop, id), 0);
    holding_end(&h);
}

/* T4, -EAGAIN of velo_timer_restart. The owner is held while another thread restarts one timer
 * 70,000 times: each call answers 0 or -EAGAIN at once, and then the timer fires once. */
CONF_CASE(restart_storm_on_a_held_loop_neither_blocks_nor_multiplies, "T4 T5", CAPS_FOREIGN)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count gate;
    struct conf_count fired;
    unsigned odd = 0;
    unsigned refused = 0;
    velo_id id;
    conf_count_init(&gate);
    conf_count_init(&fired);
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, conf_count_fn, &fired, &id),
                     0);
    assert_int_equal(velo_submit(loop, conf_hold_fn, &gate), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 70000; i++) {
        int rc = velo_timer_restart(loop, id, 3600 * CONF_NS_PER_S);
        refused += rc == -EAGAIN;
        odd += rc != 0 && rc != -EAGAIN;
    }
    conf_count_add(&gate, 1);
    conf_sync(loop);
    assert_int_equal(odd, 0);
    print_message("70000 restarts, %u refused\n", refused);
    assert_int_equal(conf_count_get(&fired), 0);
    assert_int_equal(velo_timer_restart(loop, id, 0), 0);
    assert_true(conf_count_wait(&fired, 1));
    conf_sync(loop);
    assert_int_equal(conf_count_get(&fired), 1);
    assert_int_equal(velo_timer_cancel(loop, id), -ENOENT);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* ---- sleepers ---- */

static velo_id start_far(struct velo_loop *loop, struct conf_count *fired)
{
    velo_id id;
    assert_int_equal(velo_timer_start(loop, 3600 * CONF_NS_PER_S, 0, conf_count_fn, fired, &id), 0);
    return id;
}

/* T1 T8, trap W14. The loop sleeps until a timer an hour away; another thread arms an earlier one,
 * arms and cancels one, and restarts the far one to now: each time is kept. */
CONF_CASE(earlier_timer_from_another_thread_cuts_the_sleep_short, "T1 T4 T8", CAPS_FOREIGN)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_count far;
    struct conf_count near;
    conf_count_init(&far);
    conf_count_init(&near);
    velo_id far_id = start_far(loop, &far);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    unsigned rounds = conf_rounds(100);
    for (unsigned i = 0; i < rounds; i++) {
        velo_id gone;
        assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
        assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS / 2, 0, conf_count_fn, &near, &gone),
                         0);
        int rc = velo_timer_cancel(loop, gone);
        assert_true(rc == 0 || rc == -ENOENT || rc == -EALREADY);
        if (rc != 0)
            assert_true(conf_count_wait(&near, i + 1));
        uint64_t armed_ns = conf_now_ns();
        if (rc == 0)
            assert_int_equal(velo_timer_start(loop, CONF_NS_PER_MS, 0, conf_count_fn, &near, NULL),
                             0);
        assert_true(conf_count_wait_for(&near, i + 1, CONF_NS_PER_S));
        assert_true(rc != 0 || conf_now_ns() - armed_ns >= CONF_NS_PER_MS);
    }
    assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
    assert_int_equal(velo_timer_restart(loop, far_id, 1000), 0);
    assert_true(conf_count_wait_for(&far, 1, CONF_NS_PER_S));
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* T1 T4. The loop sleeps until a near deadline; another thread postpones it: not early. */
CONF_CASE(timer_postponed_from_another_thread_is_not_early, "T1 T4", CAPS_FOREIGN)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    unsigned rounds = conf_rounds(20);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < rounds; i++) {
        struct conf_count fired;
        velo_id id;
        conf_count_init(&fired);
        assert_int_equal(velo_timer_start(loop, 3 * CONF_NS_PER_MS, 0, conf_count_fn, &fired, &id),
                         0);
        uint64_t armed_ns = conf_now_ns();
        int rc = velo_timer_restart(loop, id, 6 * CONF_NS_PER_MS);
        assert_true(conf_count_wait_for(&fired, 1, CONF_NS_PER_S));
        assert_true(rc == 0 || rc == -ENOENT || rc == -EALREADY);
        assert_true(rc != 0 || conf_now_ns() - armed_ns >= 6 * CONF_NS_PER_MS);
        conf_sync(loop);
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* T1 S8, trap W13. A timer expires in the moment in which another thread submits: both, once each.
 */
CONF_CASE(timer_and_foreign_task_at_the_same_moment_both_run, "T1 S8", CAPS_FOREIGN)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_random random = conf_random(5);
    struct conf_count timers;
    struct conf_count tasks;
    unsigned rounds = conf_rounds(1000);
    conf_count_init(&timers);
    conf_count_init(&tasks);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= rounds; i++) {
        assert_int_equal(velo_timer_start(loop, 100000, 0, conf_count_fn, &timers, NULL), 0);
        conf_jitter(&random, 300000);
        assert_int_equal(velo_submit(loop, conf_count_fn, &tasks), 0);
        assert_true(conf_count_wait_for(&timers, i, CONF_NS_PER_S));
        assert_true(conf_count_wait_for(&tasks, i, CONF_NS_PER_S));
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(conf_count_get(&timers), rounds);
    assert_int_equal(conf_count_get(&tasks), rounds);
    conf_destroy(loop);
}
