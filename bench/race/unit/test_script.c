/* SPDX-License-Identifier: MIT */
/*
 * test_script.c - scenario files, good and bad. Each bad one must be refused with its file, the
 * line of the mistake, the key, the value, and what is allowed.
 */
#include <errno.h>
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

#include "../scenario.h"

static const struct param_spec toy_params[] = {
    {"tasks", PARAM_INTEGER, 1, 1000, 7, NULL, "how many"},
    {"share", PARAM_NUMBER, 0.5, 2, 1, NULL, "how much"},
    {"shape", PARAM_CHOICE, 0, 0, 0, "round|square", "what form"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec toy_metrics[] = {
    {"cost_ns", "ns", false},
    {"speed", "1/s", true},
    {NULL, NULL, false},
};

static const struct load toy = {.name = "toy", .params = toy_params, .metrics = toy_metrics};
static const struct load *const toys[] = {&toy, NULL};

static char folder[] = "/tmp/velodrome-script-XXXXXX";
static char path[128];
static char error[1400];
static struct scenario scenario;

static bool load(const char *source, uint64_t seed)
{
    struct script_env env = {toys, seed, 300, 2};
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(source, 1, strlen(source), file), strlen(source));
    assert_int_equal(fclose(file), 0);
    error[0] = '\0';
    return script_load(path, &env, &scenario, error, sizeof error);
}

/* A whole scenario with [extra] keys first; the plan is on line 5 and a point on line 4. */
static const char *with(const char *extra, const char *point, const char *plan)
{
    static char source[4000];
    snprintf(source,
             sizeof source,
             "return scenario {\n"
             "  name = \"toy\", summary = \"s\", family = \"cap\", primary = \"cost_ns\",\n"
             "  %s\n"
             "  points = { point { %s } },\n"
             "  plan = %s,\n"
             "}\n",
             extra,
             point,
             plan);
    return source;
}

#define POINT "id = \"a\", params = { n = 3 }"
#define PLAN "function(p) return loads.toy { tasks = p.n } end"

static void a_good_file_gives_all_its_data(void **state)
{
    (void)state;
    assert_true(load(with("needs = { \"TIMERS\", \"FDS\" }, placement = \"same-core\",",
                          "id = \"n=3,x\", core = true, needs = { \"PRIORITY\" },"
                          " placement = \"free\", params = { n = 3, form = \"square\" }",
                          "function(p, c) return loads.toy { tasks = p.n + c.cpus,"
                          " shape = p.form, share = 0.75 } end"),
                     1));
    assert_string_equal(scenario.name, "toy");
    assert_string_equal(scenario.family, "cap");
    assert_int_equal(scenario.needs, VELO_CAP_TIMERS | VELO_CAP_FDS);
    assert_int_equal(scenario.point_count, 1);
    const struct point *point = scenario_point(&scenario, "n=3,x");
    assert_non_null(point);
    assert_true(point->core);
    assert_int_equal(point->needs, VELO_CAP_PRIORITY);
    assert_int_equal(point->placement, PLACEMENT_FREE);
    assert_ptr_equal(point->load, &toy);
    assert_int_equal(params_integer(&point->settings, "tasks"), 5);
    assert_true(params_number(&point->settings, "share") == 0.75);
    assert_true(params_is(&point->settings, "shape", "square"));
    assert_string_equal(json_string_value(json_object_get(point->params, "form")), "square");
    assert_string_equal(scenario_primary(&scenario, point)->unit, "ns");
    assert_null(scenario_point(&scenario, "n=3"));
    scenario_free(&scenario);
}

static void what_is_not_given_keeps_its_default(void **state)
{
    (void)state;
    assert_true(load(with("", "id = \"a\"", "loads.toy { }"), 1));
    assert_false(scenario.points[0].core);
    assert_int_equal(scenario.points[0].placement, PLACEMENT_SPREAD);
    assert_int_equal(params_integer(&scenario.points[0].settings, "tasks"), 7);
    assert_true(params_is(&scenario.points[0].settings, "shape", "round"));
    scenario_free(&scenario);
}

static uint64_t tasks_of_seed(uint64_t seed)
{
    assert_true(load(with("", "id = \"a\"", "loads.toy { tasks = math.random(1000) }"), seed));
    uint64_t tasks = params_integer(&scenario.points[0].settings, "tasks");
    scenario_free(&scenario);
    return tasks;
}

static void random_numbers_depend_on_the_seed_only(void **state)
{
    (void)state;
    assert_int_equal(tasks_of_seed(5), tasks_of_seed(5));
    assert_true(tasks_of_seed(5) != tasks_of_seed(6) || tasks_of_seed(5) != tasks_of_seed(7));
}

static void params_come_in_one_order_whatever_lua_does(void **state)
{
    (void)state;
    assert_true(load(with("",
                          "id = \"a\", params = { z = 1, m = true, a = \"x\" }",
                          "function(p) return loads.toy { tasks = p.z, share = p.m and 1 or 2,"
                          " shape = p.a == \"x\" and \"round\" or \"square\" } end"),
                     1));
    char *text = json_dumps(scenario.points[0].params, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":\"x\",\"m\":true,\"z\":1}");
    free(text);
    scenario_free(&scenario);
}

/* Refused, with "FILE:LINE: " and then each of the words. */
static void refused(const char *source, int line, const char *words)
{
    char place[200], copy[400], *rest = copy;
    assert_false(load(source, 1));
    snprintf(place, sizeof place, "%s:%d: ", path, line);
    if (strncmp(error, place, strlen(place)) != 0)
        fail_msg("'%s' does not start with '%s'", error, place);
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word; (word = strsep(&rest, "|")) != NULL;)
        if (strstr(error, word) == NULL)
            fail_msg("'%s' does not say '%s'", error, word);
}

