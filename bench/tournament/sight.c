/* SPDX-License-Identifier: MIT */
/* sight.c - see sight.h. */
#include "sight.h"

#include "../../reports/judge/judge.h"
#include "schedule.h"
#include "text.h"
#include "tournament.h"

#include <math.h>
#include <stdlib.h>

/* Fewer pairs than this have no spread worth the name. */
enum { PAIRS_ENOUGH = 5 };

/* That share the level of a cell: a price is a question to two. */
static size_t contestants(const struct plan *plan)
{
    size_t count = 0;
    if (plan->preset->prices)
        return 2;
    for (size_t e = 0; e < plan->entry_count; e++)
        count += plan->entries[e].twin_of < 0;
    return count;
}

void sight_make(struct sight *sight,
                const struct plan *plan,
                const struct past *past,
                const double *d,
                size_t pairs,
                double seconds)
{
    double log_t = judge_log_threshold(contestants(plan), plan->alpha);
    size_t square = plan->order == SCHEDULE_WILLIAMS ? schedule_square_rows(plan->entry_count) : 1;
    *sight = (struct sight){
        .blocks = fit_blocks(plan, seconds) / (square > 0 ? square : 1),
        .needed = judge_blocks_needed(log_t, 0),
        .pilot_pairs = pairs,
        .pilot_gap = NAN,
        .past_run = past->there ? text_copy(past->run) : NULL,
        .cell_gaps = text_alloc(plan->cell_count * sizeof(double)),
        .cell_count = plan->cell_count,
    };
    double *scratch = text_alloc((pairs + 1) * sizeof(*scratch));
    if (pairs >= PAIRS_ENOUGH)
        sight->pilot_gap =
            expm1(judge_gap_of_spread(sight->blocks, log_t, judge_spread(d, pairs, scratch)));
    free(scratch);
    sight->past_gap = expm1(past_gap(past, NULL, sight->blocks, log_t));
    sight->gap = fmax(sight->past_gap, sight->pilot_gap); /* the other one where one is NAN */
    for (size_t c = 0; c < plan->cell_count; c++)
        sight->cell_gaps[c] = plan->cells[c].dropped
                                  ? NAN
                                  : expm1(past_gap(past, plan->cells[c].key, sight->blocks, log_t));
}

void sight_free(struct sight *sight)
{
    free(sight->past_run);
    free(sight->cell_gaps);
    *sight = (struct sight){.blocks = 0};
}

void sight_percent(double gap, char text[16])
{
    if (isfinite(gap))
        snprintf(text, 16, "%.*f %%", gap < 0.0995 ? 1 : 0, 100 * gap);
    else
        snprintf(text, 16, "unknown");
}

static char *sources(const struct sight *sight)
{
    char past[16], pilot[16];
    sight_percent(sight->past_gap, past);
    sight_percent(sight->pilot_gap, pilot);
    if (isfinite(sight->past_gap) && isfinite(sight->pilot_gap))
        return text_format("%s by the twins of %s, %s by the %zu pairs of the pilot",
                           past,
                           sight->past_run,
                           pilot,
                           sight->pilot_pairs);
    if (isfinite(sight->past_gap))
        return text_format("by the twins of %s", sight->past_run);
    return text_format("by the %zu pairs of the pilot", sight->pilot_pairs);
}

/* "; single cells: half of them 9.1 % or less, the calmest 1.3 %, the wildest 80 %", or "". */
static char *single_cells(const struct sight *sight)
{
    double *gaps = text_alloc((sight->cell_count + 1) * sizeof(*gaps));
    size_t count = 0;
    for (size_t c = 0; c < sight->cell_count; c++)
        if (isfinite(sight->cell_gaps[c]))
            gaps[count++] = sight->cell_gaps[c];
    char *text = text_copy("");
    if (count > 1) {
        char half[16], least[16], most[16];
        judge_sort(gaps, count);
        sight_percent(judge_median(gaps, count), half);
        sight_percent(gaps[0], least);
        sight_percent(gaps[count - 1], most);
        free(text);
        text = text_format("; single cells: half of them %s or less, the calmest %s, the wildest "
                           "%s",
                           half,
                           least,
                           most);
    }
    free(gaps);
    return text;
}

char *sight_sentence(const struct sight *sight)
{
    char gap[16];
    if (sight->blocks < sight->needed)
        return text_format("sight: %zu blocks in each cell show no gap at all, it takes %zu",
                           sight->blocks,
                           sight->needed);
    if (!isfinite(sight->gap))
        return text_format("sight: %zu blocks in each cell; the smallest gap that they show is "
                           "unknown: %s, and the pilot has %zu pairs. The twin of this run will "
                           "tell",
                           sight->blocks,
                           sight->past_run != NULL
                               ? "in the last run here identical code never differed"
                               : "no past run of this machine raced identical code",
                           sight->pilot_pairs);
    char *from = sources(sight);
    char *cells = single_cells(sight);
    sight_percent(sight->gap, gap);
    char *sentence = text_format("sight: %zu blocks in each cell show gaps of %s and more over all "
                                 "cells together (%s)%s; cells that are decided early leave their "
                                 "blocks to the others",
                                 sight->blocks,
                                 gap,
                                 from,
                                 cells);
    free(cells);
    free(from);
    return sentence;
}

json_t *sight_json(const struct sight *sight)
{
    bool known = isfinite(sight->gap) && sight->blocks >= sight->needed;
    char *from = known ? sources(sight) : text_copy("");
    json_t *json = json_pack("{s:o, s:i, s:s}",
                             "gap",
                             known ? json_real(sight->gap) : json_null(),
                             "blocks",
                             (int)sight->blocks,
                             "from",
                             from);
    free(from);
    return json;
}
