/* SPDX-License-Identifier: MIT */
/*
 * velo.c - the command line: finds the command and hands over. What commands do stands in
 * bench/tournament/.
 */
#include "tournament/commands.h"
#include "tournament/exit_code.h"
#include "tournament/names.h"
#include "tournament/text.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"tournament", "race all contestants, judge them, write the report", command_tournament},
    {"race", "a duel: two contestants in one scenario", command_race},
    {"conformance", "the matrix clause x contestant", command_conformance},
    {"capacity", "the highest rate at which the p99 stays below a limit", command_capacity},
    {"prices", "what single decisions cost: a contestant against its variants", command_prices},
    {"targets", "the targets of the project: measured, met or not, and why", command_targets},
    {"report", "write verdict and report of a run again", command_report},
    {"select", "name the contestant to take for a profile", command_select},
    {"verify", "recompute a run from its raw lines and say whether all agrees", command_verify},
    {"selfcheck",
     "the tournament tested on itself: identical code, known slowdowns, faults",
     command_selfcheck},
    {"doctor", "what is wrong with this machine for measuring", command_doctor},
    {"limits", "calibrate: what this machine can do at best", command_limits},
    {"list", "contestants, capabilities, scenarios", command_list},
    {"history", "all runs, or how a cell went over commits and machines", command_history},
    {"compare", "two runs side by side: what differs, what contradicts", command_compare},
    {"merge", "several runs of one shape as one, with all their blocks", command_merge},
    {"gate", "is something here slower than it was at another commit?", command_gate},
    {"export", "the rows of a run for other programs: csv, benchstat", command_export},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *file)
{
    fprintf(file, "velo - a tournament for event loops\n\nUsage: velo COMMAND [options]\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  %-13s %s\n", commands[i].name, commands[i].summary);
    fprintf(file, "\nvelo COMMAND --help tells the options of a command.\n");
}

static int unknown_command(const char *name)
{
    struct names known = {0};
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names_add(&known, commands[i].name);
    names_complain(&known, "command", name);
    names_free(&known);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DECIDED;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown_command(argv[1]);
}
