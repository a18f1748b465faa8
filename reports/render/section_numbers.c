/* SPDX-License-Identifier: MIT */
/*
 * section_numbers.c - the tables of what is judged: pairs, absolute values.
 * Rows stand in groups, one for each cell; a group has one scale, so that its numbers can be
 * compared by eye.
 */
#include "sections.h"

#include <string.h>

#include "fields.h"
#include "human.h"
#include "plots.h"

/* ---- pairs ---- */

static const json_t *duels_of(const struct model *model)
{
    return json_object_get(model->verdict, "duels");
}

static size_t duels_decided(const struct model *model)
{
    const json_t *duels = duels_of(model);
    size_t decided = 0;
    for (size_t i = 0; i < json_array_size(duels); i++) {
        const char *verdict = field_text(json_array_get(duels, i), "verdict");
        decided += strncmp(verdict, "FASTER", 6) == 0 || strncmp(verdict, "SLOWER", 6) == 0;
    }
    return decided;
}

static size_t duels_met(const struct model *model)
{
    const json_t *duels = duels_of(model);
    size_t met = 0;
    for (size_t i = 0; i < json_array_size(duels); i++)
        met += field_count(json_array_get(duels, i), "blocks", 0) > 0 ? 1 : 0;
    return met;
}

/* The block that decided the duel, or how many more would; E alone says little to most readers. */
static void deciding(char *text, size_t size, const json_t *duel)
{
    long block = field_count(duel, "decided_block", -1);
    double further = field_number(duel, "further_blocks");
    bool open = strcmp(field_text(duel, "verdict"), "OPEN") == 0;
    if (block >= 0)
        snprintf(text, size, "%ld", block);
    else if (open && further > 0 && isfinite(further))
        snprintf(text, size, "about %.0f more", further);
    else
        snprintf(text, size, "–");
}

static void duel_row(struct page *page, const json_t *duel)
{
    const char *verdict = field_text(duel, "verdict");
    double won = field_number(duel, "won_by_a"), blocks = field_number(duel, "blocks");
    char when[32];
    deciding(when, sizeof when, duel);
    page_row(page, "");
    page_cell(page, "", "%s", field_text(duel, "a"));
    page_cell(page, "", "%s", field_text(duel, "b"));
    page_cell(page, "n", "%.0f of %.0f", isfinite(won) ? won : 0, isfinite(blocks) ? blocks : 0);
    page_cell(page, "n", "%s", human_ratio(field_number(duel, "ratio")).text);
    page_cell(page,
              "n",
              "%s",
              human_interval(field_number(duel, "low"), field_number(duel, "high")).text);
    page_cell(page, "n", "%s", human_ratio(field_number(duel, "ratio_second_half")).text);
    page_cell(page, "n", "%s", human_evidence(field_number(duel, "e_value")).text);
    page_cell(page, "n", "%s", when);
    page_cell(page,
              *verdict == 'O' ? "quiet" : "",
              "%s%s",
              verdict,
              json_is_true(json_object_get(duel, "small")) ? " (small)" : "");
}

/* The rows of one cell, under its name; pairs that never met are left out. */
static void duel_rows(struct page *page, const struct cell *cell, const json_t *duels)
{
    bool open = false;
    for (size_t k = 0; k < json_array_size(duels); k++) {
        const json_t *duel = json_array_get(duels, k);
        if (!model_same_cell(cell, duel) || !field_count(duel, "blocks", 0))
            continue;
        if (!open)
            page_group(page, "%s (%s)", cell->label, cell->metric);
        open = true;
        duel_row(page, duel);
    }
}

void section_duels(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<a",
                                         "<b",
                                         ">won by a",
                                         ">cost a / b",
                                         ">interval",
                                         ">second half",
                                         ">E",
                                         ">deciding block",
                                         "<a is"};
    const json_t *duels = duels_of(model);
    size_t met = duels_met(model);
    page_heading(page, 2, "pairs", "Pair by pair: %zu of %zu decided", duels_decided(model), met);
    if (met == 0) {
        page_paragraph(page, "empty", "No pair met in a block.");
        return;
    }
    page_table(page, "pairs", 9, titles);
    for (size_t i = 0; i < model->cell_count; i++)
        duel_rows(page, &model->cells[i], duels);
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "E is the evidence against \"the same\": a fair coin reaches 20 with a chance of "
        "at most 1 in 20, however often we look. A pair is decided at the block where E "
        "first passed its threshold, and E is shown as it was there; the interval is that of "
        "all blocks, so it may reach 1 again where later ones were less clear. A ratio below 1 is "
        "in favour of a. The interval holds all ratios that the blocks do not refute; it "
        "assumes that the ratio stays where it is, so the estimate from the second half of "
        "the blocks stands beside it.");
}

/* ---- absolute numbers ---- */

static double smallest(const struct model *model, const struct cell *cell, const double *first)
{
    double least = NAN;
    for (size_t k = 0; k < model->contestant_count; k++) {
        size_t offset = (size_t)((const char *)first - (const char *)&cell->results[0]);
        double value;
        memcpy(&value, (const char *)&cell->results[k] + offset, sizeof value);
        if (isfinite(value) && !(value >= least))
            least = value;
    }
    return least;
}

static void absolute_row(struct page *page,
                         const struct contestant *who,
                         const struct result *result,
                         const struct scale *scale)
{
    page_row(page, result->is_best ? "best" : "");
    page_cell(page, "", "%s", who->name);
    if (!isfinite(result->median)) {
        page_cell(page, "quiet", "%s", word_looks[result->word].label);
        page_cell(page, "", " ");
        page_cell(page, "", " ");
        page_cell(page, "n", "%ld", result->runs);
        page_cell(page, "n", "–");
        return;
    }
    page_cell(page, "n", "%s", human_scaled(result->median, scale).text);
    page_cell(page, "n", "%s", human_scaled(result->p5, scale).text);
    page_cell(page, "n", "%s", human_scaled(result->p95, scale).text);
    page_cell(page, "n", "%ld", result->runs);
    page_cell(page, "n", "%s %s", human_ratio(result->limit_times).text, result->limit);
}

void section_absolute(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<contestant", ">median", ">p5", ">p95", ">n runs", ">× the limit"};
    page_heading(page, 2, "numbers", "Absolute numbers");
    page_table(page, "numbers", 6, titles);
    for (size_t i = 0; i < model->cell_count; i++) {
        const struct cell *cell = &model->cells[i];
        double least = smallest(model, cell, &cell->results[0].median);
        struct scale scale = scale_pick(least, cell->plan->unit);
        page_group(
            page, "%s: %s, in %s", cell->label, cell->metric, *scale.unit ? scale.unit : "units");
        for (size_t k = 0; k < model->contestant_count; k++)
            absolute_row(page, &model->contestants[k], &cell->results[k], &scale);
    }
    page_table_end(page);
    page_paragraph(page,
                   "legend",
                   "One run is one fresh process; median, 5th and 95th percentile are taken over "
                   "the runs of all blocks that count. Smaller is better. × the limit: the median "
                   "as a multiple of what the machine itself needs (see the limits below).");
}
