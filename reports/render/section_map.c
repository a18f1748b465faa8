/* SPDX-License-Identifier: MIT */
/* section_map.c - how much hangs on the weights, and who has the smallest worst case. */
#include "sections.h"

#include <stdbool.h>
#include <string.h>

#include "../judge/judge.h"
#include "fields.h"
#include "human.h"
#include "plots.h"

/* ---- regret ---- */

/* The standing by which the first sentence goes. */
static const json_t *default_standing(const struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "standings");
    const char *named = field_text(model->verdict, "profile");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(field_text(json_array_get(list, i), "profile"), named) == 0)
            return json_array_get(list, i);
    return json_array_get(list, json_array_size(list) ? json_array_size(list) - 1 : 0);
}

/* The eligible place with the next larger regret after [done] of them; ties in their order. */
static const json_t *next_place(const json_t *order, const bool *done, size_t *at)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(order); i++) {
        const json_t *place = json_array_get(order, i);
        if (done[i] || !json_is_true(json_object_get(place, "eligible")))
            continue;
        if (best == NULL || field_number(place, "regret") < field_number(best, "regret")) {
            best = place;
            *at = i;
        }
    }
    return best;
}

static void regret_row(struct page *page, const json_t *place)
{
    const double regret = field_number(place, "regret");
    const double low = field_number(place, "regret_low");
    const bool behind = regret > 1;
    char cell[160];
    human_cell(field_text(place, "regret_in"), cell, sizeof cell);
    page_row(page, "");
    page_cell(page, "", "%s", field_text(place, "contestant"));
    page_cell_two(page,
                  "n",
                  behind ? human_ratio(regret).text : "nowhere behind",
                  behind ? human_interval(low, field_number(place, "regret_high")).text : "",
                  "");
    page_cell(page, "", "%s", behind ? cell : "");
    page_cell(page,
              "",
              "%s",
              !behind                                                 ? ""
              : json_is_true(json_object_get(place, "regret_proven")) ? "proven"
                                                                      : "open");
}

void section_regret(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant", ">worst case", "<decided by", "<evidence"};
    const json_t *standing = default_standing(model);
    const json_t *order = json_object_get(standing, "order");
    bool done[256] = {false};
    size_t at = 0;
    if (json_array_size(order) > 256 || next_place(order, done, &at) == NULL)
        return;
    page_heading(page,
                 3,
                 "regret",
                 "The smallest worst case: `%s`",
                 field_text(json_array_get(order, at), "contestant"));
    page_table(page, "places", 4, titles);
    for (const json_t *place; (place = next_place(order, done, &at)) != NULL; done[at] = true)
        regret_row(page, place);
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "For whoever cannot say what will be asked of the loop: the largest ratio to the "
        "best of any cell with weight in the profile %s, and the cell that decides it. "
        "Proven: slower there by evidence; open: by the estimate only.",
        field_text(standing, "profile"));
}

/* ---- the map ---- */

static void
sentences(struct page *page, const struct model *model, const json_t *list, const char *title)
{
    const char *const titles[] = {title};
    char text[600];
    if (json_array_size(list) == 0)
        return;
    page_table(page, "map", 1, titles);
    for (size_t i = 0; i < json_array_size(list); i++) {
        model_mark_names(model, field_text(json_array_get(list, i), "sentence"), text, sizeof text);
        page_row(page, "");
        page_cell(page, "", "%s", text);
    }
    page_table_end(page);
}

/* The pairs of families between which the lead changes hands. */
static json_t *changing(const json_t *pairs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *stretches = json_object_get(json_array_get(pairs, i), "stretches");
        bool changes = false;
        for (size_t s = 1; s < json_array_size(stretches); s++)
            changes =
                changes || strcmp(field_text(json_array_get(stretches, s), "leader"),
                                  field_text(json_array_get(stretches, s - 1), "leader")) != 0;
        if (changes)
            json_array_append(list, json_array_get(pairs, i));
    }
    return list;
}

static void triangle(struct page *page, const struct model *model)
{
    const json_t *triple = plots_triangle(model);
    const json_t *families = json_object_get(triple, "families");
    if (triple == NULL)
        return;
    const char *title[3];
    for (size_t i = 0; i < 3; i++) {
        const char *name = json_string_value(json_array_get(families, i));
        title[i] = judge_family_title((enum judge_family)judge_family_parse(name ? name : ""));
    }
    char caption[400];
    snprintf(caption,
             sizeof caption,
             "All mixes of the three heaviest families in steps of a tenth: %s (left), %s (right), "
             "%s (top). Filled: proven; ring: leads by the estimate. All triples stand in "
             "verdict.json.",
             title[0],
             title[1],
             title[2]);
    page_figure(page, "triangle", caption);
}

void section_map(struct page *page, const struct model *model)
{
    const json_t *map = json_object_get(model->verdict, "map");
    char text[600];
    if (!json_is_object(map))
        return;
    model_mark_names(model, field_text(map, "sentence"), text, sizeof text);
    page_heading(page, 2, "map", "How much hangs on the weights");
    page_paragraph(page, "", "%s", text);
    page_figure(page,
                "strips",
                "The weight of one family grows from 0 to 1, all others shrink in proportion; the "
                "black mark is the profile. Full colour: the lead is proven; hatched: it is an "
                "estimate, and the evidence is open or says practically equal.");
    snprintf(text,
             sizeof text,
             "<when one family grows and all others shrink alike (profile %s)",
             field_text(map, "profile"));
    sentences(page, model, json_object_get(map, "families"), text);
    triangle(page, model);
    json_t *pairs = changing(json_object_get(map, "pairs"));
    sentences(page,
              model,
              pairs,
              "<only two families count: the weight of the first, where the lead changes hands");
    json_decref(pairs);
    page_paragraph(page,
                   "legend",
                   "Each point of this map is a standing of its own, with the error of one: a "
                   "proven lead at one weight that was chosen before is proven; that no point of "
                   "the whole map errs is not promised.");
}
