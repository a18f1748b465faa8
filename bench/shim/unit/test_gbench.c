/* SPDX-License-Identifier: MIT */
/*
 * test_gbench.c - what the shim promises where Google Benchmark would stay silent or abort.
 *
 * Each test starts the library anew and ends with velo_gb_shutdown(): registrations are global.
 * The numbers are not judged here, except that a batch costs no call for each iteration.
 */
#include "../gbench.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    size_t runs;
    size_t errors;
    size_t finished;
    char error[128];
    char label[32];
    char unit[4];
    double real;
    double ops;
    int64_t iterations;
    int cpus;
};

static void see_machine(void *ctx, const struct velo_gb_machine *machine)
{
    struct seen *seen = ctx;
    seen->cpus = machine->cpus;
}

static void see_run(void *ctx, const struct velo_gb_report *run)
{
    struct seen *seen = ctx;
    seen->runs++;
    seen->errors += run->error[0] != '\0';
    snprintf(seen->error, sizeof seen->error, "%s", run->error);
    snprintf(seen->label, sizeof seen->label, "%s", run->label);
    snprintf(seen->unit, sizeof seen->unit, "%s", run->unit);
    seen->real = run->real;
    seen->iterations = run->iterations;
    for (size_t i = 0; i < run->counter_count; i++)
        if (strcmp(run->counters[i].name, "ops") == 0)
            seen->ops = run->counters[i].value;
}

static void see_end(void *ctx)
{
    struct seen *seen = ctx;
    seen->finished++;
}

static struct velo_gb_totals totals;

static int run_all(struct seen *seen)
{
    struct velo_gb_sink sink = {seen, see_machine, see_run, see_end};
    memset(seen, 0, sizeof *seen);
    return velo_gb_run(&sink, &totals);
}

/* velo_gb_init() with one argument beside the program's name. */
static int init_with(char *arg, int *left)
{
    char program[] = "test_gbench";
    char *argv[] = {program, arg, NULL};
    int argc = arg ? 2 : 1;
    int rc = velo_gb_init(&argc, argv);
    if (left)
        *left = argc - 1;
    return rc;
}

static int setup(void **state)
{
    (void)state;
    return init_with(NULL, NULL);
}

static int teardown(void **state)
{
    (void)state;
    velo_gb_shutdown();
    return 0;
}

/* ---- bodies ---- */

static void body_batches(struct velo_gb_state *state, void *user)
{
    int64_t *claimed = user;
    *claimed = 0;
    while (velo_gb_next_batch(state, 64))
        for (int i = 0; i < 64; i++) {
            velo_gb_keep(i);
            ++*claimed;
        }
    velo_gb_set_counter(state, "ops", 7, 0);
    velo_gb_set_label(state, "words");
}

static void body_manual(struct velo_gb_state *state, void *user)
{
    (void)user;
    while (velo_gb_next_batch(state, 1))
        velo_gb_iter_seconds(state, 0.25);
}

static void body_leaves_early(struct velo_gb_state *state, void *user)
{
    (void)user;
    velo_gb_next_batch(state, 1);
}

static void body_never_enters(struct velo_gb_state *state, void *user)
{
    (void)state;
    (void)user;
}

static void body_skips(struct velo_gb_state *state, void *user)
{
    (void)user;
    velo_gb_skip(state, "lost 3 of 1000 tasks");
    velo_gb_skip(state, "a later reason");
    assert_true(velo_gb_failed(state));
}

static void body_pauses_wrongly(struct velo_gb_state *state, void *user)
{
    (void)user;
    velo_gb_pause(state);
    while (velo_gb_next_batch(state, 1))
        continue;
}

static void body_ends_paused(struct velo_gb_state *state, void *user)
{
    (void)user;
    while (velo_gb_next_batch(state, 1)) {
        velo_gb_pause(state);
        velo_gb_resume(state);
        velo_gb_pause(state);
    }
}

static void body_not_a_time(struct velo_gb_state *state, void *user)
{
    (void)user;
    while (velo_gb_next_batch(state, 1))
        velo_gb_iter_seconds(state, NAN);
}

static void body_reads_args(struct velo_gb_state *state, void *user)
{
    int64_t *sum = user;
    while (velo_gb_next_batch(state, 1))
        *sum += velo_gb_state_arg(state, 0);
}

static void body_reads_too_far(struct velo_gb_state *state, void *user)
{
    (void)user;
    while (velo_gb_next_batch(state, 1))
        assert_int_equal(velo_gb_state_arg(state, 1), 0);
}

