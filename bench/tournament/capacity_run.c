/* SPDX-License-Identifier: MIT */
/* capacity_run.c - what is measured and in which order; see capacity_hunt.h. */
#include "capacity_hunt.h"

#include "checkup.h"
#include "clock.h"
#include "exit_code.h"
#include "gate.h"
#include "json.h"
#include "lock.h"
#include "noise.h"
#include "rules.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A generator that is late by more than this part of the limit may be what made a run fail. */
static const double late_part = 0.5;

/* ---- what to measure ---- */

static const struct scenario_point *rate_point(const struct scenario *scenario)
{
    const struct scenario_point *found = NULL;
    for (size_t i = 0; i < scenario->point_count; i++) {
        const struct scenario_point *point = &scenario->points[i];
        if (json_double(point->params, "percent", 0) > 0 &&
            (found == NULL || (point->core && !found->core)))
            found = point;
    }
    return found;
}

static int draw_up(struct hunt *hunt, struct project *project)
{
    const struct capacity_request *request = hunt->request;
    int rc = registry_load(&hunt->registry, project, &request->extra);
    if (rc == 0)
        rc = scenario_load(&hunt->scenarios, &hunt->registry);
    if (rc != 0)
        return rc;
    const struct scenario *scenario = scenario_find(&hunt->scenarios, "race", request->scenario);
    const struct scenario_point *point = scenario != NULL ? rate_point(scenario) : NULL;
    if (point == NULL) {
        say_error("capacity: scenario '%s' %s; take one that offers tasks at a rate, such as "
                  "poisson, metronome or mixed",
                  request->scenario,
                  scenario == NULL ? "does not exist" : "has no point with a 'percent' of a rate");
        return -EINVAL;
    }
    char *name = text_format("race/%s", request->scenario);
    struct names filter = {0};
    names_add(&filter, name);
    free(name);
    hunt->percent = json_double(point->params, "percent", 0);
    struct plan_wish wish = {.preset = &preset_capacity,
                             .registry = &hunt->registry,
                             .scenarios = &hunt->scenarios,
                             .only = &request->only,
                             .filter = &filter,
                             .point = point->id,
                             .seed = request->seed};
    rc = plan_make(&hunt->plan, &wish);
    names_free(&filter);
    if (rc != 0)
        return rc;
    hunt->plan.cells[0].window_ms = request->window_ms;
    hunt->runners = text_alloc(hunt->plan.entry_count * sizeof(*hunt->runners));
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        capacity_init(&hunt->runners[e].search, 0.05, request->precision, NAN);
    return plan_hash_binaries(&hunt->plan);
}

void capacity_put_out(struct hunt *hunt, size_t entry, const char *reason, const char *again)
{
    struct runner_state *runner = &hunt->runners[entry];
    if (runner->out != NULL)
        return;
    runner->out = text_copy(reason);
    runner->again = text_copy(again);
    progress_say(&hunt->progress, "  out: %s: %s", hunt->plan.entries[entry].name, reason);
    if (again[0] != '\0')
        progress_say(&hunt->progress, "    again: %s", again);
}

static int admit(struct hunt *hunt)
{
    struct gate gate = {0};
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        gate_add(&gate, hunt->plan.entries[e].contestant, "auto");
    progress_status(&hunt->progress, "gate  the conformance suite, usual mode only");
    int rc = gate_run(&gate, &hunt->registry, &hunt->interrupt, NULL, NULL);
    for (size_t e = 0; rc == 0 && !gate.interrupted && e < hunt->plan.entry_count; e++) {
        const struct gate_sheet *sheet = gate_failure(&gate, hunt->plan.entries[e].contestant);
        if (sheet != NULL)
            capacity_put_out(hunt, e, sheet->reason, sheet->reproduce);
    }
    gate_free(&gate);
    return rc;
}

/* ---- one run ---- */

/* Did it fail by time alone, and not because so much was offered? */
static bool is_late(const struct run_outcome *outcome)
{
    return run_dir_is_late(runner_status_name(outcome->status)) &&
           !json_bool(outcome->line, "overload", false);
}

/* Who is late has not kept the limit; that it hangs, more than one run must say (rules_late.c). */
static const char *sort_out(const struct hunt *hunt, const struct run_outcome *outcome)
{
    if (outcome->status == RUN_OK)
        return outcome->cost <= hunt->request->limit_ns ? "pass" : "fail";
    return run_dir_is_late(runner_status_name(outcome->status)) ? "fail" : "out";
}

