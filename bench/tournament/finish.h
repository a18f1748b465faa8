/* SPDX-License-Identifier: MIT */
/*
 * finish.h - the last steps, as far as other commands take them too.
 */
#ifndef VELO_FINISH_H
#define VELO_FINISH_H

#include <jansson.h>
#include <stdbool.h>

/* Writes verdict and report of [run_dir] from its journal. Returns: 0; -1 after a message. */
int finish_pages(const char *run_dir, bool *verdict_written);

/* verdict.json of [run_dir], a new reference; NULL after a message. */
json_t *finish_load_verdict(const char *run_dir);

/* True when the run told identical code apart: then none of its answers is one. */
bool finish_is_distrusted(const json_t *verdict);

/*
 * Brings the index of all runs below [runs] up to date, with this run and with those that were
 * killed before. It is derived from the folders, so a failure is told and nothing else.
 */
void finish_remember(const char *runs);

/* Prints a verdict on stdout. */
void finish_show(const json_t *verdict, const char *run_dir);

#endif