static void syntax_errors_name_their_line(void **state)
{
    (void)state;
    refused("return scenario {\n  name =\n}\n", 3, "unexpected symbol");
    refused("x = = 1", 1, "unexpected symbol");
    refused("\n\nerror(\"my own words\")", 3, "my own words");
}

static void unknown_keys_are_refused_at_their_line(void **state)
{
    (void)state;
    refused(with("familly = \"cap\",", POINT, PLAN), 3, "familly|\"cap\"|unknown key|family");
    refused(with("", "id = \"a\", parms = { }", PLAN), 4, "parms|unknown key|params");
    refused(with("", POINT, "loads.toy { taks = 5 }"), 5, "loads.toy|taks = 5|allowed: tasks");
    refused(with("", POINT, "loads.toi { }"), 5, "no load generator loads.toi|toy");
}

static void the_line_of_a_key_inside_a_long_table_is_found(void **state)
{
    (void)state;
    refused(with("", POINT, "loads.toy {\n    share = 1,\n    tasks = -2,\n  }"), 7, "tasks = -2");
}

static void values_outside_their_range_are_refused(void **state)
{
    (void)state;
    const char *allowed = "a whole number from 1 to 1000";
    char words[200];
    snprintf(words, sizeof words, "tasks = -5|%s", allowed);
    refused(with("", POINT, "loads.toy { tasks = -5 }"), 5, words);
    refused(with("", POINT, "loads.toy { tasks = 0 }"), 5, "tasks = 0");
    refused(with("", POINT, "loads.toy { tasks = 1e30 }"), 5, "tasks = 1e+30");
    refused(with("", POINT, "loads.toy { tasks = 1.5 }"), 5, "tasks = 1.5");
    refused(with("", POINT, "loads.toy { tasks = 0/0 }"), 5, "nan");
    refused(with("", POINT, "loads.toy { share = math.huge }"), 5, "share = inf|from 0.5 to 2");
}

static void values_of_the_wrong_type_are_refused(void **state)
{
    (void)state;
    refused(with("", POINT, "loads.toy { tasks = \"5\" }"), 5, "tasks = \"5\"");
    refused(with("", POINT, "loads.toy { shape = 1 }"), 5, "shape = 1|one of: round, square");
    refused(with("", POINT, "loads.toy { shape = \"flat\" }"), 5, "\"flat\"|round, square");
    refused(with("", POINT, "loads.toy { 5 }"), 5, "key = value");
    refused(with("", POINT, "loads.toy(5)"), 5, "wants one table");
    refused(with("", "id = 5", PLAN), 4, "id = 5|string");
    refused(with("", "id = \"a b\"", PLAN), 4, "id = \"a b\"|letters");
    refused(with("", "id = \"a\", core = 1", PLAN), 4, "core = 1|boolean");
    refused(with("", "id = \"a\", params = { t = { } }", PLAN), 4, "t = a table|number");
    refused(with("needs = \"TIMERS\",", POINT, PLAN), 3, "needs = \"TIMERS\"|table");
}

static void unknown_words_are_refused(void **state)
{
    (void)state;
    refused(with("needs = { \"FLY\" },", POINT, PLAN), 3, "\"FLY\"|unknown capability|TIMERS");
    refused(with("placement = \"moon\",", POINT, PLAN), 3, "\"moon\"|same-core");
    refused("return scenario { name = \"toy\", summary = \"s\", family = \"fun\" }",
            1,
            "family = \"fun\"|cap, med, p99");
}

