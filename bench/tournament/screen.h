/* SPDX-License-Identifier: MIT */
/*
 * screen.h - the verdict as it stands on the terminal at the end: the one sentence, the matrix
 * scenario x contestant, the line of trust, and where the report lies.
 */
#ifndef VELO_SCREEN_H
#define VELO_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* How it is to look. */
struct screen {
    FILE *file;
    int columns;
    bool colour;
};

void screen_verdict(const struct screen *screen, const json_t *verdict, const char *run_dir);

/* The prices of single decisions as a table; nothing where the run has none. */
void screen_prices(FILE *file, const json_t *verdict);

/* [text] broken into lines of at most [columns], with [indent] before all but the first. */
void screen_wrap(const struct screen *screen, const char *text, int indent);

/* The same where [column] columns of the line are already written. */
void screen_wrap_from(const struct screen *screen, int column, const char *text, int indent);

#endif
