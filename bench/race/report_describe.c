/* SPDX-License-Identifier: MIT */
/* report_describe.c - what a scenario asks for, and whether this contestant can do it. */
#include "report.h"

#include "capability.h"
#include "common/available.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t report_needs(const struct scenario *scenario, const struct point *point)
{
    return scenario->needs | point->needs | point->load->needs;
}

void report_variants(FILE *file)
{
    for (size_t i = 0; i < variant_count; i++)
        fprintf(file,
                "%-10s %-10s %s\n",
                variant_table[i].name,
                variant_table[i].needs,
                variant_table[i].decision);
}

/* A program that was linked as a variant is that variant and nothing else. */
bool report_linked(const struct variant *variant, char *reason, size_t size)
{
    const char *asked = variant != NULL && variant->linked ? variant->name : "";
    if (strcmp(asked, variant_linked) == 0)
        return true;
    if (variant_linked[0] != '\0')
        snprintf(reason,
                 size,
                 "this program was linked as variant '%s': give --variant %s",
                 variant_linked,
                 variant_linked);
    else
        snprintf(reason,
                 size,
                 "variant '%s' is linked with other parts: `make variants` builds the programs of "
                 "%s in a folder of that name, if it is not what %s has anyway",
                 asked,
                 velo_impl()->name,
                 velo_impl()->name);
    return false;
}

bool report_runnable(uint64_t needs, const struct variant *variant, char *reason, size_t size)
{
    char names[512];
    uint64_t missing = needs & ~velo_impl()->capabilities;
    reason[0] = '\0';
    if (missing != 0) {
        capability_list(missing, names, sizeof names);
        snprintf(reason, size, "%s does not offer %s", velo_impl()->name, names);
        return false;
    }
    if (variant == NULL)
        return true;
    if (capability_bit(variant->needs) & ~velo_impl()->capabilities)
        snprintf(reason,
                 size,
                 "%s has no variant '%s': it does not offer %s",
                 velo_impl()->name,
                 variant->name,
                 variant->needs);
    else if (variant->refuses_fds && (needs & VELO_CAP_FDS))
        snprintf(reason,
                 size,
                 "variant '%s' refuses descriptors, which this scenario needs",
                 variant->name);
    return reason[0] == '\0';
}

/* Can the contestant run on this system at all? Found out once; only asked to describe, so that
 * no run is preceded by a loop. */
static bool is_available(char *reason, size_t size)
{
    static char told[AVAILABLE_REASON_MAX];
    static int result = 1;
    if (result == 1)
        result = available_ask(told);
    if (result != -ENOSYS)
        return true; /* or the run will say what is wrong */
    snprintf(reason, size, "%s cannot run here: %s", velo_impl()->name, told);
    return false;
}

bool report_point_runnable(const struct scenario *scenario,
                           const struct point *point,
                           char *reason,
                           size_t size)
{
    static struct placement_map map; /* large; only asked, never entered */
    return is_available(reason, size) &&
           report_runnable(report_needs(scenario, point), NULL, reason, size) &&
           placement_resolve(&map, point->placement, reason, size);
}

/* What every point needs. */
static uint64_t common_needs(const struct scenario *scenario)
{
    uint64_t bits = ~UINT64_C(0);
    for (size_t i = 0; i < scenario->point_count; i++)
        bits &= report_needs(scenario, &scenario->points[i]);
    return bits;
}

static json_t *names_of(uint64_t bits)
{
    json_t *list = json_array();
    for (unsigned bit = 0; bit < 64; bit++)
        if (bits >> bit & 1 && capability_name(UINT64_C(1) << bit) != NULL)
            json_array_append_new(list, json_string(capability_name(UINT64_C(1) << bit)));
    return list;
}

static bool any_core(const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->point_count; i++)
        if (scenario->points[i].core)
            return true;
    return false;
}

/* The variants that would change nothing here, for who plans runs: variant_set() says so, as it
 * does when such a run is asked for. */
static json_t *idle_variants(const struct point *point)
{
    json_t *list = json_array();
    for (size_t i = 0; i < variant_count; i++) {
        struct params params = point->settings;
        if (!variant_set(&variant_table[i], &params))
            json_array_append_new(list, json_string(variant_table[i].name));
    }
    return list;
}

