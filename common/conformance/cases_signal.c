/* SPDX-License-Identifier: MIT */
/*
 * Submits and wake-ups in signal handlers (S9). Method: a storm, in which another thread sends
 * signals to a victim without pause, so that its handler meets whatever it does; then handlers that
 * come at a known place. Those that come between any two instructions: cases_signal_steps.c.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "../sim/faults.h"
#include "conf.h"
#include "handlers.h"
#include "probes.h"

/* ---- the storm ---- */

struct storm {
    pthread_t victim;
    pthread_t thread;
    atomic_bool stop;
};

static void *storm_main(void *arg)
{
    struct storm *storm = arg;
    while (!atomic_load(&storm->stop)) {
        pthread_kill(storm->victim, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void storm_start(struct storm *storm, pthread_t victim)
{
    storm->victim = victim;
    atomic_init(&storm->stop, false);
    assert_int_equal(pthread_create(&storm->thread, NULL, storm_main, storm), 0);
}

static void storm_end(struct storm *storm)
{
    atomic_store(&storm->stop, true);
    assert_int_equal(pthread_join(storm->thread, NULL), 0);
}

static bool is_over(const struct source *source)
{
    return atomic_load(&source->sent) >= source->limit || atomic_load(&source->ended);
}

/* S9, L7: the victim allocates and frees all the time; its handler submits amid that. */
CONF_CASE(a_handler_submits_amid_malloc, "S9 S3", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct storm storm;
    struct conf_random random = conf_random(0);
    void *blocks[64] = {NULL};
    source_open(&by_handler, loop, conf_rounds(20000));
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    storm_start(&storm, pthread_self());
    while (!is_over(&by_handler)) {
        uint64_t i = conf_random_below(&random, 64);
        free(blocks[i]);
        blocks[i] = malloc(1 + conf_random_below(&random, 20000));
    }
    storm_end(&storm);
    for (unsigned i = 0; i < 64; i++)
        free(blocks[i]);
    source_settles(&by_handler);
    assert_int_equal(atomic_load(&by_handler.sent), by_handler.limit);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* The victim submits all the time, and so does its handler, to the same loop. */
static void interrupt_submits(const struct velo_options *options)
{
    struct velo_loop *loop = conf_create(options);
    struct conf_runner runner;
    struct storm storm;
    source_open(&by_handler, loop, conf_rounds(10000));
    source_open(&by_victim, loop, UINT32_MAX);
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    storm_start(&storm, pthread_self());
    while (!is_over(&by_handler)) {
        source_send(&by_victim);
        while (atomic_load(&by_victim.sent) > conf_count_get(&by_victim.ran) + 100000)
            sched_yield();
    }
    storm_end(&storm);
    source_settles(&by_handler);
    source_settles(&by_victim);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S3: both sources keep their order, whatever the handler has interrupted. */
CONF_CASE(a_handler_interrupts_submits_of_its_thread, "S9 S3 L7", VELO_CAP_SIGNAL_SAFE)
{
    interrupt_submits(NULL);
}

/* S9, S1: the bounded path takes no lock either. */
CONF_CASE(a_handler_interrupts_bounded_submits, "S9 S1", VELO_CAP_SIGNAL_SAFE | VELO_CAP_BOUNDED)
{
    struct velo_options options = conf_options();
    options.max_pending = 300;
    interrupt_submits(&options);
}

/* S9: the victim is the owner, in the midst of its turns, sleeps included. */
CONF_CASE(a_handler_interrupts_the_owner, "S9 S3 L7", VELO_CAP_SIGNAL_SAFE)
{
    for (unsigned busy = 0; busy < 2; busy++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct storm storm;
        struct spinner spinner = {.loop = loop};
        source_open(&by_handler, loop, conf_rounds(10000));
        handle(SIGUSR1, on_submit_signal);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        if (busy)
            assert_int_equal(velo_submit(loop, spinner_fn, &spinner), 0);
        storm_start(&storm, runner.thread);
        assert_true(conf_count_wait(&by_handler.ran, by_handler.limit));
        storm_end(&storm);
        atomic_store(&spinner.stop, true);
        source_settles(&by_handler);
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        conf_destroy(loop);
    }
}

/* S9, L6, L7: the handler goes on until the loop refuses; the ledger is exact. */
CONF_CASE(a_handler_submits_against_a_close, "S9 L6 L7", VELO_CAP_SIGNAL_SAFE)
{
    for (unsigned round = 0; round < conf_rounds(20); round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct storm storm;
        source_open(&by_handler, loop, UINT32_MAX);
        handle(SIGUSR1, on_submit_signal);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        conf_wait_running(loop);
        storm_start(&storm, pthread_self());
        while (conf_count_get(&by_handler.ran) < 100 + 10 * round) {
        }
        assert_int_equal(velo_loop_close(loop), 0);
        assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        while (!atomic_load(&by_handler.ended)) {
        }
        storm_end(&storm);
        assert_int_equal(conf_count_get(&by_handler.ran) + conf_discarded(loop),
                         atomic_load(&by_handler.sent));
        assert_int_equal(by_handler.misplaced, 0);
        assert_int_equal(atomic_load(&wrong_result), 0);
        conf_destroy(loop);
    }
}

/* ---- one handler, at a known place ---- */

static void raise_in_callback(void *arg)
{
    struct conf_trace *trace = arg;
    CONF_EXPECT_INT(raise(SIGUSR1), 0);
    CONF_EXPECT_INT(by_handler.last, 0); /* S2: never inline */
    conf_trace_add(trace, "callback");
}

/* S9, S2, S5: in a callback of the loop itself; it waits for the next turn. */
CONF_CASE(a_handler_in_a_callback_submits_for_the_next_turn, "S9 S2 S5", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_trace trace;
    conf_trace_init(&trace);
    source_open(&by_handler, loop, 3);
    handle(SIGUSR1, on_submit_signal);
    assert_int_equal(velo_submit(loop, raise_in_callback, &trace), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "callback");
    assert_int_equal(by_handler.last, 0);
    conf_turns(loop, 1);
    assert_int_equal(by_handler.last, 3);
    assert_int_equal(by_handler.misplaced, 0);
    conf_destroy(loop);
}

/* S9, S8, trap W16: a handler wakes a sleeping owner, on a thread of its own and on the owner's. */
CONF_CASE(a_handler_wakes_a_sleeping_owner, "S9 S8", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_options options = conf_options();
    struct conf_runner runner;
    struct conf_count turns;
    conf_count_init(&turns);
    options.ctx = &turns;
    options.on_turn_begin = conf_count_fn;
    struct velo_loop *loop = conf_create(&options);
    source_open(&by_handler, loop, 0);
    handle(SIGUSR1, on_wake_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 50; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        uint64_t before = conf_count_get(&turns);
        if (i % 2 == 0)
            assert_int_equal(raise(SIGUSR1), 0);
        else
            assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
        assert_true(conf_count_wait(&turns, before + 1));
    }
    assert_int_equal(atomic_load(&wrong_errno) + atomic_load(&wrong_result), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S8: the same by a submit. */
CONF_CASE(a_handler_submits_to_a_sleeping_owner, "S9 S8", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    source_open(&by_handler, loop, 50);
    by_handler.per_signal = 1;
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 50; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        if (i % 2 == 0)
            assert_int_equal(raise(SIGUSR1), 0);
        else
            assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
        assert_true(conf_count_wait(&by_handler.ran, i + 1));
    }
    source_settles(&by_handler);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S8: wake-ups that fail in a handler leave errno alone, and the task is not lost. */
CONF_CASE(a_handler_whose_wakeup_fails_keeps_errno, "S9 S8", VELO_CAP_SIGNAL_SAFE | CONF_OWN_MODE)
{
    static const int errors[] = {EINTR, EAGAIN, EIO};
    struct velo_options options = conf_options();
    struct conf_runner runner;
    options.fast_path = VELO_FAST_DISABLED;
    struct velo_loop *loop = conf_create(&options);
    source_open(&by_handler, loop, UINT32_MAX);
    by_handler.per_signal = 1;
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 30; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        sim_fault(SIM_WAKE_WRITE, 0, errors[i % 3] == EIO ? UINT64_MAX / 2 : 3, errors[i % 3]);
        assert_int_equal(raise(SIGUSR1), 0);
        sim_faults_clear();
        assert_int_equal(raise(SIGUSR1), 0);
        assert_true(conf_count_wait(&by_handler.ran, 2 * (i + 1)));
    }
    source_settles(&by_handler);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S1: without memory a handler gets -ENOMEM, errno stays, and nothing has changed. */
CONF_CASE(a_handler_without_memory_keeps_errno, "S9 S1", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    source_open(&by_handler, loop, 100000);
    by_handler.per_signal = 100000;
    handle(SIGUSR1, on_submit_signal);
    sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
    assert_int_equal(raise(SIGUSR1), 0);
    sim_faults_clear();
    assert_int_equal(atomic_load(&wrong_errno), 0);
    if (atomic_load(&wrong_result) == 0 && atomic_load(&by_handler.sent) == by_handler.limit)
        conf_na("needs no memory for that many tasks");
    assert_int_equal(atomic_load(&wrong_result), 1); /* the first that was refused */
    atomic_store(&wrong_result, 0);
    assert_int_equal(raise(SIGUSR1), 0);
    conf_turns(loop, 2);
    assert_int_equal(by_handler.last, by_handler.limit);
    assert_int_equal(by_handler.misplaced, 0);
    conf_destroy(loop);
}
