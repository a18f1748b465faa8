/* SPDX-License-Identifier: MIT */
/*
 * history.c - see history.h: which folders must be read, and the questions.
 *
 * A folder's stamp (size and time of change of the files that rows come from) says whether it has
 * changed since it was read. Each folder is one transaction.
 */
#include "history.h"

#include "history_rows.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct history {
    sqlite3 *db;
    char *runs;
    history_tell tell;
    void *user;
    char err[1024];
};

/* ---- stamps ---- */

static void add_to_stamp(char *stamp, size_t size, const char *path)
{
    struct stat status;
    const size_t used = strlen(stamp);
    if (stat(path, &status) == 0)
        snprintf(stamp + used,
                 size - used,
                 "%lld@%lld.%09ld ",
                 (long long)status.st_size,
                 (long long)status.st_mtim.tv_sec,
                 status.st_mtim.tv_nsec);
    else
        snprintf(stamp + used, size - used, "- ");
}

static void make_stamp(const char *dir, char *stamp, size_t size)
{
    static const char *const files[] = {"plan.json", "raw.ndjson", "env.json"};
    stamp[0] = '\0';
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[4200];
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        add_to_stamp(stamp, size, path);
    }
}

/* ---- bringing it up to date ---- */

static bool is_fresh(struct history *h, const char *run, const char *stamp)
{
    json_t *rows = store_rows(h->db,
                              h->err,
                              sizeof(h->err),
                              "SELECT 1 FROM runs WHERE run = ? AND stamp = ?",
                              "tt",
                              run,
                              stamp);
    const bool there = json_array_size(rows) > 0;
    json_decref(rows);
    return there;
}

static int read_folder(struct history *h, const char *run)
{
    char path[4096], stamp[256], problem[1024] = "";
    snprintf(path, sizeof(path), "%s/%s", h->runs, run);
    make_stamp(path, stamp, sizeof(stamp));
    if (is_fresh(h, run, stamp))
        return 0;
    int rc = store_run(h->db, h->err, sizeof(h->err), "BEGIN IMMEDIATE", "");
    if (rc != 0)
        return rc;
    rc = history_replace(h->db, run, path, stamp, problem, h->err, sizeof(h->err));
    if (rc == 0)
        rc = store_run(h->db, h->err, sizeof(h->err), "COMMIT", "");
    else
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    if (rc == 0 && problem[0] != '\0')
        h->tell(h->user, problem);
    return rc;
}

static int read_folders(struct history *h)
{
    struct dirent **entries;
    const int count = scandir(h->runs, &entries, NULL, alphasort);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat status;
        snprintf(path, sizeof(path), "%s/%s", h->runs, entries[i]->d_name);
        if (rc == 0 && entries[i]->d_name[0] != '.' && lstat(path, &status) == 0 &&
            S_ISDIR(status.st_mode))
            rc = read_folder(h, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return rc;
}

static int forget_gone(struct history *h)
{
    json_t *rows = store_rows(h->db, h->err, sizeof(h->err), "SELECT run FROM runs", "");
    int rc = rows != NULL ? 0 : -EIO;
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        char path[4096];
        struct stat status;
        const char *run = json_string_value(json_object_get(row, "run"));
        snprintf(path, sizeof(path), "%s/%s", h->runs, run);
        if (rc == 0 && stat(path, &status) != 0)
            rc = history_forget(h->db, run, h->err, sizeof(h->err));
    }
    json_decref(rows);
    return rc;
}

static int add_start(struct history *h, const char *line, size_t number)
{
    json_t *start = json_loads(line, 0, NULL);
    const char *id = json_string_value(json_object_get(start, "id"));
    const char *preset = json_string_value(json_object_get(start, "preset"));
    const char *started = json_string_value(json_object_get(start, "started"));
    int rc = 0;
    if (id == NULL) {
        char message[4200];
        snprintf(message,
                 sizeof(message),
                 "%s/index.ndjson:%zu: not a start of a run; the line is left out",
                 h->runs,
                 number);
        h->tell(h->user, message);
    } else {
        rc = store_run(h->db,
                       h->err,
                       sizeof(h->err),
                       "INSERT OR REPLACE INTO starts VALUES(?, ?, ?)",
                       "ttt",
                       id,
                       preset != NULL ? preset : "",
                       started != NULL ? started : "");
    }
    json_decref(start);
    return rc;
}

static int read_lines(struct history *h, FILE *file)
{
    char *line = NULL;
    size_t room = 0, number = 0;
    int rc = 0;
    while (rc == 0 && getline(&line, &room, file) >= 0)
        rc = add_start(h, line, ++number);
    free(line);
    return rc;
}

