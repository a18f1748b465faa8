/* SPDX-License-Identifier: MIT */
/*
 * test_limits.c - the probes give numbers that can be true.
 *
 * Absolute values belong to the machine. What must hold on every one: a cost is finite and
 * positive, the least is not above the median, and what contains something else costs more than it.
 * The last kind has room for noise: a factor of two between things that lie much further apart.
 */
#include "../limits.h"
#include "../peer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct bench bench;
static struct limit_result results[LIMITS_MAX];
static size_t count;

static int measure_once(void **state)
{
    (void)state;
    if (bench_init(&bench, 500000) != 0)
        return -1;
    bench.brief = true;
    count = limits_run(&bench, NULL, results);
    return 0;
}

static double least(const char *id)
{
    const struct limit_result *result = limit_find(results, count, id);
    assert_non_null(result);
    return result->min;
}

static void median_of_few(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2};
    double even[] = {4, 1, 3, 2};
    assert_true(isnan(limit_median(odd, 0)));
    assert_true(limit_median(odd, 1) > 2.9);
    assert_true(fabs(limit_median(odd, 3) - 2) < 1e-12);
    assert_true(fabs(limit_median(even, 4) - 2.5) < 1e-12);
}

static void every_probe_gives_a_cost_or_a_reason(void **state)
{
    (void)state;
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        if (isnan(results[i].median)) {
            assert_true(results[i].reason[0] != '\0');
            continue;
        }
        assert_true(results[i].min > 0 || strcmp(results[i].id, "L10") == 0);
        assert_true(results[i].min <= results[i].median);
        assert_true(results[i].median <= results[i].max);
        assert_true(results[i].method[0] != '\0');
        assert_true(results[i].median < 1e9);
    }
}

/* C1 to C25 and L1 to L10 are all there, with a number or with a reason. */
static void the_list_is_complete(void **state)
{
    (void)state;
    char id[16];
    for (int i = 1; i <= 25; i++) {
        snprintf(id, sizeof id, "C%d", i);
        assert_non_null(limit_find(results, count, id));
    }
    for (int i = 1; i <= 10; i++) {
        snprintf(id, sizeof id, "L%d", i);
        assert_non_null(limit_find(results, count, id));
    }
}

/* A few by name: they and their parts are measured, nothing else is, and wrong names are found. */
static void some_can_be_asked_for(void **state)
{
    (void)state;
    struct limit_result some[LIMITS_MAX];
    char unknown[LIMIT_ID_BYTES];
    struct bench short_one = bench;
    short_one.rep_ns = 100000;
    size_t found = limits_run(&short_one, "C11,L7", some);
    assert_int_equal(found, 3);
    assert_non_null(limit_find(some, found, "C11"));
    assert_non_null(limit_find(some, found, "C3"));
    const struct limit_result *l7 = limit_find(some, found, "L7");
    assert_true(l7->median >= limit_find(some, found, "C3")->min);
    assert_false(limits_unknown("C11,L7,C1t", unknown));
    assert_true(limits_unknown("C11,C99,L7", unknown));
    assert_string_equal(unknown, "C99");
    assert_true(limits_unknown("C1111111111", unknown));
}

/* What takes long to set up is not run where there is no time, and says so. */
static void a_brief_calibration_says_what_it_leaves_out(void **state)
{
    (void)state;
    const struct limit_result *result = limit_find(results, count, "C10");
    assert_true(isnan(result->median));
    assert_string_equal(result->reason, "takes too long for a brief calibration");
    assert_string_equal(limit_find(results, count, "L6c")->reason, "C10 was not measured");
}

