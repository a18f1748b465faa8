/* SPDX-License-Identifier: MIT */
/*
 * plots_runs.c - the pictures that go behind the medians: how single runs spread, when they were
 * run and what disturbed them, how the evidence grew, tail against CPU time, latency by load.
 *
 * Some have a panel for each cell, in one file: panel P and contestant K are index P * n + K.
 */
#include "plots.h"
#include "plots_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../judge/judge.h"
#include "fields.h"
#include "human.h"

/* More panels than this nobody reads; the cells of a plan stand in the order of their lanes. */
enum { PANELS_MAX = 36 };

/* Costs of one cell on one axis: a range over this is drawn on a log scale. */
#define WIDE 8.0

typedef bool (*cell_test)(const struct model *model, size_t cell);

size_t plots_not_drawn(size_t cells)
{
    return cells > PANELS_MAX ? cells - PANELS_MAX : 0;
}

static size_t count_cells(const struct model *model, cell_test has)
{
    size_t count = 0;
    for (size_t i = 0; i < model->cell_count; i++)
        count += has(model, i);
    return count;
}

/* The cells that have a panel, in the order of the plan; returns how many. */
static size_t panels(const struct model *model, cell_test has, size_t list[PANELS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < model->cell_count && count < PANELS_MAX; i++)
        if (has(model, i))
            list[count++] = i;
    return count;
}

static void
set_panels(struct picture *picture, const struct model *model, const size_t *list, size_t count)
{
    fprintf(picture->script.file, "panels = %zu\narray panel[%zu]\n", count, count);
    for (size_t p = 0; p < count; p++) {
        fprintf(picture->script.file, "panel[%zu] = ", p + 1);
        picture_quote(picture, model->cells[list[p]].label);
        fputc('\n', picture->script.file);
    }
}

static bool counts(const struct run_dir_run *run, size_t cell, size_t entry)
{
    return run->counts && run->cell == cell && run->entry == entry && isfinite(run->cost);
}

/* An index must hold a row; this one is drawn nowhere. */
static void put_nothing(struct picture *picture, int columns)
{
    for (int i = 0; i < columns; i++)
        fputs(i ? "\tNaN" : "NaN", picture->data.file);
    fputc('\n', picture->data.file);
}

/* ---- how single runs spread ---- */

static bool has_spread(const struct model *model, size_t cell)
{
    return model->cells[cell].best >= 0 && model->cells[cell].blocks > 1;
}

size_t plots_spread_cells(const struct model *model)
{
    return count_cells(model, has_spread);
}

static void spread_steps(struct picture *picture,
                         const struct model *model,
                         size_t cell,
                         size_t entry,
                         const struct scale *scale)
{
    double *cost = calloc(model->dir.run_count + 1, sizeof *cost);
    size_t n = 0;
    for (size_t i = 0; cost && i < model->dir.run_count; i++)
        if (counts(&model->dir.runs[i], cell, entry))
            cost[n++] = model->dir.runs[i].cost * scale->factor;
    if (cost)
        judge_sort(cost, n);
    plots_begin_index(picture, "cost\tshare of runs that cost at most this");
    if (n == 0)
        put_nothing(picture, 2);
    else
        fprintf(picture->data.file, "%.6g\t0\n", cost[0]);
    for (size_t i = 0; i < n; i++)
        fprintf(picture->data.file, "%.6g\t%.6g\n", cost[i], (double)(i + 1) / (double)n);
    plots_end_index(picture);
    free(cost);
}

static void cost_range(const struct model *model, size_t cell, double *least, double *most)
{
    *least = INFINITY;
    *most = 0;
    for (size_t i = 0; i < model->dir.run_count; i++) {
        const struct run_dir_run *run = &model->dir.runs[i];
        if (!run->counts || run->cell != cell || !(run->cost > 0))
            continue;
        *least = fmin(*least, run->cost);
        *most = fmax(*most, run->cost);
    }
}

