/* SPDX-License-Identifier: MIT */
/* section_prices.c - what single decisions cost: each variant against its own contestant. */
#include "sections.h"

#include <stdbool.h>
#include <string.h>

#include "fields.h"
#include "human.h"

static const char *price_class(const char *word)
{
    if (strcmp(word, "COSTS") == 0)
        return "v lose";
    if (strcmp(word, "SAVES") == 0)
        return "v win";
    return strcmp(word, "FREE") == 0 ? "v tie" : "v open";
}

static const char *price_label(const char *word)
{
    if (strcmp(word, "COSTS") == 0)
        return "▼ costs";
    if (strcmp(word, "SAVES") == 0)
        return "▲ saves";
    return strcmp(word, "FREE") == 0 ? "= free" : "? open";
}

static void price_row(struct page *page, const json_t *row)
{
    const char *word = field_text(row, "word"), *point = field_text(row, "point");
    const bool star = json_is_true(json_object_get(row, "star"));
    page_row(page, "");
    page_cell_two(page, "#", field_text(row, "scenario"), strcmp(point, "-") == 0 ? "" : point, "");
    page_cell(page, "", "%s", field_text(row, "metric"));
    page_cell_two(page,
                  "n",
                  human_ratio(field_number(row, "ratio")).text,
                  human_interval(field_number(row, "low"), field_number(row, "high")).text,
                  "");
    page_cell(
        page, "n", "%ld of %ld", field_count(row, "dearer_in", 0), field_count(row, "blocks", 0));
    page_cell(page, price_class(word), "%s%s", price_label(word), star ? " ★" : "");
}

void section_prices(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<cell", "<metric", ">with / without", ">dearer in blocks", "<word"};
    const json_t *list = json_object_get(model->verdict, "prices");
    const char *contestant = "", *decision = "";
    if (json_array_size(list) == 0)
        return;
    page_heading(page, 2, "prices", "What single decisions cost");
    page_table(page, "prices", 5, titles);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        if (strcmp(contestant, field_text(row, "contestant")) != 0 ||
            strcmp(decision, field_text(row, "decision")) != 0) {
            contestant = field_text(row, "contestant");
            decision = field_text(row, "decision");
            page_group(page, "%s:%s", contestant, decision);
        }
        price_row(page, row);
    }
    page_table_end(page);
    page_paragraph(page,
                   "legend",
                   "Cost with the decision as a multiple of the cost without it, raced in the same "
                   "blocks. Costs, saves: proven; free: inside the margin of %s; open: not enough "
                   "evidence. Each row errs with a chance of at most 5 %%; ★ holds over all rows "
                   "together. `velo list` tells what each decision changes.",
                   human_percent(model->margin).text);
}
