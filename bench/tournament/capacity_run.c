/* SPDX-License-Identifier: MIT */
/* capacity_run.c - see capacity_run.h. */
#include "capacity_run.h"

#include "../../reports/render/run_dir.h"
#include "clock.h"
#include "exit_code.h"
#include "gate.h"
#include "interrupt.h"
#include "journal.h"
#include "json.h"
#include "lock.h"
#include "noise.h"
#include "plan.h"
#include "progress.h"
#include "run_folder.h"
#include "runner.h"
#include "schedule.h"
#include "text.h"

#include <errno.h>
#include <math.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A generator that is late by more than this part of the limit may be what made a run fail. */
static const double late_part = 0.5;

struct runner_state {
    struct capacity search;
    char *out;           /* why it is out; NULL while it is in */
    char *again;         /* the command that shows it */
    size_t failed, late; /* failed runs, and of them those whose generator was late */
};

struct hunt {
    const struct capacity_request *request;
    struct registry registry;
    struct scenario_list scenarios;
    struct plan plan;             /* entries and the one cell */
    double percent;               /* of the common rate that the cell's point offers */
    struct runner_state *runners; /* one per entry */
    struct run_folder folder;
    struct journal journal;
    struct interrupt interrupt;
    struct progress progress;
    unsigned blocks;
    size_t disturbed, runs;
};

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

static void put_out(struct hunt *hunt, size_t entry, const char *reason, const char *again)
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
            put_out(hunt, e, sheet->reason, sheet->reproduce);
    }
    gate_free(&gate);
    return rc;
}

/* ---- folder ---- */

static json_t *plan_json(const struct hunt *hunt)
{
    json_t *entries = json_array();
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        json_array_append_new(entries,
                              json_pack("{s:s, s:O}",
                                        "name",
                                        hunt->plan.entries[e].name,
                                        "binaries",
                                        hunt->plan.entries[e].binaries));
    char *seed = text_format("%llu", (unsigned long long)hunt->request->seed);
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:i, s:s, s:o}",
                             "schema",
                             1,
                             "kind",
                             "capacity",
                             "scenario",
                             hunt->plan.cells[0].scenario,
                             "point",
                             hunt->plan.cells[0].point,
                             "quantile",
                             0.99,
                             "limit_ns",
                             hunt->request->limit_ns,
                             "precision",
                             hunt->request->precision,
                             "alpha",
                             0.05,
                             "window_ms",
                             (int)hunt->request->window_ms,
                             "seed",
                             seed,
                             "entries",
                             entries);
    free(seed);
    return json;
}

static int open_new(struct hunt *hunt)
{
    int rc = run_folder_create(&hunt->folder, CAPACITY_BASE, "capacity");
    if (rc != 0)
        return rc;
    char *path = run_folder_file(&hunt->folder, "plan.json");
    char *raw = run_folder_file(&hunt->folder, "raw.ndjson");
    char hash[SHA256_DIGEST_STRING_LENGTH] = "";
    json_t *plan = plan_json(hunt);
    rc = json_write_file(plan, path);
    if (rc == 0 && SHA256File(path, hash) == NULL)
        rc = -errno;
    if (rc == 0)
        rc = journal_open(&hunt->journal, raw, hash, 0, "", "");
    json_decref(plan);
    free(raw);
    free(path);
    return rc;
}

static void learn(struct hunt *hunt, const json_t *event)
{
    int entry = plan_find_entry(&hunt->plan, json_text(event, "entry", ""));
    const char *outcome = json_text(event, "outcome", "");
    if (entry < 0)
        return;
    struct runner_state *runner = &hunt->runners[entry];
    hunt->runs++;
    hunt->disturbed += json_double(event, "foreign_share", 0) > 0.1;
    if (strcmp(outcome, "out") == 0) {
        put_out(
            hunt, (size_t)entry, json_text(event, "reason", ""), json_text(event, "command", ""));
        return;
    }
    bool pass = strcmp(outcome, "pass") == 0;
    runner->failed += !pass;
    runner->late += !pass && json_bool(event, "generator_late", false);
    capacity_add(&runner->search, json_double(event, "rate", 0), pass);
    hunt->blocks = (unsigned)json_int(event, "block", hunt->blocks);
}

/* Where a journal that is gone on with ends. */
struct tail {
    size_t intact;
    char previous[RUN_DIR_SHA_HEX], latest[JOURNAL_TIME_SIZE];
};

