/* SPDX-License-Identifier: MIT */
/*
 * block.c - one block: every entry still racing, once, back to back, in an order drawn for it.
 *
 * When somebody else used the machine (noise.h), the whole block is done again with a new order;
 * the costs are never looked at for this, and no single run is ever left out. The last attempt
 * counts whatever happened, and says so.
 */
#include "blocks.h"

#include "noise.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include "clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One attempt at a block. */
struct attempt {
    size_t cell;
    struct schedule_key key;
    size_t order[SCHEDULE_ENTRIES_MAX]; /* entries in running order */
    size_t count;
    double worst_run_share;
};

size_t block_count(const struct tournament *t, size_t cell)
{
    return t->state.in.cells[cell].block_count;
}

static unsigned next_attempt(const struct tournament *t, size_t cell, size_t block)
{
    unsigned next = 0;
    for (size_t i = 0; i < t->state.run_count; i++) {
        const struct run_dir_run *run = &t->state.runs[i];
        if (run->cell == cell && run->block == block && run->attempt >= next)
            next = (unsigned)run->attempt + 1;
    }
    return next;
}

static unsigned redos(const struct tournament *t, size_t cell, size_t block)
{
    unsigned count = 0;
    for (size_t i = 0; i < t->state.block_count; i++) {
        const struct run_dir_block *done = &t->state.blocks[i];
        count += done->cell == cell && done->block == block && !done->valid;
    }
    return count;
}

static int draw_order(const struct tournament *t, struct attempt *attempt)
{
    const char *names[SCHEDULE_ENTRIES_MAX];
    size_t entries[SCHEDULE_ENTRIES_MAX];
    struct judge_cell_result result;
    int rc = judge_cell(&t->state.in, attempt->cell, &result);
    if (rc != 0)
        return rc;
    for (size_t e = 0; e < t->plan.entry_count; e++) {
        if (!block_runs_entry(t, attempt->cell, e, &result))
            continue;
        names[attempt->count] = t->plan.entries[e].name;
        entries[attempt->count++] = e;
    }
    judge_cell_fini(&result);
    schedule_order(&attempt->key, names, attempt->count, attempt->order);
    for (size_t i = 0; i < attempt->count; i++)
        attempt->order[i] = entries[attempt->order[i]];
    return 0;
}

static int record_run(struct tournament *t,
                      const struct attempt *attempt,
                      size_t position,
                      unsigned env_pad,
                      double foreign_share,
                      const struct run_outcome *outcome)
{
    json_t *line = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    json_t *cost = outcome->status == RUN_OK ? json_real(outcome->cost) : json_null();
    return ledger_record(
        t,
        "run",
        json_pack("{s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:o, s:f, s:f, s:i, s:i, s:s, s:o}",
                  "cell",
                  (int)attempt->cell,
                  "block",
                  (int)attempt->key.block,
                  "attempt",
                  (int)attempt->key.attempt,
                  "position",
                  (int)position,
                  "entry",
                  t->plan.entries[attempt->order[position]].name,
                  "status",
                  runner_status_name(outcome->status),
                  "reason",
                  outcome->reason,
                  "cost",
                  cost,
                  "wall_ms",
                  outcome->wall_ms,
                  "foreign_share",
                  foreign_share,
                  "env_pad",
                  (int)env_pad,
                  "exit",
                  outcome->exit,
                  "command",
                  outcome->command,
                  "run",
                  line));
}

/* What a run that gave no number means for its entry. */
static int
sort_out(struct tournament *t, size_t cell, size_t entry, const struct run_outcome *outcome)
{
    if (outcome->status == RUN_OK)
        return 0;
    progress_say(&t->progress,
                 "  %s: %s in %s: %s",
                 outcome->status == RUN_USAGE ? "NOT RUN" : "DISQUALIFIED",
                 t->plan.entries[entry].name,
                 t->plan.cells[cell].key,
                 outcome->reason);
    if (outcome->status == RUN_USAGE)
        return ledger_not_run(t, cell, entry, outcome->reason);
    progress_say(&t->progress, "    again: %s", outcome->command);
    return ledger_disqualify(t, (int)cell, entry, outcome->reason, outcome->command);
}

