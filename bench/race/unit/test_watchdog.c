/* SPDX-License-Identifier: MIT */
/* test_watchdog.c - a hang ends with words and status 1; a run that ends in time is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../clock.h"
#include "../watchdog.h"

static void say(void *ctx)
{
    const int *fd = ctx;
    if (write(*fd, "hang", 4) != 4)
        _exit(3);
}

/* The child starts a watchdog of [limit_ns] and then hangs, or ends with status 0. */
static int run_child(uint64_t limit_ns, bool hang, char said[5])
{
    int fds[2], status;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        watchdog_start(limit_ns, say, &fds[1]);
        if (hang) {
            for (;;)
                pause();
        }
        _exit(0);
    }
    close(fds[1]);
    ssize_t size = read(fds[0], said, 4);
    said[size > 0 ? size : 0] = '\0';
    close(fds[0]);
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_hang_is_told_and_ended(void **state)
{
    char said[5];
    (void)state;
    assert_int_equal(run_child(10 * NS_PER_MS, true, said), 1);
    assert_string_equal(said, "hang");
}

static void a_run_that_ends_is_left_alone(void **state)
{
    char said[5];
    (void)state;
    assert_int_equal(run_child(3600 * NS_PER_S, false, said), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hang_is_told_and_ended),
        cmocka_unit_test(a_run_that_ends_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
