/* SPDX-License-Identifier: MIT */
/*
 * export.h - the runs of a tournament as rows for other programs.
 *
 * Rows are sorted by lane, scenario, point, entry, block, attempt and metric, names by their bytes,
 * numbers by value, so that two exports of one run are the same bytes and two runs can be compared
 * with diff.
 */
#ifndef VELO_EXPORT_H
#define VELO_EXPORT_H

#include "record.h"

#include <stdio.h>

/*
 * One line per run and number, after a line of titles: lane, scenario, point, entry, version,
 * block, attempt, position, counts, metric, primary, value, unit, better. [all]: also the runs of
 * attempts that do not count (counts = 0), which are left out otherwise. Returns: 0; -ENOMEM.
 */
int export_csv(const struct record *record, bool all, FILE *file);

/*
 * The text format of Go benchmarks, which benchstat reads: "key: value" lines, Unit lines, and one
 * line per run that counts, BenchmarkScenario/lane=LANE/POINT N VALUE METRIC ..., the primary
 * metric first. [entry]: only this one; NULL: all, each after a line "impl: NAME". Returns: 0;
 * -ENOMEM.
 */
int export_benchstat(const struct record *record, const char *entry, FILE *file);

#endif
