/* SPDX-License-Identifier: MIT */
/* command_compare.c - `velo compare RUN RUN`: two runs side by side. */
#include "../../reports/history/compare.h"
#include "args.h"
#include "commands.h"
#include "exit_code.h"
#include "json.h"
#include "project.h"
#include "run_folder.h"
#include "table.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {"cell", "cell", false},
    {"contestant", "contestant", false},
    {"word_a", "first run", false},
    {"word_b", "second run", false},
    {"base_first", "to the baseline", false},
    {"base_second", "then", false},
    {"moved", "change", false},
    {"finding", "finding", false},
    {NULL, NULL, false},
};

static const struct table_column pair_columns[] = {
    {"cell", "cell", false},
    {"pair", "pair", false},
    {"word_a", "first run", false},
    {"first", "ratio", false},
    {"word_b", "second run", false},
    {"second", "ratio", false},
    {NULL, NULL, false},
};

static json_t *cell_name(const json_t *row)
{
    const char *lane = json_text(row, "lane", "");
    return json_sprintf("%s%s%s %s",
                        strcmp(lane, "race") == 0 ? "" : lane,
                        strcmp(lane, "race") == 0 ? "" : " ",
                        json_text(row, "scenario", ""),
                        json_text(row, "point", ""));
}

/* [name], [name]_low and [name]_high of a row as one field. */
static json_t *ratio_of(const json_t *row, const char *name)
{
    char low[40], high[40];
    snprintf(low, sizeof(low), "%s_low", name);
    snprintf(high, sizeof(high), "%s_high", name);
    return table_ratio(
        json_object_get(row, name), json_object_get(row, low), json_object_get(row, high));
}

static void print_cells(const json_t *rows)
{
    json_t *shown = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        json_t *line = json_copy((json_t *)(uintptr_t)row);
        json_object_set_new(line, "cell", cell_name(row));
        json_object_set_new(line, "base_first", ratio_of(row, "base_a"));
        json_object_set_new(line, "base_second", ratio_of(row, "base_b"));
        json_object_set_new(line, "moved", ratio_of(row, "change"));
        json_array_append_new(shown, line);
    }
    table_print(stdout, shown, columns, 0);
    json_decref(shown);
}

static void print_pairs(const json_t *rows)
{
    json_t *shown = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        json_t *line = json_copy((json_t *)(uintptr_t)row);
        json_object_set_new(line, "cell", cell_name(row));
        json_object_set_new(
            line,
            "pair",
            json_sprintf("%s to %s", json_text(row, "a", ""), json_text(row, "b", "")));
        json_object_set_new(line, "first", ratio_of(row, "ratio_a"));
        json_object_set_new(line, "second", ratio_of(row, "ratio_b"));
        json_array_append_new(shown, line);
    }
    printf("\npairs that contradict:\n");
    table_print(stdout, shown, pair_columns, 2);
    json_decref(shown);
}

static void print_list(const char *title, const json_t *list)
{
    size_t index;
    const json_t *text;
    if (json_array_size(list) > 0)
        printf("%s\n", title);
    json_array_foreach(list, index, text) printf("  %s\n", json_string_value(text));
}

static void print_footer(const json_t *result)
{
    const long count = (long)json_int(result, "contradictions", 0);
    const char *baseline = json_text(result, "baseline", NULL);
    printf("\n");
    if (baseline == NULL)
        printf("The runs have no baseline in common: only words are compared.\n");
    else
        printf("Ratios are to the baseline %s of the same run%s; \"change\" divides them, and its "
               "interval\nholds with 90 %% (both intervals with 95 %%).\n",
               baseline,
               json_bool(result, "baseline_same", false)
                   ? ""
                   : ", which is another program in the second");
    if (count > 0)
        printf("CONTRADICTION in %ld of the cells. One of the runs is wrong, or what differs "
               "between them (above) "
               "matters.\n",
               count);
    else
        printf("No contradiction.\n");
}

