/* SPDX-License-Identifier: MIT */
/* test_runner.c - a run that counts goes at the rate of all others, never at one of its own. */
#include "../interrupt.h"
#include "../runner.h"
#include "../text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_common(const char *line, double planned)
{
    json_t *json = json_loads(line, 0, NULL);
    assert_non_null(json);
    const bool common = runner_rate_is_common(json, planned);
    json_decref(json);
    return common;
}

static void only_the_planned_rate_is_common(void **state)
{
    (void)state;
    assert_true(is_common("{\"common_rate\": 5e5, \"common_rate_source\": \"given\"}", 5e5));
    assert_false(is_common("{\"common_rate\": 5e5, \"common_rate_source\": \"own pilot\"}", 5e5));
    assert_false(is_common("{\"common_rate\": 4e5, \"common_rate_source\": \"given\"}", 5e5));
    assert_false(is_common("{\"common_rate\": 5e5, \"common_rate_source\": \"own pilot\"}", 0));
}

static void a_load_without_a_rate_has_none_to_share(void **state)
{
    (void)state;
    assert_true(is_common("{\"common_rate\": null}", 0));
    assert_true(is_common("{}", 0));
    assert_true(is_common("{}", 5e5));
}

/* A program that prints [line], run once as a block or a pilot does. */
static enum run_status run_one(const char *line, double planned, bool own_rate, char **reason)
{
    char path[] = "/tmp/velo-runner-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\necho '%s'\n", line) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    struct plan_entry entry = {.name = text_copy("mutex"),
                               .contestant = text_copy("mutex"),
                               .variant = text_copy(""),
                               .twin_of = -1,
                               .binaries =
                                   json_pack("{s:{s:s, s:s}}", "race", "path", path, "sha256", "")};
    char lane[] = "race", name[] = "poisson", point[] = "percent=60", metric[] = "m", file[] = "x";
    struct plan_cell cell = {.lane = lane,
                             .scenario = name,
                             .point = point,
                             .metric = metric,
                             .script = file,
                             .common_rate = planned,
                             .window_ms = 10,
                             .timeout_ms = 10000};
    struct plan plan = {.entries = &entry, .entry_count = 1, .cells = &cell, .cell_count = 1};
    const struct run_request request = {.plan = &plan, .seed = 1, .own_rate = own_rate};
    struct run_outcome outcome;
    assert_int_equal(runner_run(&request, &outcome), 0);
    const enum run_status status = outcome.status;
    *reason = text_copy(outcome.reason);
    runner_free(&outcome);
    unlink(path);
    free(entry.name);
    free(entry.contestant);
    free(entry.variant);
    json_decref(entry.binaries);
    return status;
}

#define LINE(source)                                                                               \
    "{\"ok\": true, \"common_rate\": 70000, \"common_rate_source\": \"" source                     \
    "\", \"metrics\": {\"m\": {\"value\": 5}}}"

/* In a block, a rate that the contestant found for itself is refused: NOT RUN, with the reason. */
static void a_block_refuses_a_rate_of_its_own(void **state)
{
    (void)state;
    char *reason;
    assert_int_equal(run_one(LINE("own pilot"), 0, false, &reason), RUN_USAGE);
    assert_non_null(strstr(reason, "found by itself"));
    free(reason);
    assert_int_equal(run_one(LINE("given"), 60000, false, &reason), RUN_USAGE);
    free(reason);
    assert_int_equal(run_one(LINE("given"), 70000, false, &reason), RUN_OK);
    free(reason);
}

static void a_pilot_may_find_a_rate(void **state)
{
    (void)state;
    char *reason;
    assert_int_equal(run_one(LINE("own pilot"), 0, true, &reason), RUN_OK);
    free(reason);
}

/* A failure says of what kind it is; one that does not is a fault. */
static void a_failure_by_time_alone_is_told_from_a_fault(void **state)
{
    (void)state;
    char *reason;
    assert_int_equal(
        run_one("{\"ok\": false, \"error\": \"slow\", \"failure\": \"late\"}", 0, false, &reason),
        RUN_LATE);
    assert_string_equal(reason, "slow");
    free(reason);
    assert_int_equal(
        run_one("{\"ok\": false, \"error\": \"lost\", \"failure\": \"wrong\"}", 0, false, &reason),
        RUN_FAILED);
    free(reason);
    assert_int_equal(run_one("{\"ok\": false, \"error\": \"lost\"}", 0, false, &reason),
                     RUN_FAILED);
    free(reason);
    assert_string_equal(runner_status_name(RUN_LATE), "late");
    assert_string_equal(runner_status_name(RUN_INTERRUPTED), "interrupted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_planned_rate_is_common),
        cmocka_unit_test(a_load_without_a_rate_has_none_to_share),
        cmocka_unit_test(a_block_refuses_a_rate_of_its_own),
        cmocka_unit_test(a_pilot_may_find_a_rate),
        cmocka_unit_test(a_failure_by_time_alone_is_told_from_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
