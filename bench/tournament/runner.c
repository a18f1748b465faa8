/* SPDX-License-Identifier: MIT */
/* runner.c - see runner.h. */
#include "runner.h"

#include "child.h"
#include "json.h"
#include "process_lane.h"
#include "text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGV_MAX = 20, ARGUMENT_SIZE = 32 };

/* The argument list of one run; strings of its own for the numbers. */
struct argument_list {
    const char *argv[ARGV_MAX];
    size_t count;
    char seed[ARGUMENT_SIZE], window[ARGUMENT_SIZE], rate[ARGUMENT_SIZE];
};

static void push(struct argument_list *list, const char *name, const char *value)
{
    list->argv[list->count++] = name;
    if (value != NULL)
        list->argv[list->count++] = value;
    list->argv[list->count] = NULL;
}

static const struct plan_entry *entry_of(const struct run_request *request)
{
    return request->null ? &request->plan->null : &request->plan->entries[request->entry];
}

static void build_arguments(const struct run_request *request, struct argument_list *list)
{
    const struct plan_cell *cell = &request->plan->cells[request->cell];
    const struct plan_entry *entry = entry_of(request);
    unsigned window_ms = request->window_ms > 0 ? request->window_ms : cell->window_ms;
    snprintf(list->seed, sizeof(list->seed), "%" PRIu64, request->seed);
    snprintf(list->window, sizeof(list->window), "%u", window_ms);
    snprintf(list->rate, sizeof(list->rate), "%.17g", cell->common_rate);
    list->count = 0;
    push(list, plan_program(entry, cell->lane), NULL);
    if (strcmp(cell->lane, "micro") == 0) {
        push(list, "--case", cell->scenario);
    } else {
        push(list, "--scenario", cell->script);
    }
    push(list, "--point", cell->point);
    push(list, "--seed", list->seed);
    push(list, "--window-ms", list->window);
    if (cell->common_rate > 0)
        push(list, "--common-rate", list->rate);
    if (entry->variant[0] != '\0')
        push(list, "--variant", entry->variant);
}

static void fail(struct run_outcome *outcome, enum run_status status, char *reason)
{
    free(outcome->reason);
    outcome->status = status;
    outcome->reason = reason;
}

double runner_cost(const json_t *line, const char *metric, double floor)
{
    const json_t *value =
        json_object_get(json_object_get(json_object_get(line, "metrics"), metric), "value");
    if (!json_is_number(value))
        return NAN;
    double cost = json_number_value(value);
    return isfinite(cost) && (cost > 0 || (floor > 0 && cost == 0)) ? cost : NAN;
}

bool runner_rate_is_common(const json_t *line, double planned)
{
    const json_t *rate = json_object_get(line, "common_rate");
    if (strcmp(json_text(line, "common_rate_source", ""), "own pilot") == 0)
        return false;
    return !json_is_number(rate) || json_number_value(rate) == planned;
}

bool runner_is_late(const json_t *line)
{
    return strcmp(json_text(line, "failure", ""), "late") == 0;
}

static void
judge_line(const struct run_request *request, struct run_outcome *outcome, char *complaint)
{
    const struct plan_cell *cell = &request->plan->cells[request->cell];
    const char *error = json_text(outcome->line, "error", "");
    if (!json_bool(outcome->line, "ok", false)) {
        fail(outcome,
             runner_is_late(outcome->line) ? RUN_LATE : RUN_FAILED,
             text_copy(error[0] != '\0' ? error : "its own check found the work wrong"));
        return;
    }
    outcome->cost = runner_cost(outcome->line, cell->metric, cell->floor);
    if (outcome->exit != 0)
        fail(outcome, RUN_FAILED, text_format("exit status %d: %s", outcome->exit, complaint));
    else if (isnan(outcome->cost))
        fail(outcome, RUN_FAILED, text_format("gave no number for %s", cell->metric));
    else if (!request->own_rate && !runner_rate_is_common(outcome->line, cell->common_rate))
        fail(outcome,
             RUN_USAGE,
             text_format("ran at %g tasks/s found by itself instead of the common %g: its cost "
                         "compares with nobody's",
                         json_double(outcome->line, "common_rate", 0),
                         cell->common_rate));
}

