/* SPDX-License-Identifier: MIT */
/* options.h - the command line of the race program. */
#ifndef RACE_OPTIONS_H
#define RACE_OPTIONS_H

#include "race.h"

#define WINDOW_MS_MAX 600000
#define WINDOW_MS_DEFAULT 300
#define COMMON_RATE_MAX 1e9

struct options {
    const char *scenario; /* file to run, or */
    const char *describe; /* file to describe */
    const char *point;
    uint64_t seed;
    uint64_t window_ms;
    double common_rate;            /* 0 = not given */
    const struct variant *variant; /* NULL = none */
    bool has_placement;            /* else the point's own */
    enum placement placement;
    bool json;
    bool list_loads;
    bool list_variants;
    bool help;
};

/* On failure one line in [error]. */
bool options_parse(struct options *options, int argc, char **argv, char *error, size_t size);

extern const char options_help[];

#endif
