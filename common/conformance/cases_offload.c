/* SPDX-License-Identifier: MIT */
/*
 * The life of an offload (O1, O3): where its work and its callback run, what a cancel finds, when
 * the callback comes among the tasks (R4), and what it means for liveness (A1-A3). Method: held
 * jobs on a pool of one make "queued", "running" and "ended" certain: when a job begins, the one
 * before it is complete.
 */
#include <poll.h>
#include <string.h>

#include "jobs.h"
#include "kinds.h"
#include "probes.h"

/* ---- O1 ---- */

struct sum {
    int in, out; /* plain on purpose: the library orders the accesses */
    pthread_t owner, worker;
    unsigned dones;
};

static void add_up(void *arg)
{
    struct sum *sum = arg;
    sum->out = sum->in + 1;
    sum->worker = pthread_self();
}

static void sum_is_done(int status, void *arg)
{
    struct sum *sum = arg;
    CONF_EXPECT_INT(status, 0);
    CONF_EXPECT_INT(sum->out, 43);
    CONF_EXPECT(pthread_equal(pthread_self(), sum->owner));
    CONF_EXPECT(!pthread_equal(pthread_self(), sum->worker));
    sum->dones++;
}

/* O1, S7: work on another thread, the callback on the owner; each sees what was written before. */
CONF_CASE(work_runs_on_a_pool_thread_and_completes_on_the_owner, "O1 S7", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = conf_create(NULL);
    for (unsigned i = 0; i < 100; i++) {
        struct sum sum = {.in = 42, .owner = pthread_self()};
        assert_int_equal(velo_offload(loop, add_up, sum_is_done, &sum, NULL), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_int_equal(sum.dones, 1);
    }
    conf_destroy(loop);
}

/* O1: the callback and the id are optional; the ledger has the offload all the same (L7). */
CONF_CASE(offload_needs_neither_callback_nor_id, "O1 L7", VELO_CAP_OFFLOAD | VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct sum sum = {.in = 1};
    assert_int_equal(velo_offload(loop, add_up, NULL, &sum, NULL), 0);
    assert_true(velo_loop_is_alive(loop));
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(sum.out, 2);
    assert_int_equal(conf_metrics(loop).accepted, 1);
    assert_int_equal(conf_metrics(loop).executed, 1);
    conf_destroy(loop);
}

/* O1, X1: wrong arguments are refused, and nothing has changed. */
CONF_CASE(offload_without_work_is_refused, "O1 X1 S1", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = conf_create(NULL);
    velo_id id = 77;
    assert_int_equal(velo_offload(loop, NULL, job_done, NULL, &id), -EINVAL);
    assert_int_equal(velo_offload(NULL, add_up, NULL, NULL, &id), -EINVAL);
    assert_int_equal(velo_offload_cancel(NULL, id), -EINVAL);
    assert_int_equal(id, 77);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

static void id_is_known(struct job *job)
{
    CONF_EXPECT(job->id != 0);
    CONF_EXPECT_INT(velo_offload_cancel(job->loop, job->id), -EBUSY);
}

/* T6: the id is written before the work can run; O3: and it names work that runs. */
CONF_CASE(offload_id_is_written_before_the_work_runs, "T6 O3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(0);
    for (unsigned i = 0; i < conf_rounds(500); i++) {
        struct job job;
        job_init(&job, loop, false);
        job.inside = id_is_known;
        assert_int_equal(job_add(&job), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        job_is(&job, 1, 1, 0);
    }
    conf_destroy(loop);
}

static void add_next(struct job *job)
{
    CONF_EXPECT_INT(job_add(job->more), 0);
}

static void add_job(void *arg)
{
    CONF_EXPECT_INT(job_add(arg), 0);
}

/* O1, trap O6: from a task, from a work function, from a callback; a pool of one suffices. */
CONF_CASE(offload_from_everywhere_with_a_pool_of_one, "O1 O3 O4", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job jobs[3];
    for (unsigned i = 0; i < 3; i++)
        job_init(&jobs[i], loop, false);
    jobs[0].inside = add_next;
    jobs[0].more = &jobs[1];
    jobs[1].after = add_next;
    jobs[1].more = &jobs[2];
    assert_int_equal(velo_submit(loop, add_job, &jobs[0]), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    for (unsigned i = 0; i < 3; i++)
        job_is(&jobs[i], 1, 1, 0);
    conf_destroy(loop);
}

static void add_all_kinds(struct job *job)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            CONF_EXPECT_INT(kind_add(kind, job->loop, conf_count_fn, job->more, NULL), 0);
    CONF_EXPECT_INT(velo_loop_wake(job->loop), 0);
    CONF_EXPECT(velo_loop_is_alive(job->loop));
    (void)conf_metrics(job->loop);
}

/* O3: a work function uses the loop as any other thread does. */
CONF_CASE(work_functions_may_add_work_of_every_kind, "O3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    struct job job;
    unsigned offered = 0;
    conf_count_init(&ran);
    for (unsigned kind = 0; kind < KINDS; kind++)
        offered += kind_is_offered(kind);
    job_init(&job, loop, false);
    job.inside = add_all_kinds;
    job.more = &ran;
    assert_int_equal(job_add(&job), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(conf_count_get(&ran), offered);
    job_is(&job, 1, 1, 0);
    conf_destroy(loop);
}

static void run_inside(struct job *job)
{
    CONF_EXPECT_INT(velo_loop_run(job->loop, VELO_RUN_NOWAIT), -EDEADLK);
    CONF_EXPECT_INT(conf_destroy_as_is(job->loop), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_state(job->loop), VELO_STATE_AWAKE);
}

/* L3, L8: a work function cannot run or destroy its own loop, at rest as it may be. */
CONF_CASE(run_and_destroy_from_a_work_function_are_edeadlk, "L3 L8 O3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job job, next;
    job_init(&job, loop, false);
    job_init(&next, loop, false);
    job.inside = run_inside;
    assert_int_equal(job_add(&job), 0);
    job_begin(&next); /* so the first one is complete */
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&job, 1, 1, 0);
    conf_destroy(loop);
}

/* ---- cancel ---- */

struct cancelling {
    struct job running, queued;
    int first, again, busy;
};

static void cancel_both(struct cancelling *test)
{
    struct velo_loop *loop = test->queued.loop;
    test->first = velo_offload_cancel(loop, test->queued.id);
    test->again = velo_offload_cancel(loop, test->queued.id);
    test->busy = velo_offload_cancel(loop, test->running.id);
}

static void cancel_in_task(void *arg)
{
    cancel_both(arg);
}

static void cancel_in_work(struct job *job)
{
    struct cancelling *test = job->more;
    conf_count_wait(&job->gate, 1); /* until the other one is queued */
    cancel_both(test);
}

enum { BY_FOREIGN, BY_OWNER, BY_WORKER, WAYS };

/* O1, O3, trap O4: queued work is cancelled, running work is not, from whichever thread. */
CONF_CASE(cancel_is_exact_from_every_thread, "O1 O3 L7", VELO_CAP_OFFLOAD)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct cancelling test;
        struct velo_loop *loop = job_loop(1);
        job_init(&test.running, loop, way != BY_WORKER);
        job_init(&test.queued, loop, false);
        test.running.inside = way == BY_WORKER ? cancel_in_work : NULL;
        test.running.more = &test;
        job_begin(&test.running);
        assert_int_equal(job_add(&test.queued), 0);
        if (way == BY_OWNER) {
            assert_int_equal(velo_submit(loop, cancel_in_task, &test), 0);
            conf_turns(loop, 1);
        } else if (way == BY_FOREIGN) {
            cancel_both(&test);
        }
        job_open(&test.running);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_int_equal(test.first, 0);
        assert_int_equal(test.again, -ENOENT);
        assert_int_equal(test.busy, -EBUSY);
        job_is(&test.running, 1, 1, 0);
        job_is(&test.queued, 0, 1, -ECANCELED);
        if (conf_has(VELO_CAP_METRICS)) {
            assert_int_equal(conf_metrics(loop).cancelled, 1);
            assert_int_equal(conf_metrics(loop).executed, way == BY_OWNER ? 2 : 1);
        }
        conf_destroy(loop);
    }
}

static void cancel_myself(struct job *job)
{
    job->result = velo_offload_cancel(job->loop, job->id);
}

/* O3: work that has ended cannot be cancelled: before its callback, in it, and after it. */
CONF_CASE(cancel_of_ended_work_is_enoent, "O3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job job, next;
    job_init(&job, loop, false);
    job_init(&next, loop, false);
    job.after = cancel_myself;
    assert_int_equal(job_add(&job), 0);
    job_begin(&next);
    assert_int_equal(velo_offload_cancel(loop, job.id), -ENOENT);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_int_equal(job.result, -ENOENT);
    assert_int_equal(velo_offload_cancel(loop, job.id), -ENOENT);
    job_is(&job, 1, 1, 0);
    conf_destroy(loop);
}

/* O3, T5: ids that never were, of other things, and of long ago name no offload, and the reverse.
 */
CONF_CASE(unknown_and_stale_ids_cancel_nothing, "O3 T5", VELO_CAP_OFFLOAD)
{
    static const velo_id unknown[] = {0, 1, 12345, UINT64_MAX, UINT64_C(1) << 26};
    struct velo_loop *loop = job_loop(1);
    struct job running, queued;
    velo_id other = 0;
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(velo_offload_cancel(loop, unknown[i]), -ENOENT);
    job_init(&running, loop, false);
    assert_int_equal(job_add(&running), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    velo_id stale = running.id;
    job_init(&running, loop, true);
    job_init(&queued, loop, false);
    job_begin(&running);
    assert_int_equal(job_add(&queued), 0);
    assert_int_equal(velo_offload_cancel(loop, stale), -ENOENT);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_has_id(kind) || !kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, nothing, NULL, &other), 0);
        assert_int_equal(velo_offload_cancel(loop, other), -ENOENT);
        assert_int_equal(kind_cancel(kind, loop, queued.id), -ENOENT);
    }
    job_open(&running);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&queued, 1, 1, 0);
    conf_destroy(loop);
}