static int spread(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    size_t list[PANELS_MAX] = {0};
    const size_t count = panels(model, has_spread, list);
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    set_panels(picture, model, list, count);
    fprintf(picture->script.file, "array unit[%zu]\narray wide[%zu]\n", count, count);
    for (size_t p = 0; p < count; p++) {
        const struct cell *cell = &model->cells[list[p]];
        double least, most;
        cost_range(model, list[p], &least, &most);
        struct scale scale = scale_pick(least, cell->plan->unit);
        char axis[128];
        snprintf(axis, sizeof axis, "%s, %s", cell->metric, *scale.unit ? scale.unit : "units");
        fprintf(picture->script.file,
                "wide[%zu] = %d\nunit[%zu] = ",
                p + 1,
                most > WIDE * least,
                p + 1);
        picture_quote(picture, axis);
        fputc('\n', picture->script.file);
        for (size_t k = 0; k < model->contestant_count; k++)
            spread_steps(picture, model, list[p], model->contestants[k].entry, &scale);
    }
    return picture_end(picture, err, err_size);
}

/* ---- evidence by block ---- */

static bool has_evidence(const struct model *model, size_t cell)
{
    return has_spread(model, cell) && model->contestant_count > 1;
}

size_t plots_evidence_cells(const struct model *model)
{
    return model->smoke ? 0 : count_cells(model, has_evidence);
}

static void evidence_line(struct picture *picture,
                          const struct model *model,
                          const struct judge_fold *fold,
                          size_t leader,
                          size_t rival,
                          double log_t)
{
    struct judge_duel duel = {.a = leader < rival ? leader : rival,
                              .b = leader < rival ? rival : leader};
    judge_pair_init(&duel.pair, log_t);
    plots_begin_index(picture, "blocks\tE of the leader against this one");
    if (leader == rival)
        put_nothing(picture, 2);
    else
        fputs("0\t1\n", picture->data.file);
    for (size_t i = 0; leader != rival && i < fold->cell.block_count; i++)
        if (!isnan(judge_meet(&model->dir.in, &fold->cell, &fold->cell.blocks[i], &duel)))
            fprintf(picture->data.file,
                    "%zu\t%.6g\n",
                    duel.pair.n * fold->rows,
                    exp(fmin(duel.pair.log_e, 600)));
    plots_end_index(picture);
}

static int evidence(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    size_t list[PANELS_MAX] = {0};
    const size_t count = panels(model, has_evidence, list);
    const struct judge_input *in = &model->dir.in;
    const double log_t = judge_log_threshold(judge_contestants(in), in->alpha);
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    set_panels(picture, model, list, count);
    fprintf(picture->script.file, "threshold = %.6g\n", exp(log_t));
    for (size_t p = 0; p < count; p++) {
        struct judge_fold fold;
        const size_t leader = model->contestants[model->cells[list[p]].best].entry;
        if (judge_fold(&in->cells[list[p]], in->entry_count, &fold) != 0)
            continue; /* no memory: a panel without lines */
        for (size_t k = 0; k < model->contestant_count; k++)
            evidence_line(picture, model, &fold, leader, model->contestants[k].entry, log_t);
        judge_fold_fini(&fold);
    }
    return picture_end(picture, err, err_size);
}

/* ---- the runs in time ---- */

static double minutes_of(const struct model *model, const struct run_dir_run *run)
{
    const json_t *event = json_array_get(model->dir.events, run->line > 0 ? run->line - 1 : 0);
    return run_dir_time(field_text(event, "t")) / 60;
}

static double foreign_of(const struct model *model, const struct run_dir_run *run)
{
    return field_number(json_array_get(model->dir.events, run->line > 0 ? run->line - 1 : 0),
                        "foreign_share");
}

/* The twin is its original here: the same program, once more. */
static bool is_of(const struct model *model, const struct run_dir_run *run, size_t entry)
{
    return run->entry == entry || model->dir.entries[run->entry].twin_of == (int)entry;
}

static bool timeline_row(struct picture *picture,
                         const struct model *model,
                         const struct run_dir_run *run,
                         size_t k,
                         double start)
{
    const double median = model->cells[run->cell].results[k].median;
    const double minutes = minutes_of(model, run) - start;
    if (!is_of(model, run, model->contestants[k].entry) || !(run->cost > 0) || !(median > 0) ||
        !isfinite(minutes))
        return false;
    fprintf(picture->data.file, "%.4f\t%.6g\n", minutes, run->cost / median);
    return true;
}