/* What hyperfine cannot know about the run it timed. */
static void complete_line(const struct run_request *request, json_t *line)
{
    const struct plan_cell *cell = &request->plan->cells[request->cell];
    const struct plan_entry *entry = entry_of(request);
    json_object_set_new(line, "schema", json_integer(1));
    json_object_set_new(line, "lane", json_string(cell->lane));
    json_object_set_new(line, "scenario", json_string(cell->scenario));
    json_object_set_new(line, "point", json_string(cell->point));
    json_object_set(line, "params", cell->params);
    json_object_set_new(line, "contestant", json_string(entry->contestant));
    json_object_set_new(line, "variant", json_string(entry->variant));
    json_object_set_new(line, "seed", json_integer((json_int_t)request->seed));
}

static void conclude(const struct run_request *request,
                     const struct child_result *result,
                     struct run_outcome *outcome)
{
    uint64_t limit_ms = request->plan->cells[request->cell].timeout_ms;
    char *complaint = text_last_line(result->err);
    char *ending = child_explain(result, limit_ms);
    outcome->exit = result->end == CHILD_SIGNALLED ? -result->code : result->code;
    if (result->end == CHILD_INTERRUPTED)
        fail(outcome, RUN_INTERRUPTED, text_copy(ending));
    else if (result->end == CHILD_TIMEOUT)
        fail(outcome, RUN_TIMEOUT, text_copy(ending));
    else if (result->end == CHILD_SIGNALLED)
        fail(outcome,
             RUN_CRASH,
             complaint[0] != '\0' ? text_format("%s: %s", ending, complaint) : text_copy(ending));
    else if (result->end == CHILD_NOT_STARTED || result->code == 2)
        fail(outcome, RUN_USAGE, text_format("%s: %s", ending, complaint));
    else if (outcome->line != NULL)
        judge_line(request, outcome, complaint);
    else if (outcome->reason[0] == '\0')
        fail(outcome,
             RUN_FAILED,
             text_format(
                 "%s without a result%s%s", ending, complaint[0] != '\0' ? ": " : "", complaint));
    else
        outcome->status = RUN_FAILED;
    free(ending);
    free(complaint);
}

char *runner_command(const struct run_request *request)
{
    const struct plan_cell *cell = &request->plan->cells[request->cell];
    struct argument_list list;
    if (strcmp(cell->lane, "process") == 0)
        return process_lane_command(plan_program(entry_of(request), "process"), cell->params);
    build_arguments(request, &list);
    return text_command(list.argv);
}

int runner_run(const struct run_request *request, struct run_outcome *outcome)
{
    const struct plan_cell *cell = &request->plan->cells[request->cell];
    const char *program = plan_program(entry_of(request), cell->lane);
    struct argument_list list;
    build_arguments(request, &list);
    struct child_request child = {
        .argv = list.argv,
        .timeout_ms = cell->timeout_ms,
        .env_pad = request->env_pad,
        .interrupt = request->interrupt,
    };
    *outcome = (struct run_outcome){
        .reason = text_copy(""), .command = runner_command(request), .cost = NAN};
    struct child_result result;
    char *reason = NULL;
    int rc;
    if (strcmp(cell->lane, "process") == 0) {
        rc = process_lane_run(program, cell->params, child, &result, &outcome->line, &reason);
    } else {
        rc = child_run(&child, &result);
        if (rc == 0 && result.end == CHILD_EXITED)
            outcome->line = json_loads(result.out, 0, NULL);
    }
    if (rc != 0) {
        say_error("cannot run %s: %s", outcome->command, strerror(-rc));
        free(reason);
        runner_free(outcome);
        return rc;
    }
    if (reason != NULL)
        fail(outcome, RUN_FAILED, reason);
    if (outcome->line != NULL && strcmp(cell->lane, "process") == 0)
        complete_line(request, outcome->line);
    conclude(request, &result, outcome);
    outcome->wall_ms = result.wall_ms;
    outcome->stall_ms = result.stall_ms;
    child_result_free(&result);
    return 0;
}

void runner_free(struct run_outcome *outcome)
{
    free(outcome->reason);
    free(outcome->command);
    json_decref(outcome->line);
    *outcome = (struct run_outcome){0};
}

const char *runner_status_name(enum run_status status)
{
    static const char *const names[] = {
        "ok", "failed", "crash", "timeout", "late", "usage", "interrupted"};
    return names[status];
}
