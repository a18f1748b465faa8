/* SPDX-License-Identifier: MIT */
/*
 * section_conditions.c - under which conditions the numbers were made: placement, warm-up, halves,
 * lateness of the generator, what disturbed the runs; and what the harness itself costs. All of it
 * says how to read a verdict, and none of it enters one.
 */
#include "sections.h"

#include <string.h>

#include "conditions.h"
#include "fields.h"
#include "human.h"

/* "3 of 20", or a dash where no run says anything. */
static void of(struct page *page, const char *class, size_t count, size_t runs)
{
    if (runs == 0)
        page_cell(page, class, "–");
    else
        page_cell(page, class, "%zu of %zu", count, runs);
}

static void percent(struct page *page, double share)
{
    page_cell(page, "n", "%s", isfinite(share) ? human_percent(share).text : "–");
}

/* What must be said of a cell, in words; "" if nothing. */
static const char *remark(const struct conditions *c)
{
    if (c->not_steady && c->late_generator)
        return "not steady; generator late";
    return c->not_steady ? "not steady" : c->late_generator ? "generator late" : "";
}

/* ---- steady, and on time ---- */

static void steady_row(struct page *page, const char *who, const struct conditions *c)
{
    const bool flagged = *remark(c) != '\0';
    page_row(page, "");
    page_cell(page, "", "%s", who);
    page_cell(page, "", "%s", *c->placement ? c->placement : "–");
    page_cell(page,
              "n",
              "%s",
              isfinite(c->warmup_ms.median) && c->warmed > 0
                  ? human_value(c->warmup_ms.median * 1e6, "ns").text
                  : "–");
    of(page, "n", c->timed_out, c->warmed);
    of(page, c->not_steady ? "n warn" : "n", c->unsteady, c->with_halves);
    page_cell(page,
              "n",
              "%s",
              isfinite(c->slip_ns.median) ? human_value(c->slip_ns.median, "ns").text : "–");
    percent(page, c->slip_share.median);
    of(page, c->late_generator ? "n warn" : "n", c->late, c->with_slip);
    page_cell(page, flagged ? "warn" : "quiet", "%s", flagged ? remark(c) : "–");
}

static void
disturbance_row(struct page *page, const char *who, const struct conditions *c, struct scale *cpu)
{
    page_row(page, "");
    page_cell(page, "", "%s", who);
    percent(page, c->foreign.median);
    percent(page, c->foreign.most);
    percent(page, c->steal.most);
    percent(page, c->pressure.median);
    percent(page, c->waiting.median);
    page_cell(page, "n", "%s", human_number(c->voluntary.median).text);
    page_cell(page, "n", "%s", human_number(c->involuntary.median).text);
    page_cell(page, "n", "%s", human_number(c->minor.median).text);
    page_cell(page, "n", "%s", human_number(c->major.median).text);
    page_cell(page, "n", "%s", human_scaled(c->cpu_ns.median, cpu).text);
    page_cell(page, "n", "%s", human_value(c->rss_bytes.median, "bytes").text);
}

static struct conditions look(const struct model *model, size_t cell, size_t contestant)
{
    struct conditions c;
    if (conditions_of(&model->dir, cell, model->contestants[contestant].entry, &c) != 0)
        c = (struct conditions){.placement = ""};
    return c;
}

static void steady_table(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant",
                                         "<placement",
                                         ">warm-up",
                                         ">not steady by its end",
                                         ">halves differ",
                                         ">slip p99",
                                         ">of latency p99",
                                         ">generator late",
                                         "<remark"};
    page_table(page, "steady", 9, titles);
    for (size_t i = 0; i < model->cell_count; i++) {
        bool open = false;
        for (size_t k = 0; k < model->contestant_count; k++) {
            const struct conditions c = look(model, i, k);
            if (c.warmed + c.with_halves + c.with_slip == 0)
                continue;
            if (!open)
                page_group(page, "%s", model->cells[i].label);
            open = true;
            steady_row(page, model->contestants[k].name, &c);
        }
    }
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "Placement: what was done with the threads of loop and load generator, looked at again "
        "after "
        "the run. Warm-up ends when two successive laps differ by less than 10 %%, or at its "
        "limit. "
        "The window has two halves: a cell is \"not steady\" where they differ by 10 %% or more in "
        "most "
        "runs of a contestant. Slip: how late the load generator was against its own schedule; "
        "latency counts from the intended time and contains it. The generator is \"late\" where "
        "its "
        "p99 "
        "is more than half of the p99 of the latency: then a good part of that is not the loop's.");
}

