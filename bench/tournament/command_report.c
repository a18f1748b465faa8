/* SPDX-License-Identifier: MIT */
/* command_report.c - `velo report` and `velo select`: reading what a tournament left behind. */
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "finish.h"
#include "json.h"
#include "names.h"
#include "project.h"
#include "run_folder.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int rewrite(const char *run_dir)
{
    bool verdict_written;
    int failed = finish_pages(run_dir, &verdict_written);
    json_t *verdict = verdict_written ? finish_load_verdict(run_dir) : NULL;
    if (verdict != NULL)
        finish_show(verdict, run_dir);
    json_decref(verdict);
    return failed != 0 ? EXIT_INTERNAL : EXIT_DECIDED;
}

int command_report(int argc, char **argv)
{
    const char *run = NULL;
    const struct args_option options[] = {{NULL, NULL, NULL, NULL, NULL}};
    const struct args_command command = {
        .name = "report",
        .summary = "write verdict and report of a run again from its journal",
        .options = options,
        .operand = "RUN",
        .operand_text = &run,
        .notes = "RUN is an id below reports/runs or a folder; otherwise reports/latest.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    struct run_folder folder;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = EXIT_USAGE;
    if (run_folder_find(&folder, &project, run) == 0) {
        status = rewrite(folder.path);
        run_folder_free(&folder);
    }
    project_close(&project);
    return status;
}

/* ---- select ---- */

static const json_t *find_standing(const json_t *verdict, const char *profile, struct names *known)
{
    const json_t *found = NULL;
    size_t index;
    const json_t *standing;
    json_array_foreach(json_object_get(verdict, "standings"), index, standing)
    {
        names_add(known, json_text(standing, "profile", ""));
        if (strcmp(json_text(standing, "profile", ""), profile) == 0)
            found = standing;
    }
    return found;
}

static void explain_cost(const json_t *verdict, const json_t *standing)
{
    double minutes = json_double(standing, "further_minutes", NAN);
    const json_t *run = json_object_get(verdict, "run");
    const char *id = json_text(run, "id", "RUN");
    if (strcmp(json_text(run, "preset", ""), "smoke") == 0)
        fprintf(stderr, "A smoke run only checks the pipeline; to decide: velo tournament\n");
    else if (isfinite(minutes) && minutes > 0)
        fprintf(stderr,
                "To decide it, expect about %.0f more minutes: velo tournament --resume %s "
                "--budget %.0fm\n",
                ceil(minutes),
                id,
                ceil(minutes * 1.25));
    else
        fprintf(stderr,
                "More blocks would hardly decide it; a larger tournament may: velo tournament "
                "--preset thorough\n");
}

/* A tie has no winner, but the user needs one loop: the first of those that cannot be told apart.
 */
static const char *chosen_name(const json_t *standing)
{
    const json_t *winner = json_object_get(standing, "winner");
    if (json_is_string(winner))
        return json_string_value(winner);
    if (!json_bool(standing, "tie", false))
        return NULL;
    const json_t *first = json_array_get(json_object_get(standing, "order"), 0);
    return json_bool(first, "eligible", false) ? json_text(first, "contestant", NULL) : NULL;
}

static int choose(const char *run_dir, const char *profile)
{
    json_t *verdict = finish_load_verdict(run_dir);
    if (verdict == NULL)
        return EXIT_INTERNAL;
    struct names known = {0};
    const json_t *standing = find_standing(verdict, profile, &known);
    int status = EXIT_USAGE;
    if (standing == NULL) {
        names_complain(&known, "profile", profile);
    } else {
        const char *name = chosen_name(standing);
        fprintf(stderr, "%s: %s\n", profile, json_text(standing, "sentence", ""));
        fprintf(stderr, "(from %s)\n", run_dir);
        if (name != NULL)
            printf("%s\n", name);
        else
            explain_cost(verdict, standing);
        status = name != NULL ? EXIT_DECIDED : EXIT_UNDECIDED;
    }
    names_free(&known);
    json_decref(verdict);
    return status;
}

int command_select(int argc, char **argv)
{
    const char *run = NULL, *profile = NULL;
    const struct args_option options[] = {
        {"for", "PROFILE", "latency, throughput, efficiency or balanced", &profile, NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "select",
        .summary = "name the contestant to take for a profile, by the evidence of a run",
        .options = options,
        .operand = "RUN",
        .operand_text = &run,
        .notes = "The name is printed on stdout, the reason on stderr. Exit status 3: the evidence "
                 "does not\n"
                 "decide; what deciding would cost is said. RUN: otherwise reports/latest.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (profile == NULL) {
        say_error("select: --for is missing: latency, throughput, efficiency or balanced");
        return EXIT_USAGE;
    }
    struct project project;
    struct run_folder folder;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = EXIT_USAGE;
    if (run_folder_find(&folder, &project, run) == 0) {
        status = choose(folder.path, profile);
        run_folder_free(&folder);
    }
    project_close(&project);
    return status;
}
