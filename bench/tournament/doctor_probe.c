/* SPDX-License-Identifier: MIT */
/* doctor_probe.c - see doctor_probe.h. */
#include "doctor_probe.h"

#include "../../reports/judge/judge.h"
#include "clock.h"
#include "plan.h"
#include "runner.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_MAX = 16, PAIRS_LEAST = 4, WINDOW_MS = 100 };

static const double probe_seconds = 5;

/* A capacity scenario of the race lane: it keeps the machine busy, as most do. */
static const struct scenario *choose(const struct scenario_list *list)
{
    const struct scenario *chosen = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct scenario *scenario = &list->items[i];
        if (strcmp(scenario->lane, "race") == 0 &&
            (chosen == NULL ||
             (strcmp(chosen->family, "cap") != 0 && strcmp(scenario->family, "cap") == 0)))
            chosen = scenario;
    }
    return chosen;
}

static int make_plan(struct plan *plan,
                     const struct registry *registry,
                     const struct scenario_list *list,
                     const struct scenario *scenario)
{
    struct names only = {0}, filter = {0};
    const struct contestant *baseline = registry_find(registry, "mutex");
    char *cell = text_format("race/%s", scenario->name);
    names_add(&only, (baseline != NULL ? baseline : &registry->items[0])->name);
    names_add(&filter, cell);
    struct plan_wish wish = {.preset = &preset_duel,
                             .registry = registry,
                             .scenarios = list,
                             .only = &only,
                             .filter = &filter};
    int rc = plan_make(plan, &wish);
    if (rc == 0 && (rc = plan_hash_binaries(plan)) != 0)
        plan_free(plan);
    free(cell);
    names_free(&only);
    names_free(&filter);
    return rc;
}

/* One run. Returns its cost, or NAN and why in *why. */
static double cost_of_run(const struct plan *plan, uint64_t seed, char **why)
{
    struct run_request request = {.plan = plan, .seed = seed, .window_ms = WINDOW_MS};
    struct run_outcome outcome;
    if (runner_run(&request, &outcome) != 0) {
        *why = text_copy("a run could not be started");
        return NAN;
    }
    double cost = outcome.status == RUN_OK ? outcome.cost : NAN;
    if (isnan(cost))
        *why = text_format("%s: %s", outcome.command, outcome.reason);
    runner_free(&outcome);
    return cost;
}

static void run_pairs(struct doctor_probe *probe, const struct plan *plan)
{
    double d[PAIRS_MAX], scratch[PAIRS_MAX];
    double began_s = clock_seconds();
    while (probe->pairs < PAIRS_MAX && probe->why_not == NULL &&
           (probe->pairs < PAIRS_LEAST || clock_seconds() - began_s < probe_seconds)) {
        double first = cost_of_run(plan, 2 * probe->pairs + 1, &probe->why_not);
        double second =
            isnan(first) ? NAN : cost_of_run(plan, 2 * probe->pairs + 2, &probe->why_not);
        if (!isnan(second))
            d[probe->pairs++] = log(first) - log(second);
    }
    probe->spread = judge_spread(d, probe->pairs, scratch);
}

void doctor_probe_run(struct doctor_probe *probe, const struct registry *registry)
{
    struct scenario_list list;
    struct plan plan;
    *probe = (struct doctor_probe){.spread = NAN};
    if (scenario_load(&list, registry) != 0) {
        probe->why_not = text_copy("the scenarios cannot be read");
        return;
    }
    const struct scenario *scenario = choose(&list);
    if (scenario == NULL || make_plan(&plan, registry, &list, scenario) != 0) {
        probe->why_not = text_copy("there is no scenario in the race lane");
    } else {
        probe->what =
            text_format("%s in %s %s", plan.entries[0].name, scenario->name, plan.cells[0].point);
        run_pairs(probe, &plan);
        plan_free(&plan);
    }
    scenario_free(&list);
}

void doctor_probe_free(struct doctor_probe *probe)
{
    free(probe->what);
    free(probe->why_not);
    *probe = (struct doctor_probe){.spread = NAN};
}