static int record(struct hunt *hunt,
                  const struct schedule_key *key,
                  size_t entry,
                  double rate,
                  double foreign_share,
                  const struct run_outcome *outcome)
{
    const json_t *generator = json_object_get(outcome->line, "generator");
    double slip_ns = json_double(generator, "slip_p99_ns", 0);
    json_t *cost = isfinite(outcome->cost) ? json_real(outcome->cost) : json_null();
    json_t *run = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    json_t *event = json_pack("{s:s, s:i, s:i, s:s, s:f, s:s, s:b, s:o, s:f, s:b, s:f, s:f, s:s, "
                              "s:s, s:o}",
                              "type",
                              "run",
                              "block",
                              (int)key->block,
                              "attempt",
                              (int)key->attempt,
                              "entry",
                              hunt->plan.entries[entry].name,
                              "rate",
                              rate,
                              "outcome",
                              sort_out(hunt, outcome),
                              "late",
                              is_late(outcome),
                              "p99_ns",
                              cost,
                              "slip_p99_ns",
                              slip_ns,
                              "generator_late",
                              slip_ns > late_part * hunt->request->limit_ns,
                              "foreign_share",
                              foreign_share,
                              "stall_ms",
                              outcome->stall_ms,
                              "reason",
                              outcome->reason,
                              "command",
                              outcome->command,
                              "run",
                              run);
    return capacity_record(hunt, event);
}

/* One attempt at a block. */
struct attempt {
    struct schedule_key key;
    size_t entries[SCHEDULE_ENTRIES_MAX]; /* in running order */
    size_t count;
    double worst_run_share;
};

/* Returns: 0; -EINTR; -errno. */
static int run_one(struct hunt *hunt, struct attempt *attempt, size_t entry)
{
    struct capacity *search = &hunt->runners[entry].search;
    const struct schedule_key *key = &attempt->key;
    double rate = capacity_next(search);
    /* The first run takes a share of what its own pilot finds; that is the rate to start from. */
    hunt->plan.cells[0].common_rate = isnan(rate) ? 0 : rate * 100 / hunt->percent;
    struct run_request request = {.plan = &hunt->plan,
                                  .entry = entry,
                                  .seed = schedule_run_seed(key),
                                  .env_pad = schedule_env_pad(key, hunt->plan.entries[entry].name),
                                  .own_rate = isnan(rate),
                                  .interrupt = &hunt->interrupt};
    struct run_outcome outcome;
    struct noise_mark before, after;
    progress_status(&hunt->progress,
                    "block %u  %s  %.0f tasks/s",
                    key->block,
                    hunt->plan.entries[entry].name,
                    isnan(rate) ? 0 : rate);
    noise_mark(&before);
    int rc = runner_run(&request, &outcome);
    if (rc != 0)
        return rc;
    noise_mark(&after);
    const double share = noise_share(&before, &after);
    attempt->worst_run_share = fmax(attempt->worst_run_share, share);
    if (isnan(rate))
        rate = json_double(outcome.line, "common_rate", 0) * hunt->percent / 100;
    if (outcome.status == RUN_INTERRUPTED)
        rc = -EINTR;
    else
        rc = record(hunt, key, entry, rate, share, &outcome);
    if (rc == 0 && !(rate > 0) && !is_late(&outcome))
        capacity_put_out(hunt, entry, "its pilot found no rate to start from", outcome.command);
    runner_free(&outcome);
    return rc;
}

static bool is_open(const struct hunt *hunt, size_t entry)
{
    return hunt->runners[entry].out == NULL && !capacity_is_done(&hunt->runners[entry].search);
}

/* Every open contestant once, in an order drawn for the attempt. */
static void line_up(const struct hunt *hunt, struct attempt *attempt)
{
    const char *names[SCHEDULE_ENTRIES_MAX];
    size_t open[SCHEDULE_ENTRIES_MAX], order[SCHEDULE_ENTRIES_MAX];
    *attempt = (struct attempt){.key = {.seed = hunt->request->seed,
                                        .cell = hunt->plan.cells[0].key,
                                        .block = hunt->blocks + 1,
                                        .attempt = hunt->attempts + 1}};
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        if (is_open(hunt, e)) {
            names[attempt->count] = hunt->plan.entries[e].name;
            open[attempt->count++] = e;
        }
    schedule_order(&attempt->key, names, attempt->count, order);
    for (size_t i = 0; i < attempt->count; i++)
        attempt->entries[i] = open[order[i]];
}

