/* SPDX-License-Identifier: MIT */
/*
 * The graceful end (L4, L5) and how it meets the immediate one (L6). Method: a callback that holds
 * the owner until the case lets it go makes every meeting certain.
 */
#include "conf.h"

#include "kinds.h"
#include "probes.h"

/* A loop whose owner is held inside a callback. */
struct held {
    struct velo_loop *loop;
    struct conf_runner runner;
    struct conf_count entered, hold;
};

static void hold_owner(void *arg)
{
    struct held *held = arg;
    conf_count_add(&held->entered, 1);
    conf_count_wait(&held->hold, 1);
}

static void held_start(struct held *held)
{
    held->loop = conf_create(NULL);
    conf_count_init(&held->entered);
    conf_count_init(&held->hold);
    assert_int_equal(velo_submit(held->loop, hold_owner, held), 0);
    conf_runner_start(&held->runner, held->loop, VELO_RUN_FOREVER);
    assert_true(conf_count_wait(&held->entered, 1));
}

static void held_release(struct held *held)
{
    conf_count_add(&held->hold, 1);
}

/* ---- L4: what is executed, where ---- */

struct drained {
    struct velo_loop *loop;
    pthread_t expected;
    struct conf_count ran;
};

static void ran_on_owner(void *arg)
{
    struct drained *drained = arg;
    CONF_EXPECT(velo_loop_is_owner(drained->loop));
    CONF_EXPECT(pthread_equal(pthread_self(), drained->expected));
    conf_count_add(&drained->ran, 1);
}

/* L4, trap L4: everything accepted runs once, on the owner, although another thread shut down. */
CONF_CASE(shutdown_runs_accepted_work_on_the_owner, "L4", 0)
{
    struct held held;
    held_start(&held);
    struct drained drained = {.loop = held.loop, .expected = held.runner.thread};
    conf_count_init(&drained.ran);
    unsigned added = 0;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind != KIND_TIMER && kind_is_offered(kind))
            for (unsigned i = 0; i < 100; i++, added++)
                assert_int_equal(kind_add(kind, held.loop, ran_on_owner, &drained, NULL), 0);
    assert_int_equal(velo_loop_shutdown(held.loop, 0), 0);
    held_release(&held);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    assert_int_equal(conf_count_get(&drained.ran), added);
    assert_int_equal(conf_discarded(held.loop), 0);
    conf_destroy(held.loop);
}