static void a_primary_must_be_a_cost_of_the_load(void **state)
{
    (void)state;
    const char *format = "return scenario { name = \"toy\", summary = \"s\", family = \"cap\",\n"
                         "primary = \"%s\", points = { point { id = \"a\" } },\n"
                         "plan = loads.toy { } }";
    char source[400];
    snprintf(source, sizeof source, format, "speed");
    refused(source, 2, "primary = \"speed\"|allowed: cost_ns");
    snprintf(source, sizeof source, format, "joy");
    refused(source, 2, "primary = \"joy\"");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    refused("return scenario { }", 1, "'name' is missing");
    refused(with("", "core = true", PLAN), 4, "'id' is missing");
    refused("return scenario { name = \"toy\", summary = \"s\", family = \"cap\","
            " primary = \"cost_ns\", points = { } }",
            1,
            "'plan' is missing");
    refused("local x = 1", 1, "return scenario");
    refused("return 5", 1, "return scenario");
}

static void points_must_be_points_with_ids_of_their_own(void **state)
{
    (void)state;
    refused(with("", "id = \"a\" }, point { id = \"a\"", "loads.toy { }"), 4, "used twice");
    refused("return scenario { name = \"toy\", summary = \"s\", family = \"cap\","
            " primary = \"cost_ns\",\npoints = { { id = \"a\" } }, plan = loads.toy { } }",
            2,
            "a list of point { ... }");
}

static void plans_are_strict_about_their_arguments(void **state)
{
    (void)state;
    refused(with("", POINT, "function(p) return loads.toy { tasks = p.m } end"), 5, "'m'");
    refused(with("", POINT, "function(p, c) return loads.toy { tasks = p.n, share = c.x } end"),
            5,
            "'x'|seed");
    refused(with("", POINT, "function(p) p.n = 4 end"), 5, "cannot change");
    refused(with("", POINT, "loads.toy { }"), 4, "n = 3|never reads");
    refused(with("", POINT, "function(p) return p.n end"), 5, "gives no load");
}

static void the_sandbox_has_no_way_out(void **state)
{
    (void)state;
    const char *const names[] = {"io",
                                 "os",
                                 "debug",
                                 "package",
                                 "dofile",
                                 "loadfile",
                                 "load",
                                 "pcall",
                                 "xpcall",
                                 "collectgarbage",
                                 "coroutine"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char source[100];
        snprintf(source,
                 sizeof source,
                 "if %s ~= nil then error(\"open\") end error(\"shut\")",
                 names[i]);
        refused(source, 1, "shut");
    }
    refused("require \"../x\"", 1, "library name");
    refused("require \"absent\"", 1, "absent");
    refused("return string.rep(\"x\", 1e12)", 1, "too large");
}

static void endless_loops_and_endless_tables_end(void **state)
{
    (void)state;
    refused("\nwhile true do end", 2, "endless loop");
    assert_false(load("local t = {} while true do t[#t + 1] = {} end", 1));
    assert_non_null(strstr(error, path));
    assert_non_null(strstr(error, "not enough memory"));
}

static void files_that_are_no_scenario_are_refused(void **state)
{
    (void)state;
    struct script_env env = {toys, 1, 300, 2};
    assert_false(script_load("/nonexistent.lua", &env, &scenario, error, sizeof error));
    assert_non_null(strstr(error, strerror(ENOENT)));
    assert_false(script_load(folder, &env, &scenario, error, sizeof error));
    assert_non_null(strstr(error, "cannot"));
    assert_false(load("\033Lua binary", 1));
    assert_non_null(strstr(error, "binary"));
}

static void one_file_is_one_scenario_of_its_own_name(void **state)
{
    (void)state;
    refused("return scenario { name = \"other\" }", 1, "name = \"other\"|name of the file|toy");
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/toy.lua", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_gives_all_its_data),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(random_numbers_depend_on_the_seed_only),
        cmocka_unit_test(params_come_in_one_order_whatever_lua_does),
        cmocka_unit_test(syntax_errors_name_their_line),
        cmocka_unit_test(unknown_keys_are_refused_at_their_line),
        cmocka_unit_test(the_line_of_a_key_inside_a_long_table_is_found),
        cmocka_unit_test(values_outside_their_range_are_refused),
        cmocka_unit_test(values_of_the_wrong_type_are_refused),
        cmocka_unit_test(unknown_words_are_refused),
        cmocka_unit_test(a_primary_must_be_a_cost_of_the_load),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(points_must_be_points_with_ids_of_their_own),
        cmocka_unit_test(plans_are_strict_about_their_arguments),
        cmocka_unit_test(the_sandbox_has_no_way_out),
        cmocka_unit_test(endless_loops_and_endless_tables_end),
        cmocka_unit_test(files_that_are_no_scenario_are_refused),
        cmocka_unit_test(one_file_is_one_scenario_of_its_own_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
