/* SPDX-License-Identifier: MIT */
/*
 * section_sides.c - the tables of numbers that are not judged: latency percentiles, costs beside
 * the time, whatever else the runs report. Each stands with its ratio to the leader of the cell,
 * and none gets a word.
 */
#include "sections.h"

#include <string.h>

#include "fields.h"
#include "human.h"
#include "plots.h"

/* A number with its ratio to the leader of the cell below it, and the interval of that if known. */
static void side_cell(struct page *page, const char *value, const struct side_value *side)
{
    char ratio[128] = "";
    const bool leads = fabs(side->low - 1) + fabs(side->high - 1) < 1e-12;
    if (isfinite(side->ratio) && isfinite(side->low) && isfinite(side->high) && !leads)
        snprintf(ratio,
                 sizeof ratio,
                 "%s, %s",
                 human_ratio(side->ratio).text,
                 human_interval(side->low, side->high).text);
    else if (isfinite(side->ratio))
        snprintf(ratio, sizeof ratio, "%s", human_ratio(side->ratio).text);
    page_cell_two(page, "n", value, isfinite(side->median) ? ratio : "", "");
}

/* ---- latency percentiles ---- */

/* Messages in one run, the median over runs would say no more: the first run that counts. */
static double messages(const struct model *model, size_t cell, size_t entry)
{
    for (size_t i = 0; i < model->dir.run_count; i++) {
        const struct run_dir_run *run = &model->dir.runs[i];
        if (run->counts && run->cell == cell && run->entry == entry)
            return field_number(json_object_get(run->run, "latency"), "count");
    }
    return NAN;
}

static void percentile_rows(struct page *page, const struct model *model, size_t index)
{
    static const char *const metrics[] = {
        "latency_p50", "latency_p90", "latency_p99", "latency_p999", "latency_max"};
    const struct cell *cell = &model->cells[index];
    for (size_t k = 0; k < model->contestant_count; k++) {
        const char *who = model->contestants[k].name;
        if (!cell->results[k].runs)
            continue;
        page_row(page, "");
        page_cell(page, "", "%s", who);
        for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
            struct side_value side = model_side(model, cell, k, metrics[m]);
            side_cell(page, human_value(side.median, "ns").text, &side);
        }
        page_cell(
            page, "n", "%s", human_count(messages(model, index, model->contestants[k].entry)).text);
    }
}

void section_percentiles(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<contestant", ">p50", ">p90", ">p99", ">p99.9", ">worst", ">messages"};
    bool open = false;
    for (size_t i = 0; i < model->cell_count; i++) {
        if (!plots_has_latency(model, i))
            continue;
        if (!open) {
            page_heading(page, 2, "percentiles", "Latency in numbers");
            page_table(page, "percentiles", 7, titles);
        }
        open = true;
        page_group(page, "%s", model->cells[i].label);
        percentile_rows(page, model, i);
    }
    if (!open)
        return;
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "Each percentile is taken in every run and then the median over the runs; one "
        "without at least ten messages beyond it is not shown. Below it the ratio to the "
        "leader of the cell and its interval, block by block; these numbers are not "
        "judged. Messages: in one run.");
}

/* ---- costs ---- */

static bool has_costs(const struct model *model, const struct cell *cell)
{
    for (size_t k = 0; k < model->contestant_count; k++)
        for (int cost = 0; cost < COST_COUNT; cost++)
            if (isfinite(cell->results[k].cost[cost].median))
                return true;
    return false;
}

static double least_cpu(const struct model *model, const struct cell *cell)
{
    double least = NAN;
    for (size_t k = 0; k < model->contestant_count; k++)
        least = fmin(least, cell->results[k].cost[COST_CPU_NS].median);
    return least;
}

static void cost_row(struct page *page,
                     const struct contestant *who,
                     const struct result *result,
                     const struct scale *cpu)
{
    page_row(page, "");
    page_cell(page, "", "%s", who->name);
    const struct side_value *cost = result->cost;
    side_cell(page, human_scaled(cost[COST_CPU_NS].median, cpu).text, &cost[COST_CPU_NS]);
    side_cell(page, human_number(cost[COST_SWITCHES].median).text, &cost[COST_SWITCHES]);
    side_cell(page, human_number(cost[COST_WAKEUPS].median).text, &cost[COST_WAKEUPS]);
    side_cell(page, human_value(cost[COST_RSS_BYTES].median, "bytes").text, &cost[COST_RSS_BYTES]);
}