/* ---- running ---- */

static void batches_are_run_and_reported(void **unused)
{
    (void)unused;
    int64_t claimed;
    struct seen seen;
    struct velo_gb_case *c = velo_gb_add("batches", body_batches, &claimed);
    assert_int_equal(velo_gb_iterations(c, 6400), 0);
    assert_int_equal(velo_gb_unit(c, VELO_GB_US), 0);
    assert_int_equal(run_all(&seen), 0);
    assert_int_equal(totals.matched, 1);
    assert_int_equal(totals.failed, 0);
    assert_int_equal(claimed, 6400);
    assert_int_equal(seen.iterations, 6400);
    assert_true(seen.ops > 6.9 && seen.ops < 7.1);
    assert_string_equal(seen.label, "words");
    assert_string_equal(seen.unit, "us");
    assert_true(seen.cpus >= 1);
    assert_int_equal(seen.finished, 1);
}

/* The reason for batches: 64 iterations share one call. Generous, for sanitizers and busy hosts. */
static void a_batch_costs_no_call_for_each_iteration(void **unused)
{
    (void)unused;
    int64_t claimed;
    struct seen seen;
    struct velo_gb_case *c = velo_gb_add("batches", body_batches, &claimed);
    assert_int_equal(velo_gb_min_time(c, 0.02), 0);
    assert_int_equal(run_all(&seen), 0);
    assert_true(seen.real < 50);
}

static void manual_time_is_the_bodys_own(void **unused)
{
    (void)unused;
    struct seen seen;
    struct velo_gb_case *c = velo_gb_add("manual", body_manual, NULL);
    assert_int_equal(velo_gb_manual_time(c), 0);
    assert_int_equal(velo_gb_process_cpu_time(c), 0);
    assert_int_equal(velo_gb_iterations(c, 1), 0);
    assert_int_equal(velo_gb_unit(c, VELO_GB_MS), 0);
    assert_int_equal(run_all(&seen), 0);
    assert_true(fabs(seen.real - 250) < 1e-6);
}

static void arguments_make_one_run_each(void **unused)
{
    (void)unused;
    int64_t sum = 0;
    const char *names[] = {"n"};
    struct seen seen;
    struct velo_gb_case *c = velo_gb_add("args", body_reads_args, &sum);
    velo_gb_arg(c, 5);
    velo_gb_arg(c, 70);
    velo_gb_iterations(c, 1);
    assert_int_equal(velo_gb_arg_names(c, names, 1), 0);
    assert_int_equal(run_all(&seen), 0);
    assert_int_equal(totals.matched, 2);
    assert_int_equal(seen.runs, 2);
    assert_int_equal(sum, 75);
}

