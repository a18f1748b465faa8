/* SPDX-License-Identifier: MIT */
/*
 * pilot.c - one short run of each entry in each cell before the plan is fixed.
 *
 * It gives what the plan must know: the common rate of open-loop scenarios (the capacity of the
 * slowest entry), how long a block takes, when a run is to be called hung, and how far apart the
 * baseline and its copy are today, which is half of what the plan promises to see (sight.h). Its
 * numbers are never evidence; a crash, though, is a fact and disqualifies at once, and so does a
 * run that is late when it is repeated (rules_late.c).
 */
#include "tournament.h"

#include "clock.h"
#include "json.h"
#include "noise.h"
#include "rules.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_PART = 3, /* the pilot's window is this part of the plan's */
    WINDOW_LEAST_MS = 20,
    LIMIT_LEAST_MS = 10000,
    LIMIT_FACTOR = 20 /* a run is hung when it takes this many times what the pilot took */
};

struct pilot {
    struct tournament *t;
    struct rules_pilot *seen; /* per entry */
    double *rate;             /* per cell: the least capacity seen; 0 = none */
    double *longest_ms;       /* per cell */
    double *cost;             /* per entry, in the cell under way; 0 = none */
};

static unsigned pilot_window(const struct plan_cell *cell)
{
    unsigned window_ms = cell->window_ms / WINDOW_PART;
    return window_ms > WINDOW_LEAST_MS ? window_ms : WINDOW_LEAST_MS;
}

static json_t *describe(const struct tournament *t,
                        size_t cell,
                        size_t entry,
                        double foreign_share,
                        const struct run_outcome *outcome)
{
    json_t *line = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:f, s:f, s:f}",
                     "cell",
                     (int)cell,
                     "entry",
                     t->plan.entries[entry].name,
                     "status",
                     runner_status_name(outcome->status),
                     "reason",
                     outcome->reason,
                     "command",
                     outcome->command,
                     "run",
                     line,
                     "wall_ms",
                     outcome->wall_ms,
                     "stall_ms",
                     outcome->stall_ms,
                     "foreign_share",
                     foreign_share);
}

/* Writes down a run and what follows from it. */
static int record(struct pilot *pilot,
                  size_t cell,
                  size_t entry,
                  double foreign_share,
                  const struct run_outcome *outcome,
                  bool *again)
{
    struct tournament *t = pilot->t;
    json_t *event = describe(t, cell, entry, foreign_share, outcome);
    json_t *events = rules_pilot_consequences(&t->plan, event, &pilot->seen[entry], again);
    if (outcome->status != RUN_OK)
        progress_say(&t->progress,
                     "  %s in %s: %s%s",
                     t->plan.entries[entry].name,
                     t->plan.cells[cell].key,
                     json_text(json_array_get(events, 0), "reason", outcome->reason),
                     *again ? "; once more" : "");
    int rc = ledger_record(t, "pilot", event);
    if (rc == 0)
        return ledger_record_all(t, events);
    json_decref(events);
    return rc;
}

/* *again: it was late, and is to be run once more. */
static int run_once(struct pilot *pilot, size_t cell_index, size_t entry, bool *again)
{
    struct tournament *t = pilot->t;
    const struct plan_cell *cell = &t->plan.cells[cell_index];
    char *key_name = text_format("pilot/%s", cell->key);
    struct schedule_key key = {.seed = t->plan.seed, .cell = key_name};
    struct run_request request = {
        .plan = &t->plan,
        .cell = cell_index,
        .entry = entry,
        .seed = schedule_run_seed(&key),
        .env_pad = schedule_env_pad(&key, t->plan.entries[entry].name),
        .window_ms = pilot_window(cell),
        .own_rate = true,
        .interrupt = &t->interrupt,
    };
    struct noise_mark before, after;
    struct run_outcome outcome;
    noise_mark(&before);
    int rc = runner_run(&request, &outcome);
    noise_mark(&after);
    free(key_name);
    *again = false;
    if (rc != 0)
        return rc;
    const char *status = runner_status_name(outcome.status);
    double rate = run_dir_is_late(status) ? 0 : json_double(outcome.line, "common_rate", 0);
    if (rate > 0 && (pilot->rate[cell_index] <= 0 || rate < pilot->rate[cell_index]))
        pilot->rate[cell_index] = rate;
    if (outcome.status == RUN_OK && outcome.wall_ms > pilot->longest_ms[cell_index])
        pilot->longest_ms[cell_index] = outcome.wall_ms;
    pilot->cost[entry] = outcome.status == RUN_OK ? outcome.cost : 0;
    if (outcome.status != RUN_INTERRUPTED)
        rc = record(pilot, cell_index, entry, noise_share(&before, &after), &outcome, again);
    runner_free(&outcome);
    return rc;
}

