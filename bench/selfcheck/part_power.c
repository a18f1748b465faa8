/* SPDX-License-Identifier: MIT */
/*
 * part_power.c - is a slowdown that is known found? One contestant as it is, and slower by 0, 3, 5,
 * 10 and 20 %, all in the same blocks. From these differences, and their number of blocks in the
 * standard preset, duels are drawn and judged: how often is the slower one found?
 *
 * 10 % must be found in nine of ten; where the noise of today forbids it, the gap that can be seen
 * is said instead. In the live tournaments themselves the direction must never be wrong.
 */
#include "selfcheck.h"

#include "../tournament/text.h"
#include "slowness.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 5, LEVEL_ASKED = 3, RESAMPLED = 2000, LIVE_PART = 8, TRIALS_LEAST = 4 };

static const unsigned percents[LEVELS] = {0, 3, 5, 10, 20};

/* Rates of two neighbouring levels, each from few blocks, may be out of order by this much. */
static const double slack = 0.10;

static const struct slow_cell slow_cells[] = {
    {"micro", "owner_submit", "-", 50},
    {"race", "ping_pong", "awake", 100},
};

enum { SLOW_CELLS = sizeof(slow_cells) / sizeof(slow_cells[0]) };

/* What is known of one level in one cell. */
struct level {
    struct series_list blocks; /* slow against as it is, one series per trial */
    double *d;                 /* ln slow - ln as it is, all trials */
    size_t count;
    double ratio, low, high; /* the slowdown achieved */
    double found;            /* share of duels in which the slow one was found */
    size_t live_found, live_wrong, live;
};

static size_t trials_wanted(const struct selfcheck *check)
{
    size_t wanted = check->quick ? 2 : check->live / LIVE_PART;
    return wanted < TRIALS_LEAST && !check->quick ? TRIALS_LEAST : wanted;
}

/* ---- live ---- */

static int hold(struct selfcheck *check,
                const struct slow_cell *cell,
                size_t number,
                struct level levels[LEVELS],
                size_t *broken)
{
    static char names[LEVELS][16];
    struct trial trial = {
        .purpose = "power",
        .lane = cell->lane,
        .scenario = cell->scenario,
        .point = cell->point,
        .names = {SLOW_NONE},
        .count = LEVELS + 1,
        .window_ms = cell->window_ms,
        .blocks = SELFCHECK_BLOCKS,
        .complete = true,
        .seed = selfcheck_seed(check, cell->scenario, number),
    };
    for (size_t i = 0; i < LEVELS; i++)
        trial.names[i + 1] = slow_name(percents[i], names[i]);
    int rc = trial_run(check, &trial);
    *broken += rc == 0 && !trial.held;
    for (size_t i = 0; rc == 0 && trial.held && i < LEVELS; i++)
        trial_series(&trial, i + 1, 0, &levels[i].blocks);
    return rc;
}

/* ---- from the blocks ---- */

/* Each live tournament as the duel that the standard preset would have judged. */
static void judge_live(const struct selfcheck *check, struct level *level)
{
    for (size_t t = 0; t < level->blocks.count; t++) {
        const struct series *series = &level->blocks.items[t];
        double log_t = judge_log_threshold(check->registry.count, SELFCHECK_ALPHA);
        struct judge_pair pair;
        judge_pair_init(&pair, log_t);
        for (size_t b = 0; b < series->count; b++)
            judge_pair_update(&pair, log(series->a[b] / series->b[b]), b + 1, b % 2 == 0);
        level->live++;
        level->live_found += pair.decided < 0;
        level->live_wrong += pair.decided > 0;
    }
}

static void achieved(struct level *level)
{
    struct judge_duel duel = {.a = 0, .b = 1};
    double *scratch = text_alloc((level->count + 1) * sizeof(double));
    judge_pair_init(&duel.pair, judge_log_threshold(2, SELFCHECK_ALPHA));
    for (size_t i = 0; i < level->count; i++)
        judge_pair_update(&duel.pair, level->d[i], i + 1, i % 2 == 0);
    judge_duel_finish(&duel, level->d, NULL, scratch, 0.05);
    level->ratio = exp(duel.median);
    level->low = exp(duel.low);
    level->high = exp(duel.high);
    free(scratch);
}

