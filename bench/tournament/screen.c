/* SPDX-License-Identifier: MIT */
/*
 * screen.c - see screen.h.
 *
 * A place in the matrix is the ratio to the best, with a mark: * wins, = ties, < loses, ? is open,
 * so that it reads without colour too. More contestants than fit beside each other make a second
 * panel.
 */
#include "screen.h"

#include "json.h"
#include "names.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_LEAST = 11, LABEL_LEAST = 36 };

static const struct {
    const char *word;
    const char *mark;
    const char *colour;
} words[] = {
    {"WINNER", "*", "\033[1;32m"},
    {"TIE", "=", "\033[36m"},
    {"LOSES", "<", "\033[31m"},
    {"NOT ENOUGH EVIDENCE", "?", "\033[33m"},
    {"DISQUALIFIED", "out", "\033[1;31m"},
    {"NOT RUN", "-", "\033[2m"},
};

enum { WORD_COUNT = sizeof(words) / sizeof(words[0]) };

static size_t word_index(const char *word)
{
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (strcmp(words[i].word, word) == 0)
            return i;
    return WORD_COUNT - 1;
}

static const char *paint(const struct screen *screen, const char *colour)
{
    return screen->colour ? colour : "";
}

void screen_wrap(const struct screen *screen, const char *text, int indent)
{
    int blanks = (int)strspn(text, " ");
    fprintf(screen->file, "%*s", blanks, "");
    screen_wrap_from(screen, blanks, text + blanks, indent);
}

void screen_wrap_from(const struct screen *screen, int column, const char *text, int indent)
{
    bool fresh = true; /* nothing stands in this line yet but blanks */
    while (*text != '\0') {
        int length = (int)strcspn(text, " ");
        if (!fresh && column + 1 + length > screen->columns) {
            fprintf(screen->file, "\n%*s", indent, "");
            column = indent;
        } else if (!fresh) {
            fputc(' ', screen->file);
            column++;
        }
        fprintf(screen->file, "%.*s", length, text);
        fresh = false;
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', screen->file);
}

/* ---- the matrix ---- */

static const char matrix_title[] = "ratio to the best";

struct matrix {
    const json_t *cells; /* of the verdict */
    struct names rows;   /* "lane/scenario point" in order of appearance */
    struct names columns;
    int label_width;
    int column_width;
};

static char *row_name(const json_t *cell)
{
    const char *lane = json_text(cell, "lane", "");
    const char *scenario = json_text(cell, "scenario", "");
    const char *point = json_text(cell, "point", "");
    bool says_more = point[0] != '\0' && strcmp(point, scenario) != 0 && strcmp(point, "-") != 0;
    const char *prefix = strcmp(lane, "race") == 0 ? "" : lane;
    return text_format("%s%s%s%s%s",
                       prefix,
                       prefix[0] != '\0' ? " " : "",
                       scenario,
                       says_more ? " " : "",
                       says_more ? point : "");
}

static void collect(struct matrix *matrix, const json_t *verdict)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(verdict, "contestants"), index, item)
        names_add(&matrix->columns, json_text(item, "name", "?"));
    json_array_foreach(matrix->cells, index, item)
    {
        if (!json_bool(item, "primary", false))
            continue;
        char *name = row_name(item);
        if (!names_has(&matrix->rows, name))
            names_add(&matrix->rows, name);
        free(name);
    }
}

/* Labels get what four contestants beside each other leave, but are not cut below LABEL_LEAST. */
static void measure(struct matrix *matrix, int columns)
{
    size_t wide = COLUMN_LEAST;
    for (size_t i = 0; i < matrix->columns.count; i++)
        if (strlen(matrix->columns.items[i]) + 2 > wide)
            wide = strlen(matrix->columns.items[i]) + 2;
    matrix->column_width = (int)wide;
    int beside = matrix->columns.count < 4 ? (int)matrix->columns.count : 4;
    int room = columns - beside * matrix->column_width;
    int widest = (int)strlen(matrix_title);
    for (size_t i = 0; i < matrix->rows.count; i++)
        if ((int)strlen(matrix->rows.items[i]) > widest)
            widest = (int)strlen(matrix->rows.items[i]);
    matrix->label_width = room > LABEL_LEAST ? room : LABEL_LEAST;
    if (widest < matrix->label_width)
        matrix->label_width = widest;
}

