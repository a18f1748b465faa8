/* SPDX-License-Identifier: MIT */
/*
 * store.h - inner header of history: the SQLite file, its tables, statements in and rows out.
 */
#ifndef VELO_HISTORY_STORE_H
#define VELO_HISTORY_STORE_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Opens [path] (":memory:" for one that nobody else sees) and makes the tables where they are
 * missing or of another schema; a file that is no database is replaced, for nothing stands in it
 * that the run folders do not hold. *fresh tells that it is empty.
 * Returns: 0; -EIO with [err] filled.
 */
int store_open(const char *path, sqlite3 **out, bool *fresh, char *err, size_t err_size);

/*
 * Runs one statement. [kinds] has a letter per value that follows: t = const char *, i = long,
 * f = double (NAN and infinities become NULL).
 * Returns: 0; -EIO with [err] filled.
 */
int store_run(sqlite3 *db, char *err, size_t err_size, const char *sql, const char *kinds, ...);

/*
 * The rows that a query gives, as an array of objects with the names of the columns as keys.
 * Returns: a new reference; NULL with [err] filled.
 */
json_t *
store_rows(sqlite3 *db, char *err, size_t err_size, const char *sql, const char *kinds, ...);

#endif