static void evaluate(struct selfcheck *check, struct level *level, size_t number)
{
    size_t room = 0;
    for (size_t t = 0; t < level->blocks.count; t++)
        room += level->blocks.items[t].count;
    level->d = text_alloc((room + 1) * sizeof(double));
    for (size_t t = 0; t < level->blocks.count; t++)
        level->count += series_differences(&level->blocks.items[t], level->d + level->count);
    judge_live(check, level);
    achieved(level);
    struct chance_draw draw = {
        .d = level->d,
        .count = level->count,
        .blocks = SELFCHECK_BLOCKS,
        .contestants = check->registry.count,
        .alpha = SELFCHECK_ALPHA,
    };
    struct tally tally =
        chance_resample(&draw, RESAMPLED, selfcheck_seed(check, "resample", number));
    level->found = (double)tally.a_wins / RESAMPLED;
}

/* The smallest gap that this noise lets so many blocks see. */
static double sight(const struct selfcheck *check, const struct level *same)
{
    double log_t = judge_log_threshold(check->registry.count, SELFCHECK_ALPHA);
    double *scratch = text_alloc((same->count + 1) * sizeof(double));
    double gap = judge_smallest_gap(SELFCHECK_BLOCKS, log_t, same->d, same->count, scratch);
    free(scratch);
    return expm1(gap);
}

/* ---- findings ---- */

static void say_level(struct selfcheck *check,
                      const struct slow_cell *cell,
                      const struct level *level,
                      unsigned percent,
                      enum finding_word word,
                      double gap)
{
    bool asked = percent == percents[LEVEL_ASKED];
    char *noisy = word == FINDING_NOISY
                      ? text_format("; machine too noisy: %d blocks see gaps of %.0f %% and more",
                                    SELFCHECK_BLOCKS,
                                    gap * 100)
                      : text_copy("");
    finding_add(check,
                word,
                asked ? "90 %" : "",
                "%s %s: %u %% (achieved %+.1f %%, %+.1f to %+.1f) is found in %.1f %% of duels of "
                "%d blocks, live %zu of %zu%s",
                cell->scenario,
                cell->point,
                percent,
                (level->ratio - 1) * 100,
                (level->low - 1) * 100,
                (level->high - 1) * 100,
                level->found * 100,
                SELFCHECK_BLOCKS,
                level->live_found,
                level->live,
                noisy);
    finding_detail(check, "nominal", json_real(percent / 100.0));
    finding_detail(check, "achieved", json_real(level->ratio - 1));
    finding_detail(check, "found", json_real(level->found));
    if (isfinite(gap))
        finding_detail(check, "smallest_gap", json_real(gap));
    free(noisy);
}

/* Below nine of ten it is the noise, if the gap was too small for it; else it is the judge. */
static enum finding_word judge_asked(const struct level *level, double gap)
{
    if (level->found >= 0.9)
        return FINDING_PASS;
    return gap > 0.8 * (level->ratio - 1) || !isfinite(gap) ? FINDING_NOISY : FINDING_FAIL;
}

static void conclude(struct selfcheck *check,
                     const struct slow_cell *cell,
                     struct level levels[LEVELS],
                     size_t broken)
{
    size_t wrong = 0, live = 0;
    bool rising = true;
    for (size_t i = 0; i < LEVELS; i++)
        evaluate(check, &levels[i], i);
    double gap = sight(check, &levels[0]);
    for (size_t i = 0; i < LEVELS; i++) {
        enum finding_word word = FINDING_NOTE;
        if (i == LEVEL_ASKED)
            word = judge_asked(&levels[i], gap);
        say_level(check, cell, &levels[i], percents[i], word, gap);
        rising = rising && (i == 0 || levels[i].found >= levels[i - 1].found - slack);
        wrong += i > 0 ? levels[i].live_wrong : 0;
        live += i > 0 ? levels[i].live : 0;
    }
    finding_add(check,
                rising ? FINDING_PASS : FINDING_FAIL,
                "",
                "%s %s: more slowdown is found %s",
                cell->scenario,
                cell->point,
                rising ? "more often" : "LESS often");
    finding_add(check,
                wrong == 0 && broken == 0 ? FINDING_PASS : FINDING_FAIL,
                "0",
                "%s %s: %zu of %zu live verdicts had the wrong direction, %zu tournaments broke",
                cell->scenario,
                cell->point,
                wrong,
                live,
                broken);
}