static int read_starts(struct history *h)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/index.ndjson", h->runs);
    int rc = store_run(h->db, h->err, sizeof(h->err), "BEGIN IMMEDIATE", "");
    if (rc != 0)
        return rc;
    rc = store_run(h->db, h->err, sizeof(h->err), "DELETE FROM starts", "");
    FILE *file = fopen(path, "re");
    if (rc == 0 && file != NULL)
        rc = read_lines(h, file);
    if (file != NULL)
        fclose(file);
    if (rc == 0)
        rc = store_run(h->db, h->err, sizeof(h->err), "COMMIT", "");
    else
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int bring_up_to_date(struct history *h, bool rebuild)
{
    int rc = rebuild ? history_forget_all(h->db, h->err, sizeof(h->err)) : 0;
    if (rc == 0)
        rc = read_starts(h);
    if (rc == 0)
        rc = read_folders(h);
    return rc == 0 ? forget_gone(h) : rc;
}

/* ---- opening ---- */

static int open_store(struct history *h, bool rebuild)
{
    char path[4096];
    bool fresh;
    snprintf(path, sizeof(path), "%s/history.sqlite", h->runs);
    int rc = store_open(path, &h->db, &fresh, h->err, sizeof(h->err));
    if (rc == 0)
        rc = bring_up_to_date(h, rebuild);
    return rc;
}

/* In memory for this once; the folders hold everything. */
static int open_in_memory(struct history *h)
{
    char message[2048];
    bool fresh;
    snprintf(message,
             sizeof(message),
             "the index cannot be kept (%s); it is made in memory for this once",
             h->err);
    h->tell(h->user, message);
    sqlite3_close(h->db);
    h->db = NULL;
    int rc = store_open(":memory:", &h->db, &fresh, h->err, sizeof(h->err));
    return rc == 0 ? bring_up_to_date(h, false) : rc;
}

int history_open(const char *runs,
                 bool rebuild,
                 history_tell tell,
                 void *user,
                 struct history **out,
                 char *err,
                 size_t err_size)
{
    struct history *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return -ENOMEM;
    *h = (struct history){.runs = strdup(runs), .tell = tell, .user = user};
    int rc = open_store(h, rebuild);
    if (rc != 0)
        rc = open_in_memory(h);
    snprintf(err, err_size, "%s", h->err);
    if (rc != 0) {
        history_close(h);
        h = NULL;
    }
    *out = h;
    return rc;
}

void history_close(struct history *history)
{
    if (history == NULL)
        return;
    sqlite3_close(history->db);
    free(history->runs);
    free(history);
}

/* ---- questions ---- */

json_t *history_runs(struct history *history, char *err, size_t err_size)
{
    return store_rows(history->db,
                      err,
                      err_size,
                      "SELECT runs.run, state, problem, runs.preset,"
                      " coalesce(nullif(runs.started, ''), starts.started, '') AS started, ended,"
                      " seed, seed_given, plan_sha256, alpha, margin, machine, host, kernel,"
                      " commit_id, compiler, flags, minutes, blocks, runs, redone, cells,"
                      " cells_decided, aa, smallest_gap, baseline, winner, sentence, merged_from"
                      " FROM runs LEFT JOIN starts ON starts.id = runs.run"
                      " UNION ALL SELECT id, 'gone', 'its folder is not there', preset, started,"
                      " '', '', 0, '', NULL, NULL, '', '', '', '', '', '', NULL, 0, 0, 0, 0, 0, '',"
                      " NULL, '', '', '', 0 FROM starts WHERE id NOT IN (SELECT run FROM runs)"
                      " ORDER BY started, run",
                      "");
}

json_t *history_cells(struct history *history,
                      const struct history_filter *filter,
                      char *err,
                      size_t err_size)
{
    return store_rows(
        history->db,
        err,
        err_size,
        "SELECT lane, scenario, point, entry, cells.run, started, state, preset, commit_id,"
        " compiler, machine, version, binary_sha256, metric, unit, word, reason, star,"
        " cells.blocks, median, p5, p95, to_best, to_best_low, to_best_high,"
        " baseline, to_baseline, to_baseline_low, to_baseline_high, to_baseline_word,"
        " baseline_binary_sha256"
        " FROM cells JOIN runs ON runs.run = cells.run"
        " WHERE (?1 = '' OR entry = ?1) AND (?2 = '' OR scenario = ?2)"
        " AND (?3 = '' OR point = ?3) AND (?4 = '' OR lane = ?4)"
        " ORDER BY lane, scenario, point, entry, started, cells.run",
        "tttt",
        filter->contestant,
        filter->scenario,
        filter->point,
        filter->lane);
}

json_t *history_same_shape(struct history *history, const char *shape, char *err, size_t err_size)
{
    return store_rows(history->db,
                      err,
                      err_size,
                      "SELECT run, state, blocks FROM runs WHERE shape = ? AND merged_from = 0"
                      " AND blocks > 0 ORDER BY started, run",
                      "t",
                      shape);
}
