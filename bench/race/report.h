/* SPDX-License-Identifier: MIT */
/* report.h - what the race program says: the run line, and the description of a scenario. */
#ifndef RACE_REPORT_H
#define RACE_REPORT_H

#include "options.h"
#include "scenario.h"

#include <stdio.h>

/* What can this contestant not do, that the point needs? True if it can run it. */
bool report_runnable(uint64_t needs, const struct variant *variant, char *reason, size_t size);

/* Is this program linked as [variant] (NULL = as it is) asks? Else why not, and what to do. */
bool report_linked(const struct variant *variant, char *reason, size_t size);

/* The same of a whole point: also, are there the processors that its placement asks for? */
bool report_point_runnable(const struct scenario *scenario,
                           const struct point *point,
                           char *reason,
                           size_t size);

/* All capabilities that a point needs: the scenario's, its own, its load's. */
uint64_t report_needs(const struct scenario *scenario, const struct point *point);

/* The run line, one line of JSON. */
void report_run(FILE *file,
                const struct race *race,
                const struct scenario *scenario,
                const struct point *point);

/* A line that says only that the run did not end in time, and how. */
void report_late(FILE *file,
                 const struct race *race,
                 const struct scenario *scenario,
                 const struct point *point,
                 const char *error);

/* --describe, as text or as one line of JSON. */
void report_describe(FILE *file, const struct scenario *scenario, bool as_json);

/* --variants */
void report_variants(FILE *file);

/* --loads */
void report_loads(FILE *file);

#endif
