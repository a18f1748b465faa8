/* SPDX-License-Identifier: MIT */
/* scenario.c - see scenario.h. */
#include "scenario.h"

#include "child.h"
#include "json.h"
#include "process_lane.h"
#include "text.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIBE_LIMIT_MS = 20000 };

static void
add_point(const struct scenario_list *list, struct scenario *scenario, const json_t *described)
{
    struct scenario_point *points =
        realloc(scenario->points, (scenario->point_count + 1) * sizeof(*points));
    if (points == NULL)
        abort();
    scenario->points = points;
    json_t *params = json_object_get(described, "params");
    struct scenario_point *point = &points[scenario->point_count++];
    *point = (struct scenario_point){
        .id = text_copy(json_text(described, "id", "")),
        .params = params != NULL ? json_incref(params) : json_object(),
        .core = json_bool(described, "core", scenario->core),
        .ceiling = json_bool(described, "ceiling", false),
        .placement = text_copy(json_text(described, "placement", "")),
        .idle_variants = json_incref(json_object_get(described, "idle_variants")),
        .blocked = text_alloc(list->contestants * sizeof(char *)),
    };
    for (size_t i = 0; i < list->contestants; i++)
        point->blocked[i] = text_copy("does not offer this scenario");
}

static struct scenario *
add_scenario(struct scenario_list *list, const char *lane, const json_t *described)
{
    struct scenario *items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL)
        abort();
    list->items = items;
    const json_t *primary = json_object_get(described, "primary");
    json_t *needs = json_object_get(described, "needs");
    struct scenario *scenario = &items[list->count++];
    *scenario = (struct scenario){
        .lane = text_copy(lane),
        .name = text_copy(json_text(described, "scenario", "")),
        .summary = text_copy(json_text(described, "summary", "")),
        .family = text_copy(json_text(described, "family", "cap")),
        .script = text_copy(json_text(described, "script", "")),
        .metric = text_copy(json_text(primary, "metric", "")),
        .unit = text_copy(json_text(primary, "unit", "")),
        .floor = json_double(primary, "floor", json_double(described, "floor", 0)),
        .core = json_bool(described, "core", false),
        .needs = json_is_array(needs) ? json_incref(needs) : json_array(),
    };
    size_t index;
    const json_t *point;
    json_array_foreach(json_object_get(described, "points"), index, point)
        add_point(list, scenario, point);
    return scenario;
}

/* What is said of a single point counts more than what is said of the whole scenario. */
static void
take_point(struct scenario *scenario, size_t who, const json_t *described, const json_t *said)
{
    const json_t *judge = json_object_get(said, "runnable") != NULL ? said : described;
    for (size_t i = 0; i < scenario->point_count; i++) {
        struct scenario_point *point = &scenario->points[i];
        if (strcmp(point->id, json_text(said, "id", "")) != 0)
            continue;
        free(point->blocked[who]);
        point->blocked[who] =
            json_bool(judge, "runnable", true)
                ? NULL
                : text_copy(json_text(judge, "reason", "says that it cannot run it"));
    }
}

/* Takes what contestant number [who] says about one scenario. */
static void take(struct scenario_list *list, const char *lane, size_t who, const json_t *described)
{
    const char *name = json_text(described, "scenario", "");
    struct scenario *scenario = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].lane, lane) == 0 && strcmp(list->items[i].name, name) == 0)
            scenario = &list->items[i];
    if (scenario == NULL)
        scenario = add_scenario(list, lane, described);
    size_t index;
    const json_t *point;
    json_array_foreach(json_object_get(described, "points"), index, point)
        take_point(scenario, who, described, point);
}

/* Runs a program that prints one JSON document; NULL after a message. */
static json_t *ask(const char *const *argv, int *rc)
{
    struct child_result result;
    *rc =
        child_run(&(struct child_request){.argv = argv, .timeout_ms = DESCRIBE_LIMIT_MS}, &result);
    if (*rc != 0)
        return NULL;
    char *command = text_command(argv);
    char *complaint = text_last_line(result.err);
    json_t *said = NULL;
    json_error_t error;
    if (result.end == CHILD_EXITED && result.code == 2) {
        say_error("%s", complaint);
        *rc = -EINVAL;
    } else if (result.end != CHILD_EXITED || result.code != 0) {
        char *why = child_explain(&result, DESCRIBE_LIMIT_MS);
        say_error("%s: %s: %s", command, why, complaint);
        free(why);
        *rc = -EIO;
    } else if ((said = json_loads(result.out, 0, &error)) == NULL) {
        say_error("%s: prints no JSON: %s", command, error.text);
        *rc = -EIO;
    }
    free(complaint);
    free(command);
    child_result_free(&result);
    return said;
}