static void print_result(const json_t *result)
{
    const json_t *runs = json_object_get(result, "runs");
    for (size_t i = 0; i < 2; i++)
        printf("%s %s: commit %s, %s, %s\n",
               i == 0 ? "first " : "second",
               json_text(json_array_get(runs, i), "run", ""),
               json_text(json_array_get(runs, i), "commit", ""),
               json_text(json_array_get(runs, i), "compiler", ""),
               json_text(json_array_get(runs, i), "machine", ""));
    print_list("what differs:", json_object_get(result, "differs"));
    printf("\n");
    print_cells(json_object_get(result, "cells"));
    if (json_array_size(json_object_get(result, "pairs")) > 0)
        print_pairs(json_object_get(result, "pairs"));
    print_list("\nnot compared:", json_object_get(result, "missing"));
    print_footer(result);
}

static int compare(const struct record *a, const struct record *b, const struct table_style *style)
{
    json_t *result = compare_runs(a, b);
    const json_t *cells = json_object_get(result, "cells");
    int status = json_int(result, "contradictions", 0) > 0 ? EXIT_CONTRADICTION : EXIT_DECIDED;
    if (style->json)
        table_json(result);
    else if (style->csv)
        table_csv(stdout, cells);
    else
        print_result(result);
    if (json_array_size(cells) == 0) {
        say_error("compare: the two runs have no cell and contestant in common");
        status = EXIT_USAGE;
    }
    json_decref(result);
    return status;
}

/* Opens the run that the user named. Returns EXIT_DECIDED, or the exit status after a message. */
static int open_run(const struct project *project, const char *wanted, struct record *out)
{
    struct run_folder folder;
    char why[1024];
    if (run_folder_find(&folder, project, wanted) != 0)
        return EXIT_USAGE;
    int rc = record_open(folder.path, out, why, sizeof(why));
    run_folder_free(&folder);
    if (rc != 0)
        say_error("%s", why);
    return rc == 0 ? EXIT_DECIDED : EXIT_INTERNAL;
}

static int
compare_named(const struct project *project, const struct names *runs, struct table_style *style)
{
    struct record a, b;
    int status = open_run(project, runs->items[0], &a);
    if (status != EXIT_DECIDED)
        return status;
    status = open_run(project, runs->items[1], &b);
    if (status == EXIT_DECIDED) {
        status = compare(&a, &b, style);
        record_close(&b);
    }
    record_close(&a);
    return status;
}

int command_compare(int argc, char **argv)
{
    struct names runs = {0};
    struct table_style style = {false, false};
    const struct args_option options[] = {
        {"json", NULL, "everything, as JSON", NULL, &style.json},
        {"csv", NULL, "the cells, as comma-separated values", NULL, &style.csv},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "compare",
        .summary = "two runs side by side: what differs, what contradicts",
        .options = options,
        .operand = "RUN RUN",
        .operands = &runs,
        .notes =
            "RUN is an id below reports/runs or a folder. Words are compared, and ratios to the\n"
            "baseline inside each run; never times, for the machine may be another one.\n"
            "finding: CONTRADICTION, moved (the intervals of the ratio do not meet), settled or\n"
            "lost (only one run has a word with evidence), other field (WINNER here, LOSES there,\n"
            "to somebody who did not race here).\n\n"
            "Exit status: 0 no contradiction, 6 at least one, 2 usage, 1 internal error.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    int status = parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    struct project project;
    if (parsed == ARGS_GO && runs.count != 2)
        say_error("compare: need two runs, not %zu. See velo compare --help", runs.count);
    else if (parsed == ARGS_GO && table_style_check(&style, "compare")) {
        status = EXIT_INTERNAL;
        if (project_open(&project) == 0) {
            status = compare_named(&project, &runs, &style);
            project_close(&project);
        }
    }
    names_free(&runs);
    return status;
}
