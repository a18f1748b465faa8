/* SPDX-License-Identifier: MIT */
/*
 * verdict_others.c - the rows of a cell about numbers that are not judged: percentiles, CPU time,
 * switches, wake-ups, memory, whatever else the runs report.
 *
 * A row has its spread and, like the primary one, the ratio to the leader of the cell with its
 * interval, from the same blocks and by the same ranks (judge_compare). It has no word: a cell has
 * one question, and whoever looks at ten numbers finds a difference in one of them.
 */
#include "fields.h"
#include "verdict_parts.h"

#include <stdlib.h>
#include <string.h>

/* One number that runs report, under the name that it has in the verdict. */
struct side {
    char metric[64];
    const char *unit, *better;
    const char *key; /* under which [read] finds it */
    double (*read)(const struct run_dir_run *run, const char *key);
};

enum { SIDES_MAX = 48 };

struct sides {
    struct side list[SIDES_MAX];
    size_t count;
};

/* One cell with the values of one number in the place of costs. */
struct table {
    struct judge_cell_input cell;
    struct judge_block *blocks;
    double *values; /* block by block, one per entry */
    double *room;   /* one per block */
};

/* ---- what a run says ---- */

static double read_metric(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(json_object_get(run->run, "metrics"), key), "value");
}

static double read_latency(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(run->run, "latency"), key);
}

static double read_covariate(const struct run_dir_run *run, const char *key)
{
    return field_number(json_object_get(run->run, "covariates"), key);
}

/* Work that was done, as divisor; NAN where the run did not count it. */
static double tasks(const struct run_dir_run *run)
{
    const double executed = field_number(json_object_get(run->run, "counters"), "executed");
    return executed > 0 ? executed : NAN;
}

static double read_cpu(const struct run_dir_run *run, const char *key)
{
    return read_covariate(run, key) / tasks(run);
}

static double read_switches(const struct run_dir_run *run, const char *key)
{
    return 1000 * (read_covariate(run, key) + read_covariate(run, "involuntary_switches")) /
           tasks(run);
}

static double read_wakeups(const struct run_dir_run *run, const char *key)
{
    return 1000 * field_number(json_object_get(run->run, "counters"), key) / tasks(run);
}

/* What every run of the race lane records, whatever its scenario measures. */
static const struct side recorded[] = {
    {"cpu_ns_per_task", "ns", "lower", "cpu_ns", read_cpu},
    {"switches_per_1000_tasks", "1", "lower", "voluntary_switches", read_switches},
    {"wakeups_per_1000_tasks", "1", "lower", "wakeups", read_wakeups},
    {"peak_rss_bytes", "bytes", "lower", "max_rss_bytes", read_covariate},
};

/* ---- which numbers the runs of a cell report ---- */

static void add_side(struct sides *sides, const char *primary, const struct side *side)
{
    bool known = strcmp(side->metric, primary) == 0 || sides->count == SIDES_MAX;
    for (size_t i = 0; i < sides->count && !known; i++)
        known = strcmp(sides->list[i].metric, side->metric) == 0;
    if (!known)
        sides->list[sides->count++] = *side;
}

static void add_sides(struct sides *sides, const char *primary, const struct run_dir_run *run)
{
    static const char *const percentiles[] = {"p50", "p90", "p99", "p999", "max"};
    const json_t *latency = json_object_get(run->run, "latency");
    const char *name;
    json_t *about;
    json_object_foreach(json_object_get(run->run, "metrics"), name, about)
    {
        const char *better = field_text(about, "better");
        struct side side = {.unit = field_text(about, "unit"),
                            .better = better[0] != '\0' ? better : "lower",
                            .key = name,
                            .read = read_metric};
        snprintf(side.metric, sizeof(side.metric), "%s", name);
        add_side(sides, primary, &side);
    }
    for (size_t p = 0; p < sizeof(percentiles) / sizeof(percentiles[0]); p++) {
        struct side side = {.unit = field_text(latency, "unit"),
                            .better = "lower",
                            .key = percentiles[p],
                            .read = read_latency};
        snprintf(side.metric, sizeof(side.metric), "latency_%s", percentiles[p]);
        add_side(sides, primary, &side);
    }
}

static bool belongs(const struct run_dir_run *run, size_t c)
{
    return run->counts && run->cell == c && run->run != NULL;
}

