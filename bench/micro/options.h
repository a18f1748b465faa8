/* SPDX-License-Identifier: MIT */
/* options.h - the command line of the micro program. */
#ifndef BENCH_MICRO_OPTIONS_H
#define BENCH_MICRO_OPTIONS_H

#include "../race/race.h"

struct micro_options {
    const char *name;  /* of the case */
    const char *point; /* NULL = its first */
    uint64_t seed;
    uint64_t window_ms;
    const struct variant *variant; /* NULL = none */
    bool list;
    bool json;
    bool help;
};

/* Parse what velo_gb_init() has left in argv. On failure one line in [error]. */
bool micro_options_parse(
    struct micro_options *options, int argc, char **argv, char *error, size_t size);

extern const char micro_help[];

#endif
