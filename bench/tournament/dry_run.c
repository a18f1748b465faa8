/* SPDX-License-Identifier: MIT */
/*
 * dry_run.c - `--dry-run`: what would be done, what it would cost, and what it could see.
 *
 * Nothing is run. Where the last run of this machine knows what a run in a cell takes, that is
 * taken; elsewhere a guess: the window, and what start and warm-up usually take in that lane.
 */
#include "tournament.h"

#include "exit_code.h"
#include "past.h"
#include "screen.h"
#include "sight.h"
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GUESS_START_MS = 30, GUESS_PROGRAM_MS = 10 };

/* What gate, limits and pilot take of the budget, where nobody has measured it. */
static const double part_for_blocks = 0.8;

/* What a run takes beside its window. A whole program has none; micro cases are warm at once. */
static double guess_overhead_ms(const struct plan_cell *cell)
{
    if (strcmp(cell->lane, "process") == 0)
        return GUESS_PROGRAM_MS - (double)cell->window_ms;
    if (strcmp(cell->lane, "micro") == 0)
        return (double)cell->window_ms / 2;
    return GUESS_START_MS + (double)cell->window_ms * 0.4;
}

/* Who can run it and is not excused, as far as is known before the gate: a guest counts as a
 * native. */
static unsigned count_runners(const struct tournament *t, const struct plan_cell *cell)
{
    unsigned runners = 0;
    for (size_t e = 0; e < t->plan.entry_count; e++) {
        const struct plan_entry *entry = &t->plan.entries[e];
        runners += tournament_obstacle(t, cell, entry, true) == NULL;
    }
    return runners;
}

static void estimate_costs(struct tournament *t, const struct past *past)
{
    struct plan *plan = &t->plan;
    for (size_t c = 0; c < plan->cell_count; c++) {
        double overhead_ms = past_overhead_ms(past, plan->cells[c].key);
        if (!(overhead_ms >= 0))
            overhead_ms = guess_overhead_ms(&plan->cells[c]);
        plan->cells[c].runners = count_runners(t, &plan->cells[c]);
        plan->cells[c].block_ms = (plan->cells[c].window_ms + overhead_ms) * plan->cells[c].runners;
    }
}

static void print_head(const struct plan *plan)
{
    printf("preset %s, seed %" PRIu64 "%s, budget %u s, margin %.0f %%\n",
           plan->preset->name,
           plan->seed,
           plan->seed_given ? " (given)" : "",
           plan->budget_s,
           plan->preset->margin * 100);
    printf("entries:");
    for (size_t e = 0; e < plan->entry_count; e++)
        printf(" %s", plan->entries[e].name);
    if (plan->order == SCHEDULE_WILLIAMS)
        printf("\norder williams: %zu blocks make a square, which counts once",
               schedule_square_rows(plan->entry_count));
    printf("\n");
}

static void print_cells(const struct plan *plan, const struct sight *sight)
{
    printf("%zu cells:%33s window  smallest visible gap  metric\n", plan->cell_count, "");
    for (size_t c = 0; c < plan->cell_count; c++) {
        const struct plan_cell *cell = &plan->cells[c];
        char gap[16];
        sight_percent(sight->cell_gaps[c], gap);
        printf("  %-40s %3u ms  %20s  %s%s\n",
               cell->key,
               cell->window_ms,
               cell->dropped ? "-" : gap,
               cell->metric,
               cell->dropped ? " (does not fit the budget)" : "");
    }
}

/* In a round. */
static size_t count_runs(const struct plan *plan)
{
    size_t runs = 0;
    for (size_t c = 0; c < plan->cell_count; c++)
        runs += plan->cells[c].dropped ? 0 : plan->cells[c].runners;
    return runs;
}

int dry_run(struct tournament *t)
{
    struct past past;
    struct sight sight;
    bool admitted[PLAN_ENTRIES_MAX];
    for (size_t e = 0; e < t->plan.entry_count; e++)
        admitted[e] = true;
    double seconds = part_for_blocks * t->plan.budget_s;
    plan_add_twin(&t->plan, admitted);
    past_open(&past, RUN_FOLDER_BASE);
    estimate_costs(t, &past);
    fit_to_budget(&t->plan, seconds);
    sight_make(&sight, &t->plan, &past, NULL, 0, seconds);
    print_head(&t->plan);
    print_cells(&t->plan, &sight);
    size_t blocks = fit_blocks(&t->plan, seconds);
    printf("cost: at most %.1f minutes; %u common rounds, about %.0f s; about %zu blocks in each "
           "cell, %zu runs\n",
           t->plan.budget_s / 60.0,
           t->plan.blocks_common,
           fit_common_seconds(&t->plan, NULL),
           blocks,
           blocks * count_runs(&t->plan));
    char *sentence = sight_sentence(&sight);
    struct screen screen = {.file = stdout, .columns = text_columns(STDOUT_FILENO)};
    screen_wrap(&screen, sentence, 2);
    printf("(estimates: the pilot measures what a run takes, and how far apart identical code is "
           "today)\n");
    free(sentence);
    sight_free(&sight);
    past_close(&past);
    return EXIT_DECIDED;
}
