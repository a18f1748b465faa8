/* SPDX-License-Identifier: MIT */
/*
 * part_noise.c - beside a process that disturbs: identical code, and a slowdown of 10 %. A verdict
 * may become "not enough evidence"; it may not become wrong.
 *
 * The burner in step runs whenever the first run of a block is under way, by what the journal says:
 * the worst that a neighbour could do who does not know the order that is drawn next.
 */
#include "selfcheck.h"

#include "../tournament/text.h"
#include "burner.h"
#include "slowness.h"

#include <errno.h>
#include <stdlib.h>

enum { PERCENT = 10, KINDS = 2, LIVE_PART = 8, TRIALS_LEAST = 4 };

static const char *const kinds[KINDS] = {"bursts at random", "in step with the blocks"};

static const struct slow_cell cell = {"race", "ping_pong", "awake", 30};

struct noise_count {
    size_t same, same_named;             /* identical code */
    size_t slow, slow_found, slow_wrong; /* 10 % slower */
    size_t redone, blocks, broken;
};

static int hold(struct selfcheck *check,
                enum burner_kind kind,
                size_t number,
                bool slow,
                struct noise_count *count)
{
    char name[16];
    struct trial trial = {
        .purpose = kind == BURNER_RANDOM ? "noise at random" : "noise in step",
        .lane = cell.lane,
        .scenario = cell.scenario,
        .point = cell.point,
        .names = {SLOW_NONE, slow_name(slow ? PERCENT : 0, name)},
        .count = 2,
        .window_ms = cell.window_ms,
        .blocks = SELFCHECK_BLOCKS,
        .seed = selfcheck_seed(check, kinds[kind], 2 * number + slow),
    };
    char *journal = trial_journal(check);
    pid_t burner = burner_start(kind, journal, trial.seed);
    int rc = burner < 0 ? (int)burner : trial_run(check, &trial);
    if (burner > 0)
        burner_stop(burner);
    free(journal);
    if (rc != 0)
        return rc;
    count->redone += trial.redone;
    count->blocks += trial.blocks_run;
    if (!trial.held) {
        count->broken++;
    } else if (slow) {
        count->slow++;
        count->slow_found += trial.word[1] == JUDGE_WORD_LOSES;
        count->slow_wrong += trial.word[0] == JUDGE_WORD_LOSES;
    } else {
        count->same++;
        count->same_named += trial_named(&trial);
    }
    return 0;
}

static void
conclude(struct selfcheck *check, enum burner_kind kind, const struct noise_count *count)
{
    size_t most = chance_limit(count->same, SELFCHECK_ALPHA);
    char *limit = text_format("%zu, the exact bound for a rate of 5 %%", most);
    finding_add(check,
                count->same_named <= most ? FINDING_PASS : FINDING_FAIL,
                limit,
                "burner %s: %zu of %zu mini-tournaments of identical code named somebody (%zu "
                "blocks, %zu redone)",
                kinds[kind],
                count->same_named,
                count->same,
                count->blocks,
                count->redone);
    finding_add(check,
                count->slow_wrong == 0 ? FINDING_PASS : FINDING_FAIL,
                "0",
                "burner %s: %zu of %zu verdicts on %d %% had the wrong direction; it was found in "
                "%zu",
                kinds[kind],
                count->slow_wrong,
                count->slow,
                PERCENT,
                count->slow_found);
    if (count->broken > 0)
        finding_add(check,
                    FINDING_FAIL,
                    "0",
                    "burner %s: %zu mini-tournaments broke",
                    kinds[kind],
                    count->broken);
    free(limit);
}

int part_noise(struct selfcheck *check)
{
    static const unsigned percents[] = {0, PERCENT};
    double cost;
    int rc = selfcheck_load(check);
    if (rc == 0)
        rc = slow_calibrate(check, &cell, percents, 2, &cost);
    size_t trials = check->live / LIVE_PART;
    if (check->quick)
        trials = 1;
    else if (trials < TRIALS_LEAST)
        trials = TRIALS_LEAST;
    for (size_t kind = 0; rc == 0 && kind < KINDS; kind++) {
        struct noise_count count = {0};
        for (size_t i = 0; rc == 0 && i < 2 * trials; i++) {
            selfcheck_step(check, 2 * trials * kind + i, 2 * trials * KINDS, kinds[kind]);
            rc = selfcheck_stopped(check)
                     ? -EINTR
                     : hold(check, (enum burner_kind)kind, i / 2, i % 2 == 1, &count);
        }
        if (rc == 0)
            conclude(check, (enum burner_kind)kind, &count);
    }
    return rc == -ENODATA ? 0 : rc;
}
