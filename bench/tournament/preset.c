/* SPDX-License-Identifier: MIT */
/* preset.c - see preset.h. */
#include "preset.h"

#include "names.h"

#include <stddef.h>
#include <string.h>

const struct preset preset_list[] = {
    {
        .name = "smoke",
        .summary = "does the pipeline work? Every lane, short windows, one block; names no winner "
                   "(1 min for three contestants)",
        .budget_s = 48,
        .more_s = 12,
        .window_ms = 50,
        .window_least_ms = 20,
        .micro_ms = 20,
        .timeout_ms = 8000,
        .blocks_common = 1,
        .blocks_max = 1,
        .margin = 0.05,
        .first_point_only = true,
        .quick_gate = true,
        .smoke = true,
    },
    {
        .name = "standard",
        .summary = "the core scenarios, enough blocks for gaps of about 10 % (6 min for three "
                   "contestants); the default",
        .budget_s = 325,
        .more_s = 80,
        .window_ms = 300,
        .window_least_ms = 100,
        .micro_ms = 50,
        .timeout_ms = 15000,
        .blocks_common = 10,
        .blocks_max = 60,
        .margin = 0.05,
        .core_only = true,
    },
    {
        .name = "thorough",
        .summary = "every scenario at all points that fit, enough blocks for gaps of about 4 % (45 "
                   "min for three contestants)",
        .budget_s = 2640,
        .more_s = 660,
        .window_ms = 300,
        .window_least_ms = 100,
        .micro_ms = 100,
        .timeout_ms = 30000,
        .blocks_common = 30,
        .blocks_least = 20,
        .blocks_max = 150,
        .margin = 0.03,
    },
    {.name = NULL},
};

const struct preset preset_duel = {
    .name = "duel",
    .summary = "two contestants in one scenario, stopped as soon as it is decided (< 1 min)",
    .budget_s = 50,
    .window_ms = 300,
    .window_least_ms = 50,
    .micro_ms = 100,
    .timeout_ms = 15000,
    .blocks_common = 7,
    .blocks_max = 200,
    .margin = 0.03,
    .first_point_only = true,
    .quick_gate = true,
    .aside = true,
};

/* As many common rounds as a unanimous verdict takes when twenty cells or so share the level. */
const struct preset preset_gate = {
    .name = "gate",
    .summary = "a contestant against itself at another commit, the core scenarios (6 min each)",
    .budget_s = 360,
    .window_ms = 300,
    .window_least_ms = 50,
    .micro_ms = 50,
    .timeout_ms = 15000,
    .blocks_common = 12,
    .blocks_max = 200,
    .margin = 0.05,
    .core_only = true,
    .quick_gate = true,
    .aside = true,
    .uncalibrated = true,
};

const struct preset preset_prices = {
    .name = "prices",
    .summary = "one contestant against itself, one decision changed at a time (< 10 min)",
    .budget_s = 540,
    .window_ms = 150,
    .window_least_ms = 50,
    .micro_ms = 50,
    .timeout_ms = 15000,
    .blocks_common = 60,
    .blocks_max = 60,
    .margin = 0.03,
    .core_only = true,
    .quick_gate = true,
    .aside = true,
    .uncalibrated = true,
    .prices = true,
    .all_stay = true,
};

/* As many blocks as an interval takes that leaves out the outermost on each side, and idle windows
 * that are ten seconds together even where they had to be shortened. */
const struct preset preset_targets = {
    .name = "targets",
    .summary = "the cells that the targets of the project are asked in (< 20 min)",
    .budget_s = 1200,
    .window_ms = 300,
    .window_least_ms = 100,
    .micro_ms = 100,
    .timeout_ms = 30000,
    .blocks_common = 12,
    .blocks_max = 12,
    .margin = 0.05,
    .quick_gate = true,
    .aside = true,
    .all_stay = true,
    .keep_cells = true,
    .idle_ms = 1050,
};

const struct preset preset_capacity = {
    .name = "capacity",
    .summary = "the highest rate below a latency limit",
    .window_ms = 300,
    .timeout_ms = 40000,
    .margin = 0.05,
    .quick_gate = true,
    .aside = true,
};

const struct preset *preset_recorded(const char *name)
{
    for (const struct preset *preset = preset_list; preset->name != NULL; preset++)
        if (strcmp(preset->name, name) == 0)
            return preset;
    if (strcmp(preset_gate.name, name) == 0)
        return &preset_gate;
    if (strcmp(preset_prices.name, name) == 0)
        return &preset_prices;
    if (strcmp(preset_targets.name, name) == 0)
        return &preset_targets;
    return strcmp(preset_duel.name, name) == 0 ? &preset_duel : NULL;
}

const struct preset *preset_find(const char *name)
{
    struct names known = {0};
    const struct preset *found = NULL;
    for (const struct preset *preset = preset_list; preset->name != NULL; preset++) {
        names_add(&known, preset->name);
        if (strcmp(preset->name, name) == 0)
            found = preset;
    }
    if (found == NULL)
        names_complain(&known, "preset", name);
    names_free(&known);
    return found;
}

double preset_lane_share(const char *lane)
{
    return strcmp(lane, "race") == 0 ? 0.8 : 0.1;
}