static int timeline(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    const double start = minutes_of(model, &model->dir.runs[0]);
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    for (size_t k = 0; k < model->contestant_count; k++) {
        plots_begin_index(picture, "minutes\tcost / its median in the cell");
        bool any = false;
        for (size_t i = 0; i < model->dir.run_count; i++)
            if (model->dir.runs[i].counts)
                any |= timeline_row(picture, model, &model->dir.runs[i], k, start);
        if (!any)
            put_nothing(picture, 2);
        plots_end_index(picture);
    }
    plots_begin_index(picture, "redone attempts: minutes\tcost / its median in the cell");
    bool any = false;
    for (size_t i = 0; i < model->dir.run_count; i++)
        for (size_t k = 0; k < model->contestant_count && !model->dir.runs[i].counts; k++)
            any |= timeline_row(picture, model, &model->dir.runs[i], k, start);
    if (!any)
        put_nothing(picture, 2);
    plots_end_index(picture);
    plots_begin_index(picture, "minutes\tCPU time that went to others, %");
    for (size_t i = 0; i < model->dir.run_count; i++) {
        const double share = foreign_of(model, &model->dir.runs[i]);
        fprintf(picture->data.file,
                "%.4f\t%.4g\n",
                minutes_of(model, &model->dir.runs[i]) - start,
                isfinite(share) ? 100 * share : 0);
    }
    plots_end_index(picture);
    return picture_end(picture, err, err_size);
}

/* ---- tail against CPU time ---- */

static double tail_of(const struct run_dir_run *run)
{
    return field_number(json_object_get(run->run, "latency"), "p99") / 1e3;
}

static double cpu_of(const struct run_dir_run *run)
{
    const double executed = field_number(json_object_get(run->run, "counters"), "executed");
    return executed > 0
               ? field_number(json_object_get(run->run, "covariates"), "cpu_ns") / executed / 1e3
               : NAN;
}

/* Medians over the runs of one contestant; NAN without any. */
static void
tail_medians(const struct model *model, size_t cell, size_t entry, double *cpu, double *tail)
{
    double *room = calloc(2 * model->dir.run_count + 1, sizeof *room);
    double *tails = room ? room + model->dir.run_count : NULL;
    size_t n = 0;
    for (size_t i = 0; room && i < model->dir.run_count; i++) {
        const struct run_dir_run *run = &model->dir.runs[i];
        if (!counts(run, cell, entry) || !isfinite(cpu_of(run)) || !isfinite(tail_of(run)))
            continue;
        room[n] = cpu_of(run);
        tails[n++] = tail_of(run);
    }
    if (n > 0) {
        judge_sort(room, n);
        judge_sort(tails, n);
    }
    *cpu = n > 0 ? judge_median(room, n) : NAN;
    *tail = n > 0 ? judge_median(tails, n) : NAN;
    free(room);
}

static bool has_tail(const struct model *model, size_t cell)
{
    size_t have = 0;
    for (size_t k = 0; k < model->contestant_count; k++) {
        double cpu, tail;
        tail_medians(model, cell, model->contestants[k].entry, &cpu, &tail);
        have += isfinite(cpu) ? 1 : 0;
    }
    return have > 1;
}

/* Has one contestant the least CPU time and the least tail of a cell, by the medians? */
static bool one_has_both(const struct model *model, size_t cell)
{
    int least_cpu = -1, least_tail = -1;
    double cpu, tail, best_cpu = INFINITY, best_tail = INFINITY;
    for (size_t k = 0; k < model->contestant_count; k++) {
        tail_medians(model, cell, model->contestants[k].entry, &cpu, &tail);
        if (cpu < best_cpu) {
            best_cpu = cpu;
            least_cpu = (int)k;
        }
        if (tail < best_tail) {
            best_tail = tail;
            least_tail = (int)k;
        }
    }
    return least_cpu == least_tail;
}

size_t plots_tail_cells(const struct model *model, size_t *both)
{
    *both = 0;
    for (size_t i = 0; i < model->cell_count; i++)
        *both += has_tail(model, i) && one_has_both(model, i) ? 1 : 0;
    return count_cells(model, has_tail);
}

