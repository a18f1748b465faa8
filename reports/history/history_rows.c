/* SPDX-License-Identifier: MIT */
/* history_rows.c - see history_rows.h. */
#include "history_rows.h"

#include "../render/fields.h"
#include "merge.h"
#include "record.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const tables_of_run[] = {"runs", "entries", "binaries", "cells", "duels"};
enum { TABLE_COUNT = sizeof(tables_of_run) / sizeof(tables_of_run[0]) };

int history_forget(sqlite3 *db, const char *run, char *err, size_t err_size)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < TABLE_COUNT; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE run = ?", tables_of_run[i]);
        rc = store_run(db, err, err_size, sql, "t", run);
    }
    return rc;
}

int history_forget_all(sqlite3 *db, char *err, size_t err_size)
{
    int rc = store_run(db, err, err_size, "DELETE FROM starts", "");
    for (size_t i = 0; rc == 0 && i < TABLE_COUNT; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "DELETE FROM %s", tables_of_run[i]);
        rc = store_run(db, err, err_size, sql, "");
    }
    return rc;
}

/* Who stands first in the default standing, if the evidence names somebody. */
static const char *winner_of(const json_t *verdict)
{
    const json_t *standings = json_object_get(verdict, "standings");
    const size_t count = json_array_size(standings);
    const json_t *chosen = count > 0 ? json_array_get(standings, count - 1) : NULL;
    size_t index;
    const json_t *standing;
    json_array_foreach(standings, index, standing)
    {
        if (strcmp(field_text(standing, "profile"), field_text(verdict, "profile")) == 0)
            chosen = standing;
    }
    return field_text(chosen, "winner");
}

static int add_run(
    sqlite3 *db, const struct record *r, const char *run, const char *stamp, char *err, size_t size)
{
    const json_t *about = json_object_get(r->verdict, "run");
    const json_t *summary = json_object_get(r->verdict, "summary");
    const json_t *trust = json_object_get(r->verdict, "trust");
    char shape[RUN_DIR_SHA_HEX];
    merge_shape(&r->dir, shape);
    return store_run(
        db,
        err,
        size,
        "INSERT INTO runs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "tttttttt"
        "itff"
        "tttttt"
        "fiiiii"
        "tf"
        "ttt"
        "it",
        run,
        stamp,
        record_state(r),
        "",
        field_text(about, "preset"),
        r->dir.started,
        r->dir.ended,
        field_text(about, "seed"),
        (long)json_is_true(json_object_get(about, "seed_given")),
        r->dir.plan_sha256,
        r->dir.in.alpha,
        r->dir.in.margin,
        r->machine,
        record_env(r, "host"),
        record_env(r, "kernel"),
        r->commit,
        record_env(r, "compiler"),
        record_env(r, "flags"),
        r->dir.seconds_total / 60,
        field_count(about, "blocks", 0),
        field_count(about, "runs", 0),
        field_count(about, "redone", 0),
        field_count(summary, "cells", 0),
        field_count(summary, "cells_decided", 0),
        field_text(json_object_get(trust, "aa"), "verdict"),
        field_number(trust, "smallest_visible_gap"),
        record_baseline(r),
        winner_of(r->verdict),
        field_text(r->verdict, "sentence"),
        (long)json_array_size(merge_sources(r->dir.plan)),
        shape);
}

static int
add_binaries(sqlite3 *db, const char *run, const json_t *entry, char *err, size_t err_size)
{
    int rc = 0;
    const char *program;
    json_t *binary;
    json_object_foreach(json_object_get(entry, "binaries"), program, binary)
    {
        if (rc == 0)
            rc = store_run(db,
                           err,
                           err_size,
                           "INSERT INTO binaries VALUES(?,?,?,?)",
                           "tttt",
                           run,
                           field_text(entry, "name"),
                           program,
                           field_text(binary, "sha256"));
    }
    return rc;
}

/* Why an entry was out of the whole run, from the verdict. */
static const json_t *contestant_of(const json_t *verdict, const char *name)
{
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(verdict, "contestants"), index, one)
    {
        if (strcmp(field_text(one, "name"), name) == 0)
            return one;
    }
    return NULL;
}

static int add_entries(sqlite3 *db, const struct record *r, const char *run, char *err, size_t size)
{
    int rc = 0;
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(r->dir.plan, "entries"), index, entry)
    {
        const json_t *about = contestant_of(r->verdict, field_text(entry, "name"));
        if (rc == 0)
            rc =
                store_run(db,
                          err,
                          size,
                          "INSERT INTO entries VALUES(?,?,?,?,?,?,?,?,?)",
                          "tttttttit",
                          run,
                          field_text(entry, "name"),
                          field_text(entry, "contestant"),
                          field_text(entry, "variant"),
                          field_text(entry, "version"),
                          field_text(entry, "kind"),
                          field_text(entry, "twin_of"),
                          (long)(about == NULL || json_is_true(json_object_get(about, "eligible"))),
                          field_text(about, "reason"));
        if (rc == 0)
            rc = add_binaries(db, run, entry, err, size);
    }
    return rc;
}