static json_t *describe_point(const struct scenario *scenario, const struct point *point)
{
    char reason[600];
    uint64_t needs = report_needs(scenario, point);
    bool runnable = report_point_runnable(scenario, point, reason, sizeof reason);
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(point->id));
    json_object_set(object, "params", point->params);
    json_object_set_new(object, "core", json_boolean(point->core));
    json_object_set_new(object, "placement", json_string(placement_name(point->placement)));
    json_object_set_new(object, "load", json_string(point->load->name));
    json_object_set_new(object, "uses_common_rate", json_boolean(point->load->uses_common_rate));
    json_object_set_new(object, "ceiling", json_boolean(point->load->ceiling));
    json_object_set_new(object, "needs", names_of(needs));
    json_object_set_new(object, "idle_variants", idle_variants(point));
    json_object_set_new(object, "runnable", json_boolean(runnable));
    json_object_set_new(object, "reason", json_string(reason));
    return object;
}

/* With the floor, where costs may be too small to matter: the judge calls those equal. */
static json_t *describe_primary(const struct scenario *scenario)
{
    const struct load *load = scenario->points[0].load;
    const struct metric_spec *primary = scenario_primary(scenario, &scenario->points[0]);
    json_t *object = json_pack(
        "{s:s,s:s,s:s}", "metric", primary->name, "unit", primary->unit, "better", "lower");
    if (load->floor > 0 && primary == &load->metrics[0])
        json_object_set_new(object, "floor", json_real(load->floor));
    return object;
}

static json_t *describe(const struct scenario *scenario)
{
    char reason[600];
    uint64_t needs = common_needs(scenario);
    bool runnable =
        is_available(reason, sizeof reason) && report_runnable(needs, NULL, reason, sizeof reason);
    json_t *object = json_object();
    json_t *points = json_array();
    json_object_set_new(object, "scenario", json_string(scenario->name));
    json_object_set_new(object, "summary", json_string(scenario->summary));
    json_object_set_new(object, "family", json_string(scenario->family));
    json_object_set_new(object, "needs", names_of(needs));
    json_object_set_new(object, "core", json_boolean(any_core(scenario)));
    json_object_set_new(object, "script", json_string(scenario->path));
    json_object_set_new(object, "primary", describe_primary(scenario));
    for (size_t i = 0; i < scenario->point_count; i++)
        json_array_append_new(points, describe_point(scenario, &scenario->points[i]));
    json_object_set_new(object, "points", points);
    json_object_set_new(object, "runnable", json_boolean(runnable));
    json_object_set_new(object, "reason", json_string(reason));
    return object;
}

static void describe_text(FILE *file, const struct scenario *scenario)
{
    char reason[600];
    fprintf(file, "%s: %s\n", scenario->name, scenario->summary);
    fprintf(file, "  family %s, primary cost %s\n", scenario->family, scenario->primary);
    for (size_t i = 0; i < scenario->point_count; i++) {
        const struct point *point = &scenario->points[i];
        char *params = json_dumps(point->params, JSON_COMPACT);
        report_point_runnable(scenario, point, reason, sizeof reason);
        fprintf(file,
                "  %-28s %s%-10s %-12s %s%s%s\n",
                point->id,
                point->core ? "* " : "  ",
                placement_name(point->placement),
                point->load->name,
                params,
                reason[0] != '\0' ? "  NOT RUN: " : "",
                reason);
        free(params);
    }
    fprintf(file, "  (* core set)\n");
}

void report_describe(FILE *file, const struct scenario *scenario, bool as_json)
{
    if (!as_json) {
        describe_text(file, scenario);
        return;
    }
    json_t *object = describe(scenario);
    char *text = json_dumps(object, JSON_COMPACT);
    fprintf(file, "%s\n", text == NULL ? "null" : text);
    free(text);
    json_decref(object);
}

static void print_fallback(FILE *file, const struct param_spec *spec)
{
    const char *word = spec->choices;
    if (spec->kind != PARAM_CHOICE) {
        fprintf(file, "%.10g", spec->fallback);
        return;
    }
    for (int i = 0; i < (int)spec->fallback; i++)
        word += strcspn(word, "|") + 1;
    fprintf(file, "%.*s", (int)strcspn(word, "|"), word);
}

static void print_load(FILE *file, const struct load *load)
{
    char allowed[256];
    fprintf(file, "loads.%s: %s\n", load->name, load->summary);
    for (const struct param_spec *spec = load->params; spec->name != NULL; spec++) {
        params_allowed(spec, allowed, sizeof allowed);
        fprintf(file, "    %-12s %s (%s; default ", spec->name, spec->what, allowed);
        print_fallback(file, spec);
        fprintf(file, ")\n");
    }
    fprintf(file, "    reports:");
    for (const struct metric_spec *spec = load->metrics; spec->name != NULL; spec++)
        fprintf(file, "%s %s [%s]", spec == load->metrics ? "" : ",", spec->name, spec->unit);
    fprintf(file, "\n\n");
}

void report_loads(FILE *file)
{
    for (const struct load *const *load = race_loads; *load != NULL; load++)
        print_load(file, *load);
}