/* Ends an attempt: it counts, or it is to be done again. */
static int close_attempt(struct hunt *hunt, const struct attempt *attempt, double share)
{
    bool noisy;
    const bool again = rules_redo(
        &hunt->plan, &hunt->state, 0, attempt->key.block, share, attempt->worst_run_share, &noisy);
    int rc = capacity_record(hunt,
                             json_pack("{s:s, s:i, s:i, s:b, s:f, s:f, s:s}",
                                       "type",
                                       "block",
                                       "block",
                                       (int)attempt->key.block,
                                       "attempt",
                                       (int)attempt->key.attempt,
                                       "valid",
                                       !again,
                                       "foreign_share",
                                       share,
                                       "worst_run_share",
                                       attempt->worst_run_share,
                                       "reason",
                                       rules_redo_reason(noisy, again)));
    return rc == 0 ? journal_sync(&hunt->journal) : rc;
}

/* One attempt at the next block. *left: how many contestants are open. */
static int run_attempt(struct hunt *hunt, size_t *left)
{
    struct attempt attempt;
    struct noise_mark before, after;
    int rc = 0;
    line_up(hunt, &attempt);
    *left = attempt.count;
    if (attempt.count == 0)
        return 0;
    noise_mark(&before);
    for (size_t i = 0; rc == 0 && i < attempt.count; i++)
        rc =
            interrupt_seen(&hunt->interrupt) ? -EINTR : run_one(hunt, &attempt, attempt.entries[i]);
    noise_mark(&after);
    return rc == 0 ? close_attempt(hunt, &attempt, noise_share(&before, &after)) : rc;
}

/* ---- from start to end ---- */

static int search_all(struct hunt *hunt)
{
    int rc = admit(hunt);
    double deadline_s = clock_seconds() + hunt->request->budget_s;
    size_t left = 1;
    while (rc == 0 && left > 0 && clock_seconds() < deadline_s)
        rc = interrupt_seen(&hunt->interrupt) ? -EINTR : run_attempt(hunt, &left);
    progress_clear(&hunt->progress);
    interrupt_release(&hunt->interrupt);
    capacity_learn_rest(hunt); /* of a block that was stopped */
    return capacity_conclude(hunt, rc);
}

static void close_all(struct hunt *hunt)
{
    for (size_t e = 0; hunt->runners != NULL && e < hunt->plan.entry_count; e++) {
        free(hunt->runners[e].out);
        free(hunt->runners[e].again);
    }
    free(hunt->runners);
    free(hunt->state.blocks);
    json_decref(hunt->pending);
    doctor_free(&hunt->doctor);
    journal_close(&hunt->journal);
    plan_free(&hunt->plan);
    scenario_free(&hunt->scenarios);
    registry_free(&hunt->registry);
    run_folder_free(&hunt->folder);
}

/* The lock is held. Returns the exit status. */
static int search_if_fit(struct hunt *hunt)
{
    const struct checkup_wish wish = {.registry = &hunt->registry,
                                      .build = hunt->build,
                                      .force = &hunt->request->force,
                                      .anyway = hunt->request->anyway};
    int rc = checkup(&hunt->doctor, &hunt->progress, &wish);
    progress_clear(&hunt->progress);
    if (rc != 0)
        return rc == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
    rc = hunt->request->resume != NULL ? capacity_reopen(hunt) : capacity_open_new(hunt);
    return rc == 0 ? search_all(hunt) : EXIT_INTERNAL;
}

int capacity_search(struct project *project, const struct capacity_request *request)
{
    struct hunt hunt = {.request = request,
                        .build = project->build,
                        .journal = {.fd = -1},
                        .pending = json_array()};
    int status = EXIT_INTERNAL;
    progress_init(&hunt.progress);
    if (interrupt_init(&hunt.interrupt) == 0) {
        int rc = draw_up(&hunt, project);
        if (rc == -EINVAL || rc == -EEXIST || rc == -ENOENT)
            status = EXIT_USAGE;
        else if (rc == 0 && lock_take("capacity") >= 0)
            status = search_if_fit(&hunt);
    }
    close_all(&hunt);
    return status;
}
