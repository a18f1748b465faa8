/* SPDX-License-Identifier: MIT */
/* export.c - see export.h. */
#include "export.h"

#include "../render/fields.h"
#include "csv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- runs in order ---- */

struct row {
    const struct run_dir *dir;
    const struct run_dir_run *run;
};

static int order_of(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_key(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    const struct run_dir_cell *ours = &a->dir->cells[a->run->cell];
    const struct run_dir_cell *theirs = &b->dir->cells[b->run->cell];
    int order = strcmp(ours->lane, theirs->lane);
    if (order == 0)
        order = strcmp(ours->scenario, theirs->scenario);
    if (order == 0)
        order = strcmp(ours->point, theirs->point);
    if (order == 0)
        order = strcmp(a->dir->entries[a->run->entry].name, b->dir->entries[b->run->entry].name);
    if (order == 0)
        order = order_of(a->run->block, b->run->block);
    return order != 0 ? order : order_of(a->run->attempt, b->run->attempt);
}

/* Runs that have something to tell, sorted; for free(). NULL without memory. */
static struct row *sorted_runs(const struct run_dir *dir, bool all, size_t *count)
{
    struct row *rows = calloc(dir->run_count + 1, sizeof(*rows));
    *count = 0;
    for (size_t i = 0; rows != NULL && i < dir->run_count; i++)
        if (dir->runs[i].run != NULL && (all || dir->runs[i].counts))
            rows[(*count)++] = (struct row){.dir = dir, .run = &dir->runs[i]};
    if (rows != NULL)
        qsort(rows, *count, sizeof(*rows), by_key);
    return rows;
}

/* ---- the numbers of a run ---- */

/* {NAME: {"value", "unit", "better"}}: what the run reports, percentiles and covariates too. */
static void add_plain(json_t *numbers,
                      const char *prefix,
                      const json_t *from,
                      const char *key,
                      const char *unit,
                      const char *better)
{
    const json_t *value = json_object_get(from, key);
    if (!json_is_number(value))
        return;
    char name[96];
    snprintf(name, sizeof(name), "%s_%s", prefix, key);
    json_object_set_new(
        numbers,
        name,
        json_pack(
            "{s:f, s:s, s:s}", "value", json_number_value(value), "unit", unit, "better", better));
}

static const char *unit_by_name(const char *name)
{
    const char *last = strrchr(name, '_');
    if (last != NULL && strcmp(last, "_ns") == 0)
        return "ns";
    return last != NULL && strcmp(last, "_bytes") == 0 ? "bytes" : "1";
}

static json_t *numbers_of(const struct row *row)
{
    static const char *const percentiles[] = {"p50", "p90", "p99", "p999", "max"};
    const struct run_dir_cell *cell = &row->dir->cells[row->run->cell];
    json_t *numbers = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(row->run->run, "metrics"), key, value)
    {
        if (json_is_number(json_object_get(value, "value")))
            json_object_set(numbers, key, value);
    }
    const json_t *latency = json_object_get(row->run->run, "latency");
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        add_plain(
            numbers, "latency", latency, percentiles[i], field_text(latency, "unit"), "lower");
    const json_t *covariates = json_object_get(row->run->run, "covariates");
    json_object_foreach((json_t *)(uintptr_t)covariates, key, value)
        add_plain(numbers, "covariate", covariates, key, unit_by_name(key), "");
    if (isfinite(row->run->cost)) /* the judged cost, whatever else the run says */
        json_object_set_new(
            numbers,
            cell->metric,
            json_pack(
                "{s:f, s:s, s:s}", "value", row->run->cost, "unit", cell->unit, "better", "lower"));
    return numbers;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of [numbers], sorted; for free(). NULL without memory. */
static const char **sorted_names(json_t *numbers, size_t *count)
{
    const char **names = calloc(json_object_size(numbers) + 1, sizeof(*names));
    const char *key;
    json_t *value;
    *count = 0;
    if (names == NULL)
        return NULL;
    json_object_foreach(numbers, key, value) names[(*count)++] = key;
    qsort(names, *count, sizeof(*names), by_text);
    return names;
}

/* ---- comma-separated values ---- */

static void csv_row(FILE *file, const struct row *row, const char *metric, const json_t *number)
{
    const struct run_dir_cell *cell = &row->dir->cells[row->run->cell];
    const struct run_dir_entry *entry = &row->dir->entries[row->run->entry];
    const char *const keys[] = {
        cell->lane, cell->scenario, cell->point, entry->name, entry->version};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        csv_text(file, keys[i]);
        fputc(',', file);
    }
    fprintf(file,
            "%zu,%zu,%zu,%d,",
            row->run->block,
            row->run->attempt,
            row->run->position,
            row->run->counts ? 1 : 0);
    csv_text(file, metric);
    fprintf(file, ",%d,", strcmp(metric, cell->metric) == 0 ? 1 : 0);
    csv_number(file, field_number(number, "value"));
    fputc(',', file);
    csv_text(file, field_text(number, "unit"));
    fputc(',', file);
    csv_text(file, field_text(number, "better"));
    fputc('\n', file);
}