/* L4, trap L4: also when the owner has only just been woken, and has not begun yet. */
CONF_CASE(shutdown_of_a_sleeping_loop_drains_on_its_owner, "L4", 0)
{
    for (unsigned round = 0; round < conf_rounds(100); round++) {
        struct drained drained = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        conf_count_init(&drained.ran);
        conf_runner_start(&runner, drained.loop, VELO_RUN_FOREVER);
        drained.expected = runner.thread;
        conf_wait_state(drained.loop, VELO_STATE_SLEEPING);
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(velo_submit(drained.loop, ran_on_owner, &drained), 0);
        assert_int_equal(velo_loop_shutdown(drained.loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        assert_int_equal(conf_count_get(&drained.ran), 10);
        conf_destroy(drained.loop);
    }
}

/* L4, trap L3: nobody has run the loop: the caller of shutdown drains, whatever its timeout. */
CONF_CASE(shutdown_of_a_loop_at_rest_drains_on_the_caller, "L4", 0)
{
    static const int64_t timeouts[] = {0, -1, 1000000000};
    for (unsigned way = 0; way < 6; way++) {
        struct drained drained = {.loop = conf_create(NULL), .expected = pthread_self()};
        conf_count_init(&drained.ran);
        unsigned added = 0;
        if (way >= 3)
            conf_turns(drained.loop, 2); /* AWAKE again */
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (kind != KIND_TIMER && kind_is_offered(kind))
                for (unsigned i = 0; i < 10; i++, added++)
                    assert_int_equal(kind_add(kind, drained.loop, ran_on_owner, &drained, NULL), 0);
        assert_int_equal(velo_loop_shutdown(drained.loop, timeouts[way % 3]), 0);
        assert_int_equal(conf_count_get(&drained.ran), added);
        assert_int_equal(velo_loop_state(drained.loop), VELO_STATE_TERMINATED);
        assert_false(velo_loop_is_owner(drained.loop));
        assert_int_equal(velo_submit(drained.loop, nothing, NULL), -ESHUTDOWN);
        conf_destroy(drained.loop);
    }
}

/* L4 ruling, trap L11: the drain keeps the order of a turn, checkpoints included. */
CONF_CASE(drain_goes_round_in_the_order_of_a_turn,
          "L4",
          VELO_CAP_PRIORITY | VELO_CAP_IMMEDIATES | VELO_CAP_MICROTASKS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_trace trace;
    conf_trace_init(&trace);
    struct conf_step steps[] = {{&trace, "close", loop, NULL, NULL},
                                {&trace, "immediate", loop, NULL, NULL},
                                {&trace, "task", loop, NULL, NULL},
                                {&trace, "priority", loop, NULL, NULL}};
    assert_int_equal(velo_defer_close(loop, conf_step_fn, &steps[0]), 0);
    assert_int_equal(velo_set_immediate(loop, conf_step_fn, &steps[1], NULL), 0);
    assert_int_equal(velo_submit(loop, conf_step_fn, &steps[2]), 0);
    assert_int_equal(velo_submit_priority(loop, conf_step_fn, &steps[3]), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    conf_trace_is(&trace, "priority task immediate close");
    conf_destroy(loop);
}

/* L4: from the moment a shutdown was accepted, other threads are refused. */
CONF_CASE(shutdown_refuses_foreign_work_at_once, "L4", 0)
{
    struct held held;
    held_start(&held);
    assert_int_equal(velo_loop_shutdown(held.loop, 0), 0);
    velo_id id = 77;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            assert_int_equal(kind_add(kind, held.loop, nothing, NULL, &id), -ESHUTDOWN);
    assert_int_equal(velo_loop_wake(held.loop), -ESHUTDOWN);
    assert_int_equal(velo_fast_path_set(held.loop, VELO_FAST_DISABLED), -ESHUTDOWN);
    if (conf_has(VELO_CAP_TIMERS))
        assert_int_equal(velo_timer_cancel(held.loop, 12345), -ENOENT);
    held_release(&held);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    conf_destroy(held.loop);
}

struct draining {
    struct velo_loop *loop;
    struct conf_trace trace;
    struct conf_step tick, micro;
};

/* Runs inside the drain. */
static void add_while_draining(void *arg)
{
    struct draining *draining = arg;
    CONF_EXPECT_INT(velo_loop_state(draining->loop), VELO_STATE_TERMINATING);
    CONF_EXPECT_INT(velo_submit(draining->loop, nothing, NULL), -ESHUTDOWN);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind != KIND_TICK && kind != KIND_MICROTASK && kind_is_offered(kind))
            CONF_EXPECT_INT(kind_add(kind, draining->loop, nothing, NULL, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_queue_microtask(draining->loop, conf_step_fn, &draining->micro), 0);
    CONF_EXPECT_INT(velo_next_tick(draining->loop, conf_step_fn, &draining->tick), 0);
    conf_trace_add(&draining->trace, "task");
}

/* L4 ruling, trap L10: a drained task may add ticks and microtasks, and nothing else. */
CONF_CASE(draining_accepts_only_microtasks_of_the_owner, "L4", VELO_CAP_MICROTASKS)
{
    static struct draining draining;
    draining.loop = conf_create(NULL);
    conf_trace_init(&draining.trace);
    draining.tick = (struct conf_step){&draining.trace, "tick", draining.loop, NULL, NULL};
    draining.micro = (struct conf_step){&draining.trace, "micro", draining.loop, NULL, NULL};
    assert_int_equal(velo_submit(draining.loop, add_while_draining, &draining), 0);
    assert_int_equal(velo_submit(draining.loop, add_while_draining, &draining), 0);
    assert_int_equal(velo_loop_shutdown(draining.loop, -1), 0);
    conf_trace_is(&draining.trace, "task tick micro task tick micro");
    conf_destroy(draining.loop);
}

struct foreign_in_drain {
    struct held *held;
    struct conf_count draining, hold;
};

static void hold_the_drain(void *arg)
{
    struct foreign_in_drain *test = arg;
    CONF_EXPECT_INT(velo_loop_state(test->held->loop), VELO_STATE_TERMINATING);
    conf_count_add(&test->draining, 1);
    conf_count_wait(&test->hold, 1);
}

/* L4 ruling, trap L10: foreign ticks and microtasks are refused while the owner drains. */
CONF_CASE(draining_refuses_foreign_microtasks, "L4 M4", VELO_CAP_MICROTASKS)
{
    struct held held;
    held_start(&held);
    struct foreign_in_drain test = {.held = &held};
    conf_count_init(&test.draining);
    conf_count_init(&test.hold);
    assert_int_equal(velo_submit(held.loop, hold_the_drain, &test), 0);
    assert_int_equal(velo_loop_shutdown(held.loop, 0), 0);
    held_release(&held);
    assert_true(conf_count_wait(&test.draining, 1));
    assert_int_equal(velo_next_tick(held.loop, nothing, NULL), -ESHUTDOWN);
    assert_int_equal(velo_queue_microtask(held.loop, nothing, NULL), -ESHUTDOWN);
    assert_int_equal(velo_submit(held.loop, nothing, NULL), -ESHUTDOWN);
    conf_count_add(&test.hold, 1);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    conf_destroy(held.loop);
}

static void resubmit(void *arg)
{
    int rc = velo_submit(arg, resubmit, arg);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
}

/* L4 ruling, trap P5: work without end does not keep a loop from ending. */
CONF_CASE(self_resubmitting_tasks_cannot_keep_a_loop_alive, "L4 L5", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(velo_submit(loop, resubmit, loop), 0);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    conf_sync(loop);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

struct discards {
    struct conf_count count;
    velo_fn fn;
    void *arg;
};

static void note_discard(void *ctx, velo_fn fn, void *arg)
{
    struct discards *discards = ctx;
    CONF_EXPECT(fn == discards->fn);
    CONF_EXPECT(arg == discards->arg);
    conf_count_add(&discards->count, 1);
}

/* L4, L7, trap L12: timers do not fire in the drain, not even those that are due. */
CONF_CASE(pending_timers_are_discarded_by_shutdown, "L4 L7", VELO_CAP_TIMERS)
{
    struct conf_count fired;
    struct discards discards = {.fn = conf_count_fn, .arg = &fired};
    struct velo_options options = conf_options();
    options.ctx = &discards;
    options.on_discard = note_discard;
    conf_count_init(&fired);
    conf_count_init(&discards.count);
    struct velo_loop *loop = conf_create(&options);
    assert_int_equal(velo_timer_start(loop, 0, 0, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_timer_start(loop, CONF_NS_PER_S, 0, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 0, 1, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_timer_start(loop, UINT64_MAX, 0, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_count_get(&fired), 0);
    assert_int_equal(conf_count_get(&discards.count), 4);
    conf_destroy(loop);
}

/* L4, trap L12: the same on a running loop, where timers come due while the end is near. */
CONF_CASE(timers_that_come_due_meanwhile_do_not_fire, "L4 L7", VELO_CAP_TIMERS)
{
    struct held held;
    struct conf_count fired;
    conf_count_init(&fired);
    held_start(&held);
    if (conf_has(VELO_CAP_TIMER_ANY_THREAD))
        for (uint64_t delay = 0; delay < 10; delay++)
            assert_int_equal(
                velo_timer_start(held.loop, delay * 100000, delay % 2, conf_count_fn, &fired, NULL),
                0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(velo_submit(held.loop, nothing, NULL), 0);
    assert_int_equal(velo_loop_shutdown(held.loop, 2000000), -ETIMEDOUT);
    held_release(&held);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    assert_int_equal(conf_count_get(&fired), 0);
    conf_destroy(held.loop);
}

/* L7 ruling: a periodic timer is one entry in the ledger, however often it fired. */
CONF_CASE(a_periodic_timer_counts_once, "L7", VELO_CAP_TIMERS | VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count fired;
    conf_count_init(&fired);
    velo_id cancelled = 0;
    assert_int_equal(velo_timer_start(loop, 0, 1, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 0, 1, conf_count_fn, &fired, &cancelled), 0);
    while (conf_count_get(&fired) < 20)
        conf_turns(loop, 1);
    assert_int_equal(velo_timer_cancel(loop, cancelled), 0);
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.accepted, 2);
    assert_int_equal(seen.executed, 0);
    assert_int_equal(seen.cancelled, 1);
    assert_true(seen.timers_fired >= 20);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_metrics(loop).discarded, 1);
    conf_destroy(loop);
}

/* ---- L5: many callers ---- */

struct waiter {
    struct velo_loop *loop;
    int64_t timeout_ns;
    int expected;
    struct conf_count *began, *ended;
};

static void wait_in_shutdown(void *arg, unsigned index)
{
    struct waiter *waiter = (struct waiter *)arg + index;
    uint64_t begin = conf_now_ns();
    conf_count_add(waiter->began, 1);
    int rc = velo_loop_shutdown(waiter->loop, waiter->timeout_ns);
    uint64_t took = conf_now_ns() - begin;
    CONF_EXPECT_INT(rc, waiter->expected);
    if (rc == -ETIMEDOUT) {
        CONF_EXPECT(took >= (uint64_t)waiter->timeout_ns);
        CONF_EXPECT(took < (uint64_t)waiter->timeout_ns + 2 * CONF_NS_PER_S);
    }
    conf_count_add(waiter->ended, 1);
}

/* L5, trap L8: each waits for its own time, the drain goes on, those who wait get one result. */
CONF_CASE(ten_threads_shut_down_each_within_its_timeout, "L5", 0)
{
    enum { WAITERS = 10, PATIENT = 3 };
    struct held held;
    struct conf_count began, ended;
    struct waiter waiters[WAITERS];
    struct conf_team team;
    held_start(&held);
    conf_count_init(&began);
    conf_count_init(&ended);
    for (unsigned i = 0; i < WAITERS; i++) {
        bool patient = i < PATIENT;
        waiters[i] = (struct waiter){.loop = held.loop,
                                     .timeout_ns = patient ? -1 : (int64_t)(i * 10000000),
                                     .expected = patient ? 0 : -ETIMEDOUT,
                                     .began = &began,
                                     .ended = &ended};
    }
    conf_team_start(&team, WAITERS, wait_in_shutdown, waiters);
    assert_true(conf_count_wait(&began, WAITERS));
    assert_true(conf_count_wait(&ended, WAITERS - PATIENT));
    assert_int_equal(velo_loop_state(held.loop), VELO_STATE_TERMINATING);
    assert_int_equal(conf_count_get(&ended), WAITERS - PATIENT);
    held_release(&held);
    conf_team_join(&team);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    assert_int_equal(velo_loop_shutdown(held.loop, -1), -ESHUTDOWN);
    assert_int_equal(velo_loop_shutdown(held.loop, 0), -ESHUTDOWN);
    conf_destroy(held.loop);
}

static void shut_down_from_inside(void *arg)
{
    CONF_EXPECT_INT(velo_loop_shutdown(arg, -1), 0);
    CONF_EXPECT_INT(velo_loop_state(arg), VELO_STATE_TERMINATING);
    CONF_EXPECT_INT(velo_loop_shutdown(arg, 1000), 0);
}

/* L5, trap L5: a callback of any kind may shut its loop down; the call does not wait for itself. */
CONF_CASE(shutdown_from_a_callback_does_not_wait, "L5", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        struct velo_loop *loop = conf_create(NULL);
        assert_int_equal(kind_add(kind, loop, shut_down_from_inside, loop, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_FOREVER), 0);
        assert_int_equal(velo_loop_state(loop), VELO_STATE_TERMINATED);
        conf_destroy(loop);
    }
}

/* L5: a shutdown that ran out of time can be asked again; the second one waits for the same end. */
CONF_CASE(a_timed_out_shutdown_can_be_joined_again, "L5", 0)
{
    struct held held;
    held_start(&held);
    assert_int_equal(velo_loop_shutdown(held.loop, 1000000), -ETIMEDOUT);
    assert_int_equal(velo_loop_shutdown(held.loop, 1), -ETIMEDOUT);
    held_release(&held);
    int rc = velo_loop_shutdown(held.loop, -1);
    assert_true(rc == 0 || rc == -ESHUTDOWN); /* it may have ended meanwhile */
    assert_int_equal(conf_runner_join(&held.runner), 0);
    conf_destroy(held.loop);
}

struct racing_ends {
    struct velo_loop *loop;
};

static void race_to_end(void *arg, unsigned index)
{
    struct racing_ends *race = arg;
    int rc = index % 2 == 0 ? velo_loop_shutdown(race->loop, -1) : velo_loop_close(race->loop);
    CONF_EXPECT_INT(velo_loop_state(race->loop), VELO_STATE_TERMINATED);
    if (index % 2 == 1)
        CONF_EXPECT_INT(rc, 0);
    else
        CONF_EXPECT(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
}

/* L1, L5, L6, trap L2: terminators race, one wins, all return after the end. */
CONF_CASE(racing_terminators_end_the_loop_once, "L1 L5 L6", 0)
{
    unsigned before = conf_open_fds();
    for (unsigned round = 0; round < conf_rounds(300); round++) {
        struct racing_ends race = {.loop = conf_create(NULL)};
        struct conf_runner runner;
        struct conf_team team;
        bool runs = round % 3 != 0;
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(velo_submit(race.loop, nothing, NULL), 0);
        if (runs)
            conf_runner_start(&runner, race.loop, VELO_RUN_FOREVER);
        if (round % 3 == 2)
            conf_wait_running(race.loop);
        conf_team_start(&team, 4, race_to_end, &race);
        conf_team_join(&team);
        if (runs) {
            int rc = conf_runner_join(&runner);
            assert_true(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
        }
        conf_destroy(race.loop);
    }
    assert_int_equal(conf_open_fds(), before);
}

/* ---- L6: meeting the immediate end ---- */

static void close_it(void *arg, unsigned index)
{
    (void)index;
    CONF_EXPECT_INT(velo_loop_close(arg), 0);
    CONF_EXPECT_INT(velo_loop_state(arg), VELO_STATE_TERMINATED);
}

static void shut_down_is_cancelled(void *arg, unsigned index)
{
    struct conf_count *began = ((void **)arg)[1];
    (void)index;
    conf_count_add(began, 1);
    CONF_EXPECT_INT(velo_loop_shutdown(((void **)arg)[0], -1), -ECANCELED);
}

/* L6 ruling: a shutdown that joins a close gets -ECANCELED, and the work is discarded. */
CONF_CASE(shutdown_that_joins_a_close_is_ecanceled, "L6 L5", 0)
{
    struct held held;
    struct conf_team closer, joiner;
    struct conf_count ran, began;
    held_start(&held);
    conf_count_init(&ran);
    conf_count_init(&began);
    void *join[] = {held.loop, &began};
    assert_int_equal(velo_submit(held.loop, conf_count_fn, &ran), 0);
    conf_team_start(&closer, 1, close_it, held.loop);
    conf_wait_state(held.loop, VELO_STATE_TERMINATING);
    conf_team_start(&joiner, 1, shut_down_is_cancelled, join);
    conf_count_wait(&began, 1);
    assert_int_equal(velo_loop_shutdown(held.loop, 5000000), -ETIMEDOUT);
    held_release(&held);
    conf_team_join(&closer);
    conf_team_join(&joiner);
    assert_int_equal(conf_runner_join(&held.runner), -ECANCELED);
    assert_int_equal(conf_count_get(&ran), 0);
    assert_int_equal(conf_discarded(held.loop), 1);
    conf_destroy(held.loop);
}

/* L6: a close that meets a graceful drain joins it: the first mode stands. */
CONF_CASE(close_joins_a_graceful_drain, "L6", 0)
{
    struct held held;
    struct conf_team closer;
    struct conf_count ran;
    held_start(&held);
    conf_count_init(&ran);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(velo_submit(held.loop, conf_count_fn, &ran), 0);
    assert_int_equal(velo_loop_shutdown(held.loop, 0), 0);
    conf_team_start(&closer, 1, close_it, held.loop);
    held_release(&held);
    conf_team_join(&closer);
    assert_int_equal(conf_count_get(&ran), 50);
    assert_int_equal(conf_runner_join(&held.runner), 0);
    assert_int_equal(conf_discarded(held.loop), 0);
    conf_destroy(held.loop);
}