void section_costs(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant",
                                         ">CPU per task",
                                         ">switches per 1000 tasks",
                                         ">wake-ups per 1000 tasks",
                                         ">peak memory"};
    bool open = false;
    page_heading(page, 2, "costs", "What it costs beside the time");
    for (size_t i = 0; i < model->cell_count; i++) {
        const struct cell *cell = &model->cells[i];
        if (!has_costs(model, cell))
            continue;
        if (!open)
            page_table(page, "costs", 5, titles);
        open = true;
        double least = least_cpu(model, cell);
        struct scale scale = scale_pick(least, "ns");
        page_group(page, "%s: CPU in %s", cell->label, scale.unit);
        for (size_t k = 0; k < model->contestant_count; k++)
            if (cell->results[k].runs)
                cost_row(page, &model->contestants[k], &cell->results[k], &scale);
    }
    if (!open) {
        page_paragraph(page, "empty", "No run recorded its costs.");
        return;
    }
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "Medians over the runs that count, below them the ratio to the leader of the cell "
        "and its interval; these numbers are not judged. CPU: time of all threads of the process, "
        "the "
        "load generator included, which is the same for all. Switches: voluntary and "
        "involuntary. Wake-ups: system calls made to wake a sleeping loop.");
}

/* ---- whatever else the runs report ---- */

/* Percentiles and costs have tables of their own. */
static bool stands_elsewhere(const char *metric)
{
    static const char *const others[] = {"latency_p50",
                                         "latency_p90",
                                         "latency_p99",
                                         "latency_p999",
                                         "latency_max",
                                         "cpu_ns_per_task",
                                         "switches_per_1000_tasks",
                                         "wakeups_per_1000_tasks",
                                         "peak_rss_bytes"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(metric, others[i]) == 0)
            return true;
    return false;
}

/* Is row [at] the first of its cell about its metric? Each contestant has one. */
static bool is_first(const json_t *list, size_t at, const struct cell *cell)
{
    const char *metric = field_text(json_array_get(list, at), "metric");
    for (size_t i = 0; i < at; i++)
        if (model_same_metric(cell, json_array_get(list, i), metric))
            return false;
    return true;
}

static void other_row(struct page *page,
                      const struct model *model,
                      const struct cell *cell,
                      const json_t *row,
                      int columns)
{
    const char *metric = field_text(row, "metric"), *unit = field_text(row, "unit");
    char name[96];
    snprintf(name, sizeof name, "%s", metric);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = ' ';
    page_row(page, "");
    page_cell_two(page,
                  "",
                  name,
                  strcmp(field_text(row, "better"), "higher") == 0 ? "more is better" : "",
                  "");
    for (int k = 0; k + 1 < columns; k++) {
        struct side_value side = model_side(model, cell, (size_t)k, metric);
        side_cell(page, human_value(side.median, unit).text, &side);
    }
}

void section_others(struct page *page, const struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "cells");
    const char *titles[64] = {"<number"};
    char names[63][80];
    int columns = 1;
    bool open = false;
    for (size_t i = 0; i < model->contestant_count && columns < 64; i++, columns++) {
        snprintf(names[i], sizeof names[i], ">%s", model->contestants[i].name);
        titles[columns] = names[i];
    }
    for (size_t i = 0; i < model->cell_count; i++) {
        bool group = false;
        for (size_t r = 0; r < json_array_size(list); r++) {
            const json_t *row = json_array_get(list, r);
            const char *metric = field_text(row, "metric");
            if (!json_is_false(json_object_get(row, "primary")) || stands_elsewhere(metric) ||
                !model_same_metric(&model->cells[i], row, metric) ||
                !is_first(list, r, &model->cells[i]))
                continue;
            if (!open) {
                page_heading(page, 2, "others", "What else the runs report, without a verdict");
                page_table(page, "others", columns, titles);
            }
            if (!group)
                page_group(page, "%s", model->cells[i].label);
            open = group = true;
            other_row(page, model, &model->cells[i], row, columns);
        }
    }
    if (!open)
        return;
    page_table_end(page);
    page_paragraph(page,
                   "legend",
                   "Median over the runs that count; below it the ratio to the leader of the cell "
                   "and the interval that its blocks do not refute. Each interval holds by itself: "
                   "among many numbers one is bound to differ, so none of these gets a word.");
}
