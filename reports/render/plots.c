/* SPDX-License-Identifier: MIT */
/*
 * plots.c - see plots.h. Each picture is one function that writes rows for gnuplot; what is shown
 * how is the business of the templates in reports/plots/. Data files are tab separated; index K
 * (blocks divided by two empty lines) belongs to contestant K.
 */
#include "plots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../judge/judge.h"
#include "curve.h"
#include "fields.h"
#include "gnuplot.h"
#include "human.h"
#include "plots_parts.h"

/* The forest is cut here; what lies beyond is written as a number at its edge. */
#define FOREST_RATIO_MAX 4.0
#define FOREST_RATIO_MIN 0.75

void plots_begin_index(struct picture *picture, const char *title)
{
    fprintf(picture->data.file, "# %s\n", title);
}

void plots_end_index(struct picture *picture)
{
    fputs("\n\n", picture->data.file);
}

void plots_set_names(struct picture *picture, const struct model *model)
{
    fprintf(picture->script.file, "n = %zu\narray who[n + 1]\n", model->contestant_count);
    for (size_t k = 0; k < model->contestant_count; k++) {
        fprintf(picture->script.file, "who[%zu] = ", k + 1);
        picture_quote(picture, model->contestants[k].name);
        fputc('\n', picture->script.file);
    }
}

/* ---- forest: ratio to the best with interval, one row for each cell ---- */

static void set_rows(struct picture *picture, const struct model *model)
{
    fprintf(picture->script.file, "rows = %zu\nset ytics (", model->cell_count);
    for (size_t i = 0; i < model->cell_count; i++) {
        fputs(i ? ", " : "", picture->script.file);
        picture_quote(picture, model->cells[i].label);
        fprintf(picture->script.file, " %zu", i);
    }
    fputs(") scale 0\n", picture->script.file);
}

/* The ratios at the ends of the axis: all intervals, but never more than a fixed range. */
static void set_reach(struct picture *picture, const struct model *model)
{
    double left = 0.93, reach = 1.2;
    for (size_t i = 0; i < model->cell_count; i++)
        for (size_t k = 0; k < model->contestant_count; k++) {
            const struct result *result = &model->cells[i].results[k];
            left = fmin(left, isfinite(result->low) ? result->low * 0.99 : left);
            reach = fmax(reach, isfinite(result->high) ? result->high : result->ratio);
        }
    fprintf(picture->script.file,
            "margin = %g\nleft = %g\nreach = %g\n",
            isfinite(model->margin) ? model->margin : 0.03,
            fmax(left, FOREST_RATIO_MIN),
            fmin(reach, FOREST_RATIO_MAX));
}

/* Contestants of a row stand a little below each other. */
static double forest_y(const struct model *model, size_t row, size_t k)
{
    double n = (double)model->contestant_count;
    return (double)row + ((double)k - (n - 1) / 2) * 0.72 / n;
}

static void forest_points(struct picture *picture, const struct model *model, size_t k)
{
    plots_begin_index(picture, "y\tratio to the best\tlow\thigh");
    for (size_t i = 0; i < model->cell_count; i++) {
        const struct result *result = &model->cells[i].results[k];
        if (!isfinite(result->ratio) || result->ratio > FOREST_RATIO_MAX)
            continue;
        bool interval = isfinite(result->low);
        fprintf(picture->data.file,
                "%.4f\t%.6g\t%.6g\t%.6g\n",
                forest_y(model, i, k),
                result->ratio,
                interval ? result->low : result->ratio,
                interval ? fmin(result->high, FOREST_RATIO_MAX) : result->ratio);
    }
    fputs("-9\t1\t1\t1\n", picture->data.file); /* an index must not be empty; out of sight */
    plots_end_index(picture);
}

/* Beyond the edge, disqualified, not run: words instead of a point. */
static void forest_words(struct picture *picture, const struct model *model, bool beyond)
{
    plots_begin_index(picture, beyond ? "beyond the edge: y\ttext" : "no number: y\ttext");
    for (size_t i = 0; i < model->cell_count; i++)
        for (size_t k = 0; k < model->contestant_count; k++) {
            const struct result *result = &model->cells[i].results[k];
            if (beyond && isfinite(result->ratio) && result->ratio > FOREST_RATIO_MAX)
                fprintf(picture->data.file,
                        "%.4f\t%s ▶\n",
                        forest_y(model, i, k),
                        human_ratio(result->ratio).text);
            if (!beyond && result->word >= WORD_DISQUALIFIED)
                fprintf(picture->data.file,
                        "%.4f\t%s %s\n",
                        forest_y(model, i, k),
                        word_looks[result->word].symbol,
                        word_looks[result->word].label);
        }
    fputs("-9\t \n", picture->data.file);
    plots_end_index(picture);
}

