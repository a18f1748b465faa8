/* SPDX-License-Identifier: MIT */
/*
 * part_live.c - mini-tournaments of identical code: one program under two, three or six names, real
 * processes, on the machine as it is. Nobody may win, and nobody may lose: with many names there is
 * hardly ever a winner among equals, but fifteen pairs in which somebody could be said to lose.
 *
 * By turns every contestant, every cell that a short window suffices for, and every size of field.
 */
#include "selfcheck.h"

#include "../tournament/text.h"
#include "cells.h"
#include "trial.h"

#include <errno.h>
#include <stdlib.h>

/* A field of six takes three times as long as one of two. */
static const size_t fields[] = {2, 3, 2, 6};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

struct live_count {
    size_t held, named, broken, blocks;
    size_t held_of[TRIAL_NAMES_MAX + 1], named_of[TRIAL_NAMES_MAX + 1]; /* by names */
    char first[240];
};

/* Mini-tournament [number]: each round goes through all [cells], with the next contestant in each.
 */
static int one(struct selfcheck *check,
               const struct short_cell *cells,
               size_t cell_count,
               size_t number,
               struct live_count *count)
{
    const struct short_cell *cell = &cells[number % cell_count];
    size_t round = number / cell_count;
    struct trial trial = {
        .purpose = "live",
        .lane = "race",
        .scenario = cell->scenario,
        .point = cell->point,
        .count = fields[(number % cell_count + round) % FIELDS],
        .window_ms = SHORT_WINDOW_MS,
        .blocks = SELFCHECK_BLOCKS,
        .seed = selfcheck_seed(check, "live", number),
    };
    int rc = cells_enter(check, number + round, trial.count, trial.names);
    if (rc == 0)
        rc = trial_run(check, &trial);
    if (rc != 0)
        return rc;
    if (!trial.held) {
        if (count->broken++ == 0)
            snprintf(count->first, sizeof(count->first), "%s", trial.reason);
        return 0;
    }
    count->held++;
    count->held_of[trial.count]++;
    count->named += trial_named(&trial);
    count->named_of[trial.count] += trial_named(&trial);
    count->blocks += trial.blocks_run;
    trial_pairs(&trial, &check->aa);
    return 0;
}

/* "0 of 20 with 2 names, 1 of 10 with 3 names" for free() */
static char *by_names(const struct live_count *count)
{
    char *text = text_copy("");
    for (size_t k = 2; k <= TRIAL_NAMES_MAX; k++) {
        if (count->held_of[k] == 0)
            continue;
        char *longer = text_format("%s%s%zu of %zu with %zu names",
                                   text,
                                   *text != '\0' ? ", " : "",
                                   count->named_of[k],
                                   count->held_of[k],
                                   k);
        free(text);
        text = longer;
    }
    return text;
}

static void conclude(struct selfcheck *check, const struct live_count *count)
{
    double low, high;
    char limit[FINDING_LIMIT], *names = by_names(count);
    chance_interval(count->named, count->held, &low, &high);
    enum finding_word word = finding_of_count(count->named, count->held, limit);
    finding_add(check,
                word,
                limit,
                "%zu of %zu mini-tournaments of identical code named somebody: %.1f %% (95 %% "
                "interval %.1f to %.1f %%; %zu blocks; %s)",
                count->named,
                count->held,
                100 * (double)count->named / (double)count->held,
                low * 100,
                high * 100,
                count->blocks,
                names);
    finding_detail(check, "tournaments", json_integer((json_int_t)count->held));
    finding_detail(check, "named", json_integer((json_int_t)count->named));
    finding_detail(check, "rate_low", json_real(low));
    finding_detail(check, "rate_high", json_real(high));
    free(names);
}

int part_live(struct selfcheck *check)
{
    struct short_cell cells[CELLS_MAX] = {0};
    struct live_count count = {0};
    int rc = selfcheck_load(check);
    int found = rc == 0 ? cells_find(check, cells) : rc;
    rc = found < 0 ? found : 0;
    for (size_t i = 0; found > 0 && rc == 0 && i < check->live; i++) {
        selfcheck_step(check, i, check->live, cells[i % (size_t)found].scenario);
        rc = selfcheck_stopped(check) ? -EINTR : one(check, cells, (size_t)found, i, &count);
    }
    if (count.held > 0)
        conclude(check, &count);
    else if (rc == 0)
        finding_add(check, FINDING_NOT_RUN, "", "no core cell gives a number in a short window");
    if (count.broken > 0)
        finding_add(check,
                    FINDING_FAIL,
                    "0",
                    "%zu mini-tournaments broke; first: %s",
                    count.broken,
                    count.first);
    return rc;
}
