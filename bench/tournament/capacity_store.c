/* SPDX-License-Identifier: MIT */
/* capacity_store.c - what a search for capacities writes down, and how it goes on from there. */
#include "capacity_hunt.h"

#include "checkup.h"
#include "env.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- plan and folder ---- */

json_t *capacity_plan(const struct hunt *hunt)
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
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:i, s:s, s:o, s:o, s:o}",
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
                             "redo",
                             plan_redo_json(&hunt->plan),
                             "late",
                             plan_late_json(&hunt->plan),
                             "entries",
                             entries);
    free(seed);
    return json;
}

int capacity_open_new(struct hunt *hunt)
{
    int rc = run_folder_create(&hunt->folder, CAPACITY_BASE, "capacity", "");
    if (rc != 0)
        return rc;
    char *path = run_folder_file(&hunt->folder, "plan.json");
    char *raw = run_folder_file(&hunt->folder, "raw.ndjson");
    char hash[SHA256_DIGEST_STRING_LENGTH] = "";
    json_t *plan = capacity_plan(hunt), *env = env_describe(&hunt->doctor);
    char *env_path = run_folder_file(&hunt->folder, "env.json");
    rc = json_write_file(plan, path);
    if (rc == 0)
        rc = json_write_file(env, env_path);
    if (rc == 0 && SHA256File(path, hash) == NULL)
        rc = -errno;
    if (rc == 0)
        rc = journal_open(&hunt->journal, raw, hash, 0, "", "");
    json_decref(plan);
    json_decref(env);
    free(env_path);
    free(raw);
    free(path);
    return rc;
}

/* ---- the journal ---- */

static void learn_run(struct hunt *hunt, const json_t *event)
{
    const int entry = plan_find_entry(&hunt->plan, json_text(event, "entry", ""));
    const bool pass = strcmp(json_text(event, "outcome", ""), "pass") == 0;
    if (entry < 0)
        return;
    struct runner_state *runner = &hunt->runners[entry];
    hunt->runs++;
    hunt->disturbed += json_double(event, "foreign_share", 0) > hunt->plan.redo_run_limit;
    if (strcmp(json_text(event, "outcome", ""), "out") == 0 || !(json_double(event, "rate", 0) > 0))
        return;
    runner->failed += !pass;
    runner->late += !pass && json_bool(event, "generator_late", false);
    capacity_add(&runner->search, json_double(event, "rate", 0), pass);
}

void capacity_learn_rest(struct hunt *hunt)
{
    size_t index;
    const json_t *run;
    json_array_foreach(hunt->pending, index, run)
    {
        learn_run(hunt, run);
    }
    json_array_clear(hunt->pending);
}

/* Was it late, and once too often? */
static void take_lateness(struct hunt *hunt, size_t entry, const json_t *event)
{
    struct rules_lateness *late = &hunt->runners[entry].lateness;
    late->quiet = rules_is_quiet(&hunt->plan, event);
    if (!json_bool(event, "late", false)) {
        late->in_a_row = 0;
        return;
    }
    late->in_a_row++;
    late->in_all += late->quiet;
    char *reason = rules_late_reason(&hunt->plan, late, json_text(event, "reason", ""));
    if (reason != NULL)
        capacity_put_out(hunt, entry, reason, json_text(event, "command", ""));
    free(reason);
}

/* A run waits for the end of its block; a fault is a fact at once. */
static void take_run(struct hunt *hunt, json_t *event)
{
    const int entry = plan_find_entry(&hunt->plan, json_text(event, "entry", ""));
    const unsigned attempt = (unsigned)json_int(event, "attempt", 1);
    if (attempt != hunt->attempts) /* the one before was broken off */
        capacity_learn_rest(hunt);
    hunt->attempts = attempt;
    json_array_append(hunt->pending, event);
    if (entry < 0)
        return;
    if (strcmp(json_text(event, "outcome", ""), "out") == 0)
        capacity_put_out(
            hunt, (size_t)entry, json_text(event, "reason", ""), json_text(event, "command", ""));
    take_lateness(hunt, (size_t)entry, event);
}

static void keep_attempt(struct hunt *hunt, bool valid)
{
    if (hunt->state.block_count == hunt->block_room) {
        hunt->block_room = 2 * hunt->block_room + 64;
        hunt->state.blocks =
            realloc(hunt->state.blocks, hunt->block_room * sizeof(*hunt->state.blocks));
        if (hunt->state.blocks == NULL)
            abort();
    }
    hunt->state.blocks[hunt->state.block_count++] = (struct run_dir_block){
        .block = hunt->blocks + 1, .attempt = hunt->attempts, .valid = valid};
}

static void take_block(struct hunt *hunt, const json_t *event)
{
    const bool valid = json_bool(event, "valid", true);
    keep_attempt(hunt, valid);
    hunt->redone += !valid;
    if (valid) {
        capacity_learn_rest(hunt);
        hunt->blocks++;
        hunt->attempts = 0;
    }
    json_array_clear(hunt->pending);
}

static void learn(struct hunt *hunt, json_t *event)
{
    if (strcmp(json_text(event, "type", ""), "block") == 0)
        take_block(hunt, event);
    else if (strcmp(json_text(event, "type", ""), "run") == 0)
        take_run(hunt, event);
}

int capacity_record(struct hunt *hunt, json_t *event)
{
    int rc = journal_append(&hunt->journal, event);
    if (rc == 0)
        learn(hunt, event);
    json_decref(event);
    return rc;
}

static int record_all(struct hunt *hunt, json_t *events)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(events); i++)
        rc = capacity_record(hunt, json_incref(json_array_get(events, i)));
    json_decref(events);
    return rc;
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

int capacity_reopen(struct hunt *hunt)
{
    char *path = text_format("%s/plan.json", hunt->request->resume);
    char *raw = text_format("%s/raw.ndjson", hunt->request->resume);
    const char *slash = strrchr(hunt->request->resume, '/');
    char hash[SHA256_DIGEST_STRING_LENGTH];
    struct tail tail;
    json_t *recorded = json_load_file(path, 0, NULL);
    json_t *now = capacity_plan(hunt);
    int rc = -EINVAL;
    hunt->folder = (struct run_folder){.base = text_copy(CAPACITY_BASE),
                                       .id = text_copy(slash != NULL ? slash + 1 : ""),
                                       .path = text_copy(hunt->request->resume)};
    if (!json_equal(recorded, now))
        say_error("%s: programs or rules are other ones since this search began: results of two "
                  "different ones must not be mixed. Start a new search.",
                  path);
    else if (SHA256File(path, hash) != NULL && replay(hunt, raw, &tail) == 0)
        rc = journal_open(&hunt->journal, raw, hash, tail.intact, tail.previous, tail.latest);
    if (rc == 0)
        rc = record_all(hunt, checkup_events(&hunt->doctor));
    json_decref(now);
    json_decref(recorded);
    free(raw);
    free(path);
    return rc;
}
