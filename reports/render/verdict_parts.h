/* SPDX-License-Identifier: MIT */
/* verdict_parts.h - inner header of verdict: the judged run and who writes which part of the file.
 */
#ifndef VELO_VERDICT_PARTS_H
#define VELO_VERDICT_PARTS_H

#include "run_dir.h"

/* A run folder after judgement. */
struct judged {
    const struct run_dir *dir;
    struct judge_cell_result *cells;  /* one per cell of the plan */
    struct judge_standing *standings; /* one per profile */
    size_t standing_count;
    struct judge_profile *profiles; /* by the weights of the plan; names point into it */
    int late;                       /* the profile that came after the measurement, or -1 */
    struct judge_trust trust;
    struct judge_map map;  /* of the default profile */
    double *block_seconds; /* per cell: what one block took; 0 if unknown */
    size_t redone;         /* attempts that do not count */
    size_t valid;          /* blocks that do */
};

/* A JSON number, or null where there is none. */
json_t *verdict_number(double value);

/* exp() of a log ratio, or null. */
json_t *verdict_ratio(double log_ratio);

/* What every row about a cell begins with. */
json_t *verdict_row(const struct run_dir_cell *cell, const char *metric);
void verdict_spread(json_t *row, size_t runs, double median, double p5, double p95);

/* Appends the rows of cell [c] about numbers that are not judged. */
void verdict_others(const struct judged *judged, size_t c, json_t *rows);

/* The arrays "cells" and "duels"; NULL without memory. */
json_t *verdict_cells(const struct judged *judged);
json_t *verdict_duels(const struct judged *judged);

/* The array "standings", and the sentence of one; the text is for free(). */
json_t *verdict_standings(const struct judged *judged);
char *verdict_sentence(const struct judged *judged, const struct judge_standing *standing);

/* The default standing: the profile that the plan names, "balanced", or the last one there is. */
const struct judge_standing *verdict_default(const struct judged *judged);

/* The array "prices", and the sentence about it for a run that asks for nothing else. */
json_t *verdict_prices(const struct judged *judged);
json_t *verdict_prices_sentence(const json_t *prices);
/* The array "ceilings": the harness itself beside the best of each cell. */
json_t *verdict_ceilings(const struct judged *judged);

/* How often each entry was late, {} where nobody was; and all of them together. */
json_t *verdict_late(const struct run_dir *dir);
size_t verdict_late_runs(const struct run_dir *dir);

/* The object "map", or null where there is nothing to weigh. */
json_t *verdict_map(const struct judged *judged);

/*
 * The physical limit that a cost of this cell stands beside.
 * Returns its value in the unit of the cell and *label ("L4", "C15/2"), or NAN and NULL where no
 * limit makes sense or it was not measured.
 */
double
verdict_limit(const struct run_dir *dir, const struct run_dir_cell *cell, const char **label);

#endif
