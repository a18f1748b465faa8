/* SPDX-License-Identifier: MIT */
/*
 * part_mutants.c - contestants with one fault each (bench/tournament/faulty): the gate must refuse
 * them and the race must disqualify them, for the reason that is expected.
 *
 * The gate asks only the one case of the suite that each fault is for; that the whole suite notices
 * far smaller faults is what `make mutants` shows. A fault without an expected word of the race is
 * one that costs, and loses nothing: who leaks or spins only gets slow numbers there.
 */
#include "selfcheck.h"

#include "../tournament/gate.h"
#include "../tournament/plan.h"
#include "../tournament/runner.h"
#include "../tournament/text.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A lost task is noticed after five seconds; who hangs need not have so long. */
enum { WINDOW_MS = 20, RUN_LIMIT_MS = 10000, HANG_LIMIT_MS = 2000, CASE_LIMIT_S = 3 };

#define ORDER "eight_producers_keep_their_order"

static const struct mutant {
    const char *name;
    const char *test; /* the case of the suite, */
    const char *gate; /* what the gate must say, and */
    const char
        *race; /* what the race says of its own work; NULL = nothing. Patterns of fnmatch(3) */
} mutants[] = {
    {"lose", ORDER, "*clause S3 *, expected *", "*lost 1 of*"},
    {"twice", ORDER, "*clause S3 *, expected *", "*out of order*"},
    {"reorder", ORDER, "*clause S3 *, expected *", "*out of order*"},
    {"late", ORDER, "*clause S3 *, expected *", "*out of order*"},
    {"lost-wake", "one_submit_per_sleep_is_never_lost", "*clause S8 *hangs*", NULL},
    {"leak", "memory_returns_after_a_burst", "*clause S1 *heap: *", NULL},
    {"idle-spin", "an_idle_loop_costs_nothing", "*clause S8 *not within the range*", NULL},
    {"abort", ORDER, "*clause S3 *killed by SIGABRT*", "crashed: signal 6*"},
    {"hang", ORDER, "*clause S3 *hangs*", "hung: killed after*"},
};

enum { MUTANTS = sizeof(mutants) / sizeof(mutants[0]) };

static int find_mutants(const struct selfcheck *check, struct registry *registry)
{
    *registry = (struct registry){.items = text_alloc(MUTANTS * sizeof(*registry->items))};
    for (size_t i = 0; i < MUTANTS; i++) {
        char *dir = text_format("%s/faulty/%s", check->project->build, mutants[i].name);
        char *suite = text_format("%s/conformance", dir);
        if (access(suite, X_OK) == 0)
            registry->items[registry->count++] =
                (struct contestant){.name = text_copy(mutants[i].name), .dir = text_copy(dir)};
        free(suite);
        free(dir);
    }
    return (int)registry->count;
}

/* ---- the race ---- */

/* A plan with one cell, producers, and every mutant as an entry. */
static int plan_race(struct selfcheck *check,
                     const struct registry *registry,
                     struct preset *preset,
                     struct plan *plan)
{
    struct names none = {0}, filter = {0};
    names_add(&filter, "race/producers");
    *preset = (struct preset){.name = "selfcheck",
                              .summary = "",
                              .budget_s = 60,
                              .window_ms = WINDOW_MS,
                              .window_least_ms = WINDOW_MS,
                              .timeout_ms = RUN_LIMIT_MS,
                              .blocks_common = 1,
                              .blocks_max = 1,
                              .margin = 0.05,
                              .first_point_only = true};
    struct plan_wish wish = {.preset = preset,
                             .registry = registry,
                             .scenarios = &check->scenarios,
                             .only = &none,
                             .filter = &filter,
                             .seed = check->seed,
                             .seed_given = true};
    int rc = plan_make(plan, &wish);
    if (rc == 0)
        rc = plan_hash_binaries(plan);
    names_free(&filter);
    return rc;
}

/* What the race says of one mutant; "" when it finds nothing wrong. The caller frees. */
static int
run_race(struct selfcheck *check, const struct plan *plan, const char *name, char **reason)
{
    struct run_request request = {
        .plan = plan,
        .cell = 0,
        .entry = (size_t)plan_find_entry(plan, name),
        .seed = check->seed >> 16,
        .interrupt = &check->interrupt,
    };
    struct run_outcome outcome;
    int rc = runner_run(&request, &outcome);
    if (rc != 0)
        return rc;
    rc = outcome.status == RUN_INTERRUPTED ? -EINTR : 0;
    *reason = text_copy(outcome.reason);
    runner_free(&outcome);
    return rc;
}

/* ---- both ---- */

static bool is_as_expected(const char *pattern, const char *said)
{
    return pattern == NULL || fnmatch(pattern, said, 0) == 0;
}

static void say(struct selfcheck *check,
                const struct mutant *mutant,
                const struct gate_sheet *sheet,
                const char *race)
{
    const char *gate = sheet != NULL ? sheet->reason : "";
    bool refused = is_as_expected(mutant->gate, gate);
    bool disqualified = is_as_expected(mutant->race, race);
    finding_add(check,
                refused && disqualified ? FINDING_PASS : FINDING_FAIL,
                "",
                "%s: the gate says '%s'%s; the race says '%s'%s",
                mutant->name,
                gate,
                refused ? "" : " (expected otherwise)",
                race,
                disqualified ? "" : " (expected otherwise)");
}

static int examine(struct selfcheck *check, const struct registry *registry, struct gate *gate)
{
    struct preset preset;
    struct plan plan = {0};
    int rc = plan_race(check, registry, &preset, &plan);
    for (size_t i = 0; rc == 0 && i < MUTANTS; i++) {
        char *race = NULL;
        if (registry_find(registry, mutants[i].name) == NULL)
            continue;
        selfcheck_step(check, i + 1, MUTANTS + 1, mutants[i].name);
        plan.cells[0].timeout_ms =
            strcmp(mutants[i].name, "hang") == 0 ? HANG_LIMIT_MS : RUN_LIMIT_MS;
        rc = run_race(check, &plan, mutants[i].name, &race);
        if (rc == 0)
            say(check, &mutants[i], gate_failure(gate, mutants[i].name), race);
        free(race);
    }
    plan_free(&plan);
    return rc;
}

int part_mutants(struct selfcheck *check)
{
    struct registry registry;
    struct gate gate = {0};
    int rc = selfcheck_load(check);
    if (rc != 0)
        return rc;
    int found = find_mutants(check, &registry);
    if (found < MUTANTS)
        finding_add(check,
                    FINDING_NOT_RUN,
                    "",
                    "%d of %d mutants are not built in %s/faulty; make faulty builds them",
                    MUTANTS - found,
                    MUTANTS,
                    check->project->build);
    for (size_t i = 0; i < MUTANTS; i++)
        if (registry_find(&registry, mutants[i].name) != NULL)
            gate_add_case(&gate, mutants[i].name, mutants[i].test, CASE_LIMIT_S);
    selfcheck_step(check, 0, MUTANTS + 1, "the gate");
    rc = gate_run(&gate, &registry, &check->interrupt, NULL, NULL);
    if (rc == 0 && gate.interrupted)
        rc = -EINTR;
    if (rc == 0 && found > 0)
        rc = examine(check, &registry, &gate);
    gate_free(&gate);
    registry_free(&registry);
    return rc;
}
