/* SPDX-License-Identifier: MIT */
/* command_list.c - `velo list` and `velo limits`: what there is, and what the machine can do. */
#include "../race/variants.h"
#include "args.h"
#include "child.h"
#include "commands.h"
#include "exit_code.h"
#include "interrupt.h"
#include "json.h"
#include "limits.h"
#include "project.h"
#include "registry.h"
#include "scenario.h"
#include "screen.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INTRODUCE_LIMIT_MS = 20000 };

/* The name of some case of the suite, for a sheet with little more than its head; NULL if there is
 * none. */
static char *some_case(const char *program)
{
    const char *const argv[] = {program, "--list", NULL};
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = INTRODUCE_LIMIT_MS},
                  &result) != 0)
        return NULL;
    char *line = text_last_line(result.out);
    const char *blank = strrchr(line, ' ');
    char *name = line[0] != '\0' ? text_copy(blank != NULL ? blank + 1 : line) : NULL;
    free(line);
    child_result_free(&result);
    return name;
}

/* What a contestant says of itself stands at the head of its conformance sheet. */
static json_t *introduce(const struct contestant *contestant)
{
    char *program = contestant_program(contestant, "conformance");
    char *name = program != NULL ? some_case(program) : NULL;
    char path[] = "/tmp/velo-list-XXXXXX";
    int fd = name != NULL ? mkstemp(path) : -1;
    json_t *said = NULL;
    struct child_result result;
    const char *const argv[] = {program, "--filter", name, "--quiet", "--json", path, NULL};
    struct child_request request = {.argv = argv, .timeout_ms = INTRODUCE_LIMIT_MS};
    if (fd >= 0 && child_run(&request, &result) == 0) {
        said = json_load_file(path, 0, NULL);
        child_result_free(&result);
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(name);
    free(program);
    return said;
}

static json_t *describe_contestant(const struct contestant *contestant)
{
    static const char *const programs[] = {"conformance", "race", "micro", "process"};
    json_t *said = introduce(contestant);
    json_t *lanes = json_array();
    json_t *variants = json_array();
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        char *program = contestant_program(contestant, programs[i]);
        if (program != NULL)
            json_array_append_new(lanes, json_string(programs[i]));
        free(program);
    }
    json_t *capabilities = json_object_get(said, "capabilities");
    capabilities = json_is_array(capabilities) ? json_incref(capabilities) : json_array();
    size_t index;
    const json_t *capability;
    for (size_t v = 0; v < variant_count; v++) {
        bool possible = variant_table[v].needs[0] == '\0';
        json_array_foreach(capabilities, index, capability) possible |=
            json_is_string(capability) &&
            strcmp(json_string_value(capability), variant_table[v].needs) == 0;
        if (possible)
            json_array_append_new(variants, json_string(variant_table[v].name));
    }
    json_t *described = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}",
                                  "name",
                                  contestant->name,
                                  "kind",
                                  json_text(said, "kind", "unknown"),
                                  "version",
                                  json_text(said, "version", "unknown"),
                                  "capabilities",
                                  capabilities,
                                  "variants",
                                  variants,
                                  "programs",
                                  lanes);
    json_decref(said);
    return described;
}

static json_t *describe_scenario(const struct scenario *scenario)
{
    json_t *points = json_array();
    for (size_t i = 0; i < scenario->point_count; i++)
        json_array_append_new(
            points,
            json_pack(
                "{s:s, s:b}", "id", scenario->points[i].id, "core", scenario->points[i].core));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:o}",
                     "lane",
                     scenario->lane,
                     "name",
                     scenario->name,
                     "summary",
                     scenario->summary,
                     "family",
                     scenario->family,
                     "metric",
                     scenario->metric,
                     "unit",
                     scenario->unit,
                     "needs",
                     scenario->needs,
                     "points",
                     points);
}

static json_t *describe_all(const struct registry *registry, const struct scenario_list *scenarios)
{
    json_t *contestants = json_array();
    json_t *list = json_array();
    for (size_t i = 0; i < registry->count; i++)
        json_array_append_new(contestants, describe_contestant(&registry->items[i]));
    for (size_t i = 0; i < scenarios->count; i++)
        json_array_append_new(list, describe_scenario(&scenarios->items[i]));
    return json_pack("{s:i, s:o, s:o, s:o}",
                     "schema",
                     1,
                     "contestants",
                     contestants,
                     "absent",
                     registry_absent_json(registry),
                     "scenarios",
                     list);
}

static void print_words(const struct screen *screen, const char *label, const json_t *words)
{
    if (json_array_size(words) == 0)
        return;
    struct names names = {0};
    size_t index;
    const json_t *word;
    json_array_foreach(words, index, word) names_add(&names, json_string_value(word));
    char *joined = names_join(&names);
    char *line = text_format("    %s: %s", label, joined);
    screen_wrap(screen, line, 6);
    free(line);
    free(joined);
    names_free(&names);
}