/* The system call [number] fails with EPERM from now on, as in many containers. */
static int forbid(unsigned number)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = 4, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* Runs in a child, which gives up the system call for good. */
static bool denied_probe_has_reason(const struct limit *limit, unsigned number, const char *reason)
{
    pid_t child = fork();
    if (child == 0) {
        struct limit_result result;
        struct bench denied = bench;
        if (forbid(number) != 0)
            _exit(2);
        limit_run(limit, &denied, &result);
        _exit(isnan(result.median) && strcmp(result.reason, reason) == 0 ? 0 : 1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && status == 0;
}

static void what_is_denied_says_so(void **state)
{
    (void)state;
    if (isnan(limit_find(results, count, "C18")->median))
        skip(); /* it is denied here already, and said so in the tests above */
    for (const struct limit *limit = limits_uring; limit->id; limit++)
        if (!limit->two_cpus || bench.cpu_count > 1)
            assert_true(denied_probe_has_reason(
                limit, SYS_io_uring_setup, "io_uring_setup: Operation not permitted"));
    assert_true(denied_probe_has_reason(
        &limits_barrier[0], SYS_membarrier, "membarrier: Operation not permitted"));
}

static void ids_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(limit_find(results, count, results[i].id), &results[i]);
    assert_null(limit_find(results, count, "C0"));
}

static void what_contains_more_costs_more(void **state)
{
    (void)state;
    assert_true(least("C12r") > least("C12"));     /* write + read, write */
    assert_true(least("C13r") * 2 > least("C13")); /* one ready, none ready */
    assert_true(least("C15s") > least("C14"));     /* a futex that wakes, one that does not */
    assert_true(least("C16s") > least("C12"));
    assert_true(least("C6") * 2 > least("C4"));
    assert_true(least("C11") > least("C2"));
    assert_true(least("C23s") < least("C23") * 2);
}

static void two_cpus_pay_for_moving_lines(void **state)
{
    (void)state;
    if (bench.cpu_count < 2)
        skip();
    assert_true(least("C8") > least("C4"));
    assert_true(least("C15") > least("C8"));
    assert_true(least("C15a") > least("C8"));
    assert_true(least("C16a") > least("C8"));
    assert_true(least("C9") < least("C8"));
}

static void derived_limits_follow_from_their_parts(void **state)
{
    (void)state;
    struct limit_result given[LIMITS_MAX] = {
        {.id = "C2", .median = 2, .min = 1, .max = 4},
        {.id = "C4", .median = 3, .min = 3, .max = 3},
        {.id = "C9", .median = 8, .min = 4, .max = 16},
        {.id = "C8", .median = NAN, .min = NAN, .max = NAN},
        {.id = "C10", .median = 100, .min = 80, .max = 200},
    };
    size_t all = limits_derive(given, 5, NULL);
    const struct limit_result *l3 = limit_find(given, all, "L3");
    const struct limit_result *l4 = limit_find(given, all, "L4");
    const struct limit_result *l1 = limit_find(given, all, "L1");
    assert_true(fabs(l3->median - 4) < 1e-12);
    assert_true(fabs(l3->min - 2) < 1e-12);
    assert_true(fabs(l1->median - 4) < 1e-12);
    assert_true(fabs(l1->min - 3) < 1e-12);
    assert_true(fabs(l3->max - 8) < 1e-12);
    assert_true(fabs(l1->max - 8) < 1e-12);
    assert_true(fabs(limit_find(given, all, "L6c")->median - 100) < 1e-12);
    assert_true(fabs(limit_find(given, all, "L6f")->median - 200) < 1e-12);
    assert_true(fabs(limit_find(given, all, "L6p")->max - 50) < 1e-12);
    assert_true(fabs(limit_find(given, all, "L9")->median - 16) < 1e-12);
    assert_true(fabs(limit_find(given, all, "L10")->median) < 1e-12);
    assert_true(isnan(l4->median));
    assert_string_equal(l4->reason, "C8 was not measured");
}

/* On one CPU, what needs two is null with words, and the rest is measured all the same. */
static void one_cpu_gives_reasons_not_numbers(void **state)
{
    (void)state;
    cpu_set_t saved;
    assert_int_equal(sched_getaffinity(0, sizeof saved, &saved), 0);
    assert_int_equal(pin_to(bench.cpus[0]), 0);
    struct bench one;
    assert_int_equal(bench_init(&one, 100000), 0);
    assert_int_equal(one.cpu_count, 1);
    for (const struct limit *limit = limits_pair; limit->id; limit++) {
        struct limit_result result;
        limit_run(limit, &one, &result);
        assert_true(isnan(result.median));
        assert_string_equal(result.reason, "needs two CPUs, this process may use one");
    }
    for (const struct limit *limit = limits_wake; limit->id; limit++) {
        struct limit_result result;
        limit_run(limit, &one, &result);
        assert_true(limit->two_cpus == (bool)isnan(result.median));
    }
    assert_int_equal(sched_setaffinity(0, sizeof saved, &saved), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_of_few),
        cmocka_unit_test(every_probe_gives_a_cost_or_a_reason),
        cmocka_unit_test(the_list_is_complete),
        cmocka_unit_test(some_can_be_asked_for),
        cmocka_unit_test(a_brief_calibration_says_what_it_leaves_out),
        cmocka_unit_test(what_is_denied_says_so),
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(what_contains_more_costs_more),
        cmocka_unit_test(two_cpus_pay_for_moving_lines),
        cmocka_unit_test(derived_limits_follow_from_their_parts),
        cmocka_unit_test(one_cpu_gives_reasons_not_numbers),
    };
    return cmocka_run_group_tests_name("limits", tests, measure_once, NULL);
}