static int forest(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    set_rows(picture, model);
    set_reach(picture, model);
    for (size_t k = 0; k < model->contestant_count; k++)
        forest_points(picture, model, k);
    forest_words(picture, model, true);
    forest_words(picture, model, false);
    return picture_end(picture, err, err_size);
}

/* ---- heat map ---- */

static int heat(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    set_rows(picture, model);
    for (int hatched = 0; hatched < 2; hatched++) {
        plots_begin_index(picture, hatched ? "x\ty\tword" : "x\ty\tratio to the best\ttext");
        for (size_t i = 0; i < model->cell_count; i++)
            for (size_t k = 0; k < model->contestant_count; k++) {
                const struct result *result = &model->cells[i].results[k];
                bool absent = !isfinite(result->ratio);
                if (absent != (hatched == 1))
                    continue;
                if (absent)
                    fprintf(picture->data.file,
                            "%zu\t%zu\t%s\n",
                            k,
                            i,
                            result->word >= WORD_DISQUALIFIED ? word_looks[result->word].label
                                                              : "no number");
                else
                    fprintf(picture->data.file,
                            "%zu\t%zu\t%.6g\t%s\n",
                            k,
                            i,
                            result->ratio,
                            human_ratio(result->ratio).text);
            }
        fputs(hatched ? "-9\t-9\t \n" : "-9\t-9\t1\t \n", picture->data.file);
        plots_end_index(picture);
    }
    return picture_end(picture, err, err_size);
}

/* ---- latency: value by percentile, merged over the runs ---- */

bool plots_has_latency(const struct model *model, size_t cell)
{
    for (size_t i = 0; i < model->dir.run_count; i++)
        if (model->dir.runs[i].counts && model->dir.runs[i].cell == cell &&
            model_latency(&model->dir.runs[i], true))
            return true;
    return false;
}

static void latency_curve(
    struct picture *picture, const struct model *model, size_t cell, size_t entry, bool corrected)
{
    struct curve curve = {0};
    for (size_t i = 0; i < model->dir.run_count; i++) {
        const struct run_dir_run *run = &model->dir.runs[i];
        if (run->counts && run->cell == cell && run->entry == entry)
            curve_add(&curve, model_latency(run, corrected));
    }
    plots_begin_index(picture,
                      corrected ? "p\t1/(1-p)\tlatency in ns, from the intended time"
                                : "p\t1/(1-p)\tlatency in ns, from the actual sending");
    size_t points = curve_merge(&curve);
    for (size_t i = 0; i < points; i++)
        if (curve.points[i].p < 1)
            fprintf(picture->data.file,
                    "%.6g\t%.6g\t%.6g\n",
                    curve.points[i].p,
                    1 / (1 - curve.points[i].p),
                    curve.points[i].value);
    if (points == 0)
        fputs("0\tNaN\tNaN\n", picture->data.file);
    plots_end_index(picture);
    curve_fini(&curve);
}

static int
latency(const struct model *model, size_t cell, struct picture *picture, char *err, size_t err_size)
{
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    for (size_t k = 0; k < model->contestant_count; k++)
        latency_curve(picture, model, cell, model->contestants[k].entry, true);
    for (size_t k = 0; k < model->contestant_count; k++)
        latency_curve(picture, model, cell, model->contestants[k].entry, false);
    return picture_end(picture, err, err_size);
}

/* ---- throughput by producers ---- */

/* Scenarios call them one or the other. */
static const char *producers_key(const struct cell *cell)
{
    return json_object_get(cell->plan->params, "producers") ? "producers" : "threads";
}

double plots_producers(const struct cell *cell)
{
    return field_number(cell->plan->params, producers_key(cell));
}

double plots_rate(const struct cell *cell, const struct result *result)
{
    if (isfinite(result->cost[COST_RATE].median))
        return result->cost[COST_RATE].median;
    return strcmp(cell->plan->metric, "ns_per_task") == 0 ? 1e9 / result->median : NAN;
}

static bool has_rate(const struct model *model, const struct cell *cell)
{
    for (size_t k = 0; k < model->contestant_count; k++)
        if (isfinite(plots_rate(cell, &cell->results[k])))
            return true;
    return false;
}

