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
    double share;                        /* how much of it one operation needs */
    const char *label;                   /* as printed */
} table[] = {
    /* A round trip moves a line there and back; parked, it wakes a thread and is woken. */
    {"race", "ping_pong", "parked", "L5", 1, "L5"},
    {"race", "ping_pong", "*", "L4", 1, "L4"},
    {"race", "wake_idle", "*", "C15", 0.5, "C15/2"},
    {"race", "burst", "n=1", NULL, 0, NULL}, /* mostly a wake-up, or none: no floor that holds */
    {"race", "burst", "*", "L1", 1, "L1"},
    {"race", "producers", "threads=1,batch=1", "L1", 1, "L1"},
    {"race", "producers", "*,batch=1", "L2", 1, "L2"},
    {"race", "producers", "*", "L3", 1, "L3"},
    {"race", "microtasks", "*count=1", NULL, 0, NULL}, /* one task each */
    {"race", "microtasks", "*", "L7", 1, "L7"},
    {"race", "timer_storm", "op=add,*", "L6", 1, "L6"},
    {"race", "timer_storm", "op=cancel,*", "L6", 1, "L6"},
    {"race", "fd_ring", "*", "L8", 1, "L8"},
    {"race", "memory", "tasks=*", "L9", 1, "L9"},
    {"micro", "submit", "*", "L1", 1, "L1"},
    {"micro", "submit_many", "*", "L3", 1, "L3"},
    {"micro", "submit_caller", "*", "C4", 1, "C4"},
    {"micro", "owner_submit", "*", "C3", 1, "C3"},
    {"micro", "microtask", "*", "L7", 1, "L7"},
    {"micro", "next_tick", "*", "L7", 1, "L7"},
    {"micro", "timer_arm_cancel", "*", "L6", 2, "2 L6"},
    {"micro", "fd_dispatch", "*", "L8", 1, "L8"},
};

/* The median of limit [id], if it is there and in this unit. */
static double find_median(const json_t *limits, const char *id, const char *unit)
{
    const json_t *list = json_object_get(limits, "limits");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *limit = json_array_get(list, i);
        if (strcmp(field_text(limit, "id"), id) == 0 &&
            strcmp(field_text(limit, "unit"), unit) == 0)
            return field_number(limit, "median");
    }
    return NAN;
}

double verdict_limit(const struct run_dir *dir, const struct run_dir_cell *cell, const char **label)
{
    *label = NULL;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (fnmatch(table[i].lane, cell->lane, 0) != 0 ||
            fnmatch(table[i].scenario, cell->scenario, 0) != 0 ||
            fnmatch(table[i].point, cell->point, 0) != 0)
            continue;
        const double median =
            table[i].limit != NULL ? find_median(dir->limits, table[i].limit, cell->unit) : NAN;
        if (!(median > 0))
            return NAN;
        *label = table[i].label;
        return median * table[i].share;
    }
    return NAN;
}
