/* SPDX-License-Identifier: MIT */
/*
 * verify_block.c - run and block lines computed again: who runs where in which block, with which
 * seed, padding and command; what it cost by its own line; whether the attempt counts.
 */
#include "verify.h"

#include "json.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- who runs in which place ---- */

static bool is_closed(const struct verify *v, size_t cell)
{
    struct judge_cell_result result;
    if (judge_cell(&v->state.in, cell, &result) != 0)
        return false;
    const bool closed = rules_is_closed(&v->plan, &v->state, cell, &result);
    judge_cell_fini(&result);
    return closed;
}

/* May a block of [cell] stand here? In the common rounds there is exactly one that may. */
static void check_turn(struct verify *v, size_t cell)
{
    const int common = rules_next_common(&v->plan, &v->state);
    const int due = v->redo_cell >= 0 ? v->redo_cell : common;
    char *recorded = text_format("%zu (%s)", cell, v->plan.cells[cell].key);
    char *expected = due >= 0 ? text_format("%d (%s)", due, v->plan.cells[due].key)
                              : text_copy("a cell that is still open");
    verify_holds(v,
                 due >= 0 ? due == (int)cell : !is_closed(v, cell),
                 verify_here(v, "cell"),
                 recorded,
                 expected,
                 due >= 0 ? "the turn of another cell by the seed of the plan: lines were moved, "
                            "added or removed, or the seed is another"
                          : "the cell was settled or full: no block of it may follow");
    free(recorded);
    free(expected);
}

static void open_attempt(struct verify *v, size_t cell)
{
    struct verify_attempt *attempt = &v->attempt;
    check_turn(v, cell);
    *attempt = (struct verify_attempt){.open = true, .cell = cell};
    for (size_t e = 0; e < v->plan.entry_count; e++)
        attempt->cost[e] = NAN;
    attempt->row = rules_row(&v->plan, &v->state, cell);
    attempt->count =
        rules_order(&v->plan, &v->state, cell, &attempt->block, &attempt->attempt, attempt->order);
    v->redo_cell = -1;
}

static struct schedule_key key_of(const struct verify *v)
{
    return (struct schedule_key){.seed = v->plan.seed,
                                 .cell = v->plan.cells[v->attempt.cell].key,
                                 .block = (unsigned)v->attempt.block,
                                 .attempt = (unsigned)v->attempt.attempt};
}

static void
check_number(struct verify *v, const json_t *event, const char *key, size_t number, const char *why)
{
    verify_same(
        v, verify_here(v, key), json_object_get(event, key), json_integer((json_int_t)number), why);
}

static void check_place(struct verify *v, const json_t *event)
{
    struct verify_attempt *attempt = &v->attempt;
    static const char moved[] = "a run line was moved, added, removed or comes from elsewhere";
    check_number(v, event, "block", attempt->block, moved);
    check_number(v, event, "attempt", attempt->attempt, moved);
    check_number(v, event, "position", attempt->next, moved);
    const bool any = attempt->next < attempt->count;
    verify_same(v,
                verify_here(v, "entry"),
                json_object_get(event, "entry"),
                any ? json_string(v->plan.entries[attempt->order[attempt->next]].name)
                    : json_null(),
                "seed, cell, block, attempt and who is still racing give another order: lines were "
                "changed, or the plan's seed was");
}

/* Seed, padding and command follow from the schedule and from the plan. */
static void check_start(struct verify *v, const json_t *event, size_t entry)
{
    const struct schedule_key key = key_of(v);
    const struct run_request request = {
        .plan = &v->plan, .cell = v->attempt.cell, .entry = entry, .seed = schedule_run_seed(&key)};
    const json_t *run = json_object_get(event, "run");
    verify_same(v,
                verify_here(v, "env_pad"),
                json_object_get(event, "env_pad"),
                json_integer(schedule_env_pad(&key, v->plan.entries[entry].name)),
                "the padding of the environment is drawn from the seed: this run ran elsewhere, or "
                "the line was changed");
    char *command = runner_command(&request);
    verify_same(v,
                verify_here(v, "command"),
                json_object_get(event, "command"),
                json_string(command),
                "plan and seed give another command: this run measured something else");
    free(command);
    if (json_is_object(run))
        verify_same(v,
                    verify_here(v, "run.seed"),
                    json_object_get(run, "seed"),
                    json_integer((json_int_t)request.seed),
                    "the run was made with another seed: it belongs to another block or "
                    "tournament");
}

