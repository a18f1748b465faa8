/* SPDX-License-Identifier: MIT */
/*
 * Where completions stand in the turn (R4, S5, M1): they are tasks of the normal lane. Method: a
 * pool of one; once a job has begun, the completions of those before it are in the loop's hands.
 */
#include <poll.h>

#include "jobs.h"

/* Jobs that have ended, whose callbacks wait for the next turn; the last one is held. */
struct ended {
    struct velo_loop *loop;
    struct conf_trace trace;
    struct job first, second, last;
};

static void ended_start(struct ended *ended, const struct velo_options *options)
{
    ended->loop = conf_create(options);
    conf_trace_init(&ended->trace);
    job_init(&ended->first, ended->loop, true);
    job_init(&ended->second, ended->loop, false);
    job_init(&ended->last, ended->loop, true);
    ended->first.trace = ended->second.trace = ended->last.trace = &ended->trace;
    ended->first.word = "first";
    ended->second.word = "second";
    ended->last.word = "last";
}

/* Begin the first one, which is held: what is added now is there before it ends. */
static void ended_begin(struct ended *ended)
{
    job_begin(&ended->first);
}

static void ended_finish(struct ended *ended)
{
    assert_int_equal(job_add(&ended->second), 0);
    assert_int_equal(job_add(&ended->last), 0);
    job_open(&ended->first);
    assert_true(conf_count_wait(&ended->last.began, 1));
}

static void ended_stop(struct ended *ended)
{
    job_open(&ended->last);
    assert_int_equal(velo_loop_run(ended->loop, VELO_RUN_UNTIL_IDLE), 0);
    conf_destroy(ended->loop);
}

static struct velo_options one_worker(void)
{
    struct velo_options options = conf_options();
    options.workers = 1;
    return options;
}

#define CAPS (VELO_CAP_OFFLOAD | VELO_CAP_PRIORITY | VELO_CAP_IMMEDIATES | VELO_CAP_MICROTASKS)

/* R4: after the tasks of both lanes that were there, before immediates; FIFO among themselves. */
CONF_CASE(completions_run_with_the_tasks_of_the_normal_lane, "R4", CAPS)
{
    static struct ended ended;
    struct velo_options options = one_worker();
    ended_start(&ended, &options);
    struct conf_step steps[] = {{&ended.trace, "immediate", ended.loop, NULL, NULL},
                                {&ended.trace, "task", ended.loop, NULL, NULL},
                                {&ended.trace, "priority", ended.loop, NULL, NULL},
                                {&ended.trace, "close", ended.loop, NULL, NULL}};
    ended_begin(&ended);
    assert_int_equal(velo_set_immediate(ended.loop, conf_step_fn, &steps[0], NULL), 0);
    assert_int_equal(velo_submit(ended.loop, conf_step_fn, &steps[1]), 0);
    assert_int_equal(velo_submit_priority(ended.loop, conf_step_fn, &steps[2]), 0);
    assert_int_equal(velo_defer_close(ended.loop, conf_step_fn, &steps[3]), 0);
    ended_finish(&ended);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "priority task first second immediate close");
    ended_stop(&ended);
}

static void submit_from_work(struct job *job)
{
    CONF_EXPECT_INT(velo_submit(job->loop, conf_step_fn, job->more), 0);
}

/* R4, S3: what the work function has submitted runs before its completion, in a running loop. */
CONF_CASE(tasks_submitted_by_the_work_precede_its_completion, "R4 S3", VELO_CAP_OFFLOAD)
{
    struct velo_options options = one_worker();
    struct velo_loop *loop = conf_create(&options);
    struct conf_runner runner;
    static struct conf_trace trace;
    conf_trace_init(&trace);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned round = 0; round < conf_rounds(300); round++) {
        struct conf_step step = {&trace, "task", loop, NULL, NULL};
        struct job job;
        job_init(&job, loop, false);
        job.inside = submit_from_work;
        job.more = &step;
        job.trace = &trace;
        job.word = "done";
        assert_int_equal(job_add(&job), 0);
        assert_true(conf_count_wait(&job.done, 1));
        conf_trace_is(&trace, "task done");
    }
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

static void add_micro_and_tick(struct job *job)
{
    struct conf_step *steps = job->more;
    CONF_EXPECT_INT(velo_queue_microtask(job->loop, conf_step_fn, &steps[0]), 0);
    CONF_EXPECT_INT(velo_next_tick(job->loop, conf_step_fn, &steps[1]), 0);
}

