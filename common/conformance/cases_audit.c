/* SPDX-License-Identifier: MIT */
/*
 * Faults that an audit found: what happens when two rare things meet. Method: memory, clock or
 * wake-up fail, or bring in the other one, at the moment that matters. Where a thread has to be
 * held meanwhile: cases_audit_held.c.
 */
#include <poll.h>
#include <sched.h>

#include "../sim/clock.h"
#include "../sim/faults.h"
#include "conf.h"
#include "probes.h"

/* ---- L6 L7: a close in the middle of a long checkpoint ---- */

enum { LONG_CHECKPOINT = 20000 };

struct long_checkpoint {
    struct velo_loop *loop;
    struct conf_count begun;
    unsigned ran;
};

static void wait_for_the_close(void *arg)
{
    struct long_checkpoint *test = arg;
    if (test->ran++ == 0)
        conf_count_add(&test->begun, 1);
    if (test->ran < LONG_CHECKPOINT / 2)
        conf_wait_state(test->loop, VELO_STATE_TERMINATING);
    sched_yield();
}

static void queue_many(void *arg)
{
    struct long_checkpoint *test = arg;
    for (unsigned i = 0; i < LONG_CHECKPOINT; i++)
        CONF_EXPECT_INT(velo_queue_microtask(test->loop, wait_for_the_close, test), 0);
}

CONF_CASE(a_close_in_a_long_checkpoint_discards_the_rest, "L6 L7 M3", VELO_CAP_MICROTASKS)
{
    struct long_checkpoint test = {.loop = conf_create(NULL)};
    struct conf_runner runner;
    conf_count_init(&test.begun);
    assert_int_equal(velo_submit(test.loop, queue_many, &test), 0);
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&test.begun, 1));
    assert_int_equal(velo_loop_close(test.loop), 0);
    assert_int_equal(conf_runner_join(&runner), -ECANCELED);
    assert_int_equal(conf_discarded(test.loop), LONG_CHECKPOINT - test.ran);
    conf_destroy(test.loop);
}

/* ---- memory runs out while a timer is armed ---- */

enum { WARM = 512, CROWD = 200 };

struct starved {
    struct velo_loop *loop;
    unsigned fired, ticked;
};

static void count_fired(void *arg)
{
    ((struct starved *)arg)->fired++;
}

/* On the owner: records and lanes are there, so what is refused below is room in the store. */
static void arm_without_memory(void *arg)
{
    struct starved *test = arg;
    sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
    for (unsigned i = 0; i < CROWD; i++)
        if (velo_timer_start(test->loop, 0, 0, count_fired, test, NULL) != 0)
            break;
}

static void warm_up(struct starved *test)
{
    for (unsigned i = 0; i < WARM; i++)
        assert_int_equal(velo_set_immediate(test->loop, nothing, NULL, NULL), 0);
    assert_int_equal(velo_queue_microtask(test->loop, nothing, NULL), 0);
    assert_int_equal(velo_next_tick(test->loop, nothing, NULL), 0);
    conf_turns(test->loop, 2);
}

