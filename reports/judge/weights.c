/* SPDX-License-Identifier: MIT */
/*
 * weights.c - how much each cell counts: profiles, families, shares.
 *
 * A profile gives weights to families, because a need is felt as "tail latency" and not as a list
 * of scenarios. The weight of a family is spread over its scenarios and there over their points, in
 * equal parts unless shares say otherwise; so adding a point to a scenario takes weight only from
 * its neighbours.
 */
#include "contest.h"

#include <math.h>
#include <string.h>

static const struct judge_profile profiles[] = {
    /*                                   p99 med cap cpu idle mem start */
    {.name = "latency", .weight = {50, 20, 10, 10, 5, 0, 5}},
    {.name = "throughput", .weight = {10, 5, 60, 15, 5, 5, 0}},
    {.name = "efficiency", .weight = {10, 5, 15, 40, 20, 10, 0}},
    {.name = "balanced", .weight = {20, 10, 20, 20, 10, 10, 10}},
};

static const char *const families[JUDGE_FAMILIES] = {
    "p99", "med", "cap", "cpu", "idle", "mem", "start"};

static const char *const family_titles[JUDGE_FAMILIES] = {
    "tail latency", "median latency", "capacity", "CPU", "idle cost", "memory", "start and stop"};

const struct judge_profile *judge_profiles(size_t *count)
{
    *count = sizeof(profiles) / sizeof(profiles[0]);
    return profiles;
}

const char *judge_family_name(enum judge_family family)
{
    return family < JUDGE_FAMILIES ? families[family] : "";
}

const char *judge_family_title(enum judge_family family)
{
    return family < JUDGE_FAMILIES ? family_titles[family] : "";
}

int judge_family_parse(const char *name)
{
    for (int f = 0; f < JUDGE_FAMILIES; f++)
        if (strcmp(name, families[f]) == 0)
            return f;
    return -1;
}

bool contest_is_absent(const struct judge_input *in, size_t cell_index, size_t entry)
{
    const struct judge_cell_input *cell = &in->cells[cell_index];
    if (cell->status[entry].state != JUDGE_RUNS)
        return true;
    for (size_t b = 0; b < cell->block_count; b++)
        if (!isnan(judge_log_cost(cell->blocks[b].cost[entry], cell->floor)))
            return false;
    return true;
}

static bool anybody_ran(const struct judge_input *in, size_t cell)
{
    for (size_t e = 0; e < in->entry_count; e++)
        if (in->entries[e].twin_of < 0 && !contest_is_absent(in, cell, e))
            return true;
    return false;
}

static bool same_scenario(const struct judge_cell_input *a, const struct judge_cell_input *b)
{
    return a->family == b->family && strcmp(a->lane, b->lane) == 0 &&
           strcmp(a->scenario, b->scenario) == 0;
}

bool judge_share_names(const struct judge_share *share, const struct judge_cell_input *cell)
{
    return (share->lane == NULL || strcmp(share->lane, cell->lane) == 0) &&
           strcmp(share->scenario, cell->scenario) == 0 &&
           (share->point == NULL || strcmp(share->point, cell->point) == 0);
}

/* The share of a cell's scenario ([point] false) or of its point among the others; 1 if unsaid. */
static double
share_of(const struct judge_profile *profile, const struct judge_cell_input *cell, bool point)
{
    double share = 1;
    for (size_t i = 0; i < profile->share_count; i++)
        if ((profile->shares[i].point != NULL) == point &&
            judge_share_names(&profile->shares[i], cell))
            share = profile->shares[i].share;
    return share;
}

/* What the points of the scenario of [cell] that count ([weights] > 0) have together. */
static double points_of(const struct judge_input *in,
                        const struct judge_profile *profile,
                        const double *weights,
                        size_t cell)
{
    double sum = 0;
    for (size_t c = 0; c < in->cell_count; c++)
        if (weights[c] > 0 && same_scenario(&in->cells[c], &in->cells[cell]))
            sum += share_of(profile, &in->cells[c], true);
    return sum;
}

/* What the scenarios of [family] that count have together. */
static double scenarios_of(const struct judge_input *in,
                           const struct judge_profile *profile,
                           const double *weights,
                           enum judge_family family)
{
    double sum = 0;
    for (size_t c = 0; c < in->cell_count; c++) {
        bool first = weights[c] > 0 && in->cells[c].family == family;
        for (size_t before = 0; first && before < c; before++)
            if (weights[before] > 0 && same_scenario(&in->cells[before], &in->cells[c]))
                first = false;
        sum += first ? share_of(profile, &in->cells[c], false) : 0;
    }
    return sum;
}

size_t
judge_weights(const struct judge_input *in, const struct judge_profile *profile, double *weights)
{
    size_t counted = 0;
    double sum = 0;
    double scenarios[JUDGE_FAMILIES];
    for (size_t c = 0; c < in->cell_count; c++) {
        const struct judge_cell_input *cell = &in->cells[c];
        weights[c] = profile->weight[cell->family] > 0 && share_of(profile, cell, false) > 0 &&
                             share_of(profile, cell, true) > 0 && anybody_ran(in, c)
                         ? 1
                         : 0;
    }
    for (int f = 0; f < JUDGE_FAMILIES; f++)
        scenarios[f] = scenarios_of(in, profile, weights, (enum judge_family)f);
    for (size_t c = 0; c < in->cell_count; c++) {
        const struct judge_cell_input *cell = &in->cells[c];
        if (!(weights[c] > 0))
            continue;
        weights[c] = profile->weight[cell->family] * share_of(profile, cell, false) /
                     scenarios[cell->family] * share_of(profile, cell, true) /
                     points_of(in, profile, weights, c);
        sum += weights[c];
        counted++;
    }
    for (size_t c = 0; c < in->cell_count && sum > 0; c++)
        weights[c] /= sum;
    return counted;
}