static int add_cell(
    sqlite3 *db, const struct record *r, const char *run, const json_t *row, char *err, size_t size)
{
    const char *entry = field_text(row, "contestant");
    const char *baseline = record_baseline(r);
    const char *lane = field_text(row, "lane");
    const int index = run_dir_find_entry(&r->dir, entry);
    const struct record_ratio ratio = record_duel(r, row, entry, baseline);
    const bool self = strcmp(entry, baseline) == 0;
    return store_run(db,
                     err,
                     size,
                     "INSERT INTO cells VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                     "tttttttttttt"
                     "iifff"
                     "ffffff"
                     "tt",
                     run,
                     lane,
                     field_text(row, "scenario"),
                     field_text(row, "point"),
                     field_text(row, "family"),
                     field_text(row, "metric"),
                     field_text(row, "unit"),
                     entry,
                     index >= 0 ? r->dir.entries[index].version : "",
                     record_binary(r, entry, lane),
                     field_text(row, "verdict"),
                     field_text(row, "reason"),
                     (long)json_is_true(json_object_get(row, "star")),
                     field_count(row, "runs", 0),
                     field_number(row, "median"),
                     field_number(row, "p5"),
                     field_number(row, "p95"),
                     field_number(row, "ratio"),
                     field_number(row, "low"),
                     field_number(row, "high"),
                     self ? 1.0 : ratio.ratio,
                     self ? NAN : ratio.low,
                     self ? NAN : ratio.high,
                     self ? "" : ratio.word,
                     record_binary(r, baseline, lane));
}

static int add_duel(sqlite3 *db, const char *run, const json_t *row, char *err, size_t size)
{
    return store_run(db,
                     err,
                     size,
                     "INSERT INTO duels VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,nullif(?,-1))",
                     "ttttttt"
                     "fff"
                     "ii"
                     "f"
                     "i",
                     run,
                     field_text(row, "lane"),
                     field_text(row, "scenario"),
                     field_text(row, "point"),
                     field_text(row, "a"),
                     field_text(row, "b"),
                     field_text(row, "verdict"),
                     field_number(row, "ratio"),
                     field_number(row, "low"),
                     field_number(row, "high"),
                     field_count(row, "blocks", 0),
                     field_count(row, "won_by_a", 0),
                     field_number(row, "e_value"),
                     field_count(row, "decided_block", -1));
}

static int add_record(
    sqlite3 *db, const struct record *r, const char *run, const char *stamp, char *err, size_t size)
{
    int rc = add_run(db, r, run, stamp, err, size);
    if (rc == 0)
        rc = add_entries(db, r, run, err, size);
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(r->verdict, "cells"), index, row)
    {
        if (rc == 0 && json_is_true(json_object_get(row, "primary")))
            rc = add_cell(db, r, run, row, err, size);
    }
    json_array_foreach(json_object_get(r->verdict, "duels"), index, row)
    {
        if (rc == 0)
            rc = add_duel(db, run, row, err, size);
    }
    return rc;
}

/* A folder without evidence still has a place in the list of runs. */
static int add_without_record(sqlite3 *db,
                              const char *run,
                              const char *stamp,
                              const char *state,
                              const char *problem,
                              char *err,
                              size_t err_size)
{
    return store_run(db,
                     err,
                     err_size,
                     "INSERT INTO runs(run, stamp, state, problem, preset, started, merged_from,"
                     " blocks, cells, cells_decided)"
                     " VALUES(?1, ?2, ?3, ?4, coalesce((SELECT preset FROM starts WHERE id = ?1),"
                     " ''), coalesce((SELECT started FROM starts WHERE id = ?1), ''), 0, 0, 0, 0)",
                     "tttt",
                     run,
                     stamp,
                     state,
                     problem);
}

static bool holds(const char *dir, const char *file)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    return access(path, F_OK) == 0;
}

int history_replace(sqlite3 *db,
                    const char *run,
                    const char *path,
                    const char *stamp,
                    char problem[1024],
                    char *err,
                    size_t err_size)
{
    struct record record;
    int rc = history_forget(db, run, err, err_size);
    if (rc != 0)
        return rc;
    if (!holds(path, "plan.json"))
        return add_without_record(db,
                                  run,
                                  stamp,
                                  "no plan",
                                  "stopped before the plan was fixed: nothing was measured",
                                  err,
                                  err_size);
    if (record_open(path, &record, problem, 1024) != 0)
        return add_without_record(db, run, stamp, "damaged", problem, err, err_size);
    rc = add_record(db, &record, run, stamp, err, err_size);
    record_close(&record);
    return rc;
}
