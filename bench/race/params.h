/* SPDX-License-Identifier: MIT */
/*
 * params.h - the settings of a load generator: each is declared with its kind and range, so that
 * the Lua host can refuse what makes no sense and say what would.
 */
#ifndef RACE_PARAMS_H
#define RACE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARAMS_MAX 12

enum param_kind {
    PARAM_INTEGER, /* a whole number in [min, max] */
    PARAM_NUMBER,  /* any finite number in [min, max] */
    PARAM_CHOICE   /* one of the words in [choices]; its value is the word's position */
};

struct param_spec {
    const char *name; /* NULL ends a list of specs */
    enum param_kind kind;
    double min, max;
    double fallback;     /* the value when the script does not give it */
    const char *choices; /* "first|second|third", for PARAM_CHOICE */
    const char *what;    /* one line of help */
};

/* The values of one list of specs, in the same order. */
struct params {
    const struct param_spec *specs;
    double values[PARAMS_MAX];
};

void params_init(struct params *params, const struct param_spec *specs);

/* The spec of that name, or NULL. */
const struct param_spec *params_find(const struct param_spec *specs, const char *name);

/* Values by name. The name must be one of the specs: a misspelling aborts at the first run. */
double params_number(const struct params *params, const char *name);
uint64_t params_integer(const struct params *params, const char *name);
/* Is the choice [name] set to [word]? */
bool params_is(const struct params *params, const char *name, const char *word);

/* Check and store. False when [value] is outside the range (or NaN, or not whole). */
bool params_set_number(struct params *params, const struct param_spec *spec, double value);
bool params_set_choice(struct params *params, const struct param_spec *spec, const char *word);

/* "a whole number from 1 to 64", "one of: a, b", for messages and for help. */
void params_allowed(const struct param_spec *spec, char *out, size_t size);

#endif
