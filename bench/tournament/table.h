/* SPDX-License-Identifier: MIT */
/*
 * table.h - rows (an array of JSON objects) as a table for people, and as values for programs.
 */
#ifndef VELO_TABLE_H
#define VELO_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct table_column {
    const char *key;
    const char *title;
    bool right; /* numbers stand to the right */
};

/*
 * Columns (ending with a NULL key) as wide as they need to be, a title line above, each line
 * [indent] blanks in. A column that is empty in every row is left out.
 */
void table_print(FILE *file, const json_t *rows, const struct table_column *columns, int indent);

/* Comma-separated, the keys of the first row as the first line; nothing for no rows. */
void table_csv(FILE *file, const json_t *rows);

/* "1.18 (1.12 to 1.25)", "1.18" without an interval, "" without a ratio. A new reference. */
json_t *table_ratio(const json_t *ratio, const json_t *low, const json_t *high);

/* How a command was asked to print. */
struct table_style {
    bool json, csv;
};

/* False after a message when both were asked for. */
bool table_style_check(const struct table_style *style, const char *command);

/* [value] as indented JSON on stdout, a line feed behind it. */
void table_json(const json_t *value);

#endif
