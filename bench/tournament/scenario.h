/* SPDX-License-Identifier: MIT */
/*
 * scenario.h - what can be measured: the scenarios of all lanes, as the programs describe
 * themselves.
 *
 * The race lane's stand in scenarios/NAME.lua and are described by `race --describe`; the micro
 * lane's are listed by `micro --list`; the process lane's are whole programs, timed by hyperfine.
 */
#ifndef VELO_SCENARIO_H
#define VELO_SCENARIO_H

#include "names.h"
#include "registry.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct scenario_point {
    char *id;
    json_t *params;
    bool core;
    bool ceiling;    /* the null contestant can show what the harness itself costs here */
    char *placement; /* how loop and generators stand to each other; "" where nothing is said */
    json_t *idle_variants; /* those that would change nothing here; NULL: none */
    char **blocked;        /* per contestant of the registry: why it cannot run this, or NULL */
};

struct scenario {
    char *lane; /* race, micro, process */
    char *name;
    char *summary;
    char *family; /* of the weight table: cap med p99 cpu idle mem start */
    char *script; /* "" outside the race lane */
    char *metric; /* the primary cost */
    char *unit;
    json_t *needs; /* array of capabilities */
    double floor;  /* costs below it are raised to it; 0 = none */
    bool core;
    struct scenario_point *points;
    size_t point_count;
};

struct scenario_list {
    struct scenario *items;
    size_t count;
    size_t contestants; /* length of each [blocked] */
};

/*
 * Asks every contestant of [registry] what it can run.
 * Returns: 0; -EINVAL after a message when a script is wrong (file:line); -errno otherwise.
 */
int scenario_load(struct scenario_list *list, const struct registry *registry);

void scenario_free(struct scenario_list *list);

/* The scenario [name] of [lane] (NULL = any lane), or NULL. */
const struct scenario *
scenario_find(const struct scenario_list *list, const char *lane, const char *name);

/* All names: lanes, scenarios, and LANE/SCENARIO; for filters and messages. */
struct names scenario_names(const struct scenario_list *list);

/* True when [filter] (empty = everything) names the scenario, its lane, or LANE/SCENARIO. */
bool scenario_wanted(const struct scenario *scenario, const struct names *filter);

#endif