static void every_case_that_fails_makes_the_run_fail(void **unused)
{
    (void)unused;
    static const struct {
        velo_gb_body body;
        const char *error;
    } wrong[] = {
        {body_leaves_early, "the body returned before its loop had ended"},
        {body_never_enters, "the body returned before its loop had ended"},
        {body_skips, "lost 3 of 1000 tasks"},
        {body_pauses_wrongly, "velo_gb_pause: the clock is not running"},
        {body_not_a_time, "velo_gb_iter_seconds: not a time"},
        {body_reads_too_far, "velo_gb_state_arg: the case has no such argument"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct seen seen;
        assert_int_equal(init_with(NULL, NULL), 0);
        struct velo_gb_case *c = velo_gb_add("wrong", wrong[i].body, NULL);
        velo_gb_arg(c, 1);
        velo_gb_iterations(c, 10);
        velo_gb_manual_time(c);
        assert_int_equal(run_all(&seen), -EIO);
        assert_string_equal(seen.error, wrong[i].error);
        assert_int_equal(seen.errors, 1);
        assert_int_equal(totals.failed, 1);
        velo_gb_shutdown();
    }
}

static void a_body_may_end_with_the_clock_paused(void **unused)
{
    (void)unused;
    struct seen seen;
    velo_gb_iterations(velo_gb_add("paused", body_ends_paused, NULL), 100);
    assert_int_equal(run_all(&seen), 0);
}

static void failing_in_one_thread_of_two_does_not_hang(void **unused)
{
    (void)unused;
    struct seen seen;
    struct velo_gb_case *c = velo_gb_add("threads", body_leaves_early, NULL);
    velo_gb_iterations(c, 10);
    velo_gb_threads(c, 2);
    assert_int_equal(run_all(&seen), -EIO);
}

static void nothing_matched_is_an_error(void **unused)
{
    (void)unused;
    struct seen seen;
    char filter[] = "--benchmark_filter=^nothing$";
    assert_int_equal(init_with(filter, NULL), 0);
    velo_gb_add("manual", body_manual, NULL);
    assert_int_equal(run_all(&seen), -ENOENT);
    char all[] = "--benchmark_filter=.";
    assert_int_equal(init_with(all, NULL), 0);
}

/* ---- settings and flags ---- */

static void what_the_library_would_abort_on_is_refused(void **unused)
{
    (void)unused;
    struct seen seen;
    int64_t two[] = {1, 2};
    struct velo_gb_case *c = velo_gb_add("settings", body_manual, NULL);
    assert_int_equal(velo_gb_iterations(c, 0), -EINVAL);
    assert_int_equal(velo_gb_iterations(c, 1), 0);
    assert_int_equal(velo_gb_min_time(c, 1), -EINVAL);
    assert_int_equal(velo_gb_min_time(c, NAN), -EINVAL);
    assert_int_equal(velo_gb_threads(c, 0), -EINVAL);
    assert_int_equal(velo_gb_repetitions(c, -1), -EINVAL);
    assert_int_equal(velo_gb_arg(c, 1), 0);
    assert_int_equal(velo_gb_args(c, two, 2), -EINVAL);
    assert_int_equal(velo_gb_unit(NULL, VELO_GB_NS), -EINVAL);
    assert_null(velo_gb_add("settings", body_manual, NULL));
    assert_null(velo_gb_add("no body", NULL, NULL));
    assert_int_equal(run_all(&seen), -EINVAL);
    assert_int_equal(seen.runs, 0);
}

static void a_context_key_is_taken_once(void **unused)
{
    (void)unused;
    assert_int_equal(velo_gb_context("contestant", "a"), 0);
    assert_int_equal(velo_gb_context("contestant", "b"), -EEXIST);
}

static void bad_flags_are_refused_with_words(void **unused)
{
    (void)unused;
    static const char *const bad[][2] = {
        {"--benchmark_min_time=0.05s", "plain number"},
        {"--benchmark_min_time=", "plain number"},
        {"--benchmark_repetitions=-1", "whole number"},
        {"--benchmark_repetitions=2x", "whole number"},
        {"--benchmark_format=xml", "console, json or csv"},
        {"--benchmark_color=blue", "auto, true or false"},
        {"--benchmark_time_unit=min", "ns, us, ms or s"},
        {"--benchmark_list_tests=perhaps", "true or false"},
        {"--benchmark_fitler=x", "no such flag"},
        {"--benchmark_perf_counters=CYCLES", "not supported"},
        {"--benchmark_out=/nonexistent/x.json", "cannot be written"},
        {"--v=loud", "whole number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char arg[64];
        int left;
        snprintf(arg, sizeof arg, "%s", bad[i][0]);
        assert_int_equal(init_with(arg, &left), -EINVAL);
        assert_int_equal(left, 1);
        assert_non_null(strstr(velo_gb_error(), bad[i][1]));
        velo_gb_shutdown();
    }
}

static void foreign_arguments_stay_in_argv(void **unused)
{
    (void)unused;
    int left;
    char own[] = "--case";
    char theirs[] = "--benchmark_min_time=0.1";
    assert_int_equal(init_with(own, &left), 0);
    assert_int_equal(left, 1);
    assert_int_equal(init_with(theirs, &left), 0);
    assert_int_equal(left, 0);
}

static void an_environment_that_changes_the_run_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(setenv("BENCHMARK_REPETITIONS", "5", 1), 0);
    assert_int_equal(init_with(NULL, NULL), -EINVAL);
    assert_non_null(strstr(velo_gb_error(), "BENCHMARK_REPETITIONS"));
    assert_int_equal(unsetenv("BENCHMARK_REPETITIONS"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches_are_run_and_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_costs_no_call_for_each_iteration, setup, teardown),
        cmocka_unit_test_setup_teardown(manual_time_is_the_bodys_own, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_make_one_run_each, setup, teardown),
        cmocka_unit_test_setup_teardown(every_case_that_fails_makes_the_run_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(a_body_may_end_with_the_clock_paused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            failing_in_one_thread_of_two_does_not_hang, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_matched_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_the_library_would_abort_on_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_context_key_is_taken_once, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_flags_are_refused_with_words, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_arguments_stay_in_argv, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_environment_that_changes_the_run_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests_name("gbench", tests, NULL, NULL);
}
