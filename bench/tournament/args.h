/* SPDX-License-Identifier: MIT */
/*
 * args.h - long options described by a table, so that the help and the parser cannot disagree.
 *
 * Every mistake is answered with what was wrong, what was perhaps meant, and where the help is.
 */
#ifndef VELO_ARGS_H
#define VELO_ARGS_H

#include "names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct args_option {
    const char *name;  /* without the dashes */
    const char *value; /* what the help calls the value; NULL for a flag */
    const char *help;
    const char **text; /* takes the value; NULL for a flag */
    bool *flag;        /* set by a flag; NULL otherwise */
};

struct args_command {
    const char *name;
    const char *summary;               /* one sentence */
    const struct args_option *options; /* ends with a NULL name */
    const char *operand;       /* what the help calls the one operand; NULL when none is taken */
    const char **operand_text; /* takes it; optional */
    struct names *operands;    /* instead of operand_text: takes any number of them */
    const char *notes;         /* printed below the options; NULL for none */
};

enum args_result { ARGS_GO, ARGS_HELP, ARGS_BAD };

/*
 * Read argv[1..argc). Values stand as --name VALUE or --name=VALUE.
 * Returns: ARGS_GO; ARGS_HELP after printing the help on stdout; ARGS_BAD after a message on
 * stderr.
 */
enum args_result args_parse(const struct args_command *command, int argc, char **argv);

/* [text] as a whole number in [low, high]; false after a message that names [option] and the range.
 */
bool args_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out);

/* [text] as seconds in [low, high], written as 90, 90s, 5m or 1h; false after a message. */
bool args_seconds(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out);

#endif
