/* SPDX-License-Identifier: MIT */
/* command_report.c - `velo report` and `velo select`: reading what a tournament left behind. */
#include "../../reports/render/verdict.h"
#include "../../reports/render/weights_file.h"
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
#include <stdlib.h>
#include <string.h>

/* The file of the option, against the cells of the run; NULL after a message. */
static json_t *
read_weights(const struct project *project, const struct run_dir *dir, const char *file)
{
    char why[1200];
    char *path = project_user_path(project, file);
    json_t *weights = NULL;
    if (weights_file_read(path, dir->in.cells, dir->in.cell_count, &weights, why, sizeof(why)) != 0)
        say_error("%s", why);
    free(path);
    const char *name = json_object_iter_key(json_object_iter(weights));
    if (name == NULL || json_object_get(json_object_get(dir->plan, "weights"), name) == NULL)
        return weights;
    say_error("%s: the plan of this run holds a profile \"%s\" already; its verdict stands in the "
              "report, or choose another name",
              file,
              name);
    json_decref(weights);
    return NULL;
}

static int open_run(const char *path, struct run_dir *dir)
{
    char why[1200];
    int rc = run_dir_read(path, RUN_DIR_TORN_OK, dir, why, sizeof(why));
    if (rc != 0)
        say_error("%s", why);
    return rc;
}

/* The weights become a file of the run folder, from which the verdict is made ever after. */
static int keep_weights(const struct project *project, const char *run_dir, const char *file)
{
    struct run_dir dir;
    if (open_run(run_dir, &dir) != 0)
        return EXIT_INTERNAL;
    json_t *weights = read_weights(project, &dir, file);
    int status = weights != NULL ? EXIT_DECIDED : EXIT_USAGE;
    char *path = text_format("%s/weights.json", run_dir);
    if (weights != NULL && json_write_file(weights, path) != 0)
        status = EXIT_INTERNAL;
    free(path);
    json_decref(weights);
    run_dir_fini(&dir);
    return status;
}

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
    const char *run = NULL, *weights = NULL;
    const struct args_option options[] = {
        {"weights",
         "FILE",
         "add a profile of your own; it is kept in the run folder",
         &weights,
         NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "report",
        .summary = "write verdict and report of a run again from its journal",
        .options = options,
        .operand = "RUN",
        .operand_text = &run,
        .notes =
            "RUN is an id below reports/runs or a folder; otherwise reports/latest. Weights given "
            "here came\n"
            "after the measurement, and the report says so; RUN/weights.json holds them until "
            "you delete it.\n",
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
        status = weights != NULL ? keep_weights(&project, folder.path, weights) : EXIT_DECIDED;
        if (status == EXIT_DECIDED)
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

/* Prints the name of [standing], if there is one. Returns the exit status. */
static int answer(const json_t *verdict, const json_t *standing, const char *run_dir)
{
    const bool distrusted = finish_is_distrusted(verdict);
    const char *name = distrusted ? NULL : chosen_name(standing);
    if (distrusted)
        fprintf(stderr, "%s\n", json_text(verdict, "sentence", ""));
    else
        fprintf(stderr,
                "%s: %s\n",
                json_text(standing, "profile", ""),
                json_text(standing, "sentence", ""));
    fprintf(stderr, "(from %s)\n", run_dir);
    if (distrusted)
        fprintf(stderr, "Nobody is named by such a run; find out what disturbed it: velo doctor\n");
    else if (name == NULL)
        explain_cost(verdict, standing);
    else
        printf("%s\n", name);
    return name != NULL ? EXIT_DECIDED : EXIT_UNDECIDED;
}

/* Looks the profile up in [verdict], which it takes. */
static int choose(json_t *verdict, const char *run_dir, const char *profile)
{
    if (verdict == NULL)
        return EXIT_INTERNAL;
    struct names known = {0};
    const json_t *standing = find_standing(verdict, profile, &known);
    int status = EXIT_USAGE;
    if (standing == NULL)
        names_complain(&known, "profile", profile);
    else
        status = answer(verdict, standing, run_dir);
    names_free(&known);
    json_decref(verdict);
    return status;
}

/* By a file of weights: judged on the spot, and nothing is written. */
static int choose_by_file(const struct project *project, const char *run_dir, const char *file)
{
    struct run_dir dir;
    char why[1200];
    json_t *verdict = NULL;
    int status = EXIT_USAGE;
    if (open_run(run_dir, &dir) != 0)
        return EXIT_INTERNAL;
    json_t *weights = read_weights(project, &dir, file);
    if (weights != NULL) {
        json_decref(dir.weights);
        dir.weights = weights;
        if (verdict_build(&dir, &verdict, why, sizeof(why)) != 0)
            say_error("%s", why);
        status = choose(verdict, run_dir, json_object_iter_key(json_object_iter(weights)));
    }
    run_dir_fini(&dir);
    return status;
}

int command_select(int argc, char **argv)
{
    const char *run = NULL, *profile = NULL, *weights = NULL;
    const struct args_option options[] = {
        {"for",
         "PROFILE",
         "latency, throughput, efficiency, balanced, or your own",
         &profile,
         NULL},
        {"weights", "FILE", "by a profile of your own instead; nothing is written", &weights, NULL},
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
                 "decide; what deciding would cost is said. Also 3, and no name: a run that told "
                 "identical\n"
                 "code apart. RUN: otherwise reports/latest.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if ((profile == NULL) == (weights == NULL)) {
        say_error("select: give either --for latency, throughput, efficiency or balanced, or "
                  "--weights FILE");
        return EXIT_USAGE;
    }
    struct project project;
    struct run_folder folder;
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    int status = EXIT_USAGE;
    if (run_folder_find(&folder, &project, run) == 0) {
        status = weights != NULL ? choose_by_file(&project, folder.path, weights)
                                 : choose(finish_load_verdict(folder.path), folder.path, profile);
        run_folder_free(&folder);
    }
    project_close(&project);
    return status;
}
