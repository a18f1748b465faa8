/* SPDX-License-Identifier: MIT */
/*
 * verdict_ceiling.c - the array "ceilings" of verdict.json: what the harness itself costs in a
 * cell, beside the best contestant of it. Where the two are close, the cell measures the harness.
 */
#include "conditions.h"
#include "verdict_parts.h"

#include <math.h>

/* The contestant with the least median among those that may rank, or -1. */
static int best_entry(const struct judged *judged, size_t cell)
{
    const struct judge_entry_result *entries = judged->cells[cell].entries;
    int best = -1;
    for (size_t e = 0; e < judged->dir->entry_count; e++)
        if (judged->dir->entries[e].twin_of < 0 && entries[e].word != JUDGE_WORD_DISQUALIFIED &&
            isfinite(entries[e].median) && (best < 0 || entries[e].median < entries[best].median))
            best = (int)e;
    return best;
}

static json_t *row(const struct judged *judged, size_t c, const struct ceiling *ceiling)
{
    const struct run_dir_cell *cell = &judged->dir->cells[c];
    const int best = best_entry(judged, c);
    const double cost = best >= 0 ? judged->cells[c].entries[best].median : NAN;
    const double times = cost / ceiling->median;
    json_t *json = json_object();
    json_object_set_new(json, "lane", json_string(cell->lane));
    json_object_set_new(json, "scenario", json_string(cell->scenario));
    json_object_set_new(json, "point", json_string(cell->point));
    json_object_set_new(json, "metric", json_string(cell->metric));
    json_object_set_new(json, "unit", json_string(cell->unit));
    json_object_set_new(json, "runs", json_integer((json_int_t)ceiling->runs));
    json_object_set_new(json, "failed", json_integer((json_int_t)ceiling->failed));
    json_object_set_new(json, "reason", json_string(ceiling->reason));
    json_object_set_new(json, "median", verdict_number(ceiling->median));
    json_object_set_new(
        json, "best", best >= 0 ? json_string(judged->dir->entries[best].name) : json_null());
    json_object_set_new(json, "best_median", verdict_number(cost));
    json_object_set_new(json, "times", verdict_number(times));
    json_object_set_new(json, "near", json_boolean(times < CEILING_TIMES_LEAST));
    return json;
}

json_t *verdict_ceilings(const struct judged *judged)
{
    json_t *rows = json_array();
    for (size_t c = 0; c < judged->dir->cell_count; c++) {
        struct ceiling ceiling;
        if (ceiling_of(judged->dir, c, &ceiling) == 0 && ceiling.runs + ceiling.failed > 0)
            json_array_append_new(rows, row(judged, c, &ceiling));
    }
    return rows;
}
