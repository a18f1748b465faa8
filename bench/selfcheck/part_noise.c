/* SPDX-License-Identifier: MIT */
/*
 * part_noise.c - beside a process that disturbs: identical code, and a slowdown of 10 %. A verdict
 * may become "not enough evidence"; it may not become wrong.
 *
 * The burner in step runs whenever the first run of a block is under way, by what the journal says:
 * the worst that a neighbour could do who does not know the order that is drawn next.
 *
 * Identical code is held against one bound for both kinds together, with enough trials for it to be
 * crossed: of five, a judge that errs in every third would pass nearly always.
 */
#include "selfcheck.h"

#include "../tournament/text.h"
#include "burner.h"
#include "slowness.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PERCENT = 10,
    KINDS = 2,
    SAME_LEAST = 25, /* of identical code, for each kind */
    SLOW_LEAST = 4,
    LIVE_PART = 8
};

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
        .seed = selfcheck_seed(check, kinds[kind], number),
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

/* What each kind came to by itself; identical code is judged for both together. */
static void
conclude(struct selfcheck *check, enum burner_kind kind, const struct noise_count *count)
{
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
}

static void conclude_same(struct selfcheck *check, const struct noise_count counts[KINDS])
{
    char limit[FINDING_LIMIT];
    const struct noise_count *random = &counts[BURNER_RANDOM], *step = &counts[BURNER_IN_STEP];
    size_t named = random->same_named + step->same_named, same = random->same + step->same;
    enum finding_word word = finding_of_count(named, same, limit);
    finding_add(check,
                word,
                limit,
                "beside a burner, %zu of %zu mini-tournaments of identical code named somebody: "
                "%zu of %zu %s, %zu of %zu %s (%zu blocks, %zu redone)",
                named,
                same,
                random->same_named,
                random->same,
                kinds[BURNER_RANDOM],
                step->same_named,
                step->same,
                kinds[BURNER_IN_STEP],
                random->blocks + step->blocks,
                random->redone + step->redone);
    finding_detail(check, "tournaments", json_integer((json_int_t)same));
    finding_detail(check, "named", json_integer((json_int_t)named));
}

/* How many mini-tournaments of each kind: [same] of identical code, [slow] with the slowdown. */
static void trials_wanted(const struct selfcheck *check, size_t *same, size_t *slow)
{
    size_t part = check->live / LIVE_PART;
    *same = check->quick ? 1 : part > SAME_LEAST ? part : SAME_LEAST;
    *slow = check->quick ? 1 : part > SLOW_LEAST ? part : SLOW_LEAST;
}

int part_noise(struct selfcheck *check)
{
    static const unsigned percents[] = {0, PERCENT};
    struct noise_count counts[KINDS] = {0};
    size_t same, slow;
    double cost;
    trials_wanted(check, &same, &slow);
    int rc = selfcheck_load(check);
    if (rc == 0)
        rc = slow_calibrate(check, &cell, percents, 2, &cost);
    for (size_t i = 0; rc == 0 && i < KINDS * (same + slow); i++) {
        size_t kind = i / (same + slow), number = i % (same + slow);
        selfcheck_step(check, i, KINDS * (same + slow), kinds[kind]);
        rc = selfcheck_stopped(check)
                 ? -EINTR
                 : hold(check, (enum burner_kind)kind, number, number < slow, &counts[kind]);
    }
    for (size_t kind = 0; rc == 0 && kind < KINDS; kind++)
        conclude(check, (enum burner_kind)kind, &counts[kind]);
    if (rc == 0)
        conclude_same(check, counts);
    return rc == -ENODATA ? 0 : rc;
}