/* ---- what it cost ---- */

static void check_names(struct verify *v, const json_t *run, size_t entry)
{
    const struct plan_cell *cell = &v->plan.cells[v->attempt.cell];
    const char *const names[][2] = {
        {"lane", cell->lane},
        {"scenario", cell->scenario},
        {"point", cell->point},
        {"contestant", v->plan.entries[entry].contestant},
        {"variant", v->plan.entries[entry].variant},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *key = text_format("run.%s", names[i][0]);
        verify_same(v,
                    verify_here(v, key),
                    json_object_get(run, names[i][0]),
                    json_string(names[i][1]),
                    "what the process printed is about something else than its line says");
        free(key);
    }
}

/* The status that the recorded exit and the recorded line amount to. */
static const char *status_of(const struct verify *v, const json_t *event)
{
    const struct plan_cell *cell = &v->plan.cells[v->attempt.cell];
    const json_t *run = json_object_get(event, "run");
    const char *recorded = json_text(event, "status", "");
    const json_int_t code = json_int(event, "exit", 0);
    if (strcmp(recorded, "timeout") == 0)
        return json_double(event, "wall_ms", 0) >= 0.99 * cell->timeout_ms ? "timeout"
                                                                           : "no timeout";
    if (code < 0)
        return "crash";
    if (json_is_object(run) && !json_bool(run, "ok", false) && runner_is_late(run) && code != 2)
        return "late";
    const bool good = code == 0 && json_is_object(run) && json_bool(run, "ok", false) &&
                      !isnan(runner_cost(run, cell->metric, cell->floor));
    if (good)
        return runner_rate_is_common(run, cell->common_rate) ? "ok" : "usage";
    if (strcmp(recorded, "usage") == 0)
        return code == 2 || !json_is_object(run) ? "usage" : "no usage error";
    return "failed";
}

static void check_cost(struct verify *v, const json_t *event, size_t entry)
{
    const struct plan_cell *cell = &v->plan.cells[v->attempt.cell];
    const json_t *run = json_object_get(event, "run");
    v->part = VERIFY_COSTS;
    const char *status = status_of(v, event);
    const bool good = strcmp(status, "ok") == 0;
    const double cost = good ? runner_cost(run, cell->metric, cell->floor) : NAN;
    verify_same(v,
                verify_here(v, "status"),
                json_object_get(event, "status"),
                json_string(status),
                "exit status, time and the process' own words say how the run ended");
    verify_same(v,
                verify_here(v, "cost"),
                json_object_get(event, "cost"),
                good ? json_real(cost) : json_null(),
                "the cost is not the one that the process printed in this line");
    if (json_is_object(run))
        check_names(v, run, entry);
    v->attempt.cost[entry] = run_dir_is_late(status) ? INFINITY : cost;
}

/* Journals of earlier versions have no such lines; then the first run opens the attempt. Taking
 * them all out gains nothing: the numbers of the attempts show those that came to nothing. */
void verify_begin_line(struct verify *v, const json_t *event)
{
    const struct verify_attempt *attempt = &v->attempt;
    const json_int_t cell = json_int(event, "cell", -1);
    static const char moved[] = "a line of an attempt was moved, added or removed";
    v->part = VERIFY_ORDER;
    if (cell < 0 || cell >= (json_int_t)v->plan.cell_count)
        return; /* run_dir_apply() says it */
    verify_holds(v,
                 !attempt->open,
                 verify_here(v, "type"),
                 "begin",
                 attempt->next < attempt->count ? "run" : "block",
                 "an attempt begins before the one under way has ended: lines were removed");
    v->begins = v->begins || !v->racing;
    v->racing = true;
    open_attempt(v, (size_t)cell);
    check_number(v, event, "block", attempt->block, moved);
    check_number(v, event, "attempt", attempt->attempt, moved);
}

