/* SPDX-License-Identifier: MIT */
/*
 * Faults that an audit found (see cases_audit.c): a thread is inside a call of the library, or late
 * with a wake-up, when another one ends or runs the loop. Method: the hooks of sim/ hold it in a
 * system call or an allocation, where the other one must come in between.
 */
#include <stdlib.h>
#include <unistd.h>

#include "../sim/faults.h"
#include "conf.h"
#include "probes.h"

/* ---- a gate at which a hook holds the first thread that is not exempt ---- */

struct barrier {
    pthread_t exempt;
    atomic_bool taken;
    struct conf_count held, go;
};

static void barrier_init(struct barrier *barrier)
{
    barrier->exempt = pthread_self();
    atomic_store(&barrier->taken, false);
    conf_count_init(&barrier->held);
    conf_count_init(&barrier->go);
}

static void hold_once(void *ctx)
{
    struct barrier *barrier = ctx;
    if (pthread_equal(pthread_self(), barrier->exempt) || atomic_exchange(&barrier->taken, true))
        return;
    conf_count_add(&barrier->held, 1);
    conf_count_wait(&barrier->go, 1);
}

/* ---- L8 L9: an embedded loop ends while a wake-up of its descriptor is under way ---- */

struct embedded_end {
    struct velo_loop *loop;
    struct conf_count destroyed;
};

static void submit_one(void *arg, unsigned index)
{
    struct embedded_end *test = arg;
    (void)index;
    CONF_EXPECT_INT(velo_submit(test->loop, nothing, NULL), 0);
}

static void destroy_it(void *arg, unsigned index)
{
    struct embedded_end *test = arg;
    (void)index;
    CONF_EXPECT_INT(velo_loop_destroy(test->loop), 0);
    conf_count_add(&test->destroyed, 1);
}

CONF_CASE(destroy_waits_for_the_wake_up_of_an_embedded_loop, "L8 L9 A4", VELO_CAP_BACKEND_FD)
{
    struct embedded_end test = {.loop = NULL};
    struct barrier barrier;
    struct conf_team producer, destroyer;
    struct velo_options options = conf_options();
    if (conf_mode() == VELO_FAST_FORCED)
        conf_na("backend_fd is refused in mode FORCED");
    assert_int_equal(velo_loop_create(&test.loop, &options), 0);
    assert_true(velo_loop_backend_fd(test.loop) >= 0);
    barrier_init(&barrier);
    conf_count_init(&test.destroyed);
    sim_hook(SIM_WAKE_WRITE, hold_once, &barrier);
    conf_team_start(&producer, 1, submit_one, &test);
    if (!conf_count_wait_for(&barrier.held, 1, CONF_NS_PER_S)) {
        conf_team_join(&producer);
        assert_int_equal(velo_loop_destroy(test.loop), 0);
        conf_na("wakes by a call that the test cannot hold");
    }
    conf_team_start(&destroyer, 1, destroy_it, &test);
    assert_false(conf_count_wait_for(&test.destroyed, 1, 100 * CONF_NS_PER_MS));
    conf_count_add(&barrier.go, 1);
    conf_team_join(&producer);
    conf_team_join(&destroyer);
    sim_faults_clear();
}

/* ---- A3: a wake-up that comes when its owner has found the work by itself ---- */

static void read_byte(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    (void)arg;
    CONF_EXPECT(read(fd, &byte, 1) == 1);
}

CONF_CASE(a_late_wake_up_ends_no_once, "A3", VELO_CAP_FDS | VELO_CAP_TIMERS)
{
    int pipe_fds[2];
    struct embedded_end test;
    struct barrier barrier;
    struct conf_runner runner;
    struct conf_team producer;
    struct conf_count fired;
    if (conf_mode() == VELO_FAST_FORCED)
        conf_na("descriptors are refused in mode FORCED");
    test.loop = conf_create(NULL);
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(velo_fd_watch(test.loop, pipe_fds[0], VELO_READ, read_byte, NULL, NULL), 0);
    barrier_init(&barrier);
    conf_count_init(&fired);
    conf_runner_start(&runner, test.loop, VELO_RUN_ONCE);
    assert_true(conf_wait_state(test.loop, VELO_STATE_SLEEPING));
    sim_hook(SIM_WAKE_WRITE, hold_once, &barrier);
    conf_team_start(&producer, 1, submit_one, &test);
    bool held = conf_count_wait_for(&barrier.held, 1, CONF_NS_PER_S);
    assert_int_equal(write(pipe_fds[1], "", 1), 1); /* wakes the owner in place of it */
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_count_add(&barrier.go, 1);
    conf_team_join(&producer);
    sim_faults_clear();
    assert_int_equal(
        velo_timer_start(test.loop, 2 * CONF_NS_PER_MS, 0, conf_count_fn, &fired, NULL), 0);
    assert_int_equal(velo_loop_run(test.loop, VELO_RUN_ONCE), 0);
    assert_int_equal(conf_count_get(&fired), 1);
    conf_destroy(test.loop);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    if (!held)
        conf_na("wakes by a call that the test cannot hold");
}

/* ---- L8: a large batch that still seeks memory is inside the library, too ---- */

enum { BATCH = 4096 };

