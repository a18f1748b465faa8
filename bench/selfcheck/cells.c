/* SPDX-License-Identifier: MIT */
/* cells.c - see cells.h. */
#include "cells.h"

#include "../tournament/text.h"
#include "trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A cell is no place for hundreds of runs if its rehearsal takes longer than this and than four
 * times the shortest one: on a busy machine all of them take long. */
static const double longest_s = 0.5;
static const double longest_ratio = 4;

int cells_enter(struct selfcheck *check, size_t which, size_t count, const char **names)
{
    static char pool[16 * TRIAL_NAMES_MAX][64];
    const struct contestant *contestant = &check->registry.items[which % check->registry.count];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char *name = pool[(which % check->registry.count % 16) * TRIAL_NAMES_MAX + i];
        snprintf(name, sizeof(pool[0]), "%s-%c", contestant->name, (char)('a' + i));
        rc = stable_make(check, name, contestant->dir, 0);
        names[i] = name;
    }
    return rc;
}

static bool can_all_run(const struct selfcheck *check, const struct scenario_point *point)
{
    for (size_t i = 0; i < check->registry.count; i++)
        if (point->blocked[i] != NULL)
            return false;
    return true;
}

/* Does a short window give a number that can differ? *seconds is what it took. Returns: 1, 0;
 * -EINTR; -errno. */
static int
try_cell(struct selfcheck *check, const struct short_cell *cell, const char *name, double *seconds)
{
    struct trial trial = {
        .purpose = "rehearsal",
        .lane = "race",
        .scenario = cell->scenario,
        .point = cell->point,
        .names = {name},
        .count = 1,
        .window_ms = SHORT_WINDOW_MS,
        .blocks = 1,
        .seed = selfcheck_seed(check, "rehearsal", 0),
    };
    int rc = trial_run(check, &trial);
    if (rc != 0)
        return rc;
    *seconds = trial.seconds;
    /* costs at the floor are ties by rule: such a cell could name nobody, and would prove nothing
     */
    return trial.held && trial.blocks_run > 0 && trial.cost[0][0] > trial.floor;
}

static int keep_short_ones(struct short_cell *cells, const double *seconds, int count)
{
    double shortest = INFINITY;
    int kept = 0;
    for (int i = 0; i < count; i++)
        shortest = fmin(shortest, seconds[i]);
    for (int i = 0; i < count; i++)
        if (seconds[i] <= fmax(longest_s, longest_ratio * shortest))
            cells[kept++] = cells[i];
    return kept;
}

int cells_find(struct selfcheck *check, struct short_cell cells[CELLS_MAX])
{
    const char *name;
    double seconds[CELLS_MAX] = {0};
    int count = 0;
    int rc = cells_enter(check, 0, 1, &name);
    for (size_t s = 0; rc >= 0 && s < check->scenarios.count; s++) {
        const struct scenario *scenario = &check->scenarios.items[s];
        if (strcmp(scenario->lane, "race") != 0 || !scenario->core)
            continue;
        for (size_t p = 0; rc >= 0 && p < scenario->point_count && count < CELLS_MAX; p++) {
            const struct scenario_point *point = &scenario->points[p];
            if (!point->core || !can_all_run(check, point))
                continue;
            cells[count] = (struct short_cell){scenario->name, point->id};
            selfcheck_step(check, 0, 1, "rehearsal");
            rc = try_cell(check, &cells[count], name, &seconds[count]);
            count += rc > 0;
        }
    }
    return rc < 0 ? rc : keep_short_ones(cells, seconds, count);
}
