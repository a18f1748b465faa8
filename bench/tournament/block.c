/* SPDX-License-Identifier: MIT */
/*
 * block.c - one block: every entry still racing, once, back to back, in an order drawn for it.
 *
 * When somebody else used the machine (noise.h), the whole block is done again with a new order;
 * the costs are never looked at for this, and no single run is ever left out. The last attempt
 * counts whatever happened, and says so. It is also done again when somebody was late and it is not
 * certain whose fault that was (rules_late.c).
 */
#include "blocks.h"

#include "json.h"
#include "noise.h"
#include "rules.h"
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
    size_t order[PLAN_ENTRIES_MAX]; /* entries in running order */
    size_t count;
    struct rules_row row; /* in its square, when it began */
    double worst_run_share;
};

/* What else the machine did during a run. */
struct conditions {
    double foreign, steal, pressure; /* shares; the last two may be NAN */
    unsigned env_pad;
};

static json_t *share_or_null(double share)
{
    return isnan(share) ? json_null() : json_real(share);
}

static int record_run(struct tournament *t,
                      const struct attempt *attempt,
                      size_t position,
                      const struct conditions *conditions,
                      const struct run_outcome *outcome)
{
    json_t *line = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    json_t *cost = outcome->status == RUN_OK ? json_real(outcome->cost) : json_null();
    return ledger_record(
        t,
        "run",
        json_pack(
            "{s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:o, s:o, s:i, s:i, s:s, s:o}",
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
            "stall_ms",
            outcome->stall_ms,
            "foreign_share",
            conditions->foreign,
            "steal_share",
            share_or_null(conditions->steal),
            "cpu_pressure",
            share_or_null(conditions->pressure),
            "env_pad",
            (int)conditions->env_pad,
            "exit",
            outcome->exit,
            "command",
            outcome->command,
            "run",
            line));
}

/* What the run that was just recorded means for its entry, if it gave no number. */
static int
sort_out(struct tournament *t, size_t cell, size_t entry, const struct run_outcome *outcome)
{
    if (outcome->status == RUN_OK)
        return 0;
    json_t *events = rules_consequences(&t->plan, &t->state, t->state.run_count - 1);
    const json_t *first = json_array_get(events, 0);
    const bool out = first != NULL || !rules_may_run(&t->state, cell, entry); /* with its twin */
    const char *word = !out                           ? "late, to be tried again"
                       : outcome->status == RUN_USAGE ? "NOT RUN"
                                                      : "DISQUALIFIED";
    progress_say(&t->progress,
                 "  %s: %s in %s: %s",
                 word,
                 t->plan.entries[entry].name,
                 t->plan.cells[cell].key,
                 json_text(first, "reason", outcome->reason));
    if (outcome->status != RUN_USAGE)
        progress_say(&t->progress, "    again: %s", outcome->command);
    return ledger_record_all(t, events);
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
    const struct conditions conditions = {.foreign = noise_share(&before, &after),
                                          .steal = noise_steal_share(&before, &after),
                                          .pressure = noise_pressure_share(&before, &after),
                                          .env_pad = request.env_pad};
    if (conditions.foreign > attempt->worst_run_share)
        attempt->worst_run_share = conditions.foreign;
    if (outcome.status == RUN_INTERRUPTED) {
        rc = -EINTR;
    } else {
        rc = record_run(t, attempt, position, &conditions, &outcome);
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

/* Before anything of the attempt can be seen: whoever leaves it now has left a line, and an anchor
 * of it, so that taking the line back shows. */
static int record_begin(struct tournament *t, const struct attempt *attempt)
{
    const int rc = ledger_record(t,
                                 "begin",
                                 json_pack("{s:i, s:i, s:i}",
                                           "cell",
                                           (int)attempt->cell,
                                           "block",
                                           (int)attempt->key.block,
                                           "attempt",
                                           (int)attempt->key.attempt));
    return rc == 0 ? ledger_sync(t) : rc;
}

/* Ends an attempt: it counts, or it is to be done again (*again). */
static int
close_attempt(struct block_loop *loop, const struct attempt *attempt, double share, bool *again)
{
    struct tournament *t = loop->t;
    bool noisy;
    const struct run_dir_run *late =
        rules_late_run(&t->state, attempt->cell, attempt->key.block, attempt->key.attempt);
    *again = rules_redo(&t->plan,
                        &t->state,
                        attempt->cell,
                        attempt->key.block,
                        share,
                        attempt->worst_run_share,
                        &noisy) ||
             late != NULL;
    char *reason = rules_block_reason(&t->state, late, noisy, *again);
    loop->attempts++;
    loop->redone += *again;
    json_t *event = json_pack("{s:i, s:i, s:i, s:b, s:f, s:f, s:o, s:s}",
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
                              reason);
    free(reason);
    if (attempt->row.rows > 0) {
        json_object_set_new(event, "row", json_integer((json_int_t)attempt->row.row));
        json_object_set_new(event, "rows", json_integer((json_int_t)attempt->row.rows));
    }
    int rc = ledger_record(t, "block", event);
    return rc == 0 ? ledger_sync(t) : rc;
}

static void say_that_it_ends(void *user)
{
    struct tournament *t = user;
    progress_say(&t->progress, "stopping at the end of this block; once more: at once");
}

/*
 * Returns: 0, also when nobody is left to run; -EINTR; -errno. A pause waits for the end, and so
 * does the first Ctrl-C: what the attempt costs can be watched from its first run on, and leaving
 * it counts against whoever leads.
 */
static int run_attempt(struct block_loop *loop, struct attempt *attempt, bool *again)
{
    struct tournament *t = loop->t;
    struct noise_mark before, after;
    size_t block, number;
    int rc = 0;
    attempt->row = rules_row(&t->plan, &t->state, attempt->cell);
    attempt->count =
        rules_order(&t->plan, &t->state, attempt->cell, &block, &number, attempt->order);
    attempt->key = (struct schedule_key){.seed = t->plan.seed,
                                         .cell = t->plan.cells[attempt->cell].key,
                                         .block = (unsigned)block,
                                         .attempt = (unsigned)number};
    if (attempt->count == 0)
        return 0;
    if (interrupt_seen(&t->interrupt))
        return -EINTR; /* came in a pause: nothing has begun */
    interrupt_shield(&t->interrupt, say_that_it_ends, t);
    rc = record_begin(t, attempt);
    noise_mark(&before);
    for (size_t i = 0; rc == 0 && i < attempt->count; i++)
        rc = interrupt_seen(&t->interrupt) ? -EINTR : run_position(t, attempt, i);
    interrupt_unshield(&t->interrupt);
    noise_mark(&after);
    return rc == 0 ? close_attempt(loop, attempt, noise_share(&before, &after), again) : rc;
}

int block_run(struct block_loop *loop, size_t cell)
{
    struct cell_work *work = &loop->work[cell];
    bool again = true;
    int rc = 0;
    while (rc == 0 && again) {
        again = false;
        double started_s = clock_seconds();
        struct attempt attempt = {.cell = cell};
        rc = interrupt_seen(&loop->t->interrupt) ? -EINTR : run_attempt(loop, &attempt, &again);
        work->block_s = clock_seconds() - started_s;
        work->spent_s += work->block_s;
    }
    return rc;
}
