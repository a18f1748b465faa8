/* SPDX-License-Identifier: MIT */
/*
 * Faulty cases, planted on purpose: they run only with --self-test, and each names the result and
 * the reason that the harness must report for it. A crash, a hang or a skip is never a pass.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"

#define PLANTED(name_, expect_, reason_) CONF_CASE_FULL(name_, "X1", 0, expect_, reason_, 0)

PLANTED(planted_good_case, "pass", "")
{
    assert_int_equal(1, 1);
}

PLANTED(planted_assertion, "fail", "1 is 1, expected 2")
{
    assert_int_equal(1, 2);
}

PLANTED(planted_skip_with_reason, "n/a", "no moon tonight")
{
    conf_na("no moon tonight");
}

/* Sanitizers catch the signal first; so the signal is one that they leave alone. */
PLANTED(planted_crash, "fail", "killed by SIGKILL")
{
    raise(SIGKILL);
}

PLANTED(planted_abort, "fail", "SIGABRT")
{
    signal(SIGABRT, SIG_DFL);
    abort();
}

PLANTED(planted_early_exit, "fail", "the process ended with status 0 in the middle")
{
    exit(0);
}

CONF_CASE_FULL(planted_hang, "X1", 0, "fail", "hangs", 300)
{
    struct conf_count never;
    conf_count_init(&never);
    pthread_mutex_lock(&never.lock);
    while (never.value == 0)
        pthread_cond_wait(&never.changed, &never.lock);
}

static void *fail_elsewhere(void *arg)
{
    CONF_EXPECT_INT(*(int *)arg, 42);
    return NULL;
}

PLANTED(planted_failure_on_foreign_thread, "fail", "is 41, expected 42")
{
    pthread_t thread;
    int value = 41;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &value), 0);
    pthread_join(thread, NULL);
}

static void *crash_elsewhere(void *arg)
{
    (void)arg;
    signal(SIGABRT, SIG_DFL);
    abort();
}

PLANTED(planted_crash_on_foreign_thread, "fail", "SIGABRT")
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, crash_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
}

/* Threads that are left behind must not turn a failure into a crash or a hang. */
static void *wait_for_ever(void *arg)
{
    struct conf_count *never = arg;
    pthread_mutex_lock(&never->lock);
    while (never->value == 0)
        pthread_cond_wait(&never->changed, &never->lock);
    pthread_mutex_unlock(&never->lock);
    return NULL;
}

PLANTED(planted_assertion_beside_a_thread, "fail", "3 is 3, expected 4")
{
    static struct conf_count never;
    pthread_t thread;
    conf_count_init(&never);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &never), 0);
    pthread_detach(thread);
    assert_int_equal(3, 4);
}

PLANTED(planted_flood_of_output, "fail", "5 is 5, expected 6")
{
    for (int i = 0; i < 20000; i++)
        printf("line %d of a case that talks too much\n", i);
    assert_int_equal(5, 6);
}

CONF_CASE_FULL(
    planted_capability_nobody_has, "X1", UINT64_C(1) << 62, "n/a", "does not declare VELO_CAP_", 0)
{
    fail();
}