static const json_t *find_cell(const struct matrix *matrix, const char *row, const char *contestant)
{
    size_t index;
    const json_t *cell;
    json_array_foreach(matrix->cells, index, cell)
    {
        if (!json_bool(cell, "primary", false) ||
            strcmp(json_text(cell, "contestant", ""), contestant) != 0)
            continue;
        char *name = row_name(cell);
        bool found = strcmp(name, row) == 0;
        free(name);
        if (found)
            return cell;
    }
    return NULL;
}

/* "1.18x <": the ratio where there is one, and the mark of the word. */
static void
print_place(const struct screen *screen, const struct matrix *matrix, const json_t *cell)
{
    size_t word = word_index(json_text(cell, "verdict", "NOT RUN"));
    double ratio = json_double(cell, "ratio", NAN);
    char text[48] = "";
    if (isfinite(ratio) && word < 4)
        snprintf(text,
                 sizeof(text),
                 ratio < 99.995 ? "%.2fx %s%s" : "%.0fx %s%s",
                 ratio,
                 words[word].mark,
                 json_bool(cell, "star", false) ? "*" : " ");
    else
        snprintf(text, sizeof(text), "%s ", words[word].mark);
    fprintf(screen->file,
            "%s%*s%s",
            paint(screen, words[word].colour),
            matrix->column_width,
            text,
            paint(screen, "\033[0m"));
}

static void
print_panel(const struct screen *screen, const struct matrix *matrix, size_t from, size_t to)
{
    fprintf(screen->file, "%s%-*s", paint(screen, "\033[1m"), matrix->label_width, matrix_title);
    for (size_t c = from; c < to; c++)
        fprintf(screen->file, "%*s ", matrix->column_width - 1, matrix->columns.items[c]);
    fprintf(screen->file, "%s\n", paint(screen, "\033[0m"));
    for (size_t r = 0; r < matrix->rows.count; r++) {
        fprintf(screen->file,
                "%-*.*s",
                matrix->label_width,
                matrix->label_width,
                matrix->rows.items[r]);
        for (size_t c = from; c < to; c++)
            print_place(
                screen, matrix, find_cell(matrix, matrix->rows.items[r], matrix->columns.items[c]));
        fputc('\n', screen->file);
    }
}

static void print_matrix(const struct screen *screen, const json_t *verdict)
{
    struct matrix matrix = {.cells = json_object_get(verdict, "cells")};
    collect(&matrix, verdict);
    measure(&matrix, screen->columns);
    int beside = (screen->columns - matrix.label_width) / matrix.column_width;
    size_t step = beside > 0 ? (size_t)beside : 1;
    for (size_t from = 0; from < matrix.columns.count; from += step) {
        size_t to = from + step < matrix.columns.count ? from + step : matrix.columns.count;
        print_panel(screen, &matrix, from, to);
        fputc('\n', screen->file);
    }
    fprintf(
        screen->file,
        "%s* wins (** over all cells)  = ties  < loses  ? open  - not run  out disqualified%s\n",
        paint(screen, "\033[2m"),
        paint(screen, "\033[0m"));
    names_free(&matrix.rows);
    names_free(&matrix.columns);
}

/* ---- who is out, and why ---- */

static void
print_out(const struct screen *screen, const char *who, const char *where, const json_t *item)
{
    char *line = text_format("%s is DISQUALIFIED%s%s: %s",
                             who,
                             where[0] != '\0' ? " in " : "",
                             where,
                             json_text(item, "reason", ""));
    fputs(paint(screen, "\033[31m"), screen->file);
    screen_wrap(screen, line, 2);
    fputs(paint(screen, "\033[0m"), screen->file);
    const char *reproduce = json_text(item, "reproduce", "");
    if (reproduce[0] != '\0')
        fprintf(screen->file, "  again: %s\n", reproduce);
    free(line);
}

