/* SPDX-License-Identifier: MIT */
/*
 * The pool behind the offloads (O4): how many threads, when they start, what happens when they
 * cannot, and that slow work hinders neither the loop nor, while a thread is free, other work.
 */
#include <signal.h>

#include "../sim/faults.h"
#include "jobs.h"
#include "probes.h"

enum { MOST = 8 };

/* O4, O1: [workers] jobs run at a time, the next one in line begins when one of them has ended. */
CONF_CASE(pool_size_is_an_option, "O4 O1", VELO_CAP_OFFLOAD)
{
    static const unsigned sizes[] = {0, 1, 2, 5};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned size = sizes[i] == 0 ? 4 : sizes[i];
        struct velo_loop *loop = job_loop(sizes[i]);
        struct job jobs[MOST];
        for (unsigned j = 0; j < size + 2; j++) {
            job_init(&jobs[j], loop, true);
            assert_int_equal(job_add(&jobs[j]), 0);
        }
        for (unsigned j = 0; j < size; j++)
            assert_true(conf_count_wait(&jobs[j].began, 1));
        assert_int_equal(conf_count_get(&jobs[size].began), 0);
        job_open(&jobs[size - 1]);
        assert_true(conf_count_wait(&jobs[size].began, 1));
        assert_int_equal(conf_count_get(&jobs[size + 1].began), 0);
        for (unsigned j = 0; j < size + 2; j++)
            job_open(&jobs[j]);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        for (unsigned j = 0; j < size + 2; j++)
            job_is(&jobs[j], 1, 1, 0);
        conf_destroy(loop);
    }
}

/* O4: no thread before the first offload, and no second one while the first is free. */
CONF_CASE(threads_start_when_they_are_needed, "O4", VELO_CAP_OFFLOAD)
{
    uint64_t before = sim_calls(SIM_THREAD);
    struct velo_loop *loop = job_loop(0);
    struct job jobs[3];
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    conf_turns(loop, 1);
    assert_int_equal(sim_calls(SIM_THREAD), before);
    for (unsigned i = 0; i < 10; i++) {
        job_init(&jobs[0], loop, false);
        assert_int_equal(job_add(&jobs[0]), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_int_equal(sim_calls(SIM_THREAD), before + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        job_init(&jobs[i], loop, true);
        job_begin(&jobs[i]);
        assert_int_equal(sim_calls(SIM_THREAD), before + 1 + i);
    }
    for (unsigned i = 0; i < 3; i++)
        job_open(&jobs[i]);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    conf_destroy(loop);
}

struct fast {
    struct velo_loop *loop;
    unsigned left;
    struct conf_count done;
};

static void fast_is_done(int status, void *arg)
{
    struct fast *fast = arg;
    CONF_EXPECT_INT(status, 0);
    if (--fast->left > 0)
        CONF_EXPECT_INT(velo_offload(fast->loop, nothing, fast_is_done, fast, NULL), 0);
    else
        conf_count_add(&fast->done, 1);
}

/* O4, trap O5: with one thread held, fast jobs go on, and the loop with its tasks and timers too.
 */
CONF_CASE(slow_work_blocks_neither_the_loop_nor_fast_work, "O4", VELO_CAP_OFFLOAD | VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(&(struct velo_options){
        .size = sizeof(struct velo_options), .fast_path = conf_mode(), .workers = 2});
    struct fast fast = {.loop = loop, .left = 50};
    struct conf_runner runner;
    struct conf_count fired;
    struct job slow;
    conf_count_init(&fast.done);
    conf_count_init(&fired);
    job_init(&slow, loop, true);
    job_begin(&slow);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    assert_int_equal(velo_offload(loop, nothing, fast_is_done, &fast, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 1000, 0, conf_count_fn, &fired, NULL), 0);
    conf_sync(loop);
    assert_true(conf_count_wait(&fast.done, 1));
    assert_true(conf_count_wait(&fired, 1));
    assert_int_equal(conf_count_get(&slow.done), 0);
    job_open(&slow);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    job_is(&slow, 1, 1, 0);
    conf_destroy(loop);
}

/* O4, S1: max_pending bounds tasks, not offloads. */
CONF_CASE(max_pending_does_not_count_offloads, "O4 S1", VELO_CAP_OFFLOAD | VELO_CAP_BOUNDED)
{
    struct velo_options options = conf_options();
    options.max_pending = 1;
    struct velo_loop *loop = conf_create(&options);
    struct job jobs[5];
    for (unsigned i = 0; i < 5; i++) {
        job_init(&jobs[i], loop, false);
        assert_int_equal(job_add(&jobs[i]), 0);
    }
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), -EAGAIN);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    for (unsigned i = 0; i < 5; i++)
        job_is(&jobs[i], 1, 1, 0);
    conf_destroy(loop);
}