static int run_position(struct tournament *t, struct attempt *attempt, size_t position)
{
    size_t entry = attempt->order[position];
    struct noise_mark before, after;
    struct run_request request = {
        .plan = &t->plan,
        .cell = attempt->cell,
        .entry = entry,
        .seed = schedule_run_seed(&attempt->key),
        .env_pad = schedule_env_pad(&attempt->key, t->plan.entries[entry].name),
        .interrupt = &t->interrupt,
    };
    struct run_outcome outcome;
    noise_mark(&before);
    int rc = runner_run(&request, &outcome);
    if (rc != 0)
        return rc;
    noise_mark(&after);
    double share = noise_share(&before, &after);
    if (share > attempt->worst_run_share)
        attempt->worst_run_share = share;
    if (outcome.status == RUN_INTERRUPTED) {
        rc = -EINTR;
    } else {
        rc = record_run(t, attempt, position, request.env_pad, share, &outcome);
        if (rc == 0)
            rc = sort_out(t, attempt->cell, entry, &outcome);
    }
    runner_free(&outcome);
    return rc;
}

static json_t *order_names(const struct tournament *t, const struct attempt *attempt)
{
    json_t *names = json_array();
    for (size_t i = 0; i < attempt->count; i++)
        json_array_append_new(names, json_string(t->plan.entries[attempt->order[i]].name));
    return names;
}

/* Whether a disturbed block is done again: not forever, not with most of the budget, not after its
 * end. */
static bool may_redo(const struct block_loop *loop, const struct attempt *attempt)
{
    const struct tournament *t = loop->t;
    return redos(t, attempt->cell, attempt->key.block) < t->plan.redo_max &&
           (double)loop->redone < t->plan.redo_share * (double)(loop->attempts + 3) &&
           clock_seconds() < t->deadline_s;
}

/* Ends an attempt: it counts, or it is to be done again (*again). */
static int
close_attempt(struct block_loop *loop, const struct attempt *attempt, double share, bool *again)
{
    struct tournament *t = loop->t;
    bool noisy =
        share > t->plan.redo_block_limit || attempt->worst_run_share > t->plan.redo_run_limit;
    *again = noisy && may_redo(loop, attempt);
    loop->attempts++;
    loop->redone += *again;
    const char *reason = !noisy   ? ""
                         : *again ? "foreign CPU time: done again"
                                  : "foreign CPU time: counts all the same";
    int rc = ledger_record(t,
                           "block",
                           json_pack("{s:i, s:i, s:i, s:b, s:f, s:f, s:o, s:s}",
                                     "cell",
                                     (int)attempt->cell,
                                     "block",
                                     (int)attempt->key.block,
                                     "attempt",
                                     (int)attempt->key.attempt,
                                     "valid",
                                     !*again,
                                     "foreign_share",
                                     share,
                                     "worst_run_share",
                                     attempt->worst_run_share,
                                     "entries",
                                     order_names(t, attempt),
                                     "reason",
                                     reason));
    return rc == 0 ? journal_sync(&t->journal) : rc;
}

static int run_attempt(struct block_loop *loop, struct attempt *attempt, bool *again)
{
    struct noise_mark before, after;
    int rc = draw_order(loop->t, attempt);
    if (rc != 0 || attempt->count == 0)
        return rc;
    noise_mark(&before);
    for (size_t i = 0; rc == 0 && i < attempt->count; i++)
        rc = interrupt_seen(&loop->t->interrupt) ? -EINTR : run_position(loop->t, attempt, i);
    noise_mark(&after);
    return rc == 0 ? close_attempt(loop, attempt, noise_share(&before, &after), again) : rc;
}

int block_run(struct block_loop *loop, size_t cell)
{
    struct tournament *t = loop->t;
    struct cell_work *work = &loop->work[cell];
    unsigned block = (unsigned)block_count(t, cell) + 1;
    bool again = true;
    int rc = 0;
    while (rc == 0 && again) {
        again = false;
        double started_s = clock_seconds();
        struct attempt attempt = {
            .cell = cell,
            .key = {.seed = t->plan.seed,
                    .cell = t->plan.cells[cell].key,
                    .block = block,
                    .attempt = next_attempt(t, cell, block)},
        };
        rc = run_attempt(loop, &attempt, &again);
        work->block_s = clock_seconds() - started_s;
        work->spent_s += work->block_s;
    }
    return rc;
}
