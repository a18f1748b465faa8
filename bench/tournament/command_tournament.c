/* SPDX-License-Identifier: MIT */
/* command_tournament.c - `velo tournament` and `velo race`, which differ in what they ask for. */
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "launch.h"
#include "text.h"

#include <string.h>

static bool take_order(const char *given, enum schedule_design *order)
{
    if (schedule_design_parse(given, order))
        return true;
    struct names known = {0};
    for (int design = SCHEDULE_UNIFORM; design <= SCHEDULE_WILLIAMS; design++)
        names_add(&known, schedule_design_name((enum schedule_design)design));
    names_complain(&known, "order", given);
    names_free(&known);
    return false;
}

int command_tournament(int argc, char **argv)
{
    static const char default_preset[] = "standard";
    const char *preset = default_preset, *only = "", *scenarios = "", *seed = NULL, *budget = NULL;
    const char *resume = NULL, *extra = "", *out = NULL, *weights = NULL, *order = "uniform";
    const char *force = "";
    bool dry = false, anyway = false;
    const struct args_option options[] = {
        {"preset", "NAME", "smoke, standard (default) or thorough", &preset, NULL},
        {"only", "A,B", "these contestants; NAME:VARIANT as in velo list", &only, NULL},
        {"scenarios", "X,Y", "these scenarios, or lanes: race, micro, process", &scenarios, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"budget",
         "TIME",
         "all in all, such as 90s, 5m, 1h; otherwise the preset's",
         &budget,
         NULL},
        {"weights", "FILE", "a profile of your own, by which the verdict is then", &weights, NULL},
        {"order",
         "DESIGN",
         "uniform (default), or williams: balanced squares, each of which counts once",
         &order,
         NULL},
        {"resume", "RUN", "go on with this run (its id or folder)", &resume, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"out", "DIR", "where run folders are made; otherwise reports/runs", &out, NULL},
        {"dry-run", NULL, "show the plan, what it costs and what it can see, and stop", NULL, &dry},
        LAUNCH_FORCE_OPTIONS(&force, &anyway),
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "tournament",
        .summary = "race all contestants, judge them, write the report",
        .options = options,
        .notes = "Presets, with their time for three contestants; more take more:\n"
                 "  smoke      does everything work? names no winner (< 1 min)\n"
                 "  standard   the core scenarios; sees gaps of about 10 % (< 6 min)\n"
                 "  thorough   everything; sees gaps of about 4 % (~ 45 min)\n\n"
                 "Exit status: 0 decided, 3 not enough evidence, 4 a contestant was disqualified,\n"
                 "130 stopped (go on with --resume), 2 usage, 1 internal error.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct tournament_request request = {
        .preset = preset_find(preset), .dry_run = dry, .weights = weights, .anyway = anyway};
    if (request.preset == NULL || !launch_seed(seed, &request) ||
        !take_order(order, &request.order) || !launch_budget(budget, &request.budget_s))
        return EXIT_USAGE;
    if (resume != NULL && (preset != default_preset || only[0] != '\0' || scenarios[0] != '\0' ||
                           seed != NULL || extra[0] != '\0' || out != NULL || weights != NULL ||
                           dry || request.order != SCHEDULE_UNIFORM)) {
        say_error("tournament: --resume goes on with the plan as it is; only --budget, --force "
                  "and --anyway can be given with it");
        return EXIT_USAGE;
    }
    names_split(&request.only, only);
    names_split(&request.filter, scenarios);
    names_split(&request.extra, extra);
    names_split(&request.force, force);
    int status = launch_tournament(&request, resume, out);
    return status;
}

int command_race(int argc, char **argv)
{
    const char *impl = NULL, *vs = NULL, *scenario = NULL, *point = NULL, *seed = NULL,
               *budget = NULL;
    const char *extra = "", *out = NULL, *force = "";
    bool anyway = false;
    const struct args_option options[] = {
        {"impl", "A", "the one contestant; NAME:VARIANT as in velo list", &impl, NULL},
        {"vs", "B", "the other", &vs, NULL},
        {"scenario", "NAME", "in what; LANE/NAME if the name stands in two lanes", &scenario, NULL},
        {"point", "ID", "at which point; otherwise the first of the core set", &point, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"budget", "TIME", "all in all; otherwise 50s", &budget, NULL},
        {"extra", "DIR,..", "more contestants: directories with their programs", &extra, NULL},
        {"out", "DIR", "where run folders are made; otherwise reports/runs", &out, NULL},
        LAUNCH_FORCE_OPTIONS(&force, &anyway),
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "race",
        .summary = "a duel: two contestants in one scenario, with a verdict in under a minute",
        .options = options,
        .notes = "Example: velo race --impl chunked --vs mutex --scenario burst\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (impl == NULL || vs == NULL || scenario == NULL) {
        say_error("race: --%s is missing. See velo race --help",
                  impl == NULL ? "impl"
                  : vs == NULL ? "vs"
                               : "scenario");
        return EXIT_USAGE;
    }
    if (strcmp(impl, vs) == 0) {
        say_error("race: '%s' cannot race against itself (its twin does so in every tournament)",
                  impl);
        return EXIT_USAGE;
    }
    struct tournament_request request = {.preset = &preset_duel, .point = point, .anyway = anyway};
    if (!launch_seed(seed, &request) || !launch_budget(budget, &request.budget_s))
        return EXIT_USAGE;
    names_add(&request.only, impl);
    names_add(&request.only, vs);
    names_add(&request.filter, scenario);
    names_split(&request.extra, extra);
    names_split(&request.force, force);
    int status = launch_tournament(&request, NULL, out);
    return status;
}