/* The lines of an earlier start. A torn last line is cut off. Returns: 0; -EINVAL after a message.
 */
static int replay(struct hunt *hunt, const char *path, struct tail *tail)
{
    size_t size = 0, line = 0;
    char *text = text_read_file(path, &size);
    *tail = (struct tail){0};
    for (char *at = text, *end; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1) {
        json_t *event = json_loadb(at, (size_t)(end - at), 0, NULL);
        line++;
        if (event == NULL || strcmp(json_text(event, "prev", ""), tail->previous) != 0) {
            say_error("%s:%zu: this line was changed, or the one before it is missing: nothing can "
                      "be added to such a journal. Start a new search.",
                      path,
                      line);
            json_decref(event);
            free(text);
            return -EINVAL;
        }
        learn(hunt, event);
        run_dir_sha256(at, (size_t)(end - at), tail->previous);
        snprintf(tail->latest, sizeof(tail->latest), "%s", json_text(event, "t", ""));
        tail->intact = (size_t)(end + 1 - text);
        json_decref(event);
    }
    free(text);
    return 0;
}

static int reopen(struct hunt *hunt)
{
    char *path = text_format("%s/plan.json", hunt->request->resume);
    char *raw = text_format("%s/raw.ndjson", hunt->request->resume);
    const char *slash = strrchr(hunt->request->resume, '/');
    char hash[SHA256_DIGEST_STRING_LENGTH];
    struct tail tail;
    json_t *recorded = json_load_file(path, 0, NULL);
    json_t *now = plan_json(hunt);
    int rc = -EINVAL;
    hunt->folder = (struct run_folder){.base = text_copy(CAPACITY_BASE),
                                       .id = text_copy(slash != NULL ? slash + 1 : ""),
                                       .path = text_copy(hunt->request->resume)};
    if (!json_equal(recorded, now))
        say_error("%s: the programs are other ones since this search began: results of two "
                  "different programs must not be mixed. Start a new one.",
                  path);
    else if (SHA256File(path, hash) != NULL && replay(hunt, raw, &tail) == 0)
        rc = journal_open(&hunt->journal, raw, hash, tail.intact, tail.previous, tail.latest);
    json_decref(now);
    json_decref(recorded);
    free(raw);
    free(path);
    return rc;
}

/* ---- one run ---- */

static const char *sort_out(const struct hunt *hunt, const struct run_outcome *outcome)
{
    if (outcome->status == RUN_OK)
        return outcome->cost <= hunt->request->limit_ns ? "pass" : "fail";
    return json_bool(outcome->line, "overload", false) ? "fail" : "out";
}

static int record(struct hunt *hunt,
                  size_t entry,
                  double rate,
                  double foreign_share,
                  const struct run_outcome *outcome)
{
    const json_t *generator = json_object_get(outcome->line, "generator");
    double slip_ns = json_double(generator, "slip_p99_ns", 0);
    json_t *cost = isfinite(outcome->cost) ? json_real(outcome->cost) : json_null();
    json_t *run = outcome->line != NULL ? json_incref(outcome->line) : json_null();
    json_t *event = json_pack("{s:s, s:i, s:s, s:f, s:s, s:o, s:f, s:b, s:f, s:s, s:s, s:o}",
                              "type",
                              "run",
                              "block",
                              (int)hunt->blocks,
                              "entry",
                              hunt->plan.entries[entry].name,
                              "rate",
                              rate,
                              "outcome",
                              sort_out(hunt, outcome),
                              "p99_ns",
                              cost,
                              "slip_p99_ns",
                              slip_ns,
                              "generator_late",
                              slip_ns > late_part * hunt->request->limit_ns,
                              "foreign_share",
                              foreign_share,
                              "reason",
                              outcome->reason,
                              "command",
                              outcome->command,
                              "run",
                              run);
    int rc = journal_append(&hunt->journal, event);
    if (rc == 0)
        learn(hunt, event);
    json_decref(event);
    return rc;
}

