/* SPDX-License-Identifier: MIT */
/*
 * report.h - from the files of a run folder to pages that a person reads.
 *
 * Nothing is measured and nothing is judged here: the pages repeat verdict.json in words, tables
 * and pictures, and take from the journal only what the verdict does not hold (costs beside the
 * primary one, latency curves, redone blocks).
 */
#ifndef VELO_REPORT_H
#define VELO_REPORT_H

#include <stddef.h>

/*
 * Write report.md, report.html and plots/ into [run_dir] from the files that stand there:
 * verdict.json and plan.json must exist; raw.ndjson, limits.json, conformance.json and env.json may
 * be missing and then show as an empty state in words. Returns: 0; -1 with the reason in [err]. A
 * missing or failing gnuplot is such a reason, but the pages are written all the same, with the
 * tables.
 */
int report_write(const char *run_dir, char *err, size_t err_size);

#endif
