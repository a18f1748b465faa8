/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - judges a run folder and writes verdict.json, schema 1: what other programs read.
 *
 * Costs stand in the unit of the cell's metric, ratios are plain numbers (1.18), shares are 0..1. A
 * number that does not exist is null, never NaN. reports/judge/README.md documents every key.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "run_dir.h"

/*
 * The verdict of what [dir] holds, as a new JSON object.
 * Returns: 0, the caller owns *out; -ENOMEM; -EINVAL with [err] filled.
 */
int verdict_build(const struct run_dir *dir, json_t **out, char *err, size_t err_size);

/*
 * Reads [run_dir], judges it and writes verdict.json there, whole or not at all. A torn last line
 * of the journal is left out and said so ("notes"). Returns: 0; otherwise a negative errno value,
 * [err] says what was wrong and what to do.
 */
int verdict_write(const char *run_dir, char *err, size_t err_size);

#endif