static void look_at_signals(struct job *job)
{
    static const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGCHLD, SIGALRM};
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        CONF_EXPECT(sigismember(&now, signals[i]) == 1);
    (void)job;
}

/* O1: signals are for the user's threads; the caller's own mask is as it was. */
CONF_CASE(workers_block_all_signals, "O1", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job job;
    sigset_t now;
    job_init(&job, loop, false);
    job.inside = look_at_signals;
    assert_int_equal(job_add(&job), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_int_equal(sigismember(&now, SIGUSR1), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&job, 1, 1, 0);
    conf_destroy(loop);
}

/* ---- what the system refuses ---- */

/* O4, S1, trap O8: no thread at all is an error, with nothing accepted; the next call may succeed.
 */
CONF_CASE(offload_without_any_thread_is_refused, "O4 S1 X1", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(0);
    struct job job;
    job_init(&job, loop, false);
    job.id = 77;
    sim_fault(SIM_THREAD, 0, 2, EAGAIN);
    assert_int_equal(job_add(&job), -EAGAIN);
    assert_int_equal(job_add(&job), -EAGAIN);
    sim_faults_clear();
    assert_int_equal(job.id, 77);
    assert_false(velo_loop_is_alive(loop));
    if (conf_has(VELO_CAP_METRICS))
        assert_int_equal(conf_metrics(loop).accepted, 0);
    assert_int_equal(job_add(&job), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&job, 1, 1, 0);
    conf_destroy(loop);
}

/* O4, trap O8: a later thread that cannot start costs nothing but time, and is tried again. */
CONF_CASE(pool_goes_on_with_fewer_threads, "O4 L7", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(2);
    struct job held, queued, next;
    job_init(&held, loop, true);
    job_init(&queued, loop, true);
    job_init(&next, loop, false);
    job_begin(&held);
    sim_fault(SIM_THREAD, 0, 1, EAGAIN);
    assert_int_equal(job_add(&queued), 0);
    assert_int_equal(sim_faults_hit(SIM_THREAD), 1);
    sim_faults_clear();
    assert_int_equal(conf_count_get(&queued.began), 0);
    assert_int_equal(job_add(&next), 0); /* and with it comes the second thread */
    assert_true(conf_count_wait(&queued.began, 1));
    job_open(&queued);
    assert_true(conf_count_wait(&next.began, 1));
    job_open(&held);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&held, 1, 1, 0);
    job_is(&queued, 1, 1, 0);
    job_is(&next, 1, 1, 0);
    conf_destroy(loop);
}

/* O4, S1: whichever allocation fails, the call has changed nothing. */
CONF_CASE(offload_without_memory_is_refused, "O4 S1 L7", VELO_CAP_OFFLOAD)
{
    unsigned failed = 0;
    for (unsigned skip = 0; skip < 20; skip++) {
        struct velo_loop *loop = job_loop(1);
        struct job job;
        job_init(&job, loop, false);
        job.id = 77;
        sim_fault(SIM_ALLOC, skip, 1, ENOMEM);
        int rc = job_add(&job);
        bool hit = sim_faults_hit(SIM_ALLOC) != 0;
        sim_faults_clear();
        if (rc != 0) {
            assert_true(rc == -ENOMEM || rc == -EAGAIN);
            assert_int_equal(job.id, 77);
            assert_false(velo_loop_is_alive(loop));
            assert_int_equal(job_add(&job), 0);
            failed++;
        }
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        job_is(&job, 1, 1, 0);
        conf_destroy(loop);
        if (!hit)
            break;
    }
    assert_true(failed > 0);
}