/* In the order of the journal: the numbers of the first run, then what only others have. */
static void find_sides(const struct run_dir *dir, size_t c, struct sides *sides)
{
    sides->count = 0;
    for (size_t i = 0; i < dir->run_count; i++)
        if (belongs(&dir->runs[i], c))
            add_sides(sides, dir->cells[c].metric, &dir->runs[i]);
    for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++)
        add_side(sides, dir->cells[c].metric, &recorded[i]);
}

/* ---- rows ---- */

/* Blocks rise in number from one to the next, in the judge's input as in the journal. */
static void fill(struct table *table, const struct run_dir *dir, size_t c, const struct side *side)
{
    const size_t k = dir->entry_count;
    size_t at = 0;
    for (size_t i = 0; i < table->cell.block_count * k; i++)
        table->values[i] = NAN;
    for (size_t i = 0; i < dir->run_count; i++) {
        const struct run_dir_run *run = &dir->runs[i];
        if (!belongs(run, c))
            continue;
        while (at < table->cell.block_count && table->blocks[at].number < run->block)
            at++;
        if (at < table->cell.block_count && table->blocks[at].number == run->block)
            table->values[at * k + run->entry] = side->read(run, side->key);
    }
}

static size_t column(const struct table *table, size_t entries, size_t e)
{
    size_t n = 0;
    for (size_t b = 0; b < table->cell.block_count; b++)
        if (isfinite(table->values[b * entries + e]))
            table->room[n++] = table->values[b * entries + e];
    judge_sort(table->room, n);
    return n;
}

static void add_row(const struct judged *judged,
                    const struct table *table,
                    size_t c,
                    size_t e,
                    const struct side *side,
                    json_t *rows)
{
    const struct run_dir *dir = judged->dir;
    const struct judge_cell_result *result = &judged->cells[c];
    const size_t n = column(table, dir->entry_count, e);
    struct judge_comparison found = {.ratio = NAN, .low = NAN, .high = NAN};
    if (n == 0)
        return;
    if (result->leader == (int)e)
        found.ratio = found.low = found.high = 0;
    else if (result->leader >= 0 &&
             judge_compare(&table->cell, e, (size_t)result->leader, result->log_t, &found) != 0)
        return; /* no memory for one row: the verdict on the cell stands */
    json_t *row = verdict_row(&dir->cells[c], side->metric);
    json_object_set_new(row, "unit", json_string(side->unit));
    json_object_set_new(row, "better", json_string(side->better));
    json_object_set_new(row, "primary", json_false());
    json_object_set_new(row, "contestant", json_string(dir->entries[e].name));
    verdict_spread(row,
                   n,
                   judge_median(table->room, n),
                   judge_quantile(table->room, n, 0.05),
                   judge_quantile(table->room, n, 0.95));
    json_object_set_new(row, "ratio", verdict_ratio(found.ratio));
    json_object_set_new(row, "low", verdict_ratio(found.low));
    json_object_set_new(row, "high", verdict_ratio(found.high));
    json_object_set_new(row, "x_limit", json_null());
    json_object_set_new(row, "verdict", json_null());
    json_object_set_new(row, "reason", json_string(""));
    json_array_append_new(rows, row);
}

void verdict_others(const struct judged *judged, size_t c, json_t *rows)
{
    const struct run_dir *dir = judged->dir;
    struct table table = {.cell = dir->in.cells[c]};
    const size_t blocks = table.cell.block_count, k = dir->entry_count;
    struct sides *sides = malloc(sizeof(*sides));
    table.blocks = calloc(blocks + 1, sizeof(*table.blocks));
    table.values = calloc(blocks * k + 1, sizeof(*table.values));
    table.room = calloc(blocks + 1, sizeof(*table.room));
    const bool have = sides != NULL && table.blocks != NULL && table.values != NULL &&
                      table.room != NULL && blocks > 0;
    for (size_t b = 0; have && b < blocks; b++) {
        table.blocks[b] = table.cell.blocks[b];
        table.blocks[b].cost = table.values + b * k;
    }
    table.cell.blocks = table.blocks;
    if (have)
        find_sides(dir, c, sides);
    for (size_t i = 0; have && i < sides->count; i++) {
        fill(&table, dir, c, &sides->list[i]);
        for (size_t e = 0; e < k; e++)
            if (dir->entries[e].twin_of < 0)
                add_row(judged, &table, c, e, &sides->list[i], rows);
    }
    free(sides);
    free(table.blocks);
    free(table.values);
    free(table.room);
}