static void free_levels(struct level levels[LEVELS])
{
    for (size_t i = 0; i < LEVELS; i++) {
        series_free(&levels[i].blocks);
        free(levels[i].d);
    }
}

static int in_cell(struct selfcheck *check, size_t which, size_t cells)
{
    const struct slow_cell *cell = &slow_cells[which];
    struct level levels[LEVELS] = {0};
    size_t trials = trials_wanted(check), broken = 0;
    double cost;
    selfcheck_step(check, which * trials, cells * trials, "calibration");
    int rc = slow_calibrate(check, cell, percents, LEVELS, &cost);
    for (size_t i = 0; rc == 0 && i < trials; i++) {
        selfcheck_step(check, which * trials + i, cells * trials, cell->scenario);
        rc = selfcheck_stopped(check) ? -EINTR : hold(check, cell, i, levels, &broken);
    }
    if (levels[0].blocks.count > 0)
        conclude(check, cell, levels, broken);
    else if (rc == 0)
        finding_add(
            check, FINDING_NOT_RUN, "", "%s %s gave no blocks", cell->scenario, cell->point);
    free_levels(levels);
    return rc == -ENODATA ? 0 : rc;
}

/* ---- the cells of real runs ---- */

/* The differences of identical code in the cell of series [first], in all runs together; 0 if an
 * earlier series is of the same cell. */
static size_t pool(const struct selfcheck *check, size_t first, double *d)
{
    const struct series *items = check->aa.items;
    size_t count = 0;
    for (size_t i = 0; i < check->aa_of_runs; i++) {
        if (strcmp(items[i].cell, items[first].cell) != 0)
            continue;
        if (i < first)
            return 0;
        count += series_differences(&items[i], d + count);
    }
    return count;
}

/* In which cells would 18 blocks see 10 %, by the runs at hand? */
static void look_at_runs(struct selfcheck *check)
{
    double log_t = judge_log_threshold(check->registry.count, SELFCHECK_ALPHA);
    size_t room = 0, cells = 0;
    struct names seeing = {0};
    for (size_t i = 0; i < check->aa_of_runs; i++)
        room += check->aa.items[i].count;
    double *d = text_alloc((2 * room + 1) * sizeof(double));
    for (size_t i = 0; i < check->aa_of_runs; i++) {
        size_t count = pool(check, i, d);
        cells += count > 0;
        if (count > 0 && judge_smallest_gap(SELFCHECK_BLOCKS, log_t, d, count, d + room) <=
                             log1p(percents[LEVEL_ASKED] / 100.0))
            names_add(&seeing, check->aa.items[i].cell);
    }
    char *names = names_join(&seeing);
    if (cells > 0)
        finding_add(
            check,
            FINDING_NOTE,
            "",
            "%d blocks would have seen %u %% in %zu of the %zu cells of the runs at hand: %s",
            SELFCHECK_BLOCKS,
            percents[LEVEL_ASKED],
            seeing.count,
            cells,
            names);
    free(names);
    free(d);
    names_free(&seeing);
}

int part_power(struct selfcheck *check)
{
    size_t cells = check->quick ? 1 : SLOW_CELLS;
    int rc = selfcheck_load(check);
    for (size_t c = 0; rc == 0 && c < cells; c++)
        rc = in_cell(check, c, cells);
    if (rc == 0)
        look_at_runs(check);
    return rc;
}