void verify_run_line(struct verify *v, const json_t *event)
{
    const json_int_t cell = json_int(event, "cell", -1);
    const int entry = plan_find_entry(&v->plan, json_text(event, "entry", ""));
    v->part = VERIFY_ORDER;
    v->racing = true;
    if (cell < 0 || cell >= (json_int_t)v->plan.cell_count || entry < 0)
        return; /* run_dir_apply() says it */
    verify_holds(v,
                 v->attempt.open || !v->begins,
                 verify_here(v, "type"),
                 "run",
                 "begin",
                 "an attempt without its first line: it was removed");
    if (!v->attempt.open)
        open_attempt(v, (size_t)cell);
    verify_same(v,
                verify_here(v, "cell"),
                json_object_get(event, "cell"),
                json_integer((json_int_t)v->attempt.cell),
                "the attempt before has not come to its end: lines were moved or removed");
    check_place(v, event);
    check_start(v, event, (size_t)entry);
    check_cost(v, event, (size_t)entry);
    v->attempt.worst = fmax(v->attempt.worst, json_double(event, "foreign_share", 0));
    v->attempt.next++;
}

/* ---- the end of an attempt ---- */

static json_t *names_in_order(const struct verify *v)
{
    json_t *names = json_array();
    for (size_t i = 0; i < v->attempt.count; i++)
        json_array_append_new(names, json_string(v->plan.entries[v->attempt.order[i]].name));
    return names;
}

static void keep_attempt(struct verify *v)
{
    struct verify_costs *costs = &v->costs[v->attempt.cell];
    const size_t width = v->plan.entry_count;
    if (costs->attempt_count == costs->attempt_room) {
        costs->attempt_room = costs->attempt_room == 0 ? 64 : 2 * costs->attempt_room;
        costs->attempts = /* + 1: a plan without entries asks for none */
            realloc(costs->attempts, (costs->attempt_room * width + 1) * sizeof(*costs->attempts));
        if (costs->attempts == NULL)
            abort();
    }
    memcpy(costs->attempts + costs->attempt_count++ * width,
           v->attempt.cost,
           width * sizeof(*costs->attempts));
}

static void keep_block(struct verify *v)
{
    struct verify_costs *costs = &v->costs[v->attempt.cell];
    if (costs->count == costs->room) {
        costs->room = costs->room == 0 ? 64 : 2 * costs->room;
        costs->numbers = realloc(costs->numbers, costs->room * sizeof(*costs->numbers));
        costs->given_up = realloc(costs->given_up, costs->room * sizeof(*costs->given_up));
        costs->places = realloc(costs->places, costs->room * sizeof(*costs->places));
        costs->ends = realloc(costs->ends, costs->room * sizeof(*costs->ends));
        if (costs->ends == NULL || costs->numbers == NULL || costs->given_up == NULL ||
            costs->places == NULL)
            abort();
    }
    costs->places[costs->count] = v->attempt.row;
    costs->given_up[costs->count] = costs->given_up_now;
    costs->ends[costs->count] = costs->attempt_count;
    costs->numbers[costs->count++] = v->attempt.block;
}

static void check_row(struct verify *v, const json_t *event)
{
    const struct rules_row row = v->attempt.row;
    static const char meaning[] = "the place of the block in its square follows from those before";
    verify_same(v,
                verify_here(v, "row"),
                json_object_get(event, "row"),
                row.rows > 0 ? json_integer((json_int_t)row.row) : NULL,
                meaning);
    verify_same(v,
                verify_here(v, "rows"),
                json_object_get(event, "rows"),
                row.rows > 0 ? json_integer((json_int_t)row.rows) : NULL,
                meaning);
}

