/* SPDX-License-Identifier: MIT */
/*
 * command_targets.c - `velo targets`: how far the project is from its targets, on this machine.
 *
 * A tournament in just the cells that the targets are asked in, each with those whom a target asks
 * for there; nobody leaves; and then the answers (reports/targets/). Everything that holds of a
 * tournament holds of it: plan, journal, redo, resume, verify. Any other run can be asked too, as
 * far as its cells go.
 */
#include "../../reports/targets/targets.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "launch.h"
#include "run_folder.h"
#include "table.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The fast path switched off: what parks in epoll although it need not. */
static const char *const variants[] = {"fastpath:disabled"};

static void add_cell(struct names *cells, const struct target *t, const char *point)
{
    char *key = text_format("%s/%s/%s", t->lane, t->scenario, point);
    if (!names_has(cells, key))
        names_add(cells, key);
    free(key);
}

static void add_cells(struct names *cells)
{
    for (size_t i = 0; i < target_count; i++) {
        const struct target *t = &target_table[i];
        if (t->scenario == NULL)
            continue;
        add_cell(cells, t, t->point);
        if (t->against == AGAINST_POINT)
            add_cell(cells, t, t->other);
    }
}

/* Everybody who is built, and the variants that are asked about. Returns false after a message. */
static bool add_everybody(struct names *only, const struct names *extra)
{
    struct project project;
    struct registry registry = {0};
    if (project_open(&project) != 0)
        return false;
    bool good = registry_load(&registry, &project, extra) == 0;
    for (size_t i = 0; good && i < registry.count; i++) {
        names_add(only, registry.items[i].name);
        for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
            const size_t length = strcspn(variants[v], ":");
            if (strlen(registry.items[i].name) == length &&
                strncmp(registry.items[i].name, variants[v], length) == 0)
                names_add(only, variants[v]);
        }
    }
    registry_free(&registry);
    project_close(&project);
    return good;
}

/* Cells are dear: each is raced by those alone whom a target asks for. */
static const char *not_asked(const struct plan_cell *cell, const struct plan_entry *entry)
{
    const struct target_cell asked = {
        .lane = cell->lane, .scenario = cell->scenario, .point = cell->point};
    char *name = text_format("%s%s%s",
                             entry->contestant,
                             entry->variant[0] != '\0' ? ":" : "",
                             entry->variant); /* a twin is asked for as its original */
    const bool needed = targets_ask_for(&asked, name, entry->kind);
    free(name);
    return needed ? NULL : TARGETS_NOT_ASKED;
}

/* 0: all met; 7: something is missed, and that is proven; else 3. */
static int status_of(const struct target_results *results)
{
    const enum target_word worst = targets_worst(results);
    if (worst == TARGET_MET)
        return EXIT_DECIDED;
    return worst == TARGET_MISSED ? EXIT_SLOWER : EXIT_UNDECIDED;
}

static int answer(const char *folder, bool as_json)
{
    char why[1024], *path = text_format("%s/targets.json", folder);
    struct target_results results;
    int status = EXIT_INTERNAL;
    if (targets_write(folder, &results, why, sizeof(why)) != 0) {
        say_error("targets: %s", why);
    } else {
        json_t *json = json_load_file(path, 0, NULL);
        if (as_json)
            table_json(json);
        else
            targets_print(stdout, json);
        if (!as_json)
            printf("written: %s/targets.json, targets.txt\n", folder);
        status = status_of(&results);
        json_decref(json);
        targets_free(&results);
    }
    free(path);
    return status;
}

static int answer_for(const char *wanted, bool as_json)
{
    struct project project;
    struct run_folder folder = {0};
    int status = EXIT_USAGE;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    if (run_folder_find(&folder, &project, wanted) == 0)
        status = answer(folder.path, as_json);
    run_folder_free(&folder);
    project_close(&project);
    return status;
}

static void announce(const struct tournament_request *request)
{
    const unsigned most_s = request->budget_s > 0 ? request->budget_s : request->preset->budget_s;
    fprintf(stderr,
            "targets: %zu questions in at most %zu cells, by %zu contestants; at most %u min "
            "(--budget).\nCtrl-C ends it after the block under way: answers from what is there, "
            "and how to go on.\n",
            target_count,
            request->cells.count,
            request->only.count,
            (most_s + 59) / 60);
}

/* Is there a plan, so that there is something to answer from? */
static bool has_plan(const char *folder)
{
    char *path = text_format("%s/plan.json", folder);
    const bool there = access(path, R_OK) == 0;
    free(path);
    return there;
}

static int
measure(struct tournament_request *request, const char *resume, const char *out, bool as_json)
{
    char *folder = NULL;
    const bool dry = request->dry_run;
    request->folder = &folder;
    int status = launch_tournament(request, resume, out);
    const bool stopped = status == EXIT_INTERRUPTED;
    const bool ended =
        status == EXIT_DECIDED || status == EXIT_UNDECIDED || status == EXIT_DISQUALIFIED;
    if ((ended || stopped) && !dry && folder != NULL && has_plan(folder)) {
        printf("\n");
        const int answered = answer(folder, as_json);
        status = stopped ? EXIT_INTERRUPTED : answered;
    }
    free(folder);
    return status;
}

int command_targets(int argc, char **argv)
{
    const char *run = NULL, *resume = NULL, *only = "", *seed = NULL, *budget = NULL, *extra = "",
               *out = NULL;
    const char *force = "";
    bool dry = false, anyway = false, json = false;
    const struct args_option options[] = {
        {"run", "RUN", "ask this run (its id or folder), measure nothing", &run, NULL},
        {"resume", "RUN", "go on with this run (its id or folder)", &resume, NULL},
        {"only", "A,B", "these contestants; otherwise all, and fastpath:disabled", &only, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"budget", "TIME", "all in all; otherwise 20m", &budget, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"out", "DIR", "where run folders are made; otherwise reports/runs", &out, NULL},
        {"json", NULL, "the answers as JSON", NULL, &json},
        {"dry-run", NULL, "show the plan and what it costs, and stop", NULL, &dry},
        LAUNCH_FORCE_OPTIONS(&force, &anyway),
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "targets",
        .summary = "the targets of the project: measured, met or not, and why",
        .options = options,
        .notes = "Exit status: 0 all met, 7 one is missed and that is proven, 130 stopped (go on "
                 "with\n--resume), 3 anything else.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (run != NULL)
        return answer_for(run, json);
    if (resume != NULL &&
        (only[0] != '\0' || seed != NULL || extra[0] != '\0' || out != NULL || dry)) {
        say_error("targets: --resume goes on with the plan as it is; only --budget, --force and "
                  "--anyway can be given with it");
        return EXIT_USAGE;
    }
    struct tournament_request request = {
        .preset = &preset_targets, .dry_run = dry, .anyway = anyway, .excuse = not_asked};
    if (!launch_seed(seed, &request) || !launch_budget(budget, &request.budget_s))
        return EXIT_USAGE;
    names_split(&request.extra, extra);
    names_split(&request.only, only);
    names_split(&request.force, force);
    if (resume == NULL) {
        if (request.only.count == 0 && !add_everybody(&request.only, &request.extra))
            return EXIT_INTERNAL;
        add_cells(&request.cells);
        if (!dry)
            announce(&request);
    }
    return measure(&request, resume, out, json);
}