static void print_disqualified(const struct screen *screen, const json_t *verdict)
{
    struct names out = {0};
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(verdict, "contestants"), index, item)
    {
        if (json_bool(item, "eligible", true))
            continue;
        names_add(&out, json_text(item, "name", ""));
        print_out(screen, json_text(item, "name", ""), "", item);
    }
    json_array_foreach(json_object_get(verdict, "cells"), index, item)
    {
        if (strcmp(json_text(item, "verdict", ""), "DISQUALIFIED") != 0 ||
            names_has(&out, json_text(item, "contestant", "")))
            continue;
        char *where = row_name(item);
        print_out(screen, json_text(item, "contestant", ""), where, item);
        free(where);
    }
    if (json_bool(json_object_get(verdict, "summary"), "disqualified", false))
        fputc('\n', screen->file);
    names_free(&out);
}

static bool is_not_run(const json_t *cell, const char *reason)
{
    return strcmp(json_text(cell, "verdict", ""), "NOT RUN") == 0 &&
           (reason == NULL || strcmp(json_text(cell, "reason", ""), reason) == 0);
}

static size_t count_not_run(const json_t *cells, const char *reason)
{
    size_t count = 0;
    size_t index;
    const json_t *cell;
    json_array_foreach(cells, index, cell) count += is_not_run(cell, reason);
    return count;
}

/* Who was not even built: a guest without its library. */
static size_t print_absent(const struct screen *screen, const json_t *verdict)
{
    const json_t *absent = json_object_get(verdict, "absent");
    size_t index;
    const json_t *item;
    json_array_foreach(absent, index, item)
    {
        char *line = text_format("not run: %s anywhere: %s",
                                 json_text(item, "contestant", ""),
                                 json_text(item, "reason", ""));
        screen_wrap(screen, line, 2);
        free(line);
    }
    return json_array_size(absent);
}

/* Each reason once, with its first place and how many more there are: many cells share one. */
static void print_not_run(const struct screen *screen, const json_t *verdict)
{
    const json_t *cells = json_object_get(verdict, "cells");
    const size_t missing = print_absent(screen, verdict);
    struct names said = {0};
    size_t index;
    const json_t *cell;
    json_array_foreach(cells, index, cell)
    {
        const char *reason = json_text(cell, "reason", "");
        if (!is_not_run(cell, NULL) || names_has(&said, reason))
            continue;
        names_add(&said, reason);
        size_t more = count_not_run(cells, reason) - 1;
        char *where = row_name(cell);
        char *others = more > 0 ? text_format(" (and %zu more)", more) : text_copy("");
        char *line = text_format(
            "not run: %s in %s%s: %s", json_text(cell, "contestant", ""), where, others, reason);
        screen_wrap(screen, line, 2);
        free(line);
        free(others);
        free(where);
    }
    if (missing + said.count > 0)
        fputc('\n', screen->file);
    names_free(&said);
}

void screen_verdict(const struct screen *screen, const json_t *verdict, const char *run_dir)
{
    const json_t *first = json_object_get(verdict, "first_screen");
    fprintf(screen->file, "\n%s", paint(screen, "\033[1m"));
    screen_wrap(screen, json_text(verdict, "sentence", ""), 0);
    fprintf(screen->file, "%s\n", paint(screen, "\033[0m"));
    print_matrix(screen, verdict);
    fputc('\n', screen->file);
    print_disqualified(screen, verdict);
    print_not_run(screen, verdict);
    size_t index;
    const json_t *override;
    json_array_foreach(json_object_get(verdict, "overrides"), index, override)
    {
        char *line = text_format("override: %s", json_string_value(override));
        screen_wrap(screen, line, 10);
        free(line);
    }
    char *trust = text_format("trust: %s", json_text(first, "trust", "unknown"));
    char *facts = text_format("facts: %s", json_text(first, "facts", "unknown"));
    screen_wrap(screen, trust, 7);
    screen_wrap(screen, facts, 7);
    fprintf(screen->file, "report: %s/report.html\n", run_dir);
    free(trust);
    free(facts);
}