static int run_one(struct pilot *pilot, size_t cell, size_t entry)
{
    bool again = true;
    int rc = 0;
    while (rc == 0 && again)
        rc = run_once(pilot, cell, entry, &again);
    return rc;
}

/* One rate for all points of a scenario, so that 30, 60 and 90 % are shares of the same. */
static double scenario_rate(const struct pilot *pilot, const struct plan_cell *cell)
{
    const struct plan *plan = &pilot->t->plan;
    double least = 0;
    for (size_t i = 0; i < plan->cell_count; i++)
        if (strcmp(plan->cells[i].lane, cell->lane) == 0 &&
            strcmp(plan->cells[i].scenario, cell->scenario) == 0 && pilot->rate[i] > 0 &&
            (least <= 0 || pilot->rate[i] < least))
            least = pilot->rate[i];
    return least;
}

static void conclude(struct pilot *pilot)
{
    struct tournament *t = pilot->t;
    for (size_t i = 0; i < t->plan.cell_count; i++) {
        struct plan_cell *cell = &t->plan.cells[i];
        unsigned runners = 0;
        for (size_t e = 0; e < t->plan.entry_count; e++)
            runners += ledger_may_run(t, i, e);
        double run_ms = pilot->longest_ms[i];
        if (strcmp(cell->lane, "process") != 0)
            run_ms += cell->window_ms - pilot_window(cell);
        cell->common_rate = scenario_rate(pilot, cell);
        cell->runners = runners;
        cell->block_ms = run_ms * (double)runners;
        double limit_ms = run_ms * LIMIT_FACTOR;
        cell->timeout_ms = limit_ms > LIMIT_LEAST_MS ? (unsigned)limit_ms : LIMIT_LEAST_MS;
    }
}

/* How far apart the baseline and its copy were in the cell that is done. */
static void compare_twins(struct pilot *pilot)
{
    struct tournament *t = pilot->t;
    for (size_t e = 0; e < t->plan.entry_count; e++) {
        int original = t->plan.entries[e].twin_of;
        if (original >= 0 && pilot->cost[e] > 0 && pilot->cost[original] > 0)
            t->pilot_d[t->pilot_pairs++] = log(pilot->cost[original]) - log(pilot->cost[e]);
    }
    memset(pilot->cost, 0, t->plan.entry_count * sizeof(*pilot->cost));
}

int pilot_run(struct tournament *t)
{
    struct plan *plan = &t->plan;
    struct pilot pilot = {
        .t = t,
        .seen = text_alloc(plan->entry_count * sizeof(struct rules_pilot)),
        .rate = text_alloc(plan->cell_count * sizeof(double)),
        .longest_ms = text_alloc(plan->cell_count * sizeof(double)),
        .cost = text_alloc(plan->entry_count * sizeof(double)),
    };
    t->pilot_d = text_alloc(plan->cell_count * plan->entry_count * sizeof(double));
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < plan->cell_count; c++) {
        size_t done = 0;
        for (size_t e = 0; rc == 0 && e < plan->entry_count && !interrupt_seen(&t->interrupt);
             e++) {
            if (!ledger_may_run(t, c, e) || (plan->preset->smoke && done > 0))
                continue;
            progress_status(&t->progress,
                            "pilot  %zu/%zu  %s  %s",
                            c + 1,
                            plan->cell_count,
                            plan->cells[c].key,
                            plan->entries[e].name);
            rc = run_one(&pilot, c, e);
            if (rc == 0)
                rc = pause_point(t);
            done++;
        }
        compare_twins(&pilot);
    }
    conclude(&pilot);
    free(pilot.seen);
    free(pilot.cost);
    free(pilot.rate);
    free(pilot.longest_ms);
    return rc;
}
