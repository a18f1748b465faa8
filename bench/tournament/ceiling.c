/* SPDX-License-Identifier: MIT */
/*
 * ceiling.c - a few runs of the null contestant in each cell that it can show something about: what
 * the harness itself costs there.
 *
 * One run follows each of the first blocks of a cell, so that they are spread over the common
 * rounds, with the window and the rate of everybody else. They are no evidence and nobody is
 * compared with them; a run that fails is written down, and says no more than that the ceiling is
 * not known.
 */
#include "tournament.h"

#include "noise.h"
#include "rules.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

enum { CEILING_RUNS = 3 }; /* per cell */

static size_t runs_so_far(const struct tournament *t, size_t cell)
{
    size_t count = 0;
    for (size_t i = 0; i < t->state.null_run_count; i++)
        count += t->state.null_runs[i].cell == cell;
    return count;
}

static int record(struct tournament *t,
                  size_t cell,
                  unsigned env_pad,
                  double foreign_share,
                  const struct run_outcome *outcome)
{
    json_t *line = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    json_t *cost = outcome->status == RUN_OK ? json_real(outcome->cost) : json_null();
    return ledger_record(t,
                         "null",
                         json_pack("{s:i, s:s, s:s, s:o, s:f, s:f, s:i, s:s, s:o}",
                                   "cell",
                                   (int)cell,
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
                                   "command",
                                   outcome->command,
                                   "run",
                                   line));
}

int ceiling_run(struct tournament *t, size_t cell)
{
    const struct plan_cell *where = &t->plan.cells[cell];
    const bool runs = where->ceiling && *plan_program(&t->plan.null, where->lane) != '\0';
    size_t done = runs_so_far(t, cell);
    if (!runs || done >= CEILING_RUNS || done >= rules_blocks(&t->state, cell))
        return 0;
    char *name = text_format("null/%s", t->plan.cells[cell].key);
    const struct schedule_key key = {
        .seed = t->plan.seed, .cell = name, .block = (unsigned)done + 1};
    const struct run_request request = {
        .plan = &t->plan,
        .cell = cell,
        .null = true,
        .seed = schedule_run_seed(&key),
        .env_pad = schedule_env_pad(&key, t->plan.null.name),
        .interrupt = &t->interrupt,
    };
    struct noise_mark before, after;
    struct run_outcome outcome;
    noise_mark(&before);
    int rc = runner_run(&request, &outcome);
    noise_mark(&after);
    free(name);
    if (rc != 0)
        return rc;
    if (outcome.status == RUN_INTERRUPTED)
        rc = -EINTR;
    else
        rc = record(t, cell, request.env_pad, noise_share(&before, &after), &outcome);
    runner_free(&outcome);
    return rc;
}
