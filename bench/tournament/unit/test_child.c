/* SPDX-License-Identifier: MIT */
/* test_child.c - what can become of a child: it ends, crashes, hangs, floods, cannot start, is
 * stopped. */
#include "../child.h"
#include "../clock.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void run_shell(const char *script, uint64_t timeout_ms, struct child_result *result)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct child_request request = {.argv = argv, .timeout_ms = timeout_ms, .env_pad = 100};
    assert_int_equal(child_run(&request, result), 0);
}

static void output_and_status_are_kept(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("echo out; echo err >&2; exit 7", 10000, &result);
    assert_int_equal(result.end, CHILD_EXITED);
    assert_int_equal(result.code, 7);
    assert_string_equal(result.out, "out\n");
    assert_string_equal(result.err, "err\n");
    child_result_free(&result);
}

static void a_signal_is_told_from_a_status(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("kill -ABRT $$", 10000, &result);
    assert_int_equal(result.end, CHILD_SIGNALLED);
    assert_int_equal(result.code, SIGABRT);
    char *words = child_explain(&result, 0);
    assert_string_equal(words, "crashed: signal 6 (Aborted)");
    free(words);
    child_result_free(&result);
}

static void a_hang_is_ended_with_all_it_started(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("sleep 1000 & echo $!; exec sleep 1000", 200, &result);
    assert_int_equal(result.end, CHILD_TIMEOUT);
    assert_true(result.wall_ms >= 200 && result.wall_ms < 5000);
    pid_t grandchild = atoi(result.out);
    assert_true(grandchild > 0);
    char stat[64];
    snprintf(stat,
             sizeof(stat),
             "/proc/%d/cwd",
             (int)grandchild); /* gone, or a zombie that init will take */
    char where[256];
    /* it was killed, but dies when it gets a processor */
    double limit_s = clock_seconds() + 10;
    while (readlink(stat, where, sizeof(where)) >= 0 && clock_seconds() < limit_s)
        sched_yield();
    assert_true(readlink(stat, where, sizeof(where)) < 0);
    child_result_free(&result);
}

static void more_than_a_pipe_holds(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("head -c 1000000 /dev/zero | tr '\\0' x", 20000, &result);
    assert_int_equal(result.end, CHILD_EXITED);
    assert_int_equal(strlen(result.out), 1000000);
    child_result_free(&result);
}

static void a_program_that_is_not_there(void **state)
{
    (void)state;
    struct child_result result;
    const char *const argv[] = {"/no/such/program", NULL};
    assert_int_equal(child_run(&(struct child_request){.argv = argv}, &result), 0);
    assert_int_equal(result.end, CHILD_NOT_STARTED);
    child_result_free(&result);
}

static void the_environment_is_padded(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("printf %s \"$VELO_ENV_PAD\"", 10000, &result);
    assert_int_equal(strlen(result.out), 100);
    child_result_free(&result);
}

/* The whole environment, as the kernel lays it above the stack, differs by just the padding. */
static void the_padding_is_what_the_environment_differs_by(void **state)
{
    (void)state;
    static const unsigned pads[] = {0, 1, 4095};
    const char *const argv[] = {"/bin/sh", "-c", "wc -c </proc/$$/environ; true", NULL};
    long bytes[3];
    for (size_t i = 0; i < 3; i++) {
        struct child_result result;
        struct child_request request = {.argv = argv, .env_pad = pads[i]};
        assert_int_equal(child_run(&request, &result), 0);
        bytes[i] = strtol(result.out, NULL, 10);
        child_result_free(&result);
    }
    assert_true(bytes[0] > 0);
    assert_int_equal(bytes[1] - bytes[0], 1);
    assert_int_equal(bytes[2] - bytes[0], 4095);
}

static void a_child_gets_a_layout_of_its_own_also_where_that_was_switched_off(void **state)
{
    (void)state;
    struct child_result result;
    const int before = personality(0xffffffff);
    if (before == -1 || personality((unsigned long)before | ADDR_NO_RANDOMIZE) == -1)
        skip(); /* a container may forbid it */
    run_shell("cat /proc/self/personality", 10000, &result);
    personality((unsigned long)before);
    assert_int_equal(strtoul(result.out, NULL, 16) & ADDR_NO_RANDOMIZE, 0);
    child_result_free(&result);
}

static void a_stop_signal_ends_the_wait(void **state)
{
    (void)state;
    struct interrupt interrupt;
    struct child_result result;
    assert_int_equal(interrupt_init(&interrupt), 0);
    const char *const argv[] = {"/bin/sh", "-c", "kill -INT $PPID; exec sleep 1000", NULL};
    assert_int_equal(
        child_run(&(struct child_request){.argv = argv, .interrupt = &interrupt}, &result), 0);
    assert_int_equal(result.end, CHILD_INTERRUPTED);
    assert_true(interrupt_seen(&interrupt));
    child_result_free(&result);
    interrupt_release(&interrupt);
}

/* Two at once, and the one that hangs is waited for first: the other was done long before. */
static void a_limit_hits_only_who_is_still_there(void **state)
{
    (void)state;
    const char *const hang[] = {"sleep", "1000", NULL}, *const brief[] = {"true", NULL};
    struct child hanging, done;
    struct child_result result;
    const struct child_request slow = {.argv = hang, .timeout_ms = 300};
    const struct child_request quick = {.argv = brief, .timeout_ms = 300};
    assert_int_equal(child_start(&slow, &hanging), 0);
    assert_int_equal(child_start(&quick, &done), 0);
    assert_int_equal(child_wait(&hanging, &result), 0);
    assert_int_equal(result.end, CHILD_TIMEOUT);
    child_result_free(&result);
    assert_int_equal(child_wait(&done, &result), 0);
    assert_int_equal(result.end, CHILD_EXITED);
    assert_int_equal(result.code, 0);
    child_result_free(&result);
}

/* The child stops this very program for longer than it waits between two looks. */
static void it_knows_when_it_stood_still_itself(void **state)
{
    (void)state;
    struct child_result result;
    run_shell("sleep 0.3; kill -STOP $PPID; sleep 1.4; kill -CONT $PPID", 60000, &result);
    assert_int_equal(result.end, CHILD_EXITED);
    assert_true(result.stall_ms >= 300 && result.stall_ms <= result.wall_ms);
    child_result_free(&result);
}

/* poll() of more descriptors than a process may have fails: that is no end of the child. */
static void who_cannot_be_waited_for_has_no_result(void **state)
{
    (void)state;
    const char *const argv[] = {"sleep", "1000", NULL};
    struct child child;
    struct child_result result;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(
        child_start(&(struct child_request){.argv = argv, .timeout_ms = 60000}, &child), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const int rc = child_wait(&child, &result);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, -EINVAL);
    assert_null(result.out);
    assert_int_equal(kill(child.pid, 0), -1); /* killed and taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_and_status_are_kept),
        cmocka_unit_test(a_signal_is_told_from_a_status),
        cmocka_unit_test(a_hang_is_ended_with_all_it_started),
        cmocka_unit_test(it_knows_when_it_stood_still_itself),
        cmocka_unit_test(more_than_a_pipe_holds),
        cmocka_unit_test(a_program_that_is_not_there),
        cmocka_unit_test(the_environment_is_padded),
        cmocka_unit_test(the_padding_is_what_the_environment_differs_by),
        cmocka_unit_test(a_child_gets_a_layout_of_its_own_also_where_that_was_switched_off),
        cmocka_unit_test(a_stop_signal_ends_the_wait),
        cmocka_unit_test(a_limit_hits_only_who_is_still_there),
        cmocka_unit_test(who_cannot_be_waited_for_has_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
