/* SPDX-License-Identifier: MIT */
/*
 * history.h - every run below one folder of runs, as an index that can be asked:
 * RUNS/history.sqlite.
 *
 * The index is derived. Each row comes from a run folder (plan.json, raw.ndjson, env.json, judged
 * anew) or from index.ndjson, the list of all starts, and the file can be deleted at any time. So
 * reading it begins with bringing it up to date: folders that are new or have changed are read,
 * those that are gone are forgotten, except for their start, which index.ndjson keeps.
 */
#ifndef VELO_HISTORY_H
#define VELO_HISTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct history;

/* What history has to tell: a folder that cannot be read, an index that cannot be kept. */
typedef void (*history_tell)(void *user, const char *message);

/*
 * Opens RUNS/history.sqlite and brings it up to date; [rebuild] reads every folder again. Where the
 * file cannot be kept (a read-only folder) the index is made in memory, and said so.
 * Returns: 0; -errno with [err] filled.
 */
int history_open(const char *runs,
                 bool rebuild,
                 history_tell tell,
                 void *user,
                 struct history **out,
                 char *err,
                 size_t err_size);
void history_close(struct history *history);

/*
 * One row per start, oldest first: run, state, problem, preset, started, machine, commit_id,
 * compiler, plan_sha256, blocks, cells, cells_decided, aa, winner, sentence and more (store.c).
 * state: finished, interrupted, unfinished (killed or under way), no plan (stopped before it was
 * fixed), damaged (problem says why), gone (started, but the folder is not there).
 * Returns: a new reference; NULL with [err] filled.
 */
json_t *history_runs(struct history *history, char *err, size_t err_size);

/* What to look at; "" = all. */
struct history_filter {
    const char *contestant, *scenario, *point, *lane;
};

/*
 * One row per run, cell and entry, by scenario, point, entry and then by time. Returns: as above.
 */
json_t *history_cells(struct history *history,
                      const struct history_filter *filter,
                      char *err,
                      size_t err_size);

/*
 * Runs with the same plan but for seed, budget and what follows from the machine: those that
 * [run] could be merged with. Names in order of time. Returns: as above.
 */
json_t *history_same_shape(struct history *history, const char *shape, char *err, size_t err_size);

#endif
