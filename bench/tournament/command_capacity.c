/* SPDX-License-Identifier: MIT */
/* command_capacity.c - `velo capacity`: the highest rate at which the p99 stays below a limit. */
#include "args.h"
#include "capacity_run.h"
#include "commands.h"
#include "exit_code.h"
#include "json.h"
#include "launch.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUDGET_S = 180, WINDOW_MS = 300 };

/* "1ms", "250us", "0.5s", "80000ns". */
static bool take_limit(const char *text, double *limit_ns)
{
    static const struct {
        const char *suffix;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    char *end = NULL;
    *limit_ns = strtod(text, &end);
    for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(end, units[i].suffix) == 0) {
            *limit_ns *= units[i].ns;
            if (isfinite(*limit_ns) && *limit_ns >= 1e3 && *limit_ns <= 1e10)
                return true;
        }
    say_error("--p99 '%s': need a time from 1us to 10s with its unit, such as 1ms or 250us", text);
    return false;
}

/* Takes over what the plan of an earlier start says. [plan] owns the strings. */
static int take_plan(struct capacity_request *request, const char *resume, json_t **plan)
{
    char *path = text_format("%s/plan.json", resume);
    json_error_t error;
    *plan = json_load_file(path, 0, &error);
    if (*plan == NULL || strcmp(json_text(*plan, "kind", ""), "capacity") != 0) {
        say_error("%s: %s; --resume takes an id below " CAPACITY_BASE " or such a folder",
                  path,
                  *plan == NULL ? error.text : "not the plan of a capacity search");
        free(path);
        return -1;
    }
    free(path);
    size_t index;
    const json_t *entry;
    request->scenario = json_text(*plan, "scenario", "");
    request->limit_ns = json_double(*plan, "limit_ns", 0);
    request->precision = json_double(*plan, "precision", 0);
    request->window_ms = (unsigned)json_int(*plan, "window_ms", 0);
    request->seed = strtoull(json_text(*plan, "seed", "0"), NULL, 10);
    json_array_foreach(json_object_get(*plan, "entries"), index, entry)
        names_add(&request->only, json_text(entry, "name", ""));
    return 0;
}

static int start(struct capacity_request *request, const char *resume)
{
    struct project project;
    json_t *plan = NULL;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    char *folder = NULL;
    if (resume != NULL)
        folder = strchr(resume, '/') != NULL ? project_user_path(&project, resume)
                                             : text_format(CAPACITY_BASE "/%s", resume);
    request->resume = folder;
    int status = EXIT_USAGE;
    if (folder == NULL || take_plan(request, folder, &plan) == 0)
        status = capacity_search(&project, request);
    free(folder);
    json_decref(plan);
    project_close(&project);
    return status;
}

int command_capacity(int argc, char **argv)
{
    const char *p99 = NULL, *impl = "", *scenario = "poisson", *seed = NULL, *budget = NULL;
    const char *precision = "20", *extra = "", *resume = NULL;
    const char *force = "";
    bool json = false, anyway = false;
    const struct args_option options[] = {
        {"p99", "TIME", "the limit, such as 1ms or 250us", &p99, NULL},
        {"impl", "A,B", "these contestants; otherwise all", &impl, NULL},
        {"scenario", "NAME", "poisson (default), metronome, mixed", &scenario, NULL},
        {"precision",
         "PERCENT",
         "stop when the interval is so wide; otherwise 20",
         &precision,
         NULL},
        {"budget", "TIME", "the search, without the gate; otherwise 3m", &budget, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"resume", "ID", "go on with a search that ended too early", &resume, NULL},
        {"json", NULL, "the result as JSON", NULL, &json},
        LAUNCH_FORCE_OPTIONS(&force, &anyway),
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "capacity",
        .summary = "the highest rate of arrivals at which the p99 latency stays below a limit",
        .options = options,
        .notes =
            "Example: velo capacity --p99 1ms --impl fastpath,mutex\n"
            "The doctor is asked first, and a block that others disturbed is done again, as in\n"
            "a tournament. All of it stands in " CAPACITY_BASE "/ID/, which --resume\n"
            "checks line by line. An estimate for each contestant and no verdict between\n"
            "them, so velo verify, report and history do not know of it.\n"
            "Exit status: 0 all found, 3 some interval is still wide, 4 somebody is out.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct tournament_request seeded = {0};
    struct capacity_request request = {
        .scenario = scenario, .budget_s = BUDGET_S, .window_ms = WINDOW_MS, .json = json};
    uint64_t percent = 0;
    if ((p99 == NULL) == (resume == NULL)) {
        say_error("capacity: give either --p99 TIME, such as --p99 1ms, or --resume ID");
        return EXIT_USAGE;
    }
    if ((p99 != NULL && !take_limit(p99, &request.limit_ns)) || !launch_seed(seed, &seeded) ||
        !launch_budget(budget, &seeded.budget_s) ||
        !args_number("precision", precision, 2, 400, &percent))
        return EXIT_USAGE;
    request.seed = seeded.seed;
    request.precision = (double)percent / 100;
    if (seeded.budget_s > 0)
        request.budget_s = seeded.budget_s;
    if (resume == NULL)
        names_split(&request.only, impl);
    names_split(&request.extra, extra);
    names_split(&request.force, force);
    request.anyway = anyway;
    int status = start(&request, resume);
    names_free(&request.only);
    names_free(&request.extra);
    names_free(&request.force);
    return status;
}