static int
load_race(struct scenario_list *list, const struct registry *registry, const char *script)
{
    for (size_t who = 0; who < registry->count; who++) {
        char *program = contestant_program(&registry->items[who], "race");
        if (program == NULL)
            continue;
        int rc;
        json_t *said =
            ask((const char *const[]){program, "--describe", script, "--json", NULL}, &rc);
        free(program);
        if (rc == -EINVAL) /* the script is wrong, and so for all */
            return rc;
        if (said != NULL) {
            if (json_object_get(said, "script") == NULL)
                json_object_set_new(said, "script", json_string(script));
            take(list, "race", who, said);
            json_decref(said);
        }
    }
    return 0;
}

static void load_micro(struct scenario_list *list, const struct registry *registry)
{
    for (size_t who = 0; who < registry->count; who++) {
        char *program = contestant_program(&registry->items[who], "micro");
        if (program == NULL)
            continue;
        int rc;
        json_t *said = ask((const char *const[]){program, "--list", "--json", NULL}, &rc);
        free(program);
        size_t index;
        const json_t *described;
        json_array_foreach(said, index, described) take(list, "micro", who, described);
        json_decref(said);
    }
}

/* Whether this contestant can run it, into the point's own words. */
static void ask_process(const char *program, const json_t *described)
{
    size_t index;
    json_t *point;
    json_array_foreach(json_object_get(described, "points"), index, point)
    {
        char *refusal = process_lane_refusal(program, json_object_get(point, "params"));
        json_object_set_new(point, "runnable", json_boolean(refusal == NULL));
        json_object_set_new(point, "reason", json_string(refusal != NULL ? refusal : ""));
        free(refusal);
    }
}

static void load_process(struct scenario_list *list, const struct registry *registry)
{
    json_t *all = process_lane_describe();
    for (size_t who = 0; who < registry->count; who++) {
        char *program = contestant_program(&registry->items[who], "process");
        if (program == NULL)
            continue;
        size_t index;
        json_t *described;
        json_array_foreach(all, index, described)
        {
            ask_process(program, described);
            take(list, "process", who, described);
        }
        free(program);
    }
    json_decref(all);
}

int scenario_load(struct scenario_list *list, const struct registry *registry)
{
    *list = (struct scenario_list){.contestants = registry->count};
    glob_t scripts;
    int rc = 0;
    if (glob("scenarios/*.lua", 0, NULL, &scripts) == 0) {
        for (size_t i = 0; rc == 0 && i < scripts.gl_pathc; i++)
            rc = load_race(list, registry, scripts.gl_pathv[i]);
        globfree(&scripts);
    }
    if (rc == 0)
        load_micro(list, registry);
    if (rc == 0)
        load_process(list, registry);
    if (rc == 0 && list->count == 0) {
        say_error("no scenario: scenarios/*.lua is empty, and no contestant has micro or process "
                  "programs");
        rc = -ENOENT;
    }
    if (rc != 0)
        scenario_free(list);
    return rc;
}

static void free_scenario(struct scenario *scenario, size_t contestants)
{
    for (size_t i = 0; i < scenario->point_count; i++) {
        for (size_t who = 0; who < contestants; who++)
            free(scenario->points[i].blocked[who]);
        free(scenario->points[i].blocked);
        free(scenario->points[i].id);
        free(scenario->points[i].placement);
        json_decref(scenario->points[i].params);
        json_decref(scenario->points[i].idle_variants);
    }
    free(scenario->points);
    free(scenario->lane);
    free(scenario->name);
    free(scenario->summary);
    free(scenario->family);
    free(scenario->script);
    free(scenario->metric);
    free(scenario->unit);
    json_decref(scenario->needs);
}

void scenario_free(struct scenario_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_scenario(&list->items[i], list->contestants);
    free(list->items);
    *list = (struct scenario_list){0};
}

const struct scenario *
scenario_find(const struct scenario_list *list, const char *lane, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if ((lane == NULL || strcmp(list->items[i].lane, lane) == 0) &&
            strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

struct names scenario_names(const struct scenario_list *list)
{
    struct names names = {0};
    for (size_t i = 0; i < list->count; i++)
        if (!names_has(&names, list->items[i].name))
            names_add(&names, list->items[i].name);
    for (size_t i = 0; i < list->count; i++)
        if (!names_has(&names, list->items[i].lane))
            names_add(&names, list->items[i].lane);
    return names;
}

bool scenario_wanted(const struct scenario *scenario, const struct names *filter)
{
    if (filter->count == 0 || names_has(filter, scenario->lane) ||
        names_has(filter, scenario->name))
        return true;
    char *both = text_format("%s/%s", scenario->lane, scenario->name);
    bool wanted = names_has(filter, both);
    free(both);
    return wanted;
}