static void submit_batch(void *arg, unsigned index)
{
    static struct velo_task tasks[BATCH];
    struct embedded_end *test = arg;
    (void)index;
    for (unsigned i = 0; i < BATCH; i++)
        tasks[i] = (struct velo_task){nothing, NULL};
    sim_fault(SIM_ALLOC, 0, 0, ENOMEM); /* none fails, but the hook sees this thread */
    int rc = velo_submit_many(test->loop, tasks, BATCH);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
}

CONF_CASE(destroy_waits_for_a_batch_that_seeks_memory, "L8 S4", VELO_CAP_BATCH)
{
    struct embedded_end test = {.loop = NULL};
    struct barrier barrier;
    struct conf_team producer, destroyer;
    struct velo_options options = conf_options();
    assert_int_equal(velo_loop_create(&test.loop, &options), 0);
    barrier_init(&barrier);
    conf_count_init(&test.destroyed);
    sim_hook(SIM_ALLOC, hold_once, &barrier);
    conf_team_start(&producer, 1, submit_batch, &test);
    bool held = conf_count_wait_for(&barrier.held, 1, CONF_NS_PER_S);
    conf_team_start(&destroyer, 1, destroy_it, &test);
    if (held)
        CONF_EXPECT(!conf_count_wait_for(&test.destroyed, 1, 100 * CONF_NS_PER_MS));
    conf_count_add(&barrier.go, 1);
    conf_team_join(&producer);
    conf_team_join(&destroyer);
    sim_faults_clear();
    if (!held)
        conf_na("takes a batch without memory of its own");
}

/* ---- L4 L7: the end waits for a start that has passed its gate and still seeks memory ---- */

struct slow_start {
    struct velo_loop *loop;
    struct conf_count begun, ended;
    int rc;
};

static void start_a_timer(void *arg, unsigned index)
{
    struct slow_start *test = arg;
    (void)index;
    sim_fault(SIM_ALLOC, 0, 0, ENOMEM); /* none fails, but the hook sees this thread */
    test->rc = velo_timer_start(test->loop, CONF_NS_PER_S, 0, nothing, NULL, NULL);
}

static void close_it(void *arg, unsigned index)
{
    struct slow_start *test = arg;
    (void)index;
    conf_count_add(&test->begun, 1);
    CONF_EXPECT_INT(velo_loop_close(test->loop), 0);
    conf_count_add(&test->ended, 1);
}

CONF_CASE(the_end_waits_for_a_start_that_seeks_memory, "L4 L7 L8", VELO_CAP_TIMER_ANY_THREAD)
{
    struct slow_start test = {.loop = conf_create(NULL)};
    struct barrier barrier;
    struct conf_team starter, closer;
    conf_count_init(&test.begun);
    conf_count_init(&test.ended);
    barrier_init(&barrier);
    sim_hook(SIM_ALLOC, hold_once, &barrier);
    conf_team_start(&starter, 1, start_a_timer, &test);
    bool held = conf_count_wait_for(&barrier.held, 1, CONF_NS_PER_S);
    conf_team_start(&closer, 1, close_it, &test);
    conf_count_wait(&test.begun, 1);
    bool overtaken = held && conf_count_wait_for(&test.ended, 1, 100 * CONF_NS_PER_MS);
    conf_count_add(&barrier.go, 1);
    conf_team_join(&starter);
    conf_team_join(&closer);
    sim_faults_clear();
    assert_false(overtaken);
    assert_true(test.rc == 0 || test.rc == -ESHUTDOWN);
    assert_int_equal(conf_discarded(test.loop), test.rc == 0);
    conf_destroy(test.loop);
    if (!held)
        conf_na("starts a timer without memory of its own");
}

/* ---- A2: a watch that fails while the loop looks whether it is idle ---- */

struct failing_watch {
    struct velo_loop *loop;
    int fd;
};

static void watch_a_file(void *arg, unsigned index)
{
    struct failing_watch *test = arg;
    (void)index;
    CONF_EXPECT_INT(velo_fd_watch(test->loop, test->fd, VELO_READ, (velo_fd_fn)abort, NULL, NULL),
                    -EPERM);
}

CONF_CASE(a_watch_that_fails_does_not_keep_the_loop, "A2 F7", VELO_CAP_FDS | VELO_CAP_UNTIL_IDLE)
{
    struct failing_watch test = {.loop = conf_create(NULL)};
    struct barrier barrier;
    struct conf_team team;
    struct conf_runner runner;
    char path[] = "/tmp/velo-audit-XXXXXX";
    test.fd = mkstemp(path);
    assert_true(test.fd >= 0);
    unlink(path);
    barrier_init(&barrier);
    sim_hook(SIM_EPOLL_CTL, hold_once, &barrier);
    conf_team_start(&team, 1, watch_a_file, &test);
    if (!conf_count_wait_for(&barrier.held, 1, CONF_NS_PER_S)) {
        conf_team_join(&team);
        conf_na("watches by a call that the test cannot hold");
    }
    conf_runner_start(&runner, test.loop, VELO_RUN_UNTIL_IDLE);
    conf_elapse_ns(20 * CONF_NS_PER_MS); /* time to fall asleep, if it does */
    conf_count_add(&barrier.go, 1);
    conf_team_join(&team);
    assert_int_equal(conf_runner_join(&runner), 0);
    sim_faults_clear();
    close(test.fd);
    conf_destroy(test.loop);
}