/* Returns: 0; -EINTR; -errno. */
static int run_one(struct hunt *hunt, size_t entry, const struct schedule_key *key)
{
    struct capacity *search = &hunt->runners[entry].search;
    double rate = capacity_next(search);
    /* The first run takes a share of what its own pilot finds; that is the rate to start from. */
    hunt->plan.cells[0].common_rate = isnan(rate) ? 0 : rate * 100 / hunt->percent;
    struct run_request request = {.plan = &hunt->plan,
                                  .entry = entry,
                                  .seed = schedule_run_seed(key),
                                  .env_pad = schedule_env_pad(key, hunt->plan.entries[entry].name),
                                  .interrupt = &hunt->interrupt};
    struct run_outcome outcome;
    struct noise_mark before, after;
    progress_status(&hunt->progress,
                    "block %u  %s  %.0f tasks/s",
                    hunt->blocks,
                    hunt->plan.entries[entry].name,
                    isnan(rate) ? 0 : rate);
    noise_mark(&before);
    int rc = runner_run(&request, &outcome);
    if (rc != 0)
        return rc;
    noise_mark(&after);
    if (isnan(rate))
        rate = json_double(outcome.line, "common_rate", 0) * hunt->percent / 100;
    if (outcome.status == RUN_INTERRUPTED)
        rc = -EINTR;
    else
        rc = record(hunt, entry, rate, noise_share(&before, &after), &outcome);
    if (rc == 0 && search->count == 0 && hunt->runners[entry].out == NULL)
        put_out(hunt, entry, "its pilot found no rate to start from", outcome.command);
    runner_free(&outcome);
    return rc;
}

static bool is_open(const struct hunt *hunt, size_t entry)
{
    return hunt->runners[entry].out == NULL && !capacity_is_done(&hunt->runners[entry].search);
}

/* Every open contestant once, in an order drawn for the block. *left: how many were open. */
static int run_block(struct hunt *hunt, size_t *left)
{
    const char *names[SCHEDULE_ENTRIES_MAX];
    size_t entries[SCHEDULE_ENTRIES_MAX], order[SCHEDULE_ENTRIES_MAX];
    struct schedule_key key = {
        .seed = hunt->request->seed, .cell = hunt->plan.cells[0].key, .block = ++hunt->blocks};
    int rc = 0;
    *left = 0;
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        if (is_open(hunt, e)) {
            names[*left] = hunt->plan.entries[e].name;
            entries[(*left)++] = e;
        }
    schedule_order(&key, names, *left, order);
    for (size_t i = 0; rc == 0 && i < *left; i++)
        rc = interrupt_seen(&hunt->interrupt) ? -EINTR : run_one(hunt, entries[order[i]], &key);
    return rc == 0 ? journal_sync(&hunt->journal) : rc;
}

/* ---- the result ---- */

static const char *word_of(const struct hunt *hunt, const struct runner_state *runner)
{
    const struct capacity *search = &runner->search;
    if (runner->out != NULL)
        return "OUT";
    if (2 * runner->late > runner->failed && runner->failed > 0)
        return "GENERATOR LIMIT";
    return search->low > 0 && search->high / search->low <= 1 + hunt->request->precision ? "FOUND"
                                                                                         : "WIDE";
}

static json_t *number(double value)
{
    return isfinite(value) && value > 0 ? json_real(value) : json_null();
}

static json_t *result_row(const struct hunt *hunt, size_t entry)
{
    const struct runner_state *runner = &hunt->runners[entry];
    return json_pack("{s:s, s:o, s:o, s:o, s:i, s:i, s:i, s:s, s:s, s:s}",
                     "contestant",
                     hunt->plan.entries[entry].name,
                     "rate",
                     number(capacity_estimate(&runner->search)),
                     "low",
                     number(runner->search.low),
                     "high",
                     number(runner->search.high),
                     "runs",
                     (int)runner->search.count,
                     "failed",
                     (int)runner->failed,
                     "generator_late",
                     (int)runner->late,
                     "word",
                     word_of(hunt, runner),
                     "reason",
                     runner->out != NULL ? runner->out : "",
                     "reproduce",
                     runner->again != NULL ? runner->again : "");
}

static json_t *result_json(const struct hunt *hunt)
{
    json_t *result = plan_json(hunt);
    json_t *rows = json_array();
    for (size_t e = 0; e < hunt->plan.entry_count; e++)
        json_array_append_new(rows, result_row(hunt, e));
    json_object_del(result, "entries");
    json_object_set_new(result, "id", json_string(hunt->folder.id));
    json_object_set_new(result, "contestants", rows);
    json_object_set_new(result, "runs", json_integer((json_int_t)hunt->runs));
    json_object_set_new(result, "disturbed", json_integer((json_int_t)hunt->disturbed));
    return result;
}

