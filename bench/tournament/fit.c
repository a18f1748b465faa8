/* SPDX-License-Identifier: MIT */
/*
 * fit.c - the plan cut to its budget, by the times that the pilot took.
 *
 * The common rounds, in which nobody is dropped, must fit; what is left over goes to where the
 * evidence is still open. Lanes have shares; what the process lane does not need goes to micro, and
 * what that does not need to the race lane.
 * There, shorter windows come first. Everywhere then fewer rounds, down to what the preset asks for
 * at least, then fewer points, then fewer scenarios.
 */
#include "tournament.h"

#include <string.h>

/* Part of the time for the common rounds; the rest is for redone blocks and open questions. */
static const double common_part = 0.85;

enum {
    WINDOW_STEP_MS = 25,
    COMMON_ENOUGH = 9 /* rounds that can decide between three contestants */
};

static bool in_lane(const struct plan_cell *cell, const char *lane)
{
    return lane == NULL || strcmp(cell->lane, lane) == 0;
}

static double round_seconds(const struct plan *plan, const char *lane)
{
    double sum = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        if (!plan->cells[i].dropped && in_lane(&plan->cells[i], lane))
            sum += plan->cells[i].block_ms / 1e3;
    return sum;
}

double fit_common_seconds(const struct plan *plan, const char *lane)
{
    return round_seconds(plan, lane) * plan->blocks_common;
}

unsigned fit_blocks(const struct plan *plan, double seconds)
{
    double round = round_seconds(plan, NULL);
    double blocks = round > 0 && seconds > 0 ? seconds * common_part / round : 0;
    if (blocks < plan->blocks_common)
        return plan->blocks_common;
    return blocks < plan->blocks_max ? (unsigned)blocks : plan->blocks_max;
}

static size_t points_left(const struct plan *plan, const struct plan_cell *cell)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        count += !plan->cells[i].dropped && in_lane(&plan->cells[i], cell->lane) &&
                 strcmp(plan->cells[i].scenario, cell->scenario) == 0;
    return count;
}

/* The cell that will be missed least: not core, then of the scenario with most points, then the
 * last. */
static struct plan_cell *least_missed(struct plan *plan, const char *lane)
{
    struct plan_cell *chosen = NULL;
    size_t chosen_points = 0;
    size_t left = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct plan_cell *cell = &plan->cells[i];
        if (cell->dropped || !in_lane(cell, lane))
            continue;
        left++;
        size_t points = points_left(plan, cell);
        bool better = chosen == NULL || (chosen->core && !cell->core) ||
                      (chosen->core == cell->core && points >= chosen_points);
        if (better) {
            chosen = cell;
            chosen_points = points;
        }
    }
    return left > 1 ? chosen : NULL;
}

/* Drops cells of [lane] until [rounds] rounds of it fit into [seconds]; the last one always stays.
 */
static void trim(struct plan *plan, const char *lane, unsigned rounds, double seconds)
{
    while (round_seconds(plan, lane) * rounds > seconds) {
        struct plan_cell *cell = least_missed(plan, lane);
        if (cell == NULL)
            return;
        cell->dropped = true;
    }
}

static void shorten_windows(struct plan *plan, double seconds)
{
    bool shorter = true;
    while (shorter && fit_common_seconds(plan, "race") > seconds) {
        shorter = false;
        for (size_t i = 0; i < plan->cell_count; i++) {
            struct plan_cell *cell = &plan->cells[i];
            if (!in_lane(cell, "race") ||
                cell->window_ms < plan->preset->window_least_ms + WINDOW_STEP_MS)
                continue;
            cell->block_ms -= (double)WINDOW_STEP_MS * (cell->runners > 0 ? cell->runners : 1);
            cell->window_ms -= WINDOW_STEP_MS;
            shorter = true;
        }
    }
}

/* A Williams square that is not finished is no evidence: common rounds end with one, and a cell may
 * go on for as many squares as it else may for blocks. */
static void keep_squares_whole(struct plan *plan)
{
    unsigned rows = (unsigned)schedule_square_rows(plan->entry_count);
    if (plan->order != SCHEDULE_WILLIAMS || plan->preset->smoke)
        return;
    unsigned squares = plan->blocks_common / rows;
    plan->blocks_common = (squares > 0 ? squares : 1) * rows;
    plan->blocks_max = plan->preset->blocks_max * rows;
}

/* Windows first, then rounds. */
static void keep_every_cell(struct plan *plan, double seconds)
{
    double others = fit_common_seconds(plan, "micro") + fit_common_seconds(plan, "process");
    shorten_windows(plan, seconds - others);
}

static unsigned rounds_that_are_enough(const struct plan *plan)
{
    unsigned least = plan->preset->blocks_least;
    unsigned enough = least > 0 ? least : COMMON_ENOUGH;
    return plan->blocks_common < enough ? plan->blocks_common : enough;
}

/* What each lane has a share of loses cells. */
static void drop_cells(struct plan *plan, double room)
{
    static const char *const small_lanes[] = {"process", "micro"};
    unsigned enough = rounds_that_are_enough(plan);
    double race_room = room, race_room_of_enough = room, share = 0;
    for (size_t i = 0; i < 2; i++) {
        share += room * preset_lane_share(small_lanes[i]);
        bool race_present = round_seconds(plan, "race") > 0;
        if (race_present && fit_common_seconds(plan, NULL) > room)
            trim(plan, small_lanes[i], enough, share);
        double used = round_seconds(plan, small_lanes[i]) * enough;
        share -= used;
        race_room_of_enough -= used;
        race_room -= fit_common_seconds(plan, small_lanes[i]);
    }
    shorten_windows(plan, race_room);
    trim(plan, "race", enough, race_room_of_enough);
    trim(plan, NULL, enough, room);
}

void fit_to_budget(struct plan *plan, double seconds)
{
    double room = seconds > 0 ? seconds * common_part : 0;
    if (plan->preset->keep_cells)
        keep_every_cell(plan, room);
    else
        drop_cells(plan, room);
    double round = round_seconds(plan, NULL);
    if (round > 0 && round * plan->blocks_common > room) {
        unsigned rounds = (unsigned)(room / round);
        plan->blocks_common = rounds > 0 ? rounds : 1;
    }
    keep_squares_whole(plan);
}
