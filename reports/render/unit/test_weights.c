/* SPDX-License-Identifier: MIT */
/* test_weights.c - a user's own profile: what is read, and what each mistake is answered with. */
#include "../verdict.h"
#include "../weights_file.h"
#include "folder.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static const struct judge_cell_input cells[] = {
    {.lane = "race", .scenario = "poisson", .point = "percent=60", .family = JUDGE_P99},
    {.lane = "race", .scenario = "idle", .point = "empty", .family = JUDGE_IDLE},
    {.lane = "micro", .scenario = "submit", .point = "-", .family = JUDGE_CAP},
};
static struct folder folder;
static char path[512], err[1024];
static json_t *read_back;

static int set_up(void **state)
{
    (void)state;
    folder_init(&folder, "standard");
    folder_file(folder.path, path, "own.json");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(read_back);
    read_back = NULL;
    folder_fini(&folder);
    return 0;
}

static int take(const char *text)
{
    folder_write(&folder, "own.json", text);
    json_decref(read_back);
    err[0] = '\0';
    return weights_file_read(path, cells, 3, &read_back, err, sizeof err);
}

static void refused(const char *text, int line, const char *why)
{
    char place[600];
    snprintf(place, sizeof place, "%s:%d: ", path, line);
    assert_int_equal(take(text), -1);
    if (strstr(err, place) == NULL || strstr(err, why) == NULL)
        print_error("expected %s...%s in: %s\n", place, why, err);
    assert_non_null(strstr(err, place));
    assert_non_null(strstr(err, why));
    assert_null(read_back);
}

static void a_file_becomes_a_profile(void **state)
{
    struct judge_profile profile;
    (void)state;
    assert_int_equal(take("{\"profile\": \"gate-2\", \"families\": {\"p99\": 3, \"idle\": 1},\n"
                          " \"shares\": {\"poisson\": 2, \"race/idle/empty\": 0,"
                          " \"micro/submit\": 0.5, \"poisson/percent=60\": 4}}"),
                     0);
    assert_int_equal(weights_profile("gate-2", json_object_get(read_back, "gate-2"), &profile), 0);
    assert_true(profile.weight[JUDGE_P99] == 3 && profile.weight[JUDGE_IDLE] == 1);
    assert_true(profile.weight[JUDGE_CAP] == 0);
    assert_int_equal(profile.share_count, 4);
    assert_null(profile.shares[0].lane);
    assert_null(profile.shares[0].point);
    assert_string_equal(profile.shares[0].scenario, "poisson");
    assert_string_equal(profile.shares[1].lane, "race");
    assert_string_equal(profile.shares[1].point, "empty");
    assert_string_equal(profile.shares[2].scenario, "submit");
    assert_null(profile.shares[2].point);
    assert_null(profile.shares[3].lane);
    assert_string_equal(profile.shares[3].point, "percent=60");
    assert_true(profile.shares[3].share == 4);
    weights_profile_fini(&profile);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    refused("{\"profile\": \"x\",\n \"families\": {\"p98\": 1}}", 2, "\"p98\" is no family");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": -1}}", 1, "is -1; it must be a number");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": \"1\"}}", 1, "is \"1\"; it must");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": 0}}", 1, "all weights are 0");
    refused("{\"profile\": \"x\", \"families\": [1]}", 1, "must be an object of weights");
    refused("{\"profile\": \"x\"}", 1, "must be an object of weights");
    refused("{\n\"profile\": \"Big Name\", \"families\": {\"p99\": 1}}", 2, "is no name");
    refused("{\"families\": {\"p99\": 1}}", 1, "is no name");
    refused("{\"profile\": \"latency\", \"families\": {\"p99\": 1}}", 1, "profile of the house");
    refused("{\"profile\": \"x\",\n\"weights\": 1,\"families\": {\"p99\": 1}}", 2, "is unknown");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": 1},\n\"shares\": 1}", 2, "must be an");
    refused("{\"profile\": \"x\",\n \"families\": {\"p99\": 1, \"p99\": 2}}", 2, "duplicate");
    refused("{\"profile\": \"x\",\n \"families\": {\"p99\": 1e}}", 2, "near");
    refused("[]", 1, "is an object");
    /* "idle" is a family and a scenario: the line is that of the share */
    refused("{\"profile\": \"x\", \"families\": {\"idle\": 1},\n \"shares\": {\n \"idle\": -2}}",
            3,
            "the share of \"idle\" is -2");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": 1},\n \"shares\": {\"poison\": 2}}",
            2,
            "\"poison\" names no cell of this run. Take it out, or race it. A key is "
            "[LANE/]SCENARIO[/POINT]; scenarios here: poisson, idle, submit");
    refused("{\"profile\": \"x\", \"families\": {\"p99\": 1},\"shares\": {\"micro/poisson\": 2}}",
            1,
            "names no cell");
    snprintf(path, sizeof path, "%s/nothing.json", folder.path);
    assert_int_equal(weights_file_read(path, cells, 3, &read_back, err, sizeof err), -1);
    assert_non_null(strstr(err, "cannot be read"));
}

static const json_t *standing(const json_t *verdict, const char *profile)
{
    const json_t *list = json_object_get(verdict, "standings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(json_string_value(json_object_get(one, "profile")), profile) == 0)
            return one;
    }
    fail();
    return NULL;
}

/* weights.json in the run folder: one more standing, marked, and a note; the answer stays. */
static void weights_after_the_measurement_are_marked(void **state)
{
    struct run_dir dir;
    json_t *verdict;
    (void)state;
    folder_write(&folder, "weights.json", "{\"mine\": {\"cap\": 1, \"shares\": {}}}");
    assert_int_equal(run_dir_read(folder.path, RUN_DIR_TORN_OK, &dir, err, sizeof err), 0);
    assert_int_equal(verdict_build(&dir, &verdict, err, sizeof err), 0);
    assert_true(json_is_true(json_object_get(standing(verdict, "mine"), "after_measurement")));
    assert_true(json_is_false(json_object_get(standing(verdict, "balanced"), "after_measurement")));
    char *text = json_dumps(json_object_get(verdict, "notes"), 0);
    assert_non_null(strstr(text, "\\\"mine\\\" came after the measurement"));
    free(text);
    json_decref(verdict);
    run_dir_fini(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_becomes_a_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_are_named_with_their_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            weights_after_the_measurement_are_marked, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("own weights", tests, NULL, NULL);
}
