/* SPDX-License-Identifier: MIT */
/* options.c - long options, strict numbers, one line per mistake. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "Usage: race --scenario FILE.lua --point ID [options]    run one point, print one JSON line\n"
    "       race --describe FILE.lua [--json]                what a scenario does, and its points\n"
    "       race --loads | --variants                        load generators and their settings\n"
    "\n"
    "  --seed N           seed of schedules and permutations (default 1)\n"
    "  --window-ms N      length of the measured window, 1 to 600000 (default 300)\n"
    "  --common-rate R    capacity per second, of which open-loop points take a share; without it\n"
    "                     a short pilot of this contestant finds one\n"
    "  --variant V        one option of the loop changed; --variants lists them\n"
    "  --variants         the variants: name, needed capability, what it changes\n"
    "  --placement P      spread, free, same-core or cross-core instead of the point's own\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 measured and verified; 1 not verified (the line says why); 2 bad input.\n";

enum option_id {
    OPTION_SCENARIO = 1,
    OPTION_DESCRIBE,
    OPTION_POINT,
    OPTION_SEED,
    OPTION_WINDOW,
    OPTION_RATE,
    OPTION_VARIANT,
    OPTION_PLACEMENT,
    OPTION_VARIANTS,
    OPTION_JSON,
    OPTION_LOADS,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"scenario", required_argument, NULL, OPTION_SCENARIO},
    {"describe", required_argument, NULL, OPTION_DESCRIBE},
    {"point", required_argument, NULL, OPTION_POINT},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"window-ms", required_argument, NULL, OPTION_WINDOW},
    {"common-rate", required_argument, NULL, OPTION_RATE},
    {"variant", required_argument, NULL, OPTION_VARIANT},
    {"variants", no_argument, NULL, OPTION_VARIANTS},
    {"placement", required_argument, NULL, OPTION_PLACEMENT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"loads", no_argument, NULL, OPTION_LOADS},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct parse {
    struct options *options;
    char *error;
    size_t size;
};

static bool complain(struct parse *parse, const char *name, const char *value, const char *allowed)
{
    snprintf(parse->error, parse->size, "--%s %s: not possible; allowed: %s", name, value, allowed);
    return false;
}

/* Digits only: strtoull alone would take signs and spaces. */
static bool parse_integer(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *out >= min && *out <= max;
}

static bool parse_rate(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*out) && *out >= 1 && *out <= COMMON_RATE_MAX;
}

static bool take_value(struct parse *parse, int option, const char *value)
{
    struct options *o = parse->options;
    char names[256];
    switch (option) {
    case OPTION_SEED:
        return parse_integer(value, 0, UINT64_MAX, &o->seed) ||
               complain(parse, "seed", value, "a whole number from 0 to 2^64 - 1");
    case OPTION_WINDOW:
        return parse_integer(value, 1, WINDOW_MS_MAX, &o->window_ms) ||
               complain(parse, "window-ms", value, "a whole number from 1 to 600000");
    case OPTION_RATE:
        return parse_rate(value, &o->common_rate) ||
               complain(parse, "common-rate", value, "a number from 1 to 1e9");
    case OPTION_VARIANT:
        o->variant = variant_find(value);
        return o->variant != NULL ||
               complain(parse, "variant", value, variant_names(names, sizeof names));
    case OPTION_PLACEMENT:
        o->has_placement = true;
        return placement_parse(value, &o->placement) ||
               complain(parse, "placement", value, "spread, free, same-core, cross-core");
    default:
        return false;
    }
}

static bool take_option(struct parse *parse, int option, char *value)
{
    struct options *o = parse->options;
    switch (option) {
    case OPTION_SCENARIO:
        o->scenario = value;
        return true;
    case OPTION_DESCRIBE:
        o->describe = value;
        return true;
    case OPTION_POINT:
        o->point = value;
        return true;
    case OPTION_VARIANTS:
        o->list_variants = true;
        return true;
    case OPTION_JSON:
        o->json = true;
        return true;
    case OPTION_LOADS:
        o->list_loads = true;
        return true;
    case OPTION_HELP:
        o->help = true;
        return true;
    default:
        return take_value(parse, option, value);
    }
}

static bool check_combination(struct parse *parse)
{
    const struct options *o = parse->options;
    const char *problem = NULL;
    if (o->help || o->list_loads || o->list_variants)
        return true;
    if (o->scenario == NULL && o->describe == NULL)
        problem = "nothing to do: give --scenario FILE.lua --point ID, or --describe FILE.lua";
    else if (o->scenario != NULL && o->describe != NULL)
        problem = "--scenario and --describe exclude each other";
    else if (o->scenario != NULL && o->point == NULL)
        problem = "--point ID is missing; --describe FILE.lua lists the points";
    if (problem != NULL)
        snprintf(parse->error, parse->size, "%s", problem);
    return problem == NULL;
}

bool options_parse(struct options *options, int argc, char **argv, char *error, size_t size)
{
    struct parse parse = {options, error, size};
    memset(options, 0, sizeof *options);
    options->seed = 1;
    options->window_ms = WINDOW_MS_DEFAULT;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1;) {
        const char *word = argv[optind - 1];
        if (option == ':')
            snprintf(error, size, "%s wants a value", word);
        else if (option == '?')
            snprintf(error, size, "unknown option %s; --help lists the options", word);
        else if (take_option(&parse, option, optarg))
            continue;
        return false;
    }
    if (optind < argc) {
        snprintf(error, size, "unexpected argument '%s'; --help lists the options", argv[optind]);
        return false;
    }
    return check_combination(&parse);
}
