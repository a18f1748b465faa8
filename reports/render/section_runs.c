/* SPDX-License-Identifier: MIT */
/*
 * section_runs.c - the figures that go behind the medians: evidence by block, single runs, the
 * course of time, tail against CPU time, latency by load. A title states what is to be seen.
 */
#include "sections.h"

#include <math.h>
#include <string.h>

#include "../judge/judge.h"
#include "fields.h"
#include "human.h"
#include "plots.h"

/* The median block at which the cells that have a winner were decided, and how many have one. */
static size_t decided_cells(const struct model *model, double *typical)
{
    double blocks[256];
    size_t n = 0;
    const json_t *duels = json_object_get(model->verdict, "duels");
    for (size_t i = 0; i < model->cell_count && n < 256; i++) {
        const struct cell *cell = &model->cells[i];
        if (cell->best < 0 || cell->results[cell->best].word != WORD_WINNER)
            continue;
        double last = 0;
        const char *winner = model->contestants[cell->best].name;
        for (size_t d = 0; d < json_array_size(duels); d++) {
            const json_t *duel = json_array_get(duels, d);
            double decided = field_number(duel, "decided_block");
            if (model_same_cell(cell, duel) && isfinite(decided) &&
                (strcmp(field_text(duel, "a"), winner) == 0 ||
                 strcmp(field_text(duel, "b"), winner) == 0))
                last = fmax(last, decided);
        }
        blocks[n++] = last;
    }
    judge_sort(blocks, n);
    *typical = judge_median(blocks, n);
    return n;
}

/* A picture with a panel for each of [cells] cells. Whoever looks for one must know that it is not
 * there for want of room. */
static void panels(struct page *page, const char *name, size_t cells, const char *caption)
{
    char all[800];
    const size_t left = plots_not_drawn(cells);
    snprintf(all, sizeof all, "%s", caption);
    if (left > 0)
        snprintf(all + strlen(all),
                 sizeof all - strlen(all),
                 " %zu more cell%s not drawn; %s numbers stand in the tables.",
                 left,
                 left == 1 ? " is" : "s are",
                 left == 1 ? "its" : "their");
    page_figure(page, name, all);
}

static void evidence(struct page *page, const struct model *model)
{
    double typical;
    size_t decided = decided_cells(model, &typical), cells = plots_evidence_cells(model);
    if (cells == 0)
        return;
    if (decided > 0)
        page_heading(page,
                     2,
                     "evidence",
                     "The evidence: %zu of %zu cells have a winner, half of them by block %.0f",
                     decided,
                     model->cell_count,
                     typical);
    else
        page_heading(page, 2, "evidence", "The evidence: no cell has a winner");
    panels(page,
           "evidence",
           cells,
           "Evidence E after each block, the leader of a cell against each other contestant. A "
           "fair coin lets E pass the dashed line once in as many tries as the line is high, "
           "however often we look; the pair is decided there. A line that ends early: the "
           "other was dropped, or the cell was settled.");
}

/* Which contestant spreads most in which cell: 95th over 5th percentile of its runs. */
static void spread(struct page *page, const struct model *model)
{
    double most = 0;
    size_t who = 0, where = 0;
    size_t cells = plots_spread_cells(model), runs = 0;
    for (size_t i = 0; i < model->dir.run_count; i++)
        runs += model->dir.runs[i].counts ? 1 : 0;
    if (cells == 0)
        return;
    for (size_t i = 0; i < model->cell_count; i++)
        for (size_t k = 0; k < model->contestant_count; k++) {
            const struct result *result = &model->cells[i].results[k];
            if (result->p5 > 0 && result->p95 / result->p5 > most) {
                most = result->p95 / result->p5;
                who = k;
                where = i;
            }
        }
    page_heading(page,
                 2,
                 "ecdf",
                 "Run by run: `%s` spreads most, %s between its good and bad runs in %s",
                 model->contestants[who].name,
                 human_ratio(most).text,
                 model->cells[where].label);
    char caption[400];
    snprintf(caption,
             sizeof caption,
             "Share of the runs that cost at most so much; one run is one process, n = %zu runs in "
             "all. A steep line repeats itself, a step in the middle shows two modes, lines that "
             "cross mean that the order depends on luck. Good and bad: 5th and 95th percentile.",
             runs);
    panels(page, "ecdf", cells, caption);
}

static void course(struct page *page, const struct model *model)
{
    double worst = 0;
    for (size_t i = 0; i < json_array_size(model->dir.events); i++) {
        const json_t *event = json_array_get(model->dir.events, i);
        if (strcmp(field_text(event, "type"), "run") == 0)
            worst = fmax(worst, field_number(event, "foreign_share"));
    }
    if (model->dir.run_count == 0)
        return;
    page_heading(page,
                 2,
                 "timeline",
                 "The course of time: others took at most %s of the CPUs while a run lasted",
                 human_percent(worst).text);
    char caption[400];
    snprintf(
        caption,
        sizeof caption,
        "Above: every run at the time it ended, as a multiple of the median of its contestant "
        "in its cell (n = %zu; beyond 5× at the edge; the twin in the colour of its original). "
        "Below: CPU time that went to other programs or was stolen during that run.",
        model->dir.run_count);
    page_figure(page, "timeline", caption);
}

static void tail(struct page *page, const struct model *model)
{
    size_t both, cells = plots_tail_cells(model, &both);
    if (cells == 0)
        return;
    page_heading(
        page,
        2,
        "tail",
        "Tail against CPU time: in %zu of %zu cells the same contestant has the least of both",
        both,
        cells);
    panels(page,
           "tail",
           cells,
           "p99 latency (log scale) by CPU time per task; small points: runs, large ones: "
           "medians of all runs. Down and left is better. By medians, without a verdict.");
}

static void loads(struct page *page, const struct model *model)
{
    bool open = false;
    for (size_t i = 0; i < model->cell_count; i++) {
        if (plots_load(model, i) == NULL)
            continue;
        if (!open) {
            page_heading(page, 2, "load", "Latency by offered load");
            page_box(page, "figures");
        }
        open = true;
        page_box(page, "box");
        page_heading(page, 3, "", "%s: %s", model->cells[i].plan->scenario, model->cells[i].metric);
        section_runs_figure(page, "load", i, model->cells[i].blocks);
        page_box_end(page);
    }
    if (open)
        page_box_end(page);
}

void section_runs(struct page *page, const struct model *model)
{
    loads(page, model);
    tail(page, model);
    evidence(page, model);
    spread(page, model);
    course(page, model);
}
