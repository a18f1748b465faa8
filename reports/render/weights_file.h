/* SPDX-License-Identifier: MIT */
/*
 * weights_file.h - a user's own profile: a file of weights, checked, and as the judge wants it.
 *
 *     { "profile": "gateway",
 *       "families": { "p99": 50, "cpu": 30, "idle": 20 },
 *       "shares": { "poisson": 2, "race/poisson/percent=90": 3 } }
 *
 * In plan.json, weights.json and here it is carried as one member of an object of profiles:
 *     { "gateway": { "p99": 50, ..., "shares": { "poisson": 2, ... } } }
 */
#ifndef VELO_WEIGHTS_FILE_H
#define VELO_WEIGHTS_FILE_H

#include "../judge/judge.h"

#include <jansson.h>
#include <stddef.h>

/*
 * Reads the file [path]. Each share must name one of the [cells] (lane, scenario, point are looked
 * at). Returns: 0, the caller owns *out, an object with one profile; -1, and [err] says file, line,
 * key, value and what to do.
 */
int weights_file_read(const char *path,
                      const struct judge_cell_input *cells,
                      size_t cell_count,
                      json_t **out,
                      char *err,
                      size_t err_size);

/*
 * The profile [name] from its member of an object of profiles. Weights that are no positive numbers
 * count as 0. [name] must outlive [out]; weights_profile_fini() frees the rest.
 * Returns: 0; -ENOMEM.
 */
int weights_profile(const char *name, const json_t *families, struct judge_profile *out);
void weights_profile_fini(struct judge_profile *profile);

#endif
