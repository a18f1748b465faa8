/* SPDX-License-Identifier: MIT */
/*
 * run_folder.h - the folder of one tournament.
 *
 * reports/runs/<UTC time>-<host>-<commit>/ holds everything; reports/runs/index.ndjson gets a line
 * for each start (starts.h), also of those that are abandoned later: nothing disappears into a
 * drawer.
 */
#ifndef VELO_RUN_FOLDER_H
#define VELO_RUN_FOLDER_H

#include "project.h"

#define RUN_FOLDER_BASE "reports/runs"
#define RUN_FOLDER_LATEST "reports/latest"

struct run_folder {
    char *base; /* the folder of folders */
    char *id;
    char *path; /* base/id */
};

/*
 * Makes a new folder below [base] (NULL = reports/runs) and its line in the index, with what is
 * asked (starts.h). Returns: 0; -errno after a message.
 */
int run_folder_create(struct run_folder *folder,
                      const char *base,
                      const char *preset,
                      const char *question);

/*
 * Makes a new folder whose id ends with -[kind], for what is made from other runs: no start, so it
 * gets no line. Returns: as above.
 */
int run_folder_create_derived(struct run_folder *folder, const char *base, const char *kind);

/*
 * Finds a folder that exists: a path, an id below reports/runs; NULL or "latest" is reports/latest.
 * Returns: 0; -ENOENT after a message that names those that exist.
 */
int run_folder_find(struct run_folder *folder, const struct project *project, const char *wanted);

/* Points reports/latest (or BASE/latest for another base) at the folder. Returns: 0; -errno. */
int run_folder_make_latest(const struct run_folder *folder);

void run_folder_free(struct run_folder *folder);

/* The path of [file] in the folder; the caller frees. */
char *run_folder_file(const struct run_folder *folder, const char *file);

#endif