void capacity_print(const json_t *result)
{
    size_t index;
    const json_t *row;
    printf(
        "Highest rate whose p99 stays below %g us (%s, from the time at which a task was due):\n\n",
        json_double(result, "limit_ns", 0) / 1e3,
        json_text(result, "scenario", ""));
    printf("%-20s %12s  %-24s %5s  %s\n", "contestant", "tasks/s", "interval", "runs", "word");
    json_array_foreach(json_object_get(result, "contestants"), index, row)
    {
        double low = json_double(row, "low", 0), high = json_double(row, "high", INFINITY);
        char *interval = isinf(high) ? text_format("%.0f and more", low)
                                     : text_format("%.0f to %.0f", low, high);
        char *rate = isfinite(json_double(row, "rate", NAN))
                         ? text_format("%.0f", json_double(row, "rate", NAN))
                         : text_copy("-");
        printf("%-20s %12s  %-24s %5d  %s%s%s\n",
               json_text(row, "contestant", ""),
               rate,
               interval,
               (int)json_int(row, "runs", 0),
               json_text(row, "word", ""),
               json_text(row, "reason", "")[0] != '\0' ? ": " : "",
               json_text(row, "reason", ""));
        free(rate);
        free(interval);
    }
    printf(
        "\nThe interval covers the rate at which half of the runs hold the limit with 95 %%. WIDE: "
        "give\nmore time with --resume %s. GENERATOR LIMIT: most runs that failed had a generator\n"
        "that was late itself; the loop may stand more. %d of %d runs were disturbed by others.\n",
        json_text(result, "id", ""),
        (int)json_int(result, "disturbed", 0),
        (int)json_int(result, "runs", 0));
}

static int conclude(struct hunt *hunt, int rc)
{
    json_t *result = result_json(hunt);
    char *path = run_folder_file(&hunt->folder, "capacity.json");
    int status = EXIT_DECIDED;
    for (size_t e = 0; e < hunt->plan.entry_count; e++) {
        const char *word = word_of(hunt, &hunt->runners[e]);
        if (strcmp(word, "OUT") == 0)
            status = EXIT_DISQUALIFIED;
        else if (strcmp(word, "FOUND") != 0 && status == EXIT_DECIDED)
            status = EXIT_UNDECIDED;
    }
    if (json_write_file(result, path) != 0)
        status = EXIT_INTERNAL;
    if (hunt->request->json)
        json_dumpf(result, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    else
        capacity_print(result);
    printf("\n");
    fprintf(stderr, "result: %s\n", path);
    free(path);
    json_decref(result);
    if (rc == -EINTR)
        return EXIT_INTERRUPTED;
    return rc != 0 ? EXIT_INTERNAL : status;
}

/* ---- from start to end ---- */

static int search_all(struct hunt *hunt)
{
    int rc = admit(hunt);
    double deadline_s = clock_seconds() + hunt->request->budget_s;
    size_t left = 1;
    while (rc == 0 && left > 0 && clock_seconds() < deadline_s)
        rc = interrupt_seen(&hunt->interrupt) ? -EINTR : run_block(hunt, &left);
    progress_clear(&hunt->progress);
    interrupt_release(&hunt->interrupt);
    return conclude(hunt, rc);
}

static void close_all(struct hunt *hunt)
{
    for (size_t e = 0; hunt->runners != NULL && e < hunt->plan.entry_count; e++) {
        free(hunt->runners[e].out);
        free(hunt->runners[e].again);
    }
    free(hunt->runners);
    journal_close(&hunt->journal);
    plan_free(&hunt->plan);
    scenario_free(&hunt->scenarios);
    registry_free(&hunt->registry);
    run_folder_free(&hunt->folder);
}

int capacity_search(struct project *project, const struct capacity_request *request)
{
    struct hunt hunt = {.request = request, .journal = {.fd = -1}};
    int status = EXIT_INTERNAL;
    progress_init(&hunt.progress);
    if (interrupt_init(&hunt.interrupt) == 0) {
        int rc = draw_up(&hunt, project);
        if (rc == -EINVAL || rc == -EEXIST || rc == -ENOENT)
            status = EXIT_USAGE;
        else if (rc == 0 && lock_take("capacity") >= 0 &&
                 (request->resume != NULL ? reopen(&hunt) : open_new(&hunt)) == 0)
            status = search_all(&hunt);
    }
    close_all(&hunt);
    return status;
}
