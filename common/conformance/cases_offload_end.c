/* SPDX-License-Identifier: MIT */
/*
 * Offloads and the end of the loop (O2): what a graceful end waits for, what a close gives up and
 * when it says so, and what a work function may do meanwhile (O3, L5). Method: held jobs.
 */
#include "jobs.h"
#include "kinds.h"
#include "probes.h"

/* A loop with a pool of one: one job is held, two wait behind it. */
struct line {
    struct velo_loop *loop;
    struct job running, second, third;
};

static void line_init(struct line *line)
{
    line->loop = job_loop(1);
    job_init(&line->running, line->loop, true);
    job_init(&line->second, line->loop, false);
    job_init(&line->third, line->loop, false);
}

static void line_begin(struct line *line)
{
    job_begin(&line->running);
    assert_int_equal(job_add(&line->second), 0);
    assert_int_equal(job_add(&line->third), 0);
}

/* The same on a loop that [runner] runs. */
static void line_run(struct line *line, struct conf_runner *runner)
{
    conf_runner_start(runner, line->loop, VELO_RUN_FOREVER);
    conf_wait_running(line->loop);
    line_begin(line);
}

static void line_ran(struct line *line)
{
    job_is(&line->running, 1, 1, 0);
    job_is(&line->second, 1, 1, 0);
    job_is(&line->third, 1, 1, 0);
    assert_int_equal(conf_discarded(line->loop), 0);
}

/* ---- the graceful end ---- */

/* O2, L4: what is queued and what runs is completed, on the owner, before the loop ends. */
CONF_CASE(shutdown_runs_queued_and_started_work, "O2 L4 L7", VELO_CAP_OFFLOAD)
{
    struct line line;
    struct conf_runner runner;
    line_init(&line);
    line_run(&line, &runner);
    assert_int_equal(velo_loop_shutdown(line.loop, 0), 0);
    assert_int_equal(job_add(&line.second), -ESHUTDOWN);
    assert_int_equal(velo_loop_state(line.loop), VELO_STATE_TERMINATING);
    job_open(&line.running);
    int joined = velo_loop_shutdown(line.loop, -1);
    assert_true(joined == 0 || joined == -ESHUTDOWN); /* it may be over already */
    assert_int_equal(conf_runner_join(&runner), 0);
    line_ran(&line);
    conf_destroy(line.loop);
}

static void open_when_ending(void *arg, unsigned index)
{
    struct job *job = arg;
    (void)index;
    conf_wait_state(job->loop, VELO_STATE_TERMINATING);
    job_open(job);
}

/* O2, L4: nobody runs the loop: the caller of shutdown waits and completes, whatever its timeout.
 */
CONF_CASE(shutdown_of_a_loop_at_rest_waits_for_work, "O2 L4 L5", VELO_CAP_OFFLOAD)
{
    static const int64_t timeouts[] = {-1, 0, 1};
    for (unsigned i = 0; i < 3; i++) {
        struct line line;
        struct conf_team team;
        line_init(&line);
        line_begin(&line);
        conf_team_start(&team, 1, open_when_ending, &line.running);
        assert_int_equal(velo_loop_shutdown(line.loop, timeouts[i]), 0);
        assert_int_equal(velo_loop_state(line.loop), VELO_STATE_TERMINATED);
        conf_team_join(&team);
        line_ran(&line);
        conf_destroy(line.loop);
    }
}

/* Processor time of a thread in 100 ms. */
static uint64_t runner_cpu_ns(void *arg)
{
    const struct conf_runner *runner = arg;
    uint64_t before = conf_thread_cpu_ns(runner->thread);
    conf_elapse_ns(100 * CONF_NS_PER_MS);
    return conf_thread_cpu_ns(runner->thread) - before;
}

/* O2: the drain sleeps while it waits for work. */
CONF_CASE(drain_waits_for_work_without_burning_a_processor, "O2", VELO_CAP_OFFLOAD)
{
    const uint64_t most_ns = 5 * CONF_NS_PER_MS;
    struct line line;
    struct conf_runner runner;
    line_init(&line);
    line_run(&line, &runner);
    assert_int_equal(velo_loop_shutdown(line.loop, 1000000), -ETIMEDOUT);
    assert_in_range(conf_least(most_ns, runner_cpu_ns, &runner), 0, most_ns);
    job_open(&line.running);
    assert_int_equal(conf_runner_join(&runner), 0);
    line_ran(&line);
    conf_destroy(line.loop);
}

struct waiter {
    struct velo_loop *loop;
    struct conf_count ready;
    atomic_int results[4];
};

static void wait_for_the_end(void *arg, unsigned index)
{
    struct waiter *waiter = arg;
    conf_count_add(&waiter->ready, 1);
    int rc = index % 2 == 0 ? velo_loop_shutdown(waiter->loop, -1) : velo_loop_close(waiter->loop);
    atomic_store(&waiter->results[index], rc);
}

/* L5, L6: those who join the drain wait for the work as long as they like; the first mode stands.
 */
CONF_CASE(callers_who_join_wait_for_the_work_too, "L5 L6 O2", VELO_CAP_OFFLOAD)
{
    struct line line;
    struct waiter waiter;
    struct conf_runner runner;
    struct conf_team team;
    line_init(&line);
    waiter.loop = line.loop;
    conf_count_init(&waiter.ready);
    line_run(&line, &runner);
    assert_int_equal(velo_loop_shutdown(line.loop, 0), 0);
    conf_team_start(&team, 4, wait_for_the_end, &waiter);
    assert_true(conf_count_wait(&waiter.ready, 4));
    assert_int_equal(velo_loop_shutdown(line.loop, 1000000), -ETIMEDOUT);
    job_open(&line.running);
    conf_team_join(&team);
    for (unsigned i = 0; i < 4; i++) /* the last may have come when all was over */
        assert_true(waiter.results[i] == 0 || (i % 2 == 0 && waiter.results[i] == -ESHUTDOWN));
    assert_int_equal(conf_runner_join(&runner), 0);
    line_ran(&line);
    conf_destroy(line.loop);
}

