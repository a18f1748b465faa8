/* SPDX-License-Identifier: MIT */
/*
 * After a fork (L11): what the child may do with the parent's loop, and that the parent does not
 * notice. The child reports the line of its first failed check; it never asserts.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "kinds.h"
#include "probes.h"

#define CHILD_CHECK(condition_)                                                                    \
    do {                                                                                           \
        if (!(condition_))                                                                         \
            return __LINE__;                                                                       \
    } while (0)

/* Wait for the child, which exits with 0 or writes a line number into [fd] first. */
static void child_is_fine(pid_t child, int fd)
{
    int status = -1;
    int line = 0;
    CONF_EXPECT_INT(waitpid(child, &status, 0), child);
    if (read(fd, &line, sizeof(line)) == (ssize_t)sizeof(line) && line != 0)
        conf_record(false, __FILE__, line, "this check failed in the child");
    CONF_EXPECT_INT(status, 0);
    close(fd);
}

/* Report and leave, without what a program does at its end. */
_Noreturn static void child_exit(int fd, int line)
{
    ssize_t written = write(fd, &line, sizeof(line));
    conf_exit_now(line == 0 && written == (ssize_t)sizeof(line) ? 0 : 1);
}

/* Run [check] in a child, and see that it returns 0. */
static void fork_and_check(int (*check)(void *), void *arg)
{
    int fds[2];
    CONF_EXPECT_INT(pipe2(fds, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0)
        child_exit(fds[1], check(arg));
    close(fds[1]);
    child_is_fine(child, fds[0]);
}

static unsigned ran;

static void on_fd(int fd, unsigned events, void *arg)
{
    (void)events;
    ++*(unsigned *)arg;
    fd_drain(fd);
}

/* What the child sees of the parent's loop. */
static int all_calls_are_refused(void *arg)
{
    struct velo_loop *loop = arg;
    struct velo_task task = {tally_fn, &ran};
    struct velo_metrics metrics = {.size = sizeof(metrics)};
    velo_id id = 1;
    int result = 0;
    CHILD_CHECK(velo_submit(loop, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_submit_priority(loop, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_submit_many(loop, &task, 1) == -ECHILD);
    CHILD_CHECK(velo_next_tick(loop, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_queue_microtask(loop, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_set_immediate(loop, tally_fn, &ran, &id) == -ECHILD);
    CHILD_CHECK(velo_clear_immediate(loop, id) == -ECHILD);
    CHILD_CHECK(velo_defer_close(loop, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_timer_start(loop, 0, 0, tally_fn, &ran, &id) == -ECHILD);
    CHILD_CHECK(velo_timer_cancel(loop, id) == -ECHILD);
    CHILD_CHECK(velo_timer_cancel_many(loop, &id, 1, &result) == -ECHILD);
    CHILD_CHECK(velo_timer_restart(loop, id, 0) == -ECHILD);
    CHILD_CHECK(velo_timer_ref(loop, id) == -ECHILD);
    CHILD_CHECK(velo_timer_unref(loop, id) == -ECHILD);
    CHILD_CHECK(velo_fd_watch(loop, 0, VELO_READ, on_fd, &ran, &id) == -ECHILD);
    CHILD_CHECK(velo_fd_modify(loop, id, VELO_READ) == -ECHILD);
    CHILD_CHECK(velo_fd_unwatch(loop, id) == -ECHILD);
    CHILD_CHECK(velo_fast_path_set(loop, VELO_FAST_AUTO) == -ECHILD);
    CHILD_CHECK(velo_loop_wake(loop) == -ECHILD);
    CHILD_CHECK(velo_loop_backend_fd(loop) == -ECHILD);
    CHILD_CHECK(velo_metrics_read(loop, &metrics) == -ECHILD);
    CHILD_CHECK(velo_loop_run(loop, VELO_RUN_NOWAIT) == -ECHILD);
    CHILD_CHECK(velo_loop_shutdown(loop, 0) == -ECHILD);
    CHILD_CHECK(velo_loop_close(loop) == -ECHILD);
    CHILD_CHECK(!velo_loop_is_owner(loop));
    CHILD_CHECK(velo_submit(loop, NULL, NULL) == -EINVAL); /* wrong arguments come first */
    CHILD_CHECK(ran == 0);
    return 0;
}

/* L11: every call is refused in the child; what the parent had queued runs in the parent. */
CONF_CASE(child_is_refused_by_every_call, "L11", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    ran = 0;
    assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    fork_and_check(all_calls_are_refused, loop);
    conf_turns(loop, 1);
    assert_int_equal(ran, 1);
    conf_destroy(loop);
}

static int destroy_gives_all_back(void *arg)
{
    struct velo_loop *loop = arg;
    unsigned fds = conf_open_fds();
    size_t heap = conf_heap_bytes();
    CHILD_CHECK(velo_loop_destroy(loop) == 0);
    CHILD_CHECK(conf_open_fds() < fds);
    CHILD_CHECK(conf_heap_bytes() < heap || heap == 0);
    CHILD_CHECK(ran == 0);
    return 0;
}

/* L11: destroy works in the child, runs nothing and gives back what it has of a loop at rest. */
CONF_CASE(child_may_destroy, "L11 L8", VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    ran = 0;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(velo_submit(loop, tally_fn, &ran), 0);
    assert_int_equal(velo_timer_start(loop, 0, 0, tally_fn, &ran, NULL), 0);
    fork_and_check(destroy_gives_all_back, loop);
    assert_int_equal(conf_discarded(loop), 0);
    conf_turns(loop, 2);
    assert_int_equal(ran, 1001);
    conf_destroy(loop);
}

static int destroy(void *arg)
{
    CHILD_CHECK(velo_loop_destroy(arg) == 0);
    return 0;
}

/* L11: the child closes its copies of the descriptors; the parent's registrations stay. */
CONF_CASE(parent_keeps_its_descriptors, "L11 F1", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    ran = 0;
    assert_int_equal(velo_fd_watch(loop, pair.near, VELO_READ, on_fd, &ran, NULL), 0);
    fork_and_check(destroy, loop);
    for (unsigned i = 1; i <= 3; i++) {
        fd_pair_feed(&pair);
        conf_turns(loop, 1);
        assert_int_equal(ran, i);
    }
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* L11: the owner is another thread, asleep: the child can destroy, the parent goes on. */
CONF_CASE(fork_beside_a_sleeping_owner, "L11 S8", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    assert_true(conf_wait_state(loop, VELO_STATE_SLEEPING));
    ran = 0;
    fork_and_check(all_calls_are_refused, loop);
    fork_and_check(destroy, loop);
    conf_sync(loop);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* ---- a callback forks ---- */

struct forking {
    struct velo_loop *loop;
    int report[2];
    pid_t child;
    unsigned ran_before;
};

static void fork_here(void *arg)
{
    struct forking *forking = arg;
    forking->ran_before = ran;
    forking->child = fork();
    if (forking->child == 0) {
        /* still inside the parent's run: so the stack needs what destroy would free */
        if (velo_loop_destroy(forking->loop) != -EDEADLK)
            child_exit(forking->report[1], __LINE__);
        if (velo_loop_is_owner(forking->loop))
            child_exit(forking->report[1], __LINE__);
        if (velo_submit(forking->loop, tally_fn, &ran) != -ECHILD)
            child_exit(forking->report[1], __LINE__);
    }
}

static void fork_at_fd(int fd, unsigned events, void *arg)
{
    (void)events;
    fd_drain(fd);
    fork_here(arg);
}

/* In the child the run that it woke up in ends, and nothing else runs. */
static int run_ends_in_child(const struct forking *forking, int result)
{
    CHILD_CHECK(result == -ECHILD);
    CHILD_CHECK(ran == forking->ran_before);
    CHILD_CHECK(velo_loop_run(forking->loop, VELO_RUN_NOWAIT) == -ECHILD);
    CHILD_CHECK(velo_loop_destroy(forking->loop) == 0);
    return 0;
}

/* Something of every kind that must run in the parent only. */
static unsigned add_all_kinds(struct velo_loop *loop)
{
    unsigned added = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        CONF_EXPECT_INT(kind_add(kind, loop, tally_fn, &ran, NULL), 0);
        added++;
    }
    return added;
}

static void run_forking(struct forking *forking, unsigned to_run)
{
    pid_t parent = getpid();
    int result = velo_loop_run(forking->loop, VELO_RUN_ONCE);
    if (getpid() != parent)
        child_exit(forking->report[1], run_ends_in_child(forking, result));
    assert_int_equal(result, 0);
    conf_turns(forking->loop, 2);
    assert_int_equal(ran, to_run);
    child_is_fine(forking->child, forking->report[0]);
    close(forking->report[1]);
    conf_destroy(forking->loop);
}

static void forking_create(struct forking *forking)
{
    forking->loop = conf_create(NULL);
    CONF_EXPECT_INT(pipe2(forking->report, O_CLOEXEC), 0);
    ran = 0;
}

/* In the child no callback runs after the one that forked, whatever its kind. */
static void fork_from(unsigned kind)
{
    struct forking forking;
    forking_create(&forking);
    assert_int_equal(kind_add(kind, forking.loop, fork_here, &forking, NULL), 0);
    run_forking(&forking, add_all_kinds(forking.loop));
}

/* L11: a callback of every kind forks; the child's run returns -ECHILD, the parent's goes on. */
CONF_CASE(callbacks_of_every_kind_may_fork, "L11", 0)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (kind_is_offered(kind))
            fork_from(kind);
    }
}

/* L11: the same from a descriptor callback, with other ready descriptors left to the parent. */
CONF_CASE(descriptor_callback_may_fork, "L11 F1", VELO_CAP_FDS)
{
    struct forking forking;
    struct fd_pair first = fd_pair_readable();
    struct fd_pair second = fd_pair_readable();
    forking_create(&forking);
    assert_int_equal(velo_fd_watch(forking.loop, first.near, VELO_READ, fork_at_fd, &forking, NULL),
                     0);
    assert_int_equal(
        velo_fd_watch(forking.loop, second.near, VELO_READ | VELO_ONESHOT, on_fd, &ran, NULL), 0);
    run_forking(&forking, 1);
    fd_pair_close(&first);
    fd_pair_close(&second);
}

static void shut_down(void *arg)
{
    CONF_EXPECT_INT(velo_loop_shutdown(arg, 0), 0);
}

/* L11, L4: a callback forks while its loop is drained, inside run and by the caller of shutdown. */
CONF_CASE(callback_of_a_drain_may_fork, "L11 L4", 0)
{
    for (unsigned inside = 0; inside < 2; inside++) {
        struct forking forking;
        pid_t parent = getpid();
        forking_create(&forking);
        if (inside)
            assert_int_equal(velo_submit(forking.loop, shut_down, forking.loop), 0);
        assert_int_equal(velo_submit(forking.loop, fork_here, &forking), 0);
        assert_int_equal(velo_submit(forking.loop, tally_fn, &ran), 0);
        int result = inside ? velo_loop_run(forking.loop, VELO_RUN_FOREVER)
                            : velo_loop_shutdown(forking.loop, -1);
        if (getpid() != parent)
            child_exit(forking.report[1], run_ends_in_child(&forking, result));
        assert_int_equal(result, 0);
        assert_int_equal(ran, 1);
        child_is_fine(forking.child, forking.report[0]);
        close(forking.report[1]);
        conf_destroy(forking.loop);
    }
}

/* ---- loops of the child ---- */

static int own_loop_works(void *arg)
{
    struct velo_loop *own = NULL;
    ran = 0;
    CHILD_CHECK(velo_loop_create(&own, NULL) == 0);
    CHILD_CHECK(velo_submit(own, tally_fn, &ran) == 0);
    CHILD_CHECK(velo_loop_run(own, VELO_RUN_NOWAIT) == 0);
    CHILD_CHECK(ran == 1);
    CHILD_CHECK(velo_submit(arg, tally_fn, &ran) == -ECHILD);
    CHILD_CHECK(velo_loop_destroy(own) == 0);
    CHILD_CHECK(velo_submit(arg, tally_fn, &ran) == -ECHILD);
    return 0;
}

static int own_loop_works_in_grandchild(void *arg)
{
    struct velo_loop *own = NULL;
    int status = -1;
    CHILD_CHECK(velo_loop_create(&own, NULL) == 0);
    pid_t grandchild = fork();
    if (grandchild == 0) {
        bool refused = velo_submit(own, tally_fn, &ran) == -ECHILD;
        conf_exit_now(refused ? own_loop_works(arg) : 1);
    }
    CHILD_CHECK(waitpid(grandchild, &status, 0) == grandchild);
    CHILD_CHECK(status == 0);
    CHILD_CHECK(velo_submit(own, tally_fn, &ran) == 0);
    CHILD_CHECK(velo_loop_destroy(own) == 0);
    return 0;
}

/* L11: a child may have loops of its own, and so may its children. */
CONF_CASE(child_may_have_loops_of_its_own, "L11 L1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    fork_and_check(own_loop_works, loop);
    fork_and_check(own_loop_works_in_grandchild, loop);
    conf_destroy(loop);
}
