/* SPDX-License-Identifier: MIT */
/*
 * verdict_limits.c - which price of the machine a cost is compared with: "x 2.1 of the limit".
 *
 * A table, first match wins. A limit is named only where one operation of the cell needs at least
 * that price; elsewhere "x the limit" would be a number without a meaning.
 */
#include "fields.h"
#include "verdict_parts.h"

#include <fnmatch.h>
#include <string.h>

static const struct {
    const char *lane, *scenario, *point; /* patterns of fnmatch() */
    const char *limit;                   /* id in limits.json */
} table[] = {
    /* A round trip moves a line there and back; parked, it wakes a thread twice. */
    {"race", "ping_pong", "*parked*", "L5"},
    {"race", "ping_pong", "*asleep*", "L5"},
    {"race", "ping_pong", "*", "L4"},
    {"race", "wake_idle", "*", "C15"},
    {"race", "idle_wake", "*", "C15"},
    {"race", "producers", "*=1", "L1"},
    {"race", "producers", "*", "L2"},
    {"race", "burst", "*", "L3"},
    {"race", "microtasks*", "*", "L7"},
    {"race", "fd_ring", "*", "L8"},
    {"micro", "submit_many*", "*", "L3"},
    {"micro", "submit*", "*", "L1"},
    {"micro", "microtask*", "*", "L7"},
    {"micro", "next_tick*", "*", "L7"},
    {"micro", "timer_arm*", "*", "L6"},
    {"micro", "fd_*", "*", "L8"},
    {"micro", "descriptor*", "*", "L8"},
};

static double find_median(const json_t *limits, const char *id)
{
    const json_t *list = json_object_get(limits, "limits");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *limit = json_array_get(list, i);
        if (strcmp(field_text(limit, "id"), id) == 0)
            return field_number(limit, "median");
    }
    return NAN;
}

double verdict_limit(const struct run_dir *dir, const struct run_dir_cell *cell, const char **id)
{
    *id = NULL;
    if (strcmp(cell->unit, "ns") != 0)
        return NAN;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (fnmatch(table[i].lane, cell->lane, 0) != 0 ||
            fnmatch(table[i].scenario, cell->scenario, 0) != 0 ||
            fnmatch(table[i].point, cell->point, 0) != 0)
            continue;
        const double median = find_median(dir->limits, table[i].limit);
        if (!(median > 0))
            return NAN;
        *id = table[i].limit;
        return median;
    }
    return NAN;
}