int export_csv(const struct record *record, bool all, FILE *file)
{
    size_t count;
    struct row *rows = sorted_runs(&record->dir, all, &count);
    int rc = rows != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        fputs(
            "lane,scenario,point,entry,version,block,attempt,position,counts,metric,primary,value,"
            "unit,better\n",
            file);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t names_count;
        json_t *numbers = numbers_of(&rows[i]);
        const char **names = sorted_names(numbers, &names_count);
        if (names == NULL)
            rc = -ENOMEM;
        for (size_t n = 0; rc == 0 && n < names_count; n++)
            csv_row(file, &rows[i], names[n], json_object_get(numbers, names[n]));
        free(names);
        json_decref(numbers);
    }
    free(rows);
    return rc;
}

/* ---- Go benchmark format ---- */

/* "ping_pong" -> "PingPong": the part of a name before the first slash begins in upper case. */
static void camel(FILE *file, const char *text)
{
    bool upper = true;
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text))
            fputc(upper ? toupper((unsigned char)*text) : *text, file);
        upper = !isalnum((unsigned char)*text);
    }
}

/*
 * "threads=2,batch=1" -> "/threads=2/batch=1". A dash would begin a number of processors; alone it
 * says that there is one point only.
 */
static void point_parts(FILE *file, const char *point)
{
    if (strcmp(point, "-") == 0)
        return;
    if (point[0] != '\0')
        fputc('/', file);
    for (; *point != '\0'; point++) {
        if (*point == ',')
            fputc('/', file);
        else
            fputc(isspace((unsigned char)*point) || *point == '/' || *point == '-' ? '_' : *point,
                  file);
    }
}

static long iterations(const json_t *run)
{
    const long count = field_count(json_object_get(run, "latency"), "count", 0);
    const long done = field_count(json_object_get(run, "counters"), "executed", 0);
    return count > 0 ? count : done > 0 ? done : 1;
}

static int bench_line(FILE *file, const struct row *row)
{
    const struct run_dir_cell *cell = &row->dir->cells[row->run->cell];
    size_t count;
    json_t *numbers = numbers_of(row);
    const char **names = sorted_names(numbers, &count);
    fputs("Benchmark", file);
    camel(file, cell->scenario);
    fprintf(file, "/lane=%s", cell->lane);
    point_parts(file, cell->point);
    fprintf(file, " %ld", iterations(row->run->run));
    for (int primary = 1; names != NULL && primary >= 0; primary--)
        for (size_t n = 0; n < count; n++) {
            if ((strcmp(names[n], cell->metric) == 0) != (primary == 1))
                continue;
            fputc(' ', file);
            csv_number(file, field_number(json_object_get(numbers, names[n]), "value"));
            fprintf(file, " %s", names[n]);
        }
    fputc('\n', file);
    const int rc = names != NULL ? 0 : -ENOMEM;
    free(names);
    json_decref(numbers);
    return rc;
}

/* Which way is better, once per metric. */
static void bench_units(FILE *file, const struct row *rows, size_t count)
{
    json_t *better = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *key;
        json_t *number, *numbers = numbers_of(&rows[i]);
        json_object_foreach(numbers, key, number)
            json_object_set(better, key, json_object_get(number, "better"));
        json_decref(numbers);
    }
    size_t names_count;
    const char **names = sorted_names(better, &names_count);
    for (size_t n = 0; names != NULL && n < names_count; n++) {
        const char *word = field_text(better, names[n]);
        if (word[0] != '\0')
            fprintf(file, "Unit %s better=%s\n", names[n], word);
    }
    free(names);
    json_decref(better);
}

static void bench_head(FILE *file, const struct record *record)
{
    fprintf(file, "run: %s\n", record->id);
    fprintf(file, "commit: %s\n", record->commit);
    fprintf(file, "machine: %s\n", record->machine);
    fprintf(file, "compiler: %s\n", record_env(record, "compiler"));
    fprintf(file, "preset: %s\n", field_text(record->dir.plan, "preset"));
}

int export_benchstat(const struct record *record, const char *entry, FILE *file)
{
    size_t count;
    struct row *rows = sorted_runs(&record->dir, false, &count);
    int rc = rows != NULL ? 0 : -ENOMEM;
    if (rc == 0) {
        bench_head(file, record);
        bench_units(file, rows, count);
    }
    for (size_t e = 0; rc == 0 && e < record->dir.entry_count; e++) {
        const struct run_dir_entry *one = &record->dir.entries[e];
        if (entry != NULL && strcmp(entry, one->name) != 0)
            continue;
        fprintf(file, "\nimpl: %s\nversion: %s\n", one->name, one->version);
        for (size_t i = 0; rc == 0 && i < count; i++)
            if (rows[i].run->entry == e)
                rc = bench_line(file, &rows[i]);
    }
    free(rows);
    return rc;
}
