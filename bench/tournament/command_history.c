/* SPDX-License-Identifier: MIT */
/*
 * command_history.c - `velo history`: all runs, or how one cell went over commits and machines.
 *
 * Ratios travel from machine to machine, times do not: the cost of a cell in its unit is printed
 * only where all rows of a group are of one machine.
 */
#include "../../reports/history/history.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "json.h"
#include "names.h"
#include "project.h"
#include "run_folder.h"
#include "table.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- all runs ---- */

static const struct table_column run_columns[] = {
    {"run", "run", false},
    {"preset", "preset", false},
    {"state", "state", false},
    {"decided", "decided", true},
    {"blocks", "blocks", true},
    {"aa", "A/A", false},
    {"winner", "winner", false},
    {"compiler", "compiler", false},
    {NULL, NULL, false},
};

static void print_counts(const json_t *rows)
{
    struct names states = {0};
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (!names_has(&states, json_text(row, "state", "")))
            names_add(&states, json_text(row, "state", ""));
    }
    printf("\n%zu runs:", json_array_size(rows));
    for (size_t i = 0; i < states.count; i++) {
        size_t count = 0;
        json_array_foreach(rows, index, row) count +=
            strcmp(json_text(row, "state", ""), states.items[i]) == 0;
        printf("%s %zu %s", i > 0 ? "," : "", count, states.items[i]);
    }
    printf("\n");
    names_free(&states);
}

static void print_runs(const json_t *rows, const char *runs)
{
    json_t *shown = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        json_t *line = json_copy((json_t *)(uintptr_t)row);
        if (json_int(row, "cells", 0) > 0)
            json_object_set_new(line,
                                "decided",
                                json_sprintf("%d of %d",
                                             (int)json_int(row, "cells_decided", 0),
                                             (int)json_int(row, "cells", 0)));
        json_array_append_new(shown, line);
    }
    table_print(stdout, shown, run_columns, 0);
    json_decref(shown);
    json_array_foreach(rows, index, row)
    {
        const char *state = json_text(row, "state", "");
        if (strcmp(state, "damaged") == 0 || strcmp(state, "gone") == 0)
            printf("%s: %s\n", json_text(row, "run", ""), json_text(row, "problem", ""));
    }
    if (json_array_size(rows) == 0)
        printf("no run below %s yet; `velo tournament` makes one\n", runs);
    else
        print_counts(rows);
}

/* ---- one cell over time ---- */

static const struct table_column cell_columns[] = {
    {"run", "run", false},
    {"host", "machine", false},
    {"commit_id", "commit", false},
    {"compiler", "compiler", false},
    {"word", "word", false},
    {"blocks", "blocks", true},
    {"best", "to the best", false},
    {"base", "to the baseline", false},
    {"cost", "median", true},
    {NULL, NULL, false},
};

static bool same_group(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"lane", "scenario", "point", "entry"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(json_text(a, keys[i], ""), json_text(b, keys[i], "")) != 0)
            return false;
    return true;
}

/* Is the baseline's program another than in the row before? Then the ratio may move by that. */
static bool baseline_changed(const json_t *row, const json_t *before)
{
    return before != NULL && strcmp(json_text(row, "baseline_binary_sha256", ""),
                                    json_text(before, "baseline_binary_sha256", "")) != 0;
}

static json_t *shown_cell(const json_t *row, const json_t *before, bool one_machine)
{
    json_t *line = json_copy((json_t *)(uintptr_t)row);
    json_t *base = table_ratio(json_object_get(row, "to_baseline"),
                               json_object_get(row, "to_baseline_low"),
                               json_object_get(row, "to_baseline_high"));
    json_object_set_new(line,
                        "best",
                        table_ratio(json_object_get(row, "to_best"),
                                    json_object_get(row, "to_best_low"),
                                    json_object_get(row, "to_best_high")));
    json_object_set_new(
        line,
        "base",
        json_sprintf("%s%s", json_string_value(base), baseline_changed(row, before) ? " *" : ""));
    if (!one_machine)
        json_object_set(line, "host", json_object_get(row, "machine"));
    if (one_machine && json_is_number(json_object_get(row, "median")))
        json_object_set_new(
            line,
            "cost",
            json_sprintf("%.4g %s", json_double(row, "median", 0), json_text(row, "unit", "")));
    json_decref(base);
    return line;
}

static void print_group(const json_t *rows, size_t from, size_t to)
{
    const json_t *first = json_array_get(rows, from);
    json_t *shown = json_array();
    bool one_machine = true, moved = false;
    for (size_t i = from; i < to; i++)
        one_machine &= strcmp(json_text(json_array_get(rows, i), "machine", ""),
                              json_text(first, "machine", "")) == 0;
    for (size_t i = from; i < to; i++) {
        const json_t *before = i > from ? json_array_get(rows, i - 1) : NULL;
        json_array_append_new(shown, shown_cell(json_array_get(rows, i), before, one_machine));
        moved |= baseline_changed(json_array_get(rows, i), before);
    }
    printf("%s %s %s: %s (%s), baseline %s\n",
           json_text(first, "lane", ""),
           json_text(first, "scenario", ""),
           json_text(first, "point", ""),
           json_text(first, "entry", ""),
           json_text(first, "metric", ""),
           json_text(first, "baseline", ""));
    table_print(stdout, shown, cell_columns, 2);
    if (moved)
        printf("  * the baseline is another program than in the row above: its change is in the "
               "ratio too\n");
    if (!one_machine)
        printf("  the rows are of different machines, so no times are shown: only ratios travel\n");
    printf("\n");
    json_decref(shown);
}

