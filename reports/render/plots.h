/* SPDX-License-Identifier: MIT */
/*
 * plots.h - the pictures of a report: for each one a data file, a script and the picture that
 * gnuplot made of them, side by side in plots/. The script is the template reports/plots/KIND.gp
 * under a few lines that set its variables, so `cd plots && gnuplot NAME.gp` repeats it.
 */
#ifndef VELO_REPORT_PLOTS_H
#define VELO_REPORT_PLOTS_H

#include <stddef.h>

#include "model.h"

/*
 * [home] is the folder reports/ with the templates.
 * Returns: 0; -1 with [err] filled when a picture could not be made. The others are made still.
 */
int plots_write(const struct model *model, const char *home, char *err, size_t err_size);

/* The three families of the picture "triangle", from verdict.json; NULL without one. */
const json_t *plots_triangle(const struct model *model);

/* Has the cell latency curves? Then its picture is called "latency_CELL". */
bool plots_has_latency(const struct model *model, size_t cell);

/*
 * Is the cell the first of several that differ only in the number of producers? Then there is a
 * picture "throughput_CELL" of all those points.
 */
bool plots_has_throughput(const struct model *model, size_t cell);

/* Do two cells differ in nothing but the parameter [key]? */
bool plots_same_but(const struct cell *a, const struct cell *b, const char *key);

/* Cells that the pictures "ecdf" and "evidence" are about; 0: it is not drawn. */
size_t plots_spread_cells(const struct model *model);
size_t plots_evidence_cells(const struct model *model);

/* Cells that the picture "tail" is about; *both: in how many one contestant has the least of both
 * medians. */
size_t plots_tail_cells(const struct model *model, size_t *both);

/* Of so many cells that such a picture is about, how many it has no room for: the last ones. */
size_t plots_not_drawn(size_t cells);

/*
 * Is the cell the first of several that differ only in the load that is offered? Then there is a
 * picture "load_CELL" of them; the parameter is called what is returned, else NULL.
 */
const char *plots_load(const struct model *model, size_t cell);

/* Do two cells differ in nothing but the number of producers? */
bool plots_same_line(const struct cell *a, const struct cell *b);

/* Producers of a cell, NAN when it has no such parameter. */
double plots_producers(const struct cell *cell);

/* Tasks per second of a result: measured, or else from the time per task. NAN without numbers. */
double plots_rate(const struct cell *cell, const struct result *result);

#endif