/* T9, S1: the loop goes on without the memory, and the timers fire when there is some again. */
CONF_CASE(timers_that_find_no_memory_do_not_hold_the_loop,
          "T9 L7",
          VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES | VELO_CAP_MICROTASKS)
{
    struct starved test = {.loop = conf_create(NULL)};
    warm_up(&test);
    assert_int_equal(velo_submit(test.loop, arm_without_memory, &test), 0);
    conf_turns(test.loop, 3);
    sim_faults_clear();
    assert_int_equal(velo_loop_run(test.loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(conf_metrics(test.loop).timers_fired, test.fired);
    assert_int_equal(conf_metrics(test.loop).timers_armed, 0);
    conf_destroy(test.loop);
}

static void tick(void *arg)
{
    ((struct starved *)arg)->ticked++;
}

static void add_tick(void *arg)
{
    struct starved *test = arg;
    CONF_EXPECT_INT(velo_next_tick(test->loop, tick, test), 0);
}

static void add_microtask(void *arg)
{
    struct starved *test = arg;
    arm_without_memory(test);
    CONF_EXPECT_INT(velo_loop_shutdown(test->loop, 0), 0);
    CONF_EXPECT_INT(velo_queue_microtask(test->loop, add_tick, test), 0);
}

/* L4: nor does it shorten a graceful drain. */
CONF_CASE(a_drain_without_memory_runs_what_it_accepts,
          "L4 L7",
          VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES | VELO_CAP_MICROTASKS)
{
    struct starved test = {.loop = conf_create(NULL)};
    warm_up(&test);
    assert_int_equal(velo_submit(test.loop, add_microtask, &test), 0);
    assert_int_equal(velo_loop_run(test.loop, VELO_RUN_FOREVER), 0);
    sim_faults_clear();
    assert_int_equal(test.ticked, 1);
    conf_destroy(test.loop);
}

/* L7: what came by mail and finds no room in its lane is reported at the end like all the rest. */
CONF_CASE(what_finds_no_memory_at_the_end_is_reported, "L7", VELO_CAP_MICROTASKS)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_next_tick(loop, nothing, NULL), 0);
    assert_int_equal(velo_queue_microtask(loop, nothing, NULL), 0);
    assert_int_equal(velo_defer_close(loop, nothing, NULL), 0);
    sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
    int rc = velo_loop_close(loop);
    sim_faults_clear();
    assert_int_equal(rc, 0);
    assert_int_equal(conf_discarded(loop), 3);
    conf_destroy(loop);
}

/* ---- S8 A3: a wake-up just before RUN_ONCE falls asleep ---- */

struct poke {
    struct velo_loop *loop;
    atomic_int left; /* readings of the clock until the wake-up */
    struct conf_count returned;
};

static void wake_at_reading(void *ctx)
{
    struct poke *poke = ctx;
    if (velo_loop_is_owner(poke->loop) && atomic_fetch_sub(&poke->left, 1) == 1)
        CONF_EXPECT_INT(velo_loop_wake(poke->loop), 0);
}

static void run_once(void *arg, unsigned index)
{
    struct poke *poke = arg;
    (void)index;
    CONF_EXPECT_INT(velo_loop_run(poke->loop, VELO_RUN_ONCE), 0);
    conf_count_add(&poke->returned, 1);
}

CONF_CASE(a_wake_up_on_the_way_to_sleep_ends_run_once, "S8 A3", VELO_CAP_TIMERS)
{
    for (int reading = 1; reading <= 6; reading++) {
        struct poke poke = {.loop = conf_create(NULL)};
        struct conf_team team;
        atomic_store(&poke.left, reading);
        conf_count_init(&poke.returned);
        assert_int_equal(velo_timer_start(poke.loop, 3600 * CONF_NS_PER_S, 0, nothing, NULL, NULL),
                         0);
        sim_clock_hook(wake_at_reading, &poke);
        conf_team_start(&team, 1, run_once, &poke);
        bool alone = conf_count_wait_for(&poke.returned, 1, 300 * CONF_NS_PER_MS);
        if (!alone && atomic_load(&poke.left) > 0) /* it slept before that reading */
            assert_int_equal(velo_loop_wake(poke.loop), 0);
        else if (!alone)
            CONF_EXPECT(!"the wake-up was swallowed");
        if (!alone && atomic_load(&poke.left) <= 0)
            assert_int_equal(velo_loop_wake(poke.loop), 0);
        conf_team_join(&team);
        sim_clock_hook(NULL, NULL);
        conf_destroy(poke.loop);
    }
}

/* ---- T4: a restart by another thread while the periodic callback runs ---- */

struct postponed {
    struct velo_loop *loop;
    velo_id id;
    unsigned fired;
};

