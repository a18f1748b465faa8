/* SPDX-License-Identifier: MIT */
/*
 * Callbacks that do not return (X2): a debug build says so and aborts. Each breach is made in a
 * child process, whose end and whose last words are looked at.
 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "kinds.h"
#include "probes.h"

static void needs_debug_build(void)
{
#ifdef NDEBUG
    conf_na("a release build does not look");
#endif
}

/* Do [breach] in a child; it must abort and have said [word]. */
static void aborts_saying(void (*breach)(void *), void *arg, const char *word)
{
    int fds[2];
    char said[512] = "";
    int status = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], STDERR_FILENO);
        breach(arg);
        conf_exit_now(0);
    }
    close(fds[1]);
    for (size_t length = 0; length < sizeof(said) - 1;) {
        ssize_t n = read(fds[0], said + length, sizeof(said) - 1 - length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (strstr(said, word) == NULL)
        fail_msg("it should have spoken of %s, but said: '%s'", word, said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- in the child, which needs a loop of its own (L11) ---- */

static struct velo_loop *own_loop(void)
{
    struct velo_options options = conf_options();
    struct velo_loop *loop = NULL;
    if (velo_loop_create(&loop, &options) != 0)
        conf_exit_now(2);
    return loop;
}

static jmp_buf outside;

static void jump(void *arg)
{
    (void)arg;
    longjmp(outside, 1);
}

static void jump_at_fd(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    jump(arg);
}

/* Leave the loop by a jump, then use it. */
static void leave_and_use(struct velo_loop *loop, unsigned use)
{
    if (setjmp(outside) == 0)
        velo_loop_run(loop, VELO_RUN_NOWAIT);
    if (use == 0)
        velo_loop_run(loop, VELO_RUN_NOWAIT);
    else if (use == 1)
        velo_loop_close(loop);
    else
        velo_loop_destroy(loop);
}

static void jump_out_of_kind(void *arg)
{
    const unsigned *kind = arg;
    struct velo_loop *loop = own_loop();
    if (kind_add(*kind, loop, jump, NULL, NULL) == 0)
        leave_and_use(loop, *kind % 3);
}

static void jump_out_of_fd(void *arg)
{
    struct velo_loop *loop = own_loop();
    (void)arg;
    struct fd_pair pair = fd_pair_readable();
    if (velo_fd_watch(loop, pair.near, VELO_READ, jump_at_fd, NULL, NULL) == 0)
        leave_and_use(loop, 0);
}

static void end_thread(void *arg)
{
    (void)arg;
    pthread_exit(NULL);
}

static void end_thread_in_run(void *arg)
{
    struct velo_loop *loop = own_loop();
    (void)arg;
    if (velo_submit(loop, end_thread, NULL) == 0)
        velo_loop_run(loop, VELO_RUN_NOWAIT);
}

static void end_thread_in_drain(void *arg)
{
    struct velo_loop *loop = own_loop();
    (void)arg;
    if (velo_submit(loop, end_thread, NULL) == 0)
        velo_loop_shutdown(loop, -1);
}

/* ---- what is seen of it ---- */

/* X2: a longjmp out of a callback of any kind is told at the next use of the loop. */
CONF_CASE(longjmp_out_of_a_callback_is_detected, "X2", 0)
{
    needs_debug_build();
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (kind_is_offered(kind))
            aborts_saying(jump_out_of_kind, &kind, "longjmp");
    }
}

/* X2: the same for descriptor callbacks. */
CONF_CASE(longjmp_out_of_a_descriptor_callback_is_detected, "X2", VELO_CAP_FDS)
{
    needs_debug_build();
    aborts_saying(jump_out_of_fd, NULL, "longjmp");
}

/* X2: a callback that ends its thread, in a run and in a drain, is told at once. */
CONF_CASE(pthread_exit_in_a_callback_is_detected, "X2", 0)
{
    needs_debug_build();
    aborts_saying(end_thread_in_run, NULL, "pthread_exit");
}

CONF_CASE(pthread_exit_while_draining_is_detected, "X2 L4", 0)
{
    needs_debug_build();
    aborts_saying(end_thread_in_drain, NULL, "pthread_exit");
}

static jmp_buf within;

static void jump_within(void *arg)
{
    struct velo_loop *loop = arg;
    if (setjmp(within) == 0)
        longjmp(within, 1);
    CONF_EXPECT_INT(velo_loop_run(loop, VELO_RUN_NOWAIT), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_close(loop), -EDEADLK);
    CONF_EXPECT_INT(velo_loop_destroy(loop), -EDEADLK);
}

/* X2: what stays inside the callback is nobody's business, in every build. */
CONF_CASE(longjmp_within_a_callback_is_fine, "X2 L3", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_submit(loop, jump_within, loop), 0);
    conf_turns(loop, 1);
    conf_destroy(loop);
}