static void print_cells(const json_t *rows)
{
    size_t from = 0;
    for (size_t i = 1; i <= json_array_size(rows); i++) {
        if (i < json_array_size(rows) &&
            same_group(json_array_get(rows, i), json_array_get(rows, from)))
            continue;
        print_group(rows, from, i);
        from = i;
    }
}

/* ---- the command ---- */

/* Nothing found: which of the names is it that no run knows? */
static int nothing_found(struct history *history, const struct history_filter *filter)
{
    static const char *const keys[] = {"entry", "scenario", "point", "lane"};
    const char *wanted[] = {filter->contestant, filter->scenario, filter->point, filter->lane};
    const struct history_filter all = {"", "", "", ""};
    char why[1024];
    json_t *rows = history_cells(history, &all, why, sizeof(why));
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        struct names known = {0};
        size_t index;
        const json_t *row;
        json_array_foreach(rows, index, row)
        {
            if (!names_has(&known, json_text(row, keys[k], "")))
                names_add(&known, json_text(row, keys[k], ""));
        }
        names_sort(&known);
        const bool unknown = wanted[k][0] != '\0' && !names_has(&known, wanted[k]);
        if (unknown)
            names_complain(&known, k == 0 ? "contestant" : keys[k], wanted[k]);
        names_free(&known);
        if (unknown) {
            json_decref(rows);
            return EXIT_USAGE;
        }
    }
    json_decref(rows);
    say_error("history: no run has a cell like that");
    return EXIT_USAGE;
}

static int show(struct history *history,
                const struct history_filter *filter,
                const struct table_style *style,
                const char *runs)
{
    char why[1024] = "";
    const bool cells = filter->contestant[0] != '\0' || filter->scenario[0] != '\0' ||
                       filter->point[0] != '\0' || filter->lane[0] != '\0';
    json_t *rows = cells ? history_cells(history, filter, why, sizeof(why))
                         : history_runs(history, why, sizeof(why));
    int status = EXIT_DECIDED;
    if (rows == NULL) {
        say_error("%s; `velo history --rebuild` makes the index again", why);
        status = EXIT_INTERNAL;
    } else if (cells && json_array_size(rows) == 0)
        status = nothing_found(history, filter);
    else if (style->json)
        table_json(rows);
    else if (style->csv)
        table_csv(stdout, rows);
    else if (cells)
        print_cells(rows);
    else
        print_runs(rows, runs);
    json_decref(rows);
    return status;
}

int command_history(int argc, char **argv)
{
    struct history_filter filter = {"", "", "", ""};
    struct table_style style = {false, false};
    const char *runs = NULL;
    bool rebuild = false;
    const struct args_option options[] = {
        {"contestant", "NAME", "how this contestant went, cell by cell", &filter.contestant, NULL},
        {"scenario", "NAME", "in this scenario only", &filter.scenario, NULL},
        {"point", "ID", "at this point only", &filter.point, NULL},
        {"lane", "NAME", "in this lane only: race, micro, process", &filter.lane, NULL},
        {"runs", "DIR", "the folder of run folders; otherwise reports/runs", &runs, NULL},
        {"rebuild", NULL, "read every run folder again", NULL, &rebuild},
        {"json", NULL, "as JSON", NULL, &style.json},
        {"csv", NULL, "as comma-separated values", NULL, &style.csv},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "history",
        .summary = "all runs, or how a cell went over commits and machines",
        .options = options,
        .notes = "Without a filter: one line per start, also of those that were abandoned.\n"
                 "With one: a table per cell and contestant, in order of time. What is compared\n"
                 "over time is the ratio to the best and to the baseline of the same run.\n"
                 "The index, history.sqlite in that folder, is made from the run folders and from\n"
                 "index.ndjson; it can be deleted at any time.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    if (parsed != ARGS_GO)
        return parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (!table_style_check(&style, "history"))
        return EXIT_USAGE;
    struct project project;
    struct history *history;
    char why[1024];
    if (project_open(&project) != 0)
        return EXIT_INTERNAL;
    char *folder = runs != NULL ? project_user_path(&project, runs) : text_copy(RUN_FOLDER_BASE);
    int status = EXIT_INTERNAL;
    if (history_open(folder, rebuild, say_message, NULL, &history, why, sizeof(why)) == 0) {
        status = show(history, &filter, &style, folder);
        history_close(history);
    } else {
        say_error("%s", why);
    }
    free(folder);
    project_close(&project);
    return status;
}
