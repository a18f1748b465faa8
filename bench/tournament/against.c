/* SPDX-License-Identifier: MIT */
/* against.c - see against.h. */
#include "against.h"

#include "../../reports/history/record.h"
#include "exit_code.h"
#include "finish.h"
#include "json.h"
#include "table.h"
#include "text.h"
#include "tournament.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one race ---- */

/* False when there is no word: no block. */
static bool count_word(struct against *a, const struct record_ratio *ratio, json_t *row)
{
    const struct {
        const char *word, *says;
        size_t *count;
    } words[] = {
        {"SLOWER", "SLOWER", &a->slower},
        {"FASTER", "faster", &a->faster},
        {"EQUAL", "equal", &a->equal},
        {"OPEN", "not proven", &a->open},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (ratio->blocks > 0 && strcmp(ratio->word, words[i].word) == 0) {
            (*words[i].count)++;
            json_object_set_new(row, "says", json_string(words[i].says));
            json_object_set_new(
                row, "won", json_sprintf("%ld of %ld", ratio->won_by_a, ratio->blocks));
            return true;
        }
    return false;
}

/* What kept [entry] out of the cell of [row], or NULL. */
static const struct run_dir_status *
obstacle(const struct run_dir *dir, const json_t *row, const char *entry)
{
    const int who = run_dir_find_entry(dir, entry);
    for (size_t i = 0; i < dir->status_count; i++) {
        const struct run_dir_status *status = &dir->statuses[i];
        const struct run_dir_cell *cell = status->cell < 0 ? NULL : &dir->cells[status->cell];
        if ((int)status->entry == who &&
            (cell == NULL || (strcmp(cell->lane, json_text(row, "lane", "")) == 0 &&
                              strcmp(cell->scenario, json_text(row, "scenario", "")) == 0 &&
                              strcmp(cell->point, json_text(row, "point", "")) == 0)))
            return status;
    }
    return NULL;
}

/* Able, though the time may not have been enough. */
static bool can_run(const struct run_dir_status *status)
{
    return status == NULL || strcmp(status->reason, LEDGER_NO_BUDGET) == 0;
}

static bool is_disqualified(const struct run_dir_status *status)
{
    return status != NULL && status->state == JUDGE_DISQUALIFIED;
}

/* One word for the table, and a sentence; sorts the cell into what it means for the answer. */
static const char *explain_unraced(struct against *a,
                                   const struct run_dir_status *here,
                                   const struct run_dir_status *there,
                                   const char *where)
{
    const struct run_dir_status *why = here != NULL && !can_run(here) ? here : there;
    const char *says = "not raced";
    a->unfit++;
    if (is_disqualified(here)) {
        a->broken = true;
        says = "DISQUALIFIED";
    } else if (is_disqualified(there)) {
        why = there;
        says = "disqualified there";
    } else if (!can_run(here) && can_run(there)) {
        a->lost++;
        says = "LOST";
    } else if (can_run(here) && !can_run(there)) {
        says = "new here";
    } else {
        a->starved += can_run(here);
    }
    char *sentence =
        text_format("%s: %s: %s", says, where, why != NULL ? why->reason : "no block of it counts");
    names_add(&a->unraced, sentence);
    free(sentence);
    return says;
}

static void add_ratio(json_t *row, const struct record_ratio *ratio)
{
    const double values[] = {ratio->ratio, ratio->low, ratio->high};
    json_t *numbers = json_array();
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        json_array_append_new(numbers, isfinite(values[i]) ? json_real(values[i]) : json_null());
    json_object_set_new(row,
                        "ratio",
                        table_ratio(json_array_get(numbers, 0),
                                    json_array_get(numbers, 1),
                                    json_array_get(numbers, 2)));
    json_decref(numbers);
}

static json_t *row_of_cell(struct against *a,
                           const struct record *record,
                           const json_t *cell,
                           const char *here,
                           const char *there)
{
    const struct record_ratio ratio = record_duel(record, cell, here, there);
    const struct run_dir_status *obstacle_here = obstacle(&record->dir, cell, here);
    const struct run_dir_status *obstacle_there = obstacle(&record->dir, cell, there);
    char *where = text_format("%s %s %s",
                              json_text(cell, "lane", ""),
                              json_text(cell, "scenario", ""),
                              json_text(cell, "point", ""));
    char *who = text_format("%s %s", here, where);
    json_t *row = json_pack("{s:s, s:s}", "contestant", here, "cell", where);
    if (names_has(&a->distrusted, here)) {
        a->unfit++;
        json_object_set_new(row, "says", json_string("not trusted"));
    } else if (obstacle_here != NULL || obstacle_there != NULL || !count_word(a, &ratio, row)) {
        json_object_set_new(
            row, "says", json_string(explain_unraced(a, obstacle_here, obstacle_there, who)));
    }
    add_ratio(row, &ratio);
    free(who);
    free(where);
    return row;
}

int against_read(struct against *a, const char *folder, const char *here)
{
    struct record record;
    char why[1024];
    if (record_open(folder, &record, why, sizeof(why)) != 0) {
        say_error("%s", why);
        return EXIT_INTERNAL;
    }
    char *there = text_format("%s@%s", here, a->there);
    if (finish_is_distrusted(record.verdict))
        names_add(&a->distrusted, here);
    size_t index;
    const json_t *cell;
    json_array_foreach(json_object_get(record.verdict, "cells"), index, cell)
    {
        if (json_bool(cell, "primary", false) &&
            strcmp(json_text(cell, "contestant", ""), here) == 0)
            json_array_append_new(a->rows, row_of_cell(a, &record, cell, here, there));
    }
    const double gap =
        json_double(json_object_get(record.verdict, "trust"), "smallest_visible_gap", INFINITY);
    if (gap > a->gap)
        a->gap = gap;
    free(there);
    record_close(&record);
    return EXIT_DECIDED;
}

/* ---- the answer ---- */

static const struct table_column columns[] = {
    {"says", "verdict", false},
    {"contestant", "contestant", false},
    {"cell", "cell", false},
    {"ratio", "here / there", false},
    {"won", "blocks won here", true},
    {NULL, NULL, false},
};

static void print_list(const struct names *list)
{
    for (size_t i = 0; i < list->count; i++)
        printf("  %s\n", list->items[i]);
}

/* What the contestants do not decide. Returns true when it forbids an answer. */
static bool is_undecided(const struct against *a)
{
    const bool nothing = a->slower + a->faster + a->equal + a->open == 0;
    if (a->distrusted.count > 0) {
        char *list = names_join(&a->distrusted);
        printf("UNDECIDED: do not trust the race of %s: identical code was told apart in it\n",
               list);
        free(list);
    } else if (a->lost > 0) {
        printf("UNDECIDED: %zu of the cells ran at %s and cannot run here\n", a->lost, a->there);
    } else if (a->starved > 0) {
        printf("UNDECIDED: %zu of the cells were not raced; give more with --budget\n", a->starved);
    } else if (nothing) {
        printf("UNDECIDED: nothing could be compared\n");
    }
    return a->distrusted.count > 0 || a->lost > 0 || a->starved > 0 || nothing;
}

static void say_passed(const struct against *a)
{
    if (a->unfit > 0)
        printf("Of the cells that can be compared: ");
    if (a->open == 0)
        printf("passed: nothing is slower\n");
    else if (isfinite(a->gap))
        printf("passed: no slowdown is proven; gaps below %.*f %% could not be seen\n",
               a->gap < 0.0995 ? 1 : 0,
               100 * a->gap);
    else
        printf("passed: no slowdown is proven, but the blocks were too few to see any; give more "
               "with --budget\n");
}

int against_answer(const struct against *a)
{
    printf("\ngate against %s: cost here / cost there, below 1 is faster now\n", a->there);
    table_print(stdout, a->rows, columns, 2);
    printf("\n%zu slower, %zu faster, %zu equal, %zu not proven, %zu not raced\n",
           a->slower,
           a->faster,
           a->equal,
           a->open,
           a->unfit);
    print_list(&a->unraced);
    if (a->broken) {
        printf("FAILED: a contestant of here is disqualified\n");
        return EXIT_DISQUALIFIED;
    }
    if (a->slower > 0) {
        printf("FAILED: slower than at %s, and that is proven (error at most 5 %% over all "
               "questions)\n",
               a->there);
        return EXIT_SLOWER;
    }
    if (is_undecided(a))
        return EXIT_UNDECIDED;
    say_passed(a);
    return EXIT_DECIDED;
}

void against_free(struct against *a)
{
    json_decref(a->rows);
    names_free(&a->unraced);
    names_free(&a->distrusted);
    *a = (struct against){0};
}