static void postpone(void *arg, unsigned index)
{
    struct postponed *test = arg;
    (void)index;
    CONF_EXPECT_INT(velo_timer_restart(test->loop, test->id, 3600 * CONF_NS_PER_S), 0);
}

static void let_it_be_postponed(void *arg)
{
    struct postponed *test = arg;
    struct conf_team team;
    if (test->fired++ != 0)
        return;
    conf_team_start(&team, 1, postpone, test);
    conf_team_join(&team);
    /* a call of the owner sees first what others have done before */
    CONF_EXPECT_INT(velo_set_immediate(test->loop, nothing, NULL, NULL), 0);
}

CONF_CASE(a_foreign_restart_holds_although_the_period_is_in_its_callback,
          "T4",
          VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD | VELO_CAP_IMMEDIATES)
{
    struct postponed test = {.loop = conf_create(NULL)};
    assert_int_equal(
        velo_timer_start(test.loop, 0, CONF_NS_PER_MS, let_it_be_postponed, &test, &test.id), 0);
    for (unsigned i = 0; i < 5; i++) {
        conf_turns(test.loop, 1);
        conf_elapse_ns(2 * CONF_NS_PER_MS);
    }
    assert_int_equal(test.fired, 1);
    assert_int_equal(velo_timer_cancel(test.loop, test.id), 0);
    conf_destroy(test.loop);
}

/* ---- A4: backend_fd asked for when something is left of an earlier turn ---- */

static void set_another(void *arg)
{
    CONF_EXPECT_INT(velo_set_immediate(arg, nothing, NULL, NULL), 0);
}

CONF_CASE(backend_fd_tells_of_what_an_earlier_turn_left,
          "A4",
          VELO_CAP_BACKEND_FD | VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    if (conf_mode() == VELO_FAST_FORCED)
        conf_na("backend_fd is refused in mode FORCED");
    assert_int_equal(velo_set_immediate(loop, set_another, loop, NULL), 0);
    conf_turns(loop, 1);
    struct pollfd ready = {velo_loop_backend_fd(loop), POLLIN, 0};
    assert_true(ready.fd >= 0);
    assert_int_equal(poll(&ready, 1, 0), 1);
    conf_turns(loop, 1);
    assert_int_equal(poll(&ready, 1, 0), 0);
    conf_destroy(loop);
}

/* ---- L15: a log sink that calls back while a shutdown's wake-up fails ---- */

static struct velo_loop *logged_loop;

/* The loop may have been up still, and be through by now. */
static bool was_heard(int rc)
{
    return rc == 0 || rc == -ESHUTDOWN;
}

static void
shut_down_from_the_log(void *ctx, enum velo_log_level level, const char *event, const char *fields)
{
    (void)ctx;
    (void)event;
    (void)fields;
    if (level == VELO_LOG_ERROR)
        CONF_EXPECT(was_heard(velo_loop_shutdown(logged_loop, 0)));
}

CONF_CASE(a_log_sink_may_call_back_while_a_shutdown_wakes, "S8 L5", CONF_OWN_MODE)
{
    struct velo_options options = conf_options();
    struct conf_runner runner;
    options.fast_path = VELO_FAST_DISABLED;
    options.on_log = shut_down_from_the_log;
    logged_loop = conf_create(&options);
    conf_runner_start(&runner, logged_loop, VELO_RUN_FOREVER);
    conf_wait_state(logged_loop, VELO_STATE_SLEEPING);
    sim_fault(SIM_WAKE_WRITE, 0, 16, EIO);
    assert_int_equal(velo_loop_shutdown(logged_loop, 0), 0); /* which fails to wake the loop */
    assert_true(was_heard(velo_loop_shutdown(logged_loop, -1)));
    assert_int_equal(conf_runner_join(&runner), 0);
    sim_faults_clear();
    conf_destroy(logged_loop);
}
