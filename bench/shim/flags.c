/* SPDX-License-Identifier: MIT */
/* flags.c - a table of flags, and one of what each kind of value may be. */
#include "flags.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "benchmark_"

enum kind { SWITCH, SECONDS, COUNT, TEXT, UNIT, FORMAT, COLOR, FILE_NAME, UNSUPPORTED };

static const struct {
    const char *name;
    enum kind kind;
} flags[] = {
    {PREFIX "list_tests", SWITCH},
    {PREFIX "filter", TEXT},
    {PREFIX "min_time", SECONDS},
    {PREFIX "min_warmup_time", SECONDS},
    {PREFIX "repetitions", COUNT},
    {PREFIX "report_aggregates_only", SWITCH},
    {PREFIX "display_aggregates_only", SWITCH},
    {PREFIX "format", FORMAT},
    {PREFIX "out", FILE_NAME},
    {PREFIX "out_format", FORMAT},
    {PREFIX "color", COLOR},
    {PREFIX "counters_tabular", SWITCH},
    {PREFIX "context", TEXT},
    {PREFIX "time_unit", UNIT},
    {"v", COUNT},
    /* Interleaving draws an order that nobody records; counters abort where there is no PMU. */
    {PREFIX "enable_random_interleaving", UNSUPPORTED},
    {PREFIX "perf_counters", UNSUPPORTED},
};

#define FLAG_COUNT (sizeof flags / sizeof *flags)

/* Is [value] one of the words in "a|b|c"? */
static bool is_one_of(const char *value, const char *words)
{
    size_t length = strlen(value);
    for (const char *word = words; *word; word += strcspn(word, "|"), word += *word == '|')
        if (strcspn(word, "|") == length && strncmp(word, value, length) == 0)
            return length > 0;
    return false;
}

static bool is_number(const char *value, bool whole)
{
    char *end;
    errno = 0;
    double x = whole ? (double)strtol(value, &end, 10) : strtod(value, &end);
    return *value != '\0' && *end == '\0' && errno == 0 && isfinite(x) && x >= 0;
}

/* The library would exit in the middle of a run on a file that cannot be opened. */
static bool is_writable(const char *path)
{
    FILE *file = fopen(path, "a");
    return file != NULL && fclose(file) == 0;
}

/* NULL if [value] is right, else what would be. */
static const char *advice(enum kind kind, const char *value)
{
    switch (kind) {
    case SWITCH:
        return is_one_of(value, "true|false|1|0|yes|no") ? NULL : "give true or false";
    case SECONDS:
        return is_number(value, false) ? NULL : "give a plain number of seconds, for example 0.3";
    case COUNT:
        return is_number(value, true) ? NULL : "give a whole number";
    case UNIT:
        return is_one_of(value, "ns|us|ms|s") ? NULL : "give ns, us, ms or s";
    case FORMAT:
        return is_one_of(value, "console|json|csv") ? NULL : "give console, json or csv";
    case COLOR:
        return is_one_of(value, "auto|true|false") ? NULL : "give auto, true or false";
    case FILE_NAME:
        return is_writable(value) ? NULL : "the file cannot be written";
    case TEXT:
        return *value != '\0' ? NULL : "give a value";
    case UNSUPPORTED:
        break;
    }
    return "not supported here";
}

bool flag_is_ours(const char *arg)
{
    return strncmp(arg, "--" PREFIX, strlen("--" PREFIX)) == 0 || strncmp(arg, "--v=", 4) == 0 ||
           strcmp(arg, "--v") == 0;
}

bool flag_check(const char *arg, char *error, size_t size)
{
    size_t length = strcspn(arg + 2, "=");
    const char *value = arg[2 + length] == '=' ? arg + 2 + length + 1 : NULL;
    const char *why = "Google Benchmark 1.7.1 has no such flag";
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (strlen(flags[i].name) != length || strncmp(flags[i].name, arg + 2, length) != 0)
            continue;
        bool bare_switch = value == NULL && flags[i].kind == SWITCH;
        why = bare_switch ? NULL : advice(flags[i].kind, value ? value : "");
        break;
    }
    if (why != NULL)
        snprintf(error, size, "%s: %s", arg, why);
    return why == NULL;
}

bool flag_check_environment(char *error, size_t size)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "%s", flags[i].name);
        for (char *c = variable; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        if (strchr(variable, '_') == NULL || getenv(variable) == NULL)
            continue; /* a variable called V is nobody's */
        snprintf(error,
                 size,
                 "environment variable %s would change the measurement; unset it",
                 variable);
        return false;
    }
    return true;
}
