/* SPDX-License-Identifier: MIT */
/*
 * command_prices.c - `velo prices`: what single decisions cost one contestant.
 *
 * A tournament of the contestant against itself with one option changed at a time; everything that
 * holds of a tournament holds of it: plan, journal, redo, resume, verify.
 */
#include "../race/variants.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "finish.h"
#include "json.h"
#include "launch.h"
#include "registry.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first of the default standing of reports/latest, without its variant; NULL if there is none.
 */
static char *first_of_latest(void)
{
    if (access(RUN_FOLDER_LATEST "/verdict.json", R_OK) != 0)
        return NULL;
    json_t *verdict = finish_load_verdict(RUN_FOLDER_LATEST);
    const json_t *standings = json_object_get(verdict, "standings");
    const json_t *last = json_array_get(standings, json_array_size(standings) - 1);
    const json_t *first = json_array_get(json_object_get(last, "order"), 0);
    const char *name = json_text(first, "contestant", "");
    char *chosen = *name != '\0' ? text_format("%.*s", (int)strcspn(name, ":"), name) : NULL;
    json_decref(verdict);
    return chosen;
}

/* Linked ones only if they were built: what a contestant has anyway is not. */
static bool is_there(const char *build, const char *contestant, const struct variant *variant)
{
    if (!variant->linked)
        return true;
    char *dir = text_format("%s/%s", build, contestant);
    struct contestant linked = registry_linked(&(struct contestant){.dir = dir}, variant->name);
    char *program = contestant_program(&linked, "race");
    bool there = program != NULL;
    free(program);
    free(linked.dir);
    free(dir);
    return there;
}

static void
enter(struct names *only, const char *build, const char *contestant, const char *decisions)
{
    struct names wanted = {0};
    names_split(&wanted, decisions);
    for (size_t i = 0; decisions[0] == '\0' && i < variant_count; i++)
        if (is_there(build, contestant, &variant_table[i]))
            names_add(&wanted, variant_table[i].name);
    names_add(only, contestant);
    for (size_t i = 0; i < wanted.count; i++) {
        char *name = text_format("%s:%s", contestant, wanted.items[i]);
        names_add(only, name);
        free(name);
    }
    names_free(&wanted);
}

int command_prices(int argc, char **argv)
{
    const char *contestant = NULL, *decisions = "", *scenarios = "", *seed = NULL, *budget = NULL;
    const char *extra = "", *out = NULL;
    const char *force = "";
    bool dry = false, anyway = false;
    const struct args_option options[] = {
        {"contestant", "NAME", "whose; otherwise the first in reports/latest", &contestant, NULL},
        {"decisions", "A,B", "which, as velo list names them; otherwise all", &decisions, NULL},
        {"scenarios", "X,Y", "these scenarios; otherwise the core set", &scenarios, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"budget", "TIME", "all in all; otherwise 9m", &budget, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"out", "DIR", "where run folders are made; otherwise reports/runs", &out, NULL},
        {"dry-run", NULL, "show the plan and what it costs, and stop", NULL, &dry},
        LAUNCH_FORCE_OPTIONS(&force, &anyway),
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "prices",
        .summary = "what single decisions cost: a contestant against itself, one option changed",
        .options = options,
        .notes = "Go on with an interrupted one by velo tournament --resume RUN.\n"
                 "Example: velo prices --contestant fastpath --decisions nospin,metrics\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct tournament_request request = {
        .preset = &preset_prices, .dry_run = dry, .anyway = anyway};
    if (!launch_seed(seed, &request) || !launch_budget(budget, &request.budget_s))
        return EXIT_USAGE;
    struct project project;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    char *chosen = contestant != NULL ? text_copy(contestant) : first_of_latest();
    bool named = chosen != NULL && strchr(chosen, ':') == NULL;
    if (named)
        enter(&request.only, project.build, chosen, decisions);
    project_close(&project);
    if (!named) {
        say_error("prices: %s; name a contestant with --contestant (velo list names them)",
                  chosen == NULL ? "there is no report yet to take the first of"
                                 : "a variant cannot be raced against its own variants");
        free(chosen);
        return EXIT_USAGE;
    }
    names_split(&request.filter, scenarios);
    names_split(&request.extra, extra);
    names_split(&request.force, force);
    int status = launch_tournament(&request, NULL, out);
    free(chosen);
    return status;
}
