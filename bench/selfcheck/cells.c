/* SPDX-License-Identifier: MIT */
/* cells.c - see cells.h. */
#include "cells.h"

#include "../tournament/text.h"
#include "trial.h"

#include <stdlib.h>
#include <string.h>

/* A run of 20 ms that takes longer in all is no cell for hundreds of runs. */
static const double longest_run_s = 0.25;

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

/* Does a short window give a number in a short time? Returns: 1, 0; -EINTR; -errno. */
static int try_cell(struct selfcheck *check, const struct short_cell *cell, const char *name)
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
    return trial.held && trial.blocks_run > 0 && trial.seconds < 2 * longest_run_s;
}

int cells_find(struct selfcheck *check, struct short_cell cells[CELLS_MAX])
{
    const char *name;
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
            rc = try_cell(check, &cells[count], name);
            count += rc > 0;
        }
    }
    return rc < 0 ? rc : count;
}
