/* SPDX-License-Identifier: MIT */
/*
 * verdict_cells.c - the arrays "cells" and "duels" of verdict.json.
 *
 * A cell has one primary cost, and only that one is judged. Every other number that the runs report
 * is listed beside it without a word: verdict_others.c.
 */
#include "fields.h"
#include "limit_beside.h"
#include "verdict_parts.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

json_t *verdict_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *verdict_ratio(double log_ratio)
{
    return verdict_number(exp(log_ratio));
}

json_t *verdict_row(const struct run_dir_cell *cell, const char *metric)
{
    json_t *row = json_object();
    json_object_set_new(row, "lane", json_string(cell->lane));
    json_object_set_new(row, "scenario", json_string(cell->scenario));
    json_object_set_new(row, "point", json_string(cell->point));
    json_object_set_new(
        row, "params", cell->params != NULL ? json_deep_copy(cell->params) : json_object());
    json_object_set_new(row, "metric", json_string(metric));
    return row;
}

static const char *entry_name(const struct judged *judged, int entry)
{
    return entry < 0 ? NULL : judged->dir->entries[entry].name;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

void verdict_spread(json_t *row, size_t runs, double median, double p5, double p95)
{
    json_object_set_new(row, "runs", json_integer((json_int_t)runs));
    json_object_set_new(row, "median", verdict_number(median));
    json_object_set_new(row, "p5", verdict_number(p5));
    json_object_set_new(row, "p95", verdict_number(p95));
}

/* Where a command is known that repeats what put the entry out. */
static const char *reproduce(const struct run_dir *dir, size_t cell, size_t entry)
{
    for (size_t i = 0; i < dir->status_count; i++) {
        const struct run_dir_status *status = &dir->statuses[i];
        if (status->entry == entry && (status->cell == -1 || status->cell == (int)cell) &&
            status->reproduce[0] != '\0')
            return status->reproduce;
    }
    return NULL;
}

/* The cost as a multiple of what the machine needs, and how well that is known. */
static void set_limit(json_t *row, const struct run_dir *dir, size_t c, size_t e)
{
    struct limit_times times;
    if (limit_times_of(dir, c, e, &times) != 0)
        return; /* no memory for one field: the verdict on the cell stands */
    const bool known = times.rule != NULL && (times.beside || !isnan(times.limit));
    json_object_set_new(row, "x_limit", verdict_number(times.times));
    json_object_set_new(row, "x_limit_low", verdict_number(times.low));
    json_object_set_new(row, "x_limit_high", verdict_number(times.high));
    json_object_set_new(row, "limit", text_or_null(known ? times.rule->label : NULL));
    json_object_set_new(row,
                        "limit_from",
                        text_or_null(!known         ? NULL
                                     : times.beside ? "beside"
                                                    : "start"));
    json_object_set_new(row, "limit_blocks", json_integer((json_int_t)times.calibrated));
    json_object_set_new(row, "limit_drifted", json_integer((json_int_t)times.drifted));
}

static json_t *primary_row(const struct judged *judged, size_t c, size_t e)
{
    const struct run_dir_cell *cell = &judged->dir->cells[c];
    const struct judge_cell_result *result = &judged->cells[c];
    const struct judge_entry_result *entry = &result->entries[e];
    char reason[1024];
    json_t *row = verdict_row(cell, cell->metric);
    judge_reason(&judged->dir->in, c, result, e, judged->block_seconds[c], reason, sizeof(reason));
    json_object_set_new(row, "unit", json_string(cell->unit));
    json_object_set_new(row, "better", json_string("lower"));
    json_object_set_new(row, "primary", json_true());
    json_object_set_new(row, "family", json_string(judge_family_name(cell->family)));
    json_object_set_new(row, "contestant", json_string(judged->dir->entries[e].name));
    verdict_spread(row, entry->runs, entry->median, entry->p5, entry->p95);
    json_object_set_new(row, "ratio", verdict_ratio(entry->ratio));
    json_object_set_new(row, "low", verdict_ratio(entry->low));
    json_object_set_new(row, "high", verdict_ratio(entry->high));
    set_limit(row, judged->dir, c, e);
    json_object_set_new(row, "verdict", json_string(judge_word_name(entry->word)));
    json_object_set_new(row, "small", json_boolean(entry->small));
    json_object_set_new(row, "reason", json_string(reason));
    json_object_set_new(row, "loses_to", text_or_null(entry_name(judged, entry->loses_to)));
    json_object_set_new(
        row, "star", json_boolean(result->star && entry->word == JUDGE_WORD_WINNER));
    json_object_set_new(row, "reproduce", text_or_null(reproduce(judged->dir, c, e)));
    return row;
}

json_t *verdict_cells(const struct judged *judged)
{
    const struct run_dir *dir = judged->dir;
    json_t *rows = json_array();
    for (size_t c = 0; c < dir->cell_count; c++) {
        for (size_t e = 0; e < dir->entry_count; e++)
            if (dir->entries[e].twin_of < 0)
                json_array_append_new(rows, primary_row(judged, c, e));
        verdict_others(judged, c, rows);
    }
    return rows;
}

/* ---- duels ---- */

static double e_value(const struct judge_pair *pair)
{
    const double log_e = pair->decided != 0 ? pair->decided_log_e : pair->log_e;
    return exp(fmin(log_e, log(DBL_MAX)));
}

static json_t *duel_row(const struct judged *judged, size_t c, const struct judge_duel *duel)
{
    const struct run_dir *dir = judged->dir;
    const struct judge_pair *pair = &duel->pair;
    json_t *row = verdict_row(&dir->cells[c], dir->cells[c].metric);
    json_object_set_new(row, "a", json_string(dir->entries[duel->a].name));
    json_object_set_new(row, "b", json_string(dir->entries[duel->b].name));
    json_object_set_new(row, "blocks", json_integer((json_int_t)pair->n));
    json_object_set_new(row, "won_by_a", json_integer((json_int_t)pair->wins_a));
    json_object_set_new(row, "ties", json_integer((json_int_t)pair->ties));
    json_object_set_new(row, "attempts", json_integer((json_int_t)pair->all_n));
    json_object_set_new(row, "attempts_won_by_a", json_integer((json_int_t)pair->all_a));
    json_object_set_new(row, "attempts_won_by_b", json_integer((json_int_t)pair->all_b));
    json_object_set_new(row, "e_value", verdict_number(e_value(pair)));
    json_object_set_new(row, "threshold", verdict_number(exp(pair->log_t)));
    json_object_set_new(row,
                        "decided_block",
                        pair->decided != 0 ? json_integer((json_int_t)pair->decided_block)
                                           : json_null());
    json_object_set_new(row, "ratio", verdict_ratio(duel->median));
    json_object_set_new(row, "ratio_second_half", verdict_ratio(duel->median_late));
    json_object_set_new(row, "low", duel->has_interval ? verdict_ratio(duel->low) : json_null());
    json_object_set_new(row, "high", duel->has_interval ? verdict_ratio(duel->high) : json_null());
    json_object_set_new(row, "small", json_boolean(duel->small));
    json_object_set_new(row, "clock_too_coarse", json_boolean(duel->coarse));
    json_object_set_new(row, "further_blocks", verdict_number(duel->further_blocks));
    json_object_set_new(row, "verdict", json_string(judge_relation_name(duel->relation)));
    return row;
}

json_t *verdict_duels(const struct judged *judged)
{
    json_t *rows = json_array();
    for (size_t c = 0; c < judged->dir->cell_count; c++)
        for (size_t i = 0; i < judged->cells[c].duel_count; i++)
            json_array_append_new(rows, duel_row(judged, c, &judged->cells[c].duels[i]));
    return rows;
}
