/* SPDX-License-Identifier: MIT */
/*
 * store.c - see store.h.
 *
 * Write-ahead log and a busy timeout, so that several processes (two tournaments into two folders,
 * a reader beside them) wait for each other instead of failing. user_version is the schema: there
 * is no migration, an index of another schema is emptied and filled again from the folders.
 */
#include "store.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STORE_SCHEMA = 1, STORE_WAIT_MS = 20000 };

static const char tables[] =
    "CREATE TABLE starts(id TEXT PRIMARY KEY, preset TEXT, started TEXT);"
    "CREATE TABLE runs(run TEXT PRIMARY KEY, stamp TEXT, state TEXT, problem TEXT, preset TEXT,"
    " started TEXT, ended TEXT, seed TEXT, seed_given INTEGER, plan_sha256 TEXT, alpha REAL,"
    " margin REAL, machine TEXT, host TEXT, kernel TEXT, commit_id TEXT, compiler TEXT, flags TEXT,"
    " minutes REAL, blocks INTEGER, runs INTEGER, redone INTEGER, cells INTEGER,"
    " cells_decided INTEGER, aa TEXT, smallest_gap REAL, baseline TEXT, winner TEXT,"
    " sentence TEXT, merged_from INTEGER, shape TEXT);"
    "CREATE TABLE entries(run TEXT, entry TEXT, contestant TEXT, variant TEXT, version TEXT,"
    " kind TEXT, twin_of TEXT, eligible INTEGER, reason TEXT);"
    "CREATE TABLE binaries(run TEXT, entry TEXT, program TEXT, sha256 TEXT);"
    "CREATE TABLE cells(run TEXT, lane TEXT, scenario TEXT, point TEXT, family TEXT, metric TEXT,"
    " unit TEXT, entry TEXT, version TEXT, binary_sha256 TEXT, word TEXT, reason TEXT,"
    " star INTEGER, blocks INTEGER, median REAL, p5 REAL, p95 REAL,"
    " to_best REAL, to_best_low REAL, to_best_high REAL,"
    " to_baseline REAL, to_baseline_low REAL, to_baseline_high REAL, to_baseline_word TEXT,"
    " baseline_binary_sha256 TEXT);"
    "CREATE TABLE duels(run TEXT, lane TEXT, scenario TEXT, point TEXT, a TEXT, b TEXT, word TEXT,"
    " ratio REAL, low REAL, high REAL, blocks INTEGER, won_by_a INTEGER, e_value REAL,"
    " decided_block INTEGER);"
    "CREATE INDEX cells_by_place ON cells(scenario, lane, point, entry);"
    "CREATE INDEX cells_by_run ON cells(run);"
    "CREATE INDEX duels_by_run ON duels(run);";

static const char drops[] =
    "DROP TABLE IF EXISTS starts; DROP TABLE IF EXISTS runs; DROP TABLE IF EXISTS entries;"
    "DROP TABLE IF EXISTS binaries; DROP TABLE IF EXISTS cells; DROP TABLE IF EXISTS duels;";

static int complain(sqlite3 *db, char *err, size_t err_size)
{
    const char *name = db != NULL ? sqlite3_db_filename(db, "main") : NULL; /* NULL: no memory */
    const bool named = name != NULL && name[0] != '\0';
    snprintf(err, err_size, "%s: %s", named ? name : "index", sqlite3_errmsg(db));
    return -EIO;
}

/* ---- statements ---- */

static void bind_values(sqlite3_stmt *statement, const char *kinds, va_list values)
{
    for (int i = 0; kinds[i] != '\0'; i++) {
        if (kinds[i] == 't') {
            sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        } else if (kinds[i] == 'i') {
            sqlite3_bind_int64(statement, i + 1, va_arg(values, long));
        } else {
            const double value = va_arg(values, double);
            if (isfinite(value))
                sqlite3_bind_double(statement, i + 1, value);
        }
    }
}

int store_run(sqlite3 *db, char *err, size_t err_size, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return complain(db, err, err_size);
    va_list values;
    va_start(values, kinds);
    bind_values(statement, kinds, values);
    va_end(values);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        continue;
    const int rc = step == SQLITE_DONE ? 0 : complain(db, err, err_size);
    sqlite3_finalize(statement);
    return rc;
}

static json_t *column(sqlite3_stmt *statement, int i)
{
    switch (sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(statement, i));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(statement, i));
    case SQLITE_NULL:
        return json_null();
    default:
        return json_string((const char *)sqlite3_column_text(statement, i));
    }
}

json_t *store_rows(sqlite3 *db, char *err, size_t err_size, const char *sql, const char *kinds, ...)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        complain(db, err, err_size);
        return NULL;
    }
    va_list values;
    va_start(values, kinds);
    bind_values(statement, kinds, values);
    va_end(values);
    json_t *rows = json_array();
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *row = json_object();
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            json_object_set_new(row, sqlite3_column_name(statement, i), column(statement, i));
        json_array_append_new(rows, row);
    }
    if (step != SQLITE_DONE) {
        complain(db, err, err_size);
        json_decref(rows);
        rows = NULL;
    }
    sqlite3_finalize(statement);
    return rows;
}

/* ---- opening ---- */

static long schema_of(sqlite3 *db, char *err, size_t err_size)
{
    json_t *rows = store_rows(db, err, err_size, "PRAGMA user_version", "");
    const long schema =
        rows == NULL
            ? -1
            : (long)json_integer_value(json_object_get(json_array_get(rows, 0), "user_version"));
    json_decref(rows);
    return schema;
}

/* Two processes may come here at once: the second finds the schema of the first. */
static int make_tables(sqlite3 *db, bool *fresh, char *err, size_t err_size)
{
    char version[64];
    snprintf(version, sizeof(version), "PRAGMA user_version = %d", STORE_SCHEMA);
    int rc = store_run(db, err, err_size, "BEGIN IMMEDIATE", "");
    if (rc != 0)
        return rc;
    if (schema_of(db, err, err_size) != STORE_SCHEMA) {
        *fresh = true;
        if (sqlite3_exec(db, drops, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(db, tables, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(db, version, NULL, NULL, NULL) != SQLITE_OK)
            rc = complain(db, err, err_size);
    }
    if (rc == 0)
        return store_run(db, err, err_size, "COMMIT", "");
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int try_open(const char *path, sqlite3 **out, bool *fresh, char *err, size_t err_size)
{
    int rc = 0;
    *fresh = false;
    if (sqlite3_open(path, out) != SQLITE_OK) {
        rc = complain(*out, err, err_size);
    } else {
        sqlite3_busy_timeout(*out, STORE_WAIT_MS);
        rc = store_run(*out, err, err_size, "PRAGMA journal_mode = WAL", "");
        const long schema = rc == 0 ? schema_of(*out, err, err_size) : -1;
        if (rc == 0 && schema != STORE_SCHEMA)
            rc = schema < 0 ? -EIO : make_tables(*out, fresh, err, err_size);
    }
    if (rc != 0) {
        const int code = sqlite3_errcode(*out);
        sqlite3_close(*out);
        *out = NULL;
        if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
            return -EBADMSG;
    }
    return rc;
}

static void remove_file(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[4096];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

int store_open(const char *path, sqlite3 **out, bool *fresh, char *err, size_t err_size)
{
    int rc = try_open(path, out, fresh, err, err_size);
    if (rc == -EBADMSG) {
        remove_file(path);
        rc = try_open(path, out, fresh, err, err_size);
    }
    return rc == -EBADMSG ? -EIO : rc;
}