/* O1, O3, trap O4: a cancel races the worker; the answer is the truth, also for the only one. */
CONF_CASE(cancel_racing_the_worker_tells_the_truth, "O1 O3 A2", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct conf_random random = conf_random(1);
    for (unsigned round = 0; round < conf_rounds(2000); round++) {
        struct job job;
        job_init(&job, loop, false);
        assert_int_equal(job_add(&job), 0);
        conf_jitter(&random, 20000);
        int rc = velo_offload_cancel(loop, job.id);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
        assert_true(rc == 0 || rc == -EBUSY || rc == -ENOENT);
        job_is(&job, rc == 0 ? 0 : 1, 1, rc == 0 ? -ECANCELED : 0);
    }
    conf_destroy(loop);
}

/* ---- liveness ---- */

static void look_alive(struct job *job)
{
    CONF_EXPECT(velo_loop_is_alive(job->loop));
}

/* A1: an offload holds the loop from its call to its callback, cancelled or not. */
CONF_CASE(offloads_are_alive_until_they_are_complete, "A1 A2", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job running, queued;
    assert_false(velo_loop_is_alive(loop));
    job_init(&running, loop, true);
    job_init(&queued, loop, false);
    running.inside = look_alive;
    job_begin(&running);
    assert_int_equal(job_add(&queued), 0);
    assert_int_equal(velo_offload_cancel(loop, queued.id), 0);
    assert_true(velo_loop_is_alive(loop));
    conf_turns(loop, 2);
    job_is(&queued, 0, 1, -ECANCELED);
    assert_true(velo_loop_is_alive(loop));
    job_open(&running);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&running, 1, 1, 0);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
}