static void disturbance_table(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant",
                                         ">foreign CPU",
                                         ">at most",
                                         ">steal, at most",
                                         ">CPU pressure",
                                         ">waited for a CPU",
                                         ">switches, own",
                                         ">forced",
                                         ">minor faults",
                                         ">major",
                                         ">CPU, ms",
                                         ">peak memory"};
    struct scale ms = {.factor = 1e-6, .decimals = 1};
    page_table(page, "disturbance", 12, titles);
    for (size_t i = 0; i < model->cell_count; i++) {
        bool open = false;
        for (size_t k = 0; k < model->contestant_count; k++) {
            const struct conditions c = look(model, i, k);
            if (c.runs == 0)
                continue;
            if (!open)
                page_group(page, "%s", model->cells[i].label);
            open = true;
            disturbance_row(page, model->contestants[k].name, &c, &ms);
        }
    }
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "Of the window of one run, medians over the runs that count. Foreign CPU and steal: "
        "time of other processes and of the hypervisor, of all processors, from start to "
        "end of the process; too much of it and the block is redone. CPU pressure: somebody "
        "waited for a processor, perhaps the run itself, so it only tells. Waited: time "
        "in which threads of the run stood ready and had no processor, summed over them, by the "
        "window.");
}

static bool any_run(const struct model *model)
{
    for (size_t i = 0; i < model->dir.run_count; i++)
        if (model->dir.runs[i].counts)
            return true;
    return false;
}

void section_conditions(struct page *page, const struct model *model)
{
    size_t unsteady = 0, late = 0;
    for (size_t i = 0; i < model->cell_count; i++) {
        unsteady += strstr(model->cells[i].remark, "not steady") != NULL;
        late += strstr(model->cells[i].remark, "generator late") != NULL;
    }
    page_heading(
        page,
        2,
        "conditions",
        "How steady, how late, how disturbed: %zu of %zu cells not steady, %zu with a late "
        "generator",
        unsteady,
        model->cell_count,
        late);
    if (!any_run(model)) {
        page_paragraph(page, "empty", "No run counts.");
        return;
    }
    steady_table(page, model);
    disturbance_table(page, model);
}

/* ---- the harness itself ---- */

static void ceiling_row(struct page *page, const struct model *model, const json_t *row)
{
    const double median = field_number(row, "median"), times = field_number(row, "times");
    const bool near = json_is_true(json_object_get(row, "near"));
    const char *unit = field_text(row, "unit"), *label = field_text(row, "scenario");
    for (size_t i = 0; i < model->cell_count; i++)
        if (model_same_cell(&model->cells[i], row))
            label = model->cells[i].label;
    page_row(page, "");
    page_cell(page, "", "%s (%s)", label, field_text(row, "metric"));
    page_cell(page, "n", "%s", isfinite(median) ? human_value(median, unit).text : "–");
    page_cell(page, "", "%s", field_text(row, "best"));
    page_cell(page, "n", "%s", human_value(field_number(row, "best_median"), unit).text);
    page_cell(page, near ? "n warn" : "n", "%s", isfinite(times) ? human_ratio(times).text : "–");
    page_cell(page,
              near ? "warn" : "quiet",
              "%s",
              !isfinite(median) ? field_text(row, "reason")
              : near            ? "the harness is a good part of what is measured"
                                : "–");
}

void section_ceiling(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<cell", ">the harness itself", "<best contestant", ">its cost", ">times", "<remark"};
    const json_t *list = json_object_get(model->verdict, "ceilings");
    page_heading(page, 2, "ceiling", "What the harness itself could do");
    if (json_array_size(list) == 0) {
        page_paragraph(page, "empty", "The null contestant did not run, so it is not known.");
        return;
    }
    page_table(page, "ceiling", 6, titles);
    for (size_t i = 0; i < json_array_size(list); i++)
        ceiling_row(page, model, json_array_get(list, i));
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "A null contestant, which is no event loop (a task runs at once where it is "
        "submitted, a microtask where it is queued), went through the same program a few times: "
        "what is left is the cost of "
        "measuring. It is not judged. Below %.0f times, differences between contestants are "
        "watered down by what all of them share.",
        CEILING_TIMES_LEAST);
}
