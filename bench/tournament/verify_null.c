/* SPDX-License-Identifier: MIT */
/*
 * verify_null.c - lines of the null contestant computed again: they bear on no verdict, but the
 * report tells by them what the harness itself costs.
 */
#include "verify.h"

#include "json.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t runs_before(const struct verify *v, size_t cell)
{
    size_t count = 0;
    for (size_t i = 0; i < v->state.null_run_count; i++)
        count += v->state.null_runs[i].cell == cell;
    return count;
}

void verify_null_line(struct verify *v, const json_t *event)
{
    const json_int_t where = json_int(event, "cell", -1);
    if (where < 0 || where >= (json_int_t)v->plan.cell_count)
        return; /* run_dir_apply() says it */
    const struct plan_cell *cell = &v->plan.cells[where];
    char *name = text_format("null/%s", cell->key);
    const struct schedule_key key = {
        .seed = v->plan.seed, .cell = name, .block = (unsigned)runs_before(v, (size_t)where) + 1};
    const struct run_request request = {
        .plan = &v->plan, .cell = (size_t)where, .null = true, .seed = schedule_run_seed(&key)};
    v->part = VERIFY_ORDER;
    if (verify_holds(v,
                     v->plan.null.dir != NULL && !v->attempt.open,
                     verify_here(v, "type"),
                     "null",
                     "run",
                     "the null contestant runs between two blocks, if the plan has one")) {
        char *command = runner_command(&request);
        verify_same(v,
                    verify_here(v, "command"),
                    json_object_get(event, "command"),
                    json_string(command),
                    "plan and seed give another command: this run measured something else");
        free(command);
        verify_same(v,
                    verify_here(v, "env_pad"),
                    json_object_get(event, "env_pad"),
                    json_integer(schedule_env_pad(&key, "null")),
                    "the padding of the environment is drawn from the seed");
        const bool good = strcmp(json_text(event, "status", ""), "ok") == 0;
        const double cost = runner_cost(json_object_get(event, "run"), cell->metric, cell->floor);
        v->part = VERIFY_COSTS;
        verify_same(v,
                    verify_here(v, "cost"),
                    json_object_get(event, "cost"),
                    good && !isnan(cost) ? json_real(cost) : json_null(),
                    "the cost is not the one that the process printed in this line");
    }
    free(name);
}
