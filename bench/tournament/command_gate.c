/* SPDX-License-Identifier: MIT */
/*
 * command_gate.c - `velo gate --against REF`: is something here slower than it was there?
 *
 * Each contestant races itself as it was, in a tournament of its own, so that nobody else can put
 * it out of a cell early. Same machine code is not raced at all. The level is shared: with N
 * questions (cells times contestants) each is asked at alpha/N, so that identical code is called
 * slower anywhere with a chance of at most alpha.
 */
#include "against.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "launch.h"
#include "text.h"
#include "tournament.h"
#include "worktree.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct gatekeeper {
    struct project project;
    struct worktree there;
    struct names contestants; /* that stand in both */
    struct names raced;
    const char *scenarios;
    struct tournament_request seeded; /* the seed of every race, and whether it was given */
    unsigned budget_s;                /* of all; 0 = the preset's for each */
    unsigned share_s;                 /* of one race; likewise */
    bool own_harness;
    struct against outcome;
};

/* ---- who races ---- */

/* The contestants of here are the folders of impls/, built or not yet. */
static int list_here(struct names *here)
{
    struct dirent **entries;
    const int count = scandir("impls", &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = text_format("impls/%s", entries[i]->d_name);
        struct stat status;
        if (entries[i]->d_name[0] != '.' && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
            names_add(here, entries[i]->d_name);
        free(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (here->count == 0)
        say_error("gate: there is no contestant below impls/");
    return here->count > 0 ? 0 : -ENOENT;
}

/* Takes [name] if the commit has it too. */
static void choose_one(struct gatekeeper *g, const char *name)
{
    if (worktree_has(&g->there, name))
        names_add(&g->contestants, name);
    else
        printf("gate: %s is new: at %s there is nothing to race it against\n", name, g->there.name);
}

static int choose_from(struct gatekeeper *g, const struct names *here, const struct names *only)
{
    for (size_t i = 0; i < only->count; i++)
        if (!names_has(here, only->items[i])) {
            names_complain(here, "contestant", only->items[i]);
            return EXIT_USAGE;
        }
    for (size_t i = 0; i < here->count; i++)
        if (only->count == 0 || names_has(only, here->items[i]))
            choose_one(g, here->items[i]);
    if (g->contestants.count > 0)
        return EXIT_DECIDED;
    say_error("gate: no contestant of here stands at %s too", g->there.name);
    return EXIT_USAGE;
}

static int choose(struct gatekeeper *g, const struct names *only)
{
    struct names here = {0};
    int status = list_here(&here) == 0 ? choose_from(g, &here, only) : EXIT_USAGE;
    names_free(&here);
    return status;
}

static void tell_what(const struct gatekeeper *g)
{
    char *here = project_commit();
    char *list = names_join(&g->contestants);
    printf("gate: %s of the working tree (%s) against %s%s%s%s\n",
           list,
           here,
           g->there.name,
           strcmp(g->there.name, g->there.commit) == 0 ? "" : " (",
           strcmp(g->there.name, g->there.commit) == 0 ? "" : g->there.commit,
           strcmp(g->there.name, g->there.commit) == 0 ? "" : ")");
    printf("gate: seed %" PRIu64 "%s, of every race\n",
           g->seeded.seed,
           g->seeded.seed_given ? " (given)" : "");
    printf("gate: building both\n");
    fflush(stdout);
    free(list);
    free(here);
}

static int build(struct gatekeeper *g)
{
    struct interrupt interrupt;
    if (interrupt_init(&interrupt) != 0)
        return EXIT_INTERNAL;
    int rc = worktree_build(&g->there, &g->project, &g->contestants, g->own_harness, &interrupt);
    interrupt_release(&interrupt);
    if (rc == -EINTR)
        say_error("gate: stopped while building; nothing was measured, and nothing is left behind");
    return rc == 0 ? EXIT_DECIDED : rc == -EINTR ? EXIT_INTERRUPTED : EXIT_INTERNAL;
}

/* ---- one race ---- */

/* Only what came out is of interest here: SLOWER may well be undecided overall. */
static bool ran_through(int status)
{
    return status == EXIT_DECIDED || status == EXIT_UNDECIDED || status == EXIT_DISQUALIFIED;
}

static int race(struct gatekeeper *g, const char *contestant)
{
    char *folder = NULL;
    struct tournament_request request = {.preset = &preset_gate,
                                         .budget_s = g->share_s,
                                         .sharing = (unsigned)g->raced.count,
                                         .seed = g->seeded.seed,
                                         .seed_given = g->seeded.seed_given,
                                         .folder = &folder};
    char *there = text_format("%s@%s", contestant, g->there.name);
    char *dir = worktree_dir(&g->there, &g->project, contestant);
    names_add(&request.only, contestant);
    names_add(&request.only, there);
    names_add(&request.extra, dir);
    names_split(&request.filter, g->scenarios);
    printf("\n");
    int status = tournament_run(&g->project, &request);
    if (ran_through(status) && folder != NULL)
        status = against_read(&g->outcome, folder, contestant);
    names_free(&request.only);
    names_free(&request.extra);
    names_free(&request.filter);
    free(folder);
    free(dir);
    free(there);
    return status;
}

static void leave_out_same(struct gatekeeper *g)
{
    for (size_t i = 0; i < g->contestants.count; i++) {
        const char *name = g->contestants.items[i];
        if (worktree_same_code(&g->there, &g->project, name))
            printf("gate: %s is the same machine code as at %s: nothing to race\n",
                   name,
                   g->there.name);
        else
            names_add(&g->raced, name);
    }
}

/* 0 stands for the budget of the preset, so a small one that was given must not become it. */
static void divide_budget(struct gatekeeper *g)
{
    const unsigned share_s = g->budget_s / (unsigned)g->raced.count;
    const bool too_little = g->budget_s > 0 && share_s < LAUNCH_BUDGET_LEAST_S;
    g->share_s = too_little ? LAUNCH_BUDGET_LEAST_S : share_s;
    if (too_little)
        printf("gate: %u s are too little for %zu races: each gets %d s\n",
               g->budget_s,
               g->raced.count,
               LAUNCH_BUDGET_LEAST_S);
}

static int keep_gate(struct gatekeeper *g, const struct names *only)
{
    int status = choose(g, only);
    if (status != EXIT_DECIDED)
        return status;
    tell_what(g);
    status = build(g);
    if (status != EXIT_DECIDED)
        return status;
    leave_out_same(g);
    if (g->raced.count == 0) {
        printf("passed: nothing can be slower\n");
        return EXIT_DECIDED;
    }
    divide_budget(g);
    g->outcome = (struct against){.there = g->there.name, .rows = json_array()};
    for (size_t i = 0; status == EXIT_DECIDED && i < g->raced.count; i++)
        status = race(g, g->raced.items[i]);
    if (status == EXIT_DECIDED)
        status = against_answer(&g->outcome);
    return status;
}

static int open_and_keep(struct gatekeeper *g, const char *against, const struct names *only)
{
    int status = EXIT_INTERNAL;
    if (project_open(&g->project) != 0)
        return status;
    status = EXIT_USAGE;
    if (worktree_find(&g->there, &g->project, against) == 0)
        status = keep_gate(g, only);
    names_free(&g->contestants);
    names_free(&g->raced);
    against_free(&g->outcome);
    worktree_free(&g->there);
    project_close(&g->project);
    return status;
}

int command_gate(int argc, char **argv)
{
    struct gatekeeper g = {.scenarios = ""};
    const char *against = NULL, *only = "", *budget = NULL, *seed = NULL;
    const struct args_option options[] = {
        {"against",
         "REF",
         "a branch, a commit, or a run (the commit it was made at)",
         &against,
         NULL},
        {"only", "A,B", "these contestants; otherwise all that stand in both", &only, NULL},
        {"scenario",
         "X,Y",
         "these scenarios, or lanes; otherwise the core set",
         &g.scenarios,
         NULL},
        {"budget", "TIME", "for all of it; otherwise 6m for each contestant", &budget, NULL},
        {"seed", "N", "the seed; otherwise from the kernel", &seed, NULL},
        {"own-harness", NULL, "measure the other side by its own bench/", NULL, &g.own_harness},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "gate",
        .summary = "is something here slower than it was there?",
        .options = options,
        .notes = "Builds the contestants of REF in a worktree below build/ and races each against\n"
                 "the one of here, which is the working tree as it is, committed or not.\n\n"
                 "Exit status: 0 nothing is proven slower (what could not be seen is said),\n"
                 "7 something is slower, 4 a contestant of here is disqualified, 3 undecided: a\n"
                 "cell that ran there cannot run here, not every cell that can run was raced, or\n"
                 "identical code was told apart, 130 stopped, 2 usage, 1 internal error.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (against == NULL) {
        say_error("gate: --against is missing: a branch, a commit, or a run. See velo gate --help");
        return EXIT_USAGE;
    }
    if (!launch_budget(budget, &g.budget_s) || !launch_seed(seed, &g.seeded))
        return EXIT_USAGE;
    struct names wanted = {0};
    names_split(&wanted, only);
    int status = open_and_keep(&g, against, &wanted);
    names_free(&wanted);
    return status;
}