static void open_when_asleep(void *arg, unsigned index)
{
    struct job *job = arg;
    (void)index;
    conf_wait_state(job->loop, VELO_STATE_SLEEPING);
    job_open(job);
}

/* A2, A3, S8: with nothing else to do the loop sleeps, and the completion wakes it. */
CONF_CASE(completion_wakes_a_sleeping_loop, "A2 A3 S8", VELO_CAP_OFFLOAD)
{
    static const enum velo_run_mode modes[] = {VELO_RUN_ONCE, VELO_RUN_UNTIL_IDLE};
    for (unsigned i = 0; i < 2; i++) {
        struct velo_loop *loop = job_loop(1);
        struct conf_team team;
        struct job job;
        job_init(&job, loop, true);
        job_begin(&job);
        conf_team_start(&team, 1, open_when_asleep, &job);
        assert_int_equal(velo_loop_run(loop, modes[i]), 0);
        job_is(&job, 1, 1, 0);
        conf_team_join(&team);
        conf_destroy(loop);
    }
}

/* R3, A3: a completion that is there already keeps the poll from blocking. */
CONF_CASE(pending_completion_makes_the_poll_non_blocking, "R3 A3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job job, next;
    job_init(&job, loop, false);
    job_init(&next, loop, true);
    assert_int_equal(job_add(&job), 0);
    job_begin(&next);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_ONCE), 0);
    job_is(&job, 1, 1, 0);
    job_open(&next);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    conf_destroy(loop);
}

/* A4: to whom the loop is embedded in, a completion is something to do. */
CONF_CASE(completion_makes_the_backend_readable,
          "A4",
          VELO_CAP_OFFLOAD | VELO_CAP_BACKEND_FD | VELO_CAP_FDS)
{
    struct velo_loop *loop = job_loop(1);
    struct job job;
    struct pollfd look = {.fd = velo_loop_backend_fd(loop), .events = POLLIN};
    assert_true(look.fd >= 0);
    job_init(&job, loop, true);
    job_begin(&job);
    conf_turns(loop, 3);
    assert_int_equal(poll(&look, 1, 0), 0);
    job_open(&job);
    assert_int_equal(poll(&look, 1, 10000), 1);
    conf_turns(loop, 2);
    job_is(&job, 1, 1, 0);
    assert_int_equal(poll(&look, 1, 0), 0);
    conf_destroy(loop);
}
