/* SPDX-License-Identifier: MIT */
/*
 * scenario.h - a scenario as read from its Lua file: data only, everything checked.
 */
#ifndef RACE_SCENARIO_H
#define RACE_SCENARIO_H

#include "params.h"
#include "placement.h"
#include "race.h"

#include <jansson.h>

#define SCENARIO_FAMILIES "cap|med|p99|cpu|idle|mem|start"

struct point {
    char *id;
    json_t *params; /* as the script gave them: numbers, words, booleans */
    bool core;
    uint64_t needs;
    enum placement placement;
    const struct load *load;
    struct params settings; /* of the load */
};

struct scenario {
    const char *lane; /* "race"; the micro program describes its cases in the same shape */
    char *path;
    char *name;
    char *summary;
    char *family;
    char *primary; /* a metric of the load, smaller is better */
    uint64_t needs;
    struct point *points;
    size_t point_count;
};

/* What a script can ask for, and what it is told. */
struct script_env {
    const struct load *const *loads; /* ends with NULL */
    uint64_t seed;
    uint64_t window_ms;
    int cpus;
};

/*
 * Read and check a scenario file. On failure returns false with "file:line: what, and what is
 * allowed" in [error]; [out] then needs no scenario_free().
 */
bool script_load(
    const char *path, const struct script_env *env, struct scenario *out, char *error, size_t size);

void scenario_free(struct scenario *scenario);

/* The point of that id, or NULL. */
const struct point *scenario_point(const struct scenario *scenario, const char *id);

/* Its primary metric at this point. */
const struct metric_spec *scenario_primary(const struct scenario *scenario,
                                           const struct point *point);

#endif
