/* SPDX-License-Identifier: MIT */
/* history_rows.h - inner header of history: one run folder as rows of the index. */
#ifndef VELO_HISTORY_ROWS_H
#define VELO_HISTORY_ROWS_H

#include <sqlite3.h>
#include <stddef.h>

/*
 * Replaces all rows of [run] by what its folder [path] says now. A folder that does not hold gets a
 * row with its state, and [problem] says what is wrong with it ("" else).
 * Returns: 0; -EIO with [err] filled.
 */
int history_replace(sqlite3 *db,
                    const char *run,
                    const char *path,
                    const char *stamp,
                    char problem[1024],
                    char *err,
                    size_t err_size);

/* Takes all rows of [run] away; of all runs and starts. Returns: 0; -EIO with [err] filled. */
int history_forget(sqlite3 *db, const char *run, char *err, size_t err_size);
int history_forget_all(sqlite3 *db, char *err, size_t err_size);

#endif