void verify_block_line(struct verify *v, const json_t *event)
{
    struct verify_attempt *attempt = &v->attempt;
    static const char cut[] = "not the attempt whose runs stand before it: run lines were removed, "
                              "added or moved";
    const char *const keys[] = {"cell", "block", "attempt"};
    const size_t values[] = {attempt->cell, attempt->block, attempt->attempt};
    bool noisy;
    v->part = VERIFY_ORDER;
    if (!verify_holds(v,
                      attempt->open && attempt->next == attempt->count,
                      verify_here(v, "type"),
                      "block",
                      "run",
                      "a block ends before all of it was run: run lines were removed"))
        return;
    for (size_t i = 0; i < 3; i++)
        verify_same(v,
                    verify_here(v, keys[i]),
                    json_object_get(event, keys[i]),
                    json_integer((json_int_t)values[i]),
                    cut);
    verify_same(
        v, verify_here(v, "entries"), json_object_get(event, "entries"), names_in_order(v), cut);
    check_row(v, event);
    v->part = VERIFY_REDO;
    verify_same(v,
                verify_here(v, "worst_run_share"),
                json_object_get(event, "worst_run_share"),
                json_real(attempt->worst),
                "not the largest foreign_share of its run lines");
    const struct run_dir_run *late =
        rules_late_run(&v->state, attempt->cell, attempt->block, attempt->attempt);
    const bool again = rules_redo(&v->plan,
                                  &v->state,
                                  attempt->cell,
                                  attempt->block,
                                  json_double(event, "foreign_share", 0),
                                  attempt->worst,
                                  &noisy) ||
                       late != NULL;
    char *reason = rules_block_reason(&v->state, late, noisy, again);
    verify_same(v,
                verify_here(v, "valid"),
                json_object_get(event, "valid"),
                json_boolean(!again),
                "the rules of the plan decide otherwise, from the recorded foreign CPU time and "
                "from who was late");
    verify_same(v,
                verify_here(v, "reason"),
                json_object_get(event, "reason"),
                json_string(reason),
                "the rules of the plan say so");
    free(reason);
    verify_calibration(v, &v->plan.cells[attempt->cell], event);
    for (size_t e = 0; !again && e < v->plan.entry_count; e++) /* late in it, and out for it */
        attempt->cost[e] = isinf(attempt->cost[e]) ? NAN : attempt->cost[e];
    keep_attempt(v);
    if (!again)
        keep_block(v);
    v->redo_cell = again ? (int)attempt->cell : -1;
    attempt->open = false;
}

/* ---- what must follow ---- */

static void expect(struct verify *v, json_t *events)
{
    json_array_extend(v->due, events);
    json_decref(events);
}

void verify_expect_after_run(struct verify *v, const json_t *event)
{
    static const struct verify_place rule = {.file = "plan.json", .key = "late"};
    v->part = VERIFY_PLAN;
    if (run_dir_is_late(json_text(event, "status", "")))
        verify_holds(v,
                     json_object_get(v->state.plan, "late") != NULL,
                     rule,
                     "missing",
                     "when a late run puts out",
                     "somebody was late in this run, and without the rule at once out for it: the "
                     "rule was cut out, or the run is from before there was one");
    expect(v, rules_consequences(&v->plan, &v->state, v->state.run_count - 1));
}

void verify_expect_after_pilot(struct verify *v, const json_t *event)
{
    const int entry = plan_find_entry(&v->plan, json_text(event, "entry", ""));
    bool again;
    expect(v, rules_pilot_consequences(&v->plan, event, &v->pilot[entry], &again));
    v->repeat = again ? json_text(event, "command", "") : NULL;
}

void verify_expect_after_block(struct verify *v, const json_t *event)
{
    struct judge_cell_result result;
    const size_t cell = (size_t)json_int(event, "cell", 0);
    if (judge_cell(&v->state.in, cell, &result) != 0)
        return;
    expect(v, rules_derived(&v->plan, &v->state, cell, &result));
    judge_cell_fini(&result);
}