/* M1: the checkpoint comes after every completion. */
CONF_CASE(checkpoint_runs_between_two_completions, "M1 R4", CAPS)
{
    static struct ended ended;
    struct velo_options options = one_worker();
    ended_start(&ended, &options);
    struct conf_step steps[] = {{&ended.trace, "micro", ended.loop, NULL, NULL},
                                {&ended.trace, "tick", ended.loop, NULL, NULL}};
    ended.first.after = add_micro_and_tick;
    ended.first.more = steps;
    ended_begin(&ended);
    ended_finish(&ended);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "first tick micro second");
    ended_stop(&ended);
}

/* In a callback: let the last job end, and wait until its completion has arrived. */
static void end_the_last(struct job *job)
{
    struct ended *ended = job->more;
    struct job *probe = ended->last.more;
    CONF_EXPECT_INT(job_add(probe), 0);
    job_open(&ended->last);
    conf_count_wait(&probe->began, 1);
}

/* S5: what arrives during the phase waits for the next turn: a completion, and a task of one. */
CONF_CASE(completions_that_arrive_in_the_phase_wait_a_turn, "S5 R4", CAPS)
{
    static struct ended ended;
    struct velo_options options = one_worker();
    struct job probe;
    ended_start(&ended, &options);
    struct conf_step task = {&ended.trace, "task", ended.loop, NULL, NULL};
    job_init(&probe, ended.loop, false);
    ended.first.after = end_the_last;
    ended.first.more = &ended;
    ended.second.after = submit_from_work;
    ended.second.more = &task;
    ended.last.more = &probe;
    ended_begin(&ended);
    ended_finish(&ended);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "first second");
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "task last");
    ended_stop(&ended);
}

/* A4: a completion that a turn has left over is something to do for who embeds the loop later. */
CONF_CASE(completion_left_over_makes_the_backend_readable,
          "A4 R4",
          CAPS | VELO_CAP_BACKEND_FD | VELO_CAP_FDS)
{
    static struct ended ended;
    struct velo_options options = one_worker();
    struct job probe;
    ended_start(&ended, &options);
    job_init(&probe, ended.loop, false);
    ended.first.after = end_the_last;
    ended.first.more = &ended;
    ended.last.more = &probe;
    ended_begin(&ended);
    ended_finish(&ended);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "first second");
    struct pollfd look = {.fd = velo_loop_backend_fd(ended.loop), .events = POLLIN};
    assert_int_equal(poll(&look, 1, 0), 1);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "last");
    ended_stop(&ended);
}

/* R4, S5: a time slice that cuts the lane short does not let a completion overtake its tasks. */
CONF_CASE(completions_keep_their_place_across_time_slices, "R4 S5", CAPS)
{
    static struct ended ended;
    struct velo_options options = one_worker();
    options.time_slice_ns = 1; /* one task of a lane in each turn */
    ended_start(&ended, &options);
    struct conf_step steps[] = {{&ended.trace, "1", ended.loop, NULL, NULL},
                                {&ended.trace, "2", ended.loop, NULL, NULL},
                                {&ended.trace, "3", ended.loop, NULL, NULL}};
    ended_begin(&ended);
    assert_int_equal(velo_submit(ended.loop, conf_step_fn, &steps[0]), 0);
    assert_int_equal(velo_submit(ended.loop, conf_step_fn, &steps[1]), 0);
    ended_finish(&ended);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "1");
    assert_int_equal(velo_submit(ended.loop, conf_step_fn, &steps[2]), 0);
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "2 first second");
    conf_turns(ended.loop, 1);
    conf_trace_is(&ended.trace, "3");
    ended_stop(&ended);
}

static void note_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct job **seen = ctx;
    CONF_EXPECT(fn == NULL);
    CONF_EXPECT(elapsed_ns > 0);
    *seen = arg;
}

/* X4: on_slow tells of completions, and not of work functions. */
CONF_CASE(slow_completions_are_told_and_work_is_not, "X4", VELO_CAP_OFFLOAD)
{
    struct velo_options options = one_worker();
    struct job job, *seen = NULL;
    options.slow_ns = 1;
    options.on_slow = note_slow;
    options.ctx = &seen;
    struct velo_loop *loop = conf_create(&options);
    job_init(&job, loop, false);
    assert_int_equal(velo_offload(loop, conf_count_fn, NULL, &job.gate, NULL), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_null(seen);
    assert_int_equal(job_add(&job), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    assert_ptr_equal(seen, &job);
    conf_destroy(loop);
}
