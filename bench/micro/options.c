/* SPDX-License-Identifier: MIT */
/* options.c - see options.h. */
#include "options.h"

#include "../race/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char micro_help[] =
    "usage: micro --case NAME[/POINT] [--seed N] [--window-ms N] [--variant V]\n"
    "       micro --list [--json]\n"
    "\n"
    "Measures one operation of the event loop that this program is linked with, once, and prints\n"
    "one line of JSON. `make tournament` calls it many times; a single run proves little.\n"
    "\n"
    "  --case NAME    what to measure; NAME/POINT, or --point, picks its setting\n"
    "  --point ID     for example n=1000; without it the first one\n"
    "  --seed N       of delays and orders (1)\n"
    "  --window-ms N  length of the measured window (300); warm-up comes before it\n"
    "  --variant V    one option of the loop changed; race --variants lists them\n"
    "  --list         all cases; with --json as the tournament reads them\n"
    "  --benchmark_*  flags of Google Benchmark, for example --benchmark_out=FILE\n"
    "  --help         this text\n"
    "\n"
    "Exit status: 0; 1 the run was wrong (the line says why); 2 usage.\n";

static bool parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        return false;
    *out = value;
    return value >= least && value <= most;
}

enum { OPT_CASE = 1, OPT_POINT, OPT_SEED, OPT_WINDOW, OPT_VARIANT, OPT_LIST, OPT_JSON, OPT_HELP };

static const struct option known[] = {
    {"case", required_argument, NULL, OPT_CASE},
    {"point", required_argument, NULL, OPT_POINT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"window-ms", required_argument, NULL, OPT_WINDOW},
    {"variant", required_argument, NULL, OPT_VARIANT},
    {"list", no_argument, NULL, OPT_LIST},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* One option; false if its value makes no sense, with what would in [error]. */
static bool take(struct micro_options *options, int option, char *error, size_t size)
{
    char names[256];
    switch (option) {
    case OPT_CASE:
        options->name = optarg;
        return true;
    case OPT_POINT:
        options->point = optarg;
        return true;
    case OPT_SEED:
        snprintf(error, size, "--seed %s: give a whole number from 0 to 2^64 - 1", optarg);
        return parse_number(optarg, 0, UINT64_MAX, &options->seed);
    case OPT_WINDOW:
        snprintf(error, size, "--window-ms %s: give a whole number from 1 to 600000", optarg);
        return parse_number(optarg, 1, WINDOW_MS_MAX, &options->window_ms);
    case OPT_VARIANT:
        snprintf(
            error, size, "--variant %s: choose %s", optarg, variant_names(names, sizeof names));
        return (options->variant = variant_find(optarg)) != NULL;
    case OPT_LIST:
        return options->list = true;
    case OPT_JSON:
        return options->json = true;
    default:
        return options->help = true;
    }
}

bool micro_options_parse(
    struct micro_options *options, int argc, char **argv, char *error, size_t size)
{
    *options = (struct micro_options){.seed = 1, .window_ms = WINDOW_MS_DEFAULT};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", known, NULL)) != -1;) {
        if (c == '?' || c == ':') {
            const char *problem = c == ':' ? "needs a value" : "is unknown";
            snprintf(error, size, "%s %s; try --help", argv[optind - 1], problem);
            return false;
        }
        if (!take(options, c, error, size))
            return false;
    }
    if (optind < argc)
        snprintf(error, size, "unexpected argument '%s'; try --help", argv[optind]);
    else if (!options->name && !options->list && !options->help)
        snprintf(error, size, "--case is missing; --list shows the cases");
    else
        return true;
    return false;
}