/* In a work function, once the loop is ending: nothing hangs, and everything says so. */
static void use_the_ending_loop(struct job *job)
{
    struct line *line = job->more;
    velo_id id = 0;
    conf_wait_state(job->loop, VELO_STATE_TERMINATING);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            CONF_EXPECT_INT(kind_add(kind, job->loop, nothing, NULL, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_offload(job->loop, nothing, NULL, NULL, &id), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_loop_run(job->loop, VELO_RUN_NOWAIT), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_shutdown(job->loop, -1), 0);
    CONF_EXPECT_INT(velo_loop_close(job->loop), -EDEADLK);
    CONF_EXPECT_INT(conf_destroy_as_is(job->loop), -EDEADLK);
    CONF_EXPECT_INT(velo_offload_cancel(job->loop, line->third.id), 0);
}

/* O2, O3: a work function that the drain waits for gets answers, and may still cancel. */
CONF_CASE(work_functions_get_answers_while_the_loop_drains, "O2 O3 L5 L6", VELO_CAP_OFFLOAD)
{
    struct line line;
    struct conf_runner runner;
    line_init(&line);
    line.running.inside = use_the_ending_loop;
    line.running.more = &line;
    line_run(&line, &runner);
    assert_int_equal(velo_loop_shutdown(line.loop, 0), 0);
    job_open(&line.running);
    assert_int_equal(conf_runner_join(&runner), 0);
    job_is(&line.running, 1, 1, 0);
    job_is(&line.second, 1, 1, 0);
    job_is(&line.third, 0, 1, -ECANCELED);
    conf_destroy(line.loop);
}

static void add_while_draining(struct job *job)
{
    CONF_EXPECT_INT(velo_loop_state(job->loop), VELO_STATE_TERMINATING);
    CONF_EXPECT_INT(velo_submit(job->loop, nothing, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_offload(job->loop, nothing, NULL, NULL, NULL), -ESHUTDOWN);
    CONF_EXPECT_INT(velo_next_tick(job->loop, conf_count_fn, job->more), 0);
    CONF_EXPECT_INT(velo_queue_microtask(job->loop, conf_count_fn, job->more), 0);
}

/* L4: a completion in the drain may add ticks and microtasks, as any callback there. */
CONF_CASE(completions_in_the_drain_may_add_microtasks,
          "L4 O2",
          VELO_CAP_OFFLOAD | VELO_CAP_MICROTASKS)
{
    struct line line;
    struct conf_team team;
    struct conf_count ran;
    line_init(&line);
    conf_count_init(&ran);
    line.running.after = add_while_draining;
    line.running.more = &ran;
    line_begin(&line);
    conf_team_start(&team, 1, open_when_ending, &line.running);
    assert_int_equal(velo_loop_shutdown(line.loop, -1), 0);
    conf_team_join(&team);
    assert_int_equal(conf_count_get(&ran), 2);
    line_ran(&line);
    conf_destroy(line.loop);
}

static void shut_down(struct job *job)
{
    if (job->more != NULL)
        conf_count_wait(job->more, 1);
    job->result = velo_loop_shutdown(job->loop, -1);
}

/* O3, L5, trap O3: a work function asks for the end and gets 0 at once; all is completed. */
CONF_CASE(shutdown_from_a_work_function_returns_at_once, "O3 L5 O2", VELO_CAP_OFFLOAD)
{
    struct line line;
    struct conf_runner runner;
    line_init(&line);
    line.second.inside = shut_down; /* others are complete, running, and queued then */
    conf_runner_start(&runner, line.loop, VELO_RUN_FOREVER);
    line_begin(&line);
    conf_wait_running(line.loop);
    job_open(&line.running);
    assert_int_equal(conf_runner_join(&runner), 0);
    assert_int_equal(line.second.result, 0);
    line_ran(&line);
    conf_destroy(line.loop);
}

/* O3, L5: nobody runs the loop: the worker may not drain, the next who wants the end does. */
CONF_CASE(shutdown_from_a_work_function_of_a_loop_at_rest, "O3 L5 L6 L8 L3", VELO_CAP_OFFLOAD)
{
    enum { BY_SHUTDOWN, BY_REQUEST, BY_CLOSE, BY_DESTROY, WAYS };
    for (unsigned way = 0; way < WAYS; way++) {
        struct line line;
        struct conf_count go;
        line_init(&line);
        conf_count_init(&go);
        line.running.inside = shut_down;
        line.running.more = &go;
        line_begin(&line);
        conf_count_add(&go, 1);
        conf_wait_state(line.loop, VELO_STATE_TERMINATING);
        assert_int_equal(velo_loop_run(line.loop, VELO_RUN_NOWAIT), -ESHUTDOWN);
        job_open(&line.running);
        if (way == BY_CLOSE)
            assert_int_equal(velo_loop_close(line.loop), 0);
        else if (way == BY_DESTROY)
            assert_int_equal(conf_destroy_as_is(line.loop), 0);
        else
            assert_int_equal(velo_loop_shutdown(line.loop, way == BY_REQUEST ? 0 : -1), 0);
        assert_int_equal(line.running.result, 0);
        line_ran(&line);
        if (way != BY_DESTROY)
            conf_destroy(line.loop);
    }
}
