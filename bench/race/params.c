/* SPDX-License-Identifier: MIT */
/* params.c - declared settings: defaults, ranges, look-up by name. */
#include "params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void params_init(struct params *params, const struct param_spec *specs)
{
    memset(params, 0, sizeof *params);
    params->specs = specs;
    for (size_t i = 0; specs[i].name != NULL && i < PARAMS_MAX; i++)
        params->values[i] = specs[i].fallback;
}

const struct param_spec *params_find(const struct param_spec *specs, const char *name)
{
    for (; specs->name != NULL; specs++)
        if (strcmp(specs->name, name) == 0)
            return specs;
    return NULL;
}

double params_number(const struct params *params, const char *name)
{
    const struct param_spec *spec = params_find(params->specs, name);
    if (spec == NULL) {
        fprintf(stderr, "race: internal error: no parameter '%s'\n", name);
        abort();
    }
    return params->values[spec - params->specs];
}

uint64_t params_integer(const struct params *params, const char *name)
{
    return (uint64_t)params_number(params, name);
}

/* The position of [word] (of [size] characters) in "a|b|c", or -1. */
static int choice_position(const char *choices, const char *word, size_t size)
{
    for (int position = 0;; position++) {
        size_t length = strcspn(choices, "|");
        if (length == size && strncmp(choices, word, size) == 0)
            return position;
        if (choices[length] == '\0')
            return -1;
        choices += length + 1;
    }
}

bool params_is(const struct params *params, const char *name, const char *word)
{
    double value = params_number(params, name);
    const struct param_spec *spec = params_find(params->specs, name);
    return choice_position(spec->choices, word, strlen(word)) == (int)value;
}

bool params_set_number(struct params *params, const struct param_spec *spec, double value)
{
    if (!isfinite(value) || value < spec->min || value > spec->max)
        return false;
    if (spec->kind == PARAM_INTEGER && value != floor(value))
        return false;
    params->values[spec - params->specs] = value;
    return true;
}

bool params_set_choice(struct params *params, const struct param_spec *spec, const char *word)
{
    int position = choice_position(spec->choices, word, strlen(word));
    if (position < 0)
        return false;
    params->values[spec - params->specs] = position;
    return true;
}

void params_allowed(const struct param_spec *spec, char *out, size_t size)
{
    switch (spec->kind) {
    case PARAM_INTEGER:
        snprintf(out, size, "a whole number from %.0f to %.0f", spec->min, spec->max);
        break;
    case PARAM_NUMBER:
        snprintf(out, size, "a number from %g to %g", spec->min, spec->max);
        break;
    case PARAM_CHOICE:
        snprintf(out, size, "one of: %s", spec->choices);
        break;
    }
}
