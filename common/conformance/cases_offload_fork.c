/* SPDX-License-Identifier: MIT */
/* Offloads and forks (L11): the child has no pool, and the parent's pool does not notice. */
#include <sys/wait.h>
#include <unistd.h>

#include "jobs.h"

static int wait_for(pid_t child)
{
    int status = -1;
    CONF_EXPECT(child > 0);
    CONF_EXPECT_INT(waitpid(child, &status, 0), child);
    return status;
}

/* L11: while one job runs and one waits, the child is refused, and can destroy its copy. */
CONF_CASE(forked_child_has_no_pool, "L11 O1", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job running, queued;
    job_init(&running, loop, true);
    job_init(&queued, loop, false);
    job_begin(&running);
    assert_int_equal(job_add(&queued), 0);
    pid_t child = fork();
    if (child == 0) {
        bool fine = velo_offload(loop, job_work, NULL, &queued, NULL) == -ECHILD &&
                    velo_offload_cancel(loop, queued.id) == -ECHILD && velo_loop_destroy(loop) == 0;
        conf_exit_now(fine ? 0 : 1);
    }
    assert_int_equal(wait_for(child), 0);
    job_open(&running);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&running, 1, 1, 0);
    job_is(&queued, 1, 1, 0);
    conf_destroy(loop);
}

static void fork_inside(struct job *job)
{
    pid_t child = fork();
    if (child != 0)
        job->result = wait_for(child);
}

/* L11, O1: a work function that forks and returns in both processes ends the child there. */
CONF_CASE(work_function_may_fork, "L11 O1 O3", VELO_CAP_OFFLOAD)
{
    struct velo_loop *loop = job_loop(1);
    struct job job, queued;
    job_init(&job, loop, false);
    job_init(&queued, loop, false);
    job.inside = fork_inside;
    assert_int_equal(job_add(&job), 0);
    assert_int_equal(job_add(&queued), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_UNTIL_IDLE), 0);
    job_is(&job, 1, 1, 0);
    job_is(&queued, 1, 1, 0);
    assert_true(WIFEXITED(job.result) || WIFSIGNALED(job.result));
    conf_destroy(loop);
}
