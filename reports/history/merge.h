/* SPDX-License-Identifier: MIT */
/*
 * merge.h - several runs of one shape as one run: more blocks, perhaps of several machines.
 *
 * A block stays what it was: measured on one machine, back to back. The judge compares only inside
 * blocks, so blocks of several sources add up like blocks of one run, and for identical code each
 * sign stays a fair coin, as long as no two sources drew their orders from one seed. The sources
 * follow each other by their start: a run that is added to a merge continues it, so the gambler may
 * look after each. Shuffled together, each merge would be a game of its own.
 *
 * The folder of a merged run holds its sources unchanged (sources/ID/), and its journal is a pure
 * function of its plan and those: merge_journal() makes it, and anybody can make it again.
 */
#ifndef VELO_MERGE_H
#define VELO_MERGE_H

#include "record.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Below the folder of a merged run. */
#define MERGE_SOURCES "sources"

/*
 * The SHA-256 of all in a plan that the runs of one shape have in common: rules, entries with the
 * hashes of their programs, cells with what they measure. Seed, budget and rates are left out.
 */
void merge_shape(const struct run_dir *dir, char hex[RUN_DIR_SHA_HEX]);

/* The list of sources in a plan (borrowed), NULL for a run that was not merged. */
const json_t *merge_sources(const json_t *plan);

/*
 * The plan of the merged run. [common]: leave cells out that cannot be merged, instead of refusing.
 * *cells becomes a list {lane, scenario, point, reason} of all cells, reason "" for those that can
 * be merged; it is there in any case once the runs as such fit together, else NULL.
 * Returns: 0 with *plan, a new reference; -EINVAL with the exact reason in [err].
 */
int merge_plan(const struct record *sources,
               size_t count,
               bool common,
               json_t **plan,
               json_t **cells,
               char *err,
               size_t err_size);

/*
 * raw.ndjson of a merged run, from its plan.json and its folder sources/.
 * Returns: 0 with the bytes in *out, for free(); -errno with [err] filled (a source is missing,
 * was changed, or does not fit the plan).
 */
int merge_journal(const char *run_dir, char **out, size_t *size, char *err, size_t err_size);

/* The hashes of the files in a folder that a plan seals, as its key "sealed"; a new reference. */
typedef json_t *(*merge_seal)(const char *run_dir);

/*
 * Writes everything below [run_dir], an empty folder: the sources, plan.json, raw.ndjson, env.json,
 * conformance.json, and limits.json where all sources are of one machine. [left_out] names the runs
 * of the same shape that are not merged (an array of ids), [created] the time for the plan.
 * Returns: 0; -errno with [err] filled.
 */
int merge_write(const char *run_dir,
                const struct record *sources,
                size_t count,
                bool common,
                json_t *left_out,
                const char *created,
                merge_seal seal,
                char *err,
                size_t err_size);

#endif
