/* SPDX-License-Identifier: MIT */
/*
 * section_limits.c - what this machine can do at best, and how close each contestant comes: first
 * the multiples, cell by cell, then the prices that they are multiples of.
 */
#include "sections.h"

#include <string.h>

#include "fields.h"
#include "human.h"
#include "limit_rules.h"

/* ---- how close they come ---- */

static void times_row(struct page *page,
                      const struct contestant *who,
                      const struct result *result,
                      const char *unit)
{
    const bool dropped = 2 * result->limit_drifted > result->limit_blocks;
    page_row(page, result->is_best ? "best" : "");
    page_cell(page, "", "%s", who->name);
    page_cell(page, "n", "%s", human_value(result->median, unit).text);
    page_cell(page,
              dropped ? "n warn" : "n",
              "%s",
              dropped ? "dropped" : human_ratio(result->limit_times).text);
    page_cell(page, "n", "%s", human_interval(result->limit_low, result->limit_high).text);
    if (result->limit_blocks > 0)
        page_cell(page, "n", "%ld of %ld", result->limit_drifted, result->limit_blocks);
    else
        page_cell(page, "n quiet", "–");
}

static bool cell_has_limit(const struct model *model, const struct cell *cell)
{
    for (size_t k = 0; k < model->contestant_count; k++)
        if (cell->results[k].limit[0] != '\0' && isfinite(cell->results[k].median))
            return true;
    return false;
}

static void times_group(struct page *page, const struct model *model, const struct cell *cell)
{
    const char *limit = "";
    for (size_t k = 0; k < model->contestant_count; k++)
        if (cell->results[k].limit[0] != '\0')
            limit = cell->results[k].limit;
    page_group(page, "%s (%s), limit %s", cell->label, cell->metric, limit);
    for (size_t k = 0; k < model->contestant_count; k++)
        if (isfinite(cell->results[k].median))
            times_row(page, &model->contestants[k], &cell->results[k], cell->plan->unit);
}

/* L10 is 0, and of 0 there are no multiples: how often the thread of an idle loop ran. */
static void idle_group(struct page *page, const struct model *model, const struct cell *cell)
{
    bool open = false;
    for (size_t k = 0; k < model->contestant_count; k++) {
        const struct side_value side = model_side(model, cell, k, "switches_per_s");
        if (!isfinite(side.median))
            continue;
        if (!open)
            page_group(page, "%s (wake-ups per second), limit L10, that is 0", cell->label);
        open = true;
        page_row(page, "");
        page_cell(page, "", "%s", model->contestants[k].name);
        page_cell(page, side.median > 0 ? "n warn" : "n", "%s", human_number(side.median).text);
        page_cell(page, "n quiet", "–");
        page_cell(page, "n quiet", "–");
        page_cell(page, "n quiet", "–");
    }
}

static void times_table(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<contestant", ">cost", ">× the limit", ">interval", ">left out"};
    page_table(page, "times", 5, titles);
    for (size_t i = 0; i < model->cell_count; i++) {
        const struct cell *cell = &model->cells[i];
        if (cell_has_limit(model, cell))
            times_group(page, model, cell);
        else if (strcmp(cell->plan->scenario, "idle") == 0)
            idle_group(page, model, cell);
    }
    page_table_end(page);
    const double most =
        field_number(json_object_get(model->dir.plan, "calibration"), "drift_limit");
    page_paragraph(
        page,
        "legend",
        "The limit of a cell is measured right before and right after each of its blocks, and a "
        "cost is divided by that of its own block. Left out: blocks in which one of these prices "
        "moved by more than %s between the two, of all that were calibrated; where it is more than "
        "half of them, the comparison is dropped. No verdict hangs on it. 1.0 is the end of the "
        "road; a floor has no losses in it, so 1.3 to 2 is good.",
        human_percent(isfinite(most) ? most : LIMIT_DRIFT_MOST).text);
}

/* ---- the prices ---- */

static void price_row(struct page *page, const json_t *limit)
{
    const char *unit = field_text(limit, "unit");
    const char *method = field_text(limit, "method");
    const char *reason = field_text(limit, "reason");
    const double median = field_number(limit, "median");
    const double spread = field_number(limit, "spread");
    page_row(page, "");
    page_cell(page, "", "%s", field_text(limit, "id"));
    page_cell(page, "", "%s", field_text(limit, "name"));
    if (!isfinite(median)) {
        page_cell(page, "quiet", "not run");
        page_cell(page, "", " ");
        page_cell(page, "", " ");
        page_cell(page, "", "%s", reason);
        return;
    }
    page_cell(page, "n", "%s", human_value(median, unit).text);
    page_cell(page, "n", "%s", human_value(field_number(limit, "min"), unit).text);
    page_cell(page, "n", "%s", isfinite(spread) ? human_percent(spread).text : "–");
    page_cell(page, "", "%s%s%s", method, *method && *reason ? "; " : "", reason);
}

static void price_table(struct page *page, const json_t *list)
{
    static const char *const titles[] = {
        "<price", "<of what", ">median", ">least", ">spread", "<method, remark"};
    page_table(page, "limits", 6, titles);
    for (size_t i = 0; i < json_array_size(list); i++)
        price_row(page, json_array_get(list, i));
    page_table_end(page);
}

/* Between which two CPUs lines move, where there are more than two. */
static void pair_table(struct page *page, const json_t *pairs)
{
    static const char *const titles[] = {"<CPUs", ">fetch-add, both (C7)", ">round trip (C8)"};
    if (json_array_size(pairs) == 0)
        return;
    page_table(page, "pairs-of-cpus", 3, titles);
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *cpus = json_object_get(pair, "cpus");
        page_row(page, "");
        page_cell(page,
                  "",
                  "%d and %d",
                  (int)json_integer_value(json_array_get(cpus, 0)),
                  (int)json_integer_value(json_array_get(cpus, 1)));
        page_cell(page, "n", "%s", human_value(field_number(pair, "C7"), "ns").text);
        page_cell(page, "n", "%s", human_value(field_number(pair, "C8"), "ns").text);
    }
    page_table_end(page);
}

void section_limits(struct page *page, const struct model *model)
{
    const json_t *list = json_object_get(model->dir.limits, "limits");
    page_heading(page, 2, "limits", "What this machine can do at best, and how close they come");
    if (json_array_size(list) == 0) {
        page_paragraph(page, "empty", "The calibration was not run, so no limit is known.");
        return;
    }
    times_table(page, model);
    price_table(page, list);
    pair_table(page, json_object_get(model->dir.limits, "pairs"));
    double drift = field_number(json_object_get(model->verdict, "trust"), "limits_drift");
    page_paragraph(page,
                   "legend",
                   "The prices as they were before the first block: five repetitions each, spread "
                   "is from the least to the most of them.%s%s%s",
                   isfinite(drift) ? " Between the start and the end of the run they drifted by "
                                   : "",
                   isfinite(drift) ? human_percent(drift).text : "",
                   isfinite(drift) ? ", the median of all." : "");
}