bool plots_same_but(const struct cell *a, const struct cell *b, const char *key)
{
    if (strcmp(a->plan->lane, b->plan->lane) != 0 ||
        strcmp(a->plan->scenario, b->plan->scenario) != 0)
        return false;
    json_t *one = json_deep_copy(a->plan->params);
    json_t *other = json_deep_copy(b->plan->params);
    json_object_del(one, key);
    json_object_del(other, key);
    bool same = json_equal(one, other);
    json_decref(one);
    json_decref(other);
    return same;
}

bool plots_same_line(const struct cell *a, const struct cell *b)
{
    return strcmp(producers_key(a), producers_key(b)) == 0 &&
           plots_same_but(a, b, producers_key(a));
}

bool plots_has_throughput(const struct model *model, size_t cell)
{
    size_t points = 0;
    if (!isfinite(plots_producers(&model->cells[cell])))
        return false;
    for (size_t i = 0; i < model->cell_count; i++) {
        if (!plots_same_line(&model->cells[i], &model->cells[cell]))
            continue;
        if (i < cell)
            return false;
        points += has_rate(model, &model->cells[i]) ? 1 : 0;
    }
    return points > 1;
}

static double most_producers(const struct model *model, size_t first)
{
    double most = 1;
    for (size_t i = first; i < model->cell_count; i++)
        if (plots_same_line(&model->cells[i], &model->cells[first]))
            most = fmax(most, plots_producers(&model->cells[i]));
    return most;
}

static int throughput(
    const struct model *model, size_t first, struct picture *picture, char *err, size_t err_size)
{
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    fprintf(picture->script.file, "most = %g\n", most_producers(model, first));
    for (size_t k = 0; k < model->contestant_count; k++) {
        plots_begin_index(picture, "producers\ttasks/s\tp5\tp95");
        for (size_t i = first; i < model->cell_count; i++) {
            const struct cell *cell = &model->cells[i];
            const struct result *result = &cell->results[k];
            double rate = plots_rate(cell, result), producers = plots_producers(cell);
            if (!plots_same_line(cell, &model->cells[first]) || !isfinite(rate) ||
                !isfinite(producers))
                continue;
            fprintf(picture->data.file,
                    "%g\t%.6g\t%.6g\t%.6g\n",
                    producers,
                    rate,
                    rate * result->median / result->p95,
                    rate * result->median / result->p5);
        }
        fputs("-1\tNaN\tNaN\tNaN\n", picture->data.file);
        plots_end_index(picture);
    }
    return picture_end(picture, err, err_size);
}

/* ---- the answer under all weights ---- */

/* The place of a contestant among all, from 0; -1 for null. */
static int contestant_index(const struct model *model, const json_t *name)
{
    for (size_t k = 0; json_is_string(name) && k < model->contestant_count; k++)
        if (strcmp(model->contestants[k].name, json_string_value(name)) == 0)
            return (int)k;
    return -1;
}

/* Is the lead of this stretch or mix also proven? */
static bool is_proven(const json_t *view)
{
    return json_is_string(json_object_get(view, "winner"));
}

/* Rows of contestant [k] from the strips: from, to, y; proven leads or open ones. */
static void strip_rows(struct picture *picture, const struct model *model, size_t k, bool proven)
{
    const json_t *strips = json_object_get(json_object_get(model->verdict, "map"), "families");
    plots_begin_index(picture, proven ? "proven: x\ty\tfrom\tto" : "open: x\ty\tfrom\tto");
    for (size_t i = 0; i < json_array_size(strips); i++) {
        const json_t *stretches = json_object_get(json_array_get(strips, i), "stretches");
        for (size_t s = 0; s < json_array_size(stretches); s++) {
            const json_t *one = json_array_get(stretches, s);
            const double from = field_number(one, "from"), to = field_number(one, "to");
            if (contestant_index(model, json_object_get(one, "leader")) == (int)k &&
                is_proven(one) == proven)
                fprintf(picture->data.file, "%g\t%zu\t%g\t%g\n", (from + to) / 2, i, from, to);
        }
    }
    fputs("-9\t-9\t-9\t-9\n", picture->data.file);
    plots_end_index(picture);
}