static void print_scenario(const struct screen *screen, const json_t *scenario)
{
    char *line = text_format(
        "  %s: %s", json_text(scenario, "name", ""), json_text(scenario, "summary", ""));
    screen_wrap(screen, line, 6);
    free(line);
    line = text_format(
        "      %s (%s):", json_text(scenario, "metric", ""), json_text(scenario, "unit", ""));
    size_t index;
    const json_t *point;
    json_array_foreach(json_object_get(scenario, "points"), index, point)
    {
        char *longer = text_format("%s %s%s",
                                   line,
                                   json_text(point, "id", ""),
                                   json_bool(point, "core", false) ? "*" : "");
        free(line);
        line = longer;
    }
    screen_wrap(screen, line, 8);
    free(line);
}

static void print_all(const json_t *all)
{
    struct screen screen = {.file = stdout, .columns = text_columns(STDOUT_FILENO)};
    size_t index;
    const json_t *item;
    printf("contestants:\n");
    json_array_foreach(json_object_get(all, "contestants"), index, item)
    {
        printf("  %s (%s, version %s)\n",
               json_text(item, "name", ""),
               json_text(item, "kind", ""),
               json_text(item, "version", ""));
        print_words(&screen, "capabilities", json_object_get(item, "capabilities"));
        print_words(&screen, "variants", json_object_get(item, "variants"));
        print_words(&screen, "programs", json_object_get(item, "programs"));
    }
    json_array_foreach(json_object_get(all, "absent"), index, item) printf(
        "  %s (NOT RUN: %s)\n", json_text(item, "contestant", ""), json_text(item, "reason", ""));
    printf("\nvariants, as NAME:VARIANT; velo prices tells what each costs:\n");
    for (size_t v = 0; v < variant_count; v++)
        printf("  %-10s %s%s%s%s\n",
               variant_table[v].name,
               variant_table[v].decision,
               variant_table[v].needs[0] != '\0' ? " (needs " : "",
               variant_table[v].needs,
               variant_table[v].needs[0] != '\0' ? ")" : "");
    const char *lane = "";
    json_array_foreach(json_object_get(all, "scenarios"), index, item)
    {
        if (strcmp(lane, json_text(item, "lane", "")) != 0)
            printf("\nlane %s:\n", json_text(item, "lane", ""));
        lane = json_text(item, "lane", "");
        print_scenario(&screen, item);
    }
    printf("\n* core set: what the standard preset runs\n");
}

static void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    printf("%s\n", text != NULL ? text : "null");
    free(text);
}

int command_list(int argc, char **argv)
{
    bool as_json = false;
    const char *extra = "";
    const struct args_option options[] = {
        {"json", NULL, "as JSON", NULL, &as_json},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "list",
        .summary = "contestants with capabilities and variants, and the scenarios of all lanes",
        .options = options,
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    struct registry registry = {0};
    struct scenario_list scenarios = {0};
    struct names more = {0};
    names_split(&more, extra);
    int status = EXIT_INTERNAL;
    if (project_open(&project) == 0 && registry_load(&registry, &project, &more) == 0 &&
        scenario_load(&scenarios, &registry) == 0) {
        json_t *all = describe_all(&registry, &scenarios);
        if (as_json)
            print_json(all);
        else
            print_all(all);
        json_decref(all);
        status = EXIT_DECIDED;
    }
    scenario_free(&scenarios);
    registry_free(&registry);
    names_free(&more);
    project_close(&project);
    return status;
}

/* ---- limits ---- */

static void print_limits(const json_t *limits)
{
    size_t index;
    const json_t *limit;
    printf("%-4s %-40s %12s %12s %12s %-7s %7s\n",
           "id",
           "limit of this machine",
           "median",
           "least",
           "most",
           "unit",
           "spread");
    json_array_foreach(json_object_get(limits, "limits"), index, limit)
    {
        double median = json_double(limit, "median", NAN);
        double spread = json_double(limit, "spread", NAN);
        printf("%-4s %-40.40s ", json_text(limit, "id", ""), json_text(limit, "name", ""));
        if (!isfinite(median)) {
            printf("NOT RUN: %s\n", json_text(limit, "reason", ""));
            continue;
        }
        printf("%12.4g %12.4g %12.4g %-7s",
               median,
               json_double(limit, "min", NAN),
               json_double(limit, "max", NAN),
               json_text(limit, "unit", ""));
        if (isfinite(spread))
            printf(" %5.0f %%", 100 * spread);
        printf("\n");
    }
    printf("How each is measured: build/release/limits\n");
}

int command_limits(int argc, char **argv)
{
    bool as_json = false, quick = false;
    const struct args_option options[] = {
        {"json", NULL, "as JSON", NULL, &as_json},
        {"quick", NULL, "about a second, less exact", NULL, &quick},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "limits",
        .summary = "calibrate: what this machine can do at best",
        .options = options,
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    json_t *limits = limits_measure(&project, quick, NULL);
    if (limits != NULL && as_json)
        print_json(limits);
    else if (limits != NULL)
        print_limits(limits);
    int status = limits != NULL ? EXIT_DECIDED : EXIT_INTERNAL;
    json_decref(limits);
    project_close(&project);
    return status;
}
