/* SPDX-License-Identifier: MIT */
/*
 * starts.h - index.ndjson: a line for each start below one folder of runs, and how often the same
 * was started before.
 *
 * Lines are only ever added. Whoever races until the result pleases and deletes the other folders
 * leaves their lines behind, and the run that is shown says how many there are.
 */
#ifndef VELO_STARTS_H
#define VELO_STARTS_H

#include "plan.h"

#include <jansson.h>

/*
 * Adds the line of run [id] to BASE/index.ndjson. [question] is what is asked (starts_question),
 * "" where it is not counted. Returns: 0; -errno after a message.
 */
int starts_add(const char *base, const char *id, const char *preset, const char *question);

/*
 * How often the question of [id] was asked below [base] before it, at the same commit, committed or
 * not: {"starts":N,"gone":N,"unfinished":N}: of so many starts, so many have no folder any more, or
 * one without a verdict. A new reference; NULL when [id] has no line.
 */
json_t *starts_before(const char *base, const char *id);

/*
 * What a plan asks, for free(): a hash of preset, entries and cells. Seed, budget and whatever a
 * later start of the same may change are no part of it.
 */
char *starts_question(const struct plan *plan);

#endif