static int strips(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    const json_t *list = json_object_get(json_object_get(model->verdict, "map"), "families");
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    fprintf(picture->script.file, "rows = %zu\nset ytics (", json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const int family = judge_family_parse(field_text(json_array_get(list, i), "family"));
        fputs(i ? ", " : "", picture->script.file);
        picture_quote(picture, judge_family_title((enum judge_family)family));
        fprintf(picture->script.file, " %zu", i);
    }
    fputs(") scale 0\n", picture->script.file);
    for (size_t k = 0; k < model->contestant_count; k++)
        strip_rows(picture, model, k, true);
    for (size_t k = 0; k < model->contestant_count; k++)
        strip_rows(picture, model, k, false);
    plots_begin_index(picture, "weight in the profile\ty");
    for (size_t i = 0; i < json_array_size(list); i++)
        fprintf(
            picture->data.file, "%g\t%zu\n", field_number(json_array_get(list, i), "weight"), i);
    plots_end_index(picture);
    return picture_end(picture, err, err_size);
}

static void mix_rows(struct picture *picture, const struct model *model, size_t k, bool proven)
{
    const json_t *points = json_object_get(plots_triangle(model), "points");
    plots_begin_index(picture, proven ? "proven: x\ty" : "open: x\ty");
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *one = json_array_get(points, i), *weights = json_object_get(one, "weights");
        const double second = json_number_value(json_array_get(weights, 1));
        const double third = json_number_value(json_array_get(weights, 2));
        if (contestant_index(model, json_object_get(one, "leader")) == (int)k &&
            is_proven(one) == proven)
            fprintf(picture->data.file, "%g\t%g\n", second + third / 2, third * sqrt(3) / 2);
    }
    fputs("-9\t-9\n", picture->data.file);
    plots_end_index(picture);
}

const json_t *plots_triangle(const struct model *model)
{
    const json_t *map = json_object_get(model->verdict, "map");
    return json_array_get(json_object_get(map, "triples"), 0);
}

/* Corners: left, right, top. */
static int triangle(const struct model *model, struct picture *picture, char *err, size_t err_size)
{
    const json_t *families = json_object_get(plots_triangle(model), "families");
    if (picture_begin(picture, err, err_size) != 0)
        return -1;
    plots_set_names(picture, model);
    fputs("array corner[3]\n", picture->script.file);
    for (size_t i = 0; i < 3; i++) {
        const char *name = json_string_value(json_array_get(families, i));
        fprintf(picture->script.file, "corner[%zu] = ", i + 1);
        picture_quote(picture,
                      judge_family_title((enum judge_family)judge_family_parse(name ? name : "")));
        fputc('\n', picture->script.file);
    }
    for (size_t k = 0; k < model->contestant_count; k++)
        mix_rows(picture, model, k, true);
    for (size_t k = 0; k < model->contestant_count; k++)
        mix_rows(picture, model, k, false);
    return picture_end(picture, err, err_size);
}

/* ---- all of them ---- */

static bool has_numbers(const struct model *model)
{
    for (size_t i = 0; i < model->cell_count; i++)
        if (model->cells[i].best >= 0)
            return true;
    return false;
}

int plots_write(const struct model *model, const char *home, char *err, size_t err_size)
{
    char dir[4096];
    int rc = 0;
    snprintf(dir, sizeof dir, "%s/plots", model->dir.path);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        snprintf(err, err_size, "%s: %s", dir, strerror(errno));
        return -1;
    }
    if (!has_numbers(model))
        return 0;
    struct picture picture = {.dir = dir, .home = home, .kind = "forest", .name = "forest"};
    rc |= forest(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "heat", .name = "heat"};
    rc |= heat(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "strips", .name = "strips"};
    if (json_is_object(json_object_get(model->verdict, "map")))
        rc |= strips(model, &picture, err, err_size);
    picture = (struct picture){.dir = dir, .home = home, .kind = "triangle", .name = "triangle"};
    if (plots_triangle(model) != NULL)
        rc |= triangle(model, &picture, err, err_size);
    for (size_t i = 0; i < model->cell_count; i++) {
        picture = (struct picture){.dir = dir, .home = home, .kind = "latency"};
        snprintf(picture.name, sizeof picture.name, "latency_%zu", i);
        if (plots_has_latency(model, i))
            rc |= latency(model, i, &picture, err, err_size);
        picture = (struct picture){.dir = dir, .home = home, .kind = "throughput"};
        snprintf(picture.name, sizeof picture.name, "throughput_%zu", i);
        if (plots_has_throughput(model, i))
            rc |= throughput(model, i, &picture, err, err_size);
    }
    return rc | plots_write_runs(model, dir, home, err, err_size);
}