static void
tail_points(struct picture *picture, const struct model *model, size_t cell, size_t entry)
{
    double cpu, tail;
    tail_medians(model, cell, entry, &cpu, &tail);
    plots_begin_index(picture, "µs CPU per task\tp99 in µs\t1: a run, 3: medians of all runs");
    if (!isfinite(cpu))
        put_nothing(picture, 3);
    else
        fprintf(picture->data.file, "%.6g\t%.6g\t3\n", cpu, tail);
    for (size_t i = 0; i < model->dir.run_count; i++) {
        const struct run_dir_run *run = &model->dir.runs[i];
        if (counts(run, cell, entry) && isfinite(cpu_of(run)) && isfinite(tail_of(run)))
            fprintf(picture->data.file, "%.6g\t%.6g\t1\n", cpu_of(run), tail_of(run));
    }
    plots_end_index(picture);
}

static int tail(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    size_t list[PANELS_MAX] = {0};
    const size_t count = panels(model, has_tail, list);
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    set_panels(picture, model, list, count);
    for (size_t p = 0; p < count; p++)
        for (size_t k = 0; k < model->contestant_count; k++)
            tail_points(picture, model, list[p], model->contestants[k].entry);
    return picture_end(picture, err, err_size);
}

/* ---- latency by offered load ---- */

static const char *load_key(const struct cell *cell)
{
    static const char *const keys[] = {"percent", "rate", "load"};
    if (strncmp(cell->plan->unit, "ns", 2) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_is_number(json_object_get(cell->plan->params, keys[i])))
            return keys[i];
    return NULL;
}

static bool same_load_line(const struct cell *a, const struct cell *b, const char *key)
{
    const char *other = load_key(b);
    return other && strcmp(other, key) == 0 && strcmp(a->plan->metric, b->plan->metric) == 0 &&
           plots_same_but(a, b, key);
}

const char *plots_load(const struct model *model, size_t cell)
{
    const char *key = load_key(&model->cells[cell]);
    size_t points = 0;
    for (size_t i = 0; key && i < model->cell_count; i++) {
        if (!same_load_line(&model->cells[cell], &model->cells[i], key))
            continue;
        if (i < cell)
            return NULL;
        points += model->cells[i].best >= 0 ? 1 : 0;
    }
    return points > 1 ? key : NULL;
}

static int
load(const struct model *model, size_t first, struct picture *picture, char *err, size_t err_size)
{
    const struct cell *cell = &model->cells[first];
    const char *key = plots_load(model, first);
    char what[160];
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    snprintf(what, sizeof what, "%s (log scale)", cell->metric);
    fputs("what = ", picture->script.file);
    picture_quote(picture, what);
    fputs("\nload = ", picture->script.file);
    picture_quote(picture,
                  strcmp(key, "percent") == 0 ? "offered load, % of the common capacity"
                                              : "offered load, tasks per second");
    fputc('\n', picture->script.file);
    for (size_t k = 0; k < model->contestant_count; k++) {
        plots_begin_index(picture, "load\tlatency in ns\tp5\tp95");
        bool any = false;
        for (size_t i = first; i < model->cell_count; i++) {
            const struct result *result = &model->cells[i].results[k];
            if (!same_load_line(cell, &model->cells[i], key) || !(result->median > 0))
                continue;
            any = true;
            fprintf(picture->data.file,
                    "%g\t%.6g\t%.6g\t%.6g\n",
                    field_number(model->cells[i].plan->params, key),
                    result->median,
                    result->p5,
                    result->p95);
        }
        if (!any)
            put_nothing(picture, 4);
        plots_end_index(picture);
    }
    return picture_end(picture, err, err_size);
}

/* ---- all of them ---- */

int plots_write_runs(
    const struct model *model, const char *dir, const char *home, char *err, size_t err_size)
{
    size_t both;
    int rc = 0;
    struct picture picture = {.dir = dir, .home = home, .kind = "ecdf", .name = "ecdf"};
    if (plots_spread_cells(model) > 0)
        rc |= spread(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "evidence", .name = "evidence"};
    if (plots_evidence_cells(model) > 0)
        rc |= evidence(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "timeline", .name = "timeline"};
    if (model->dir.run_count > 0)
        rc |= timeline(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "tail", .name = "tail"};
    if (plots_tail_cells(model, &both) > 0)
        rc |= tail(model, &picture, err, err_size);
    for (size_t i = 0; i < model->cell_count; i++) {
        picture = (struct picture){.dir = dir, .home = home, .kind = "load"};
        snprintf(picture.name, sizeof picture.name, "load_%zu", i);
        if (plots_load(model, i) != NULL)
            rc |= load(model, i, &picture, err, err_size);
    }
    return rc;
}
