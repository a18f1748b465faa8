/* SPDX-License-Identifier: MIT */
/* section_pictures.c - the figures; each title states what is to be seen in it. */
#include "sections.h"

#include <math.h>
#include <string.h>

#include "fields.h"
#include "human.h"
#include "plots.h"

static bool has_numbers(const struct model *model)
{
    for (size_t i = 0; i < model->cell_count; i++)
        if (model->cells[i].best >= 0)
            return true;
    return false;
}

/* Who wins most cells, -1 if nobody wins one or two are level. */
static int most_wins(const struct model *model, size_t *wins)
{
    int most = -1;
    *wins = 0;
    for (size_t k = 0; k < model->contestant_count; k++) {
        size_t own = model_count(model, k, WORD_WINNER);
        if (own == *wins)
            most = -1;
        if (own > *wins) {
            most = (int)k;
            *wins = own;
        }
    }
    return most;
}

static void forest(struct page *page, const struct model *model)
{
    size_t wins, blocks = 0;
    int most = most_wins(model, &wins);
    for (size_t i = 0; i < model->cell_count; i++)
        blocks += model->cells[i].blocks;
    if (most >= 0)
        page_heading(page,
                     2,
                     "forest",
                     "`%s` wins %zu of %zu cells",
                     model->contestants[most].name,
                     wins,
                     model->cell_count);
    else
        page_heading(
            page, 2, "forest", "Nobody wins more cells than the others (%zu at most)", wins);
    char caption[400];
    snprintf(caption,
             sizeof caption,
             "Cost as a multiple of the best in the row, with the interval that the blocks do not "
             "refute; further right is worse. Grey band: the margin of %s inside which costs count "
             "as equal. n = %zu blocks in %zu cells. "
             "Beyond 4× the number is written at the edge.",
             human_percent(model->margin).text,
             blocks,
             model->cell_count);
    page_figure(page, "forest", caption);
}

static void heat(struct page *page, const struct model *model)
{
    double worst = 0;
    const struct cell *where = NULL;
    size_t who = 0;
    for (size_t i = 0; i < model->cell_count; i++)
        for (size_t k = 0; k < model->contestant_count; k++)
            if (model->cells[i].results[k].word == WORD_LOSES &&
                model->cells[i].results[k].ratio > worst) {
                worst = model->cells[i].results[k].ratio;
                where = &model->cells[i];
                who = k;
            }
    if (where)
        page_heading(page,
                     2,
                     "heat",
                     "The widest gap: `%s` in %s, %s the best",
                     model->contestants[who].name,
                     where->label,
                     human_ratio(worst).text);
    else
        page_heading(page, 2, "heat", "No gap is proven in any cell");
    page_figure(
        page,
        "heat",
        "Cost as a multiple of the best in the row: the darker, the further behind. Hatched: "
        "no number.");
}

/* A title claims only what the verdict does. */
static const char *
finding(const struct model *model, const struct cell *cell, char *text, size_t size)
{
    if (cell->best >= 0 && cell->results[cell->best].word == WORD_WINNER)
        snprintf(text,
                 size,
                 "`%s` wins with %s",
                 model->contestants[cell->best].name,
                 human_value(cell->results[cell->best].median, cell->plan->unit).text);
    else
        snprintf(text, size, "no winner");
    return text;
}

static void latencies(struct page *page, const struct model *model)
{
    bool open = false;
    char title[256], name[32], caption[300];
    for (size_t i = 0; i < model->cell_count; i++) {
        if (!plots_has_latency(model, i))
            continue;
        if (!open) {
            page_heading(page, 2, "latency", "Latency by percentile");
            page_box(page, "figures");
        }
        open = true;
        page_box(page, "box");
        page_heading(page,
                     3,
                     "",
                     "%s, %s: %s",
                     model->cells[i].label,
                     model->cells[i].metric,
                     finding(model, &model->cells[i], title, sizeof title));
        snprintf(name, sizeof name, "latency_%zu", i);
        snprintf(caption,
                 sizeof caption,
                 "Median over %zu blocks at each percentile. Counted from the time at which a "
                 "message was due; dotted: from the time at which it was sent.",
                 model->cells[i].blocks);
        page_figure(page, name, caption);
        page_box_end(page);
    }
    if (open)
        page_box_end(page);
}

static void throughput_title(struct page *page, const struct model *model, size_t first)
{
    size_t last = first;
    for (size_t i = first; i < model->cell_count; i++)
        if (plots_same_line(&model->cells[i], &model->cells[first]))
            last = i;
    char title[256];
    page_heading(page,
                 3,
                 "",
                 "%s: %s",
                 model->cells[last].label,
                 finding(model, &model->cells[last], title, sizeof title));
}

void section_runs_figure(struct page *page, const char *stem, size_t cell, size_t runs)
{
    char name[32], caption[200];
    snprintf(name, sizeof name, "%s_%zu", stem, cell);
    snprintf(caption,
             sizeof caption,
             "Median over %zu or more runs, bars from the 5th to the 95th percentile of runs.",
             runs);
    page_figure(page, name, caption);
}

static void throughputs(struct page *page, const struct model *model)
{
    bool open = false;
    for (size_t i = 0; i < model->cell_count; i++) {
        if (!plots_has_throughput(model, i))
            continue;
        if (!open) {
            page_heading(page, 2, "throughput", "Throughput by producers");
            page_box(page, "figures");
        }
        open = true;
        page_box(page, "box");
        throughput_title(page, model, i);
        section_runs_figure(page, "throughput", i, model->cells[i].blocks);
        page_box_end(page);
    }
    if (open)
        page_box_end(page);
}

void section_pictures(struct page *page, const struct model *model)
{
    if (!has_numbers(model)) {
        page_heading(page, 2, "forest", "Nothing to draw");
        page_paragraph(page, "empty", "No cell holds a number yet, so there is no picture.");
        return;
    }
    forest(page, model);
    heat(page, model);
    latencies(page, model);
    throughputs(page, model);
    section_runs(page, model);
}
