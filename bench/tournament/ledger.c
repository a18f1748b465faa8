/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - one way for every event: first the journal, then the state that is built from it.
 *
 * The live state is made by the function that reads journals back (run_dir_apply), so what the
 * tournament believes while it runs is what anybody reads from the file afterwards.
 */
#include "tournament.h"

#include "anchor.h"
#include "rules.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int apply(struct tournament *t, json_t *event)
{
    char why[512];
    int rc = run_dir_apply(&t->state, event, 0, why, sizeof(why));
    if (rc != 0)
        say_error("internal error: an event does not fit the journal: %s", why);
    return rc;
}

int ledger_record(struct tournament *t, const char *type, json_t *event)
{
    json_t *typed = json_pack("{s:s}", "type", type);
    if (event == NULL || typed == NULL)
        return -ENOMEM;
    json_object_update(typed, event); /* the type stands first in the line */
    json_decref(event);
    int rc = 0;
    if (t->recording) {
        rc = journal_append(&t->journal, typed);
        if (rc == 0)
            rc = apply(t, typed);
    } else {
        json_array_append(t->early, typed);
    }
    json_decref(typed);
    return rc;
}

/* [name] is the file in the run folder. */
static int open_journal(struct tournament *t, const char *name, size_t intact_bytes)
{
    char *path = run_folder_file(&t->folder, name);
    int rc = journal_open(
        &t->journal, path, t->plan.sha256, intact_bytes, t->state.last_sha256, t->state.ended);
    free(path);
    return rc;
}

static int read_state(struct tournament *t, unsigned flags)
{
    char why[1024];
    int rc = run_dir_read(t->folder.path, flags, &t->state, why, sizeof(why));
    if (rc != 0)
        say_error("%s", why);
    t->recording = rc == 0;
    return rc;
}

/* A journal exists from the moment on at which all the early events stand in it: who goes on with a
 * tournament must not miss that somebody failed the gate. */
int ledger_open(struct tournament *t)
{
    int rc = read_state(t, RUN_DIR_NEW_OK);
    if (rc == 0)
        rc = open_journal(t, "raw.ndjson.partial", 0);
    size_t index;
    json_t *event;
    json_array_foreach(t->early, index, event)
    {
        if (rc == 0)
            rc = journal_append(&t->journal, event);
        if (rc == 0)
            rc = apply(t, event);
    }
    if (rc == 0)
        rc = ledger_sync(t);
    char *path = run_folder_file(&t->folder, "raw.ndjson");
    if (rc == 0)
        rc = journal_rename(&t->journal, path);
    free(path);
    return rc;
}

int ledger_sync(struct tournament *t)
{
    int rc = journal_sync(&t->journal);
    if (rc != 0)
        return rc;
    return anchor_add(
        t->folder.base, t->plan.sha256, json_array_size(t->state.events), t->journal.previous);
}

/* What follows from a failed run, where a kill came between the run and its consequences. */
static int record_missed(struct tournament *t)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->state.run_count; i++)
        rc = ledger_record_all(t, rules_consequences(&t->plan, &t->state, i));
    return rc;
}

static bool has_journal(const struct tournament *t)
{
    char *path = run_folder_file(&t->folder, "raw.ndjson");
    bool there = access(path, F_OK) == 0;
    if (!there)
        say_error("%s is missing: the tournament was killed before its first block, nothing was "
                  "measured. Start a new one",
                  path);
    free(path);
    return there;
}

static int check_anchor(const struct tournament *t)
{
    size_t lines;
    if (anchor_check(t->folder.base, t->folder.path, t->plan.sha256, &lines) != ANCHOR_BROKEN)
        return 0;
    say_error(
        "%s/raw.ndjson was set back: it has %zu lines, but by %s/" ANCHOR_FILE " it had %zu "
        "already, or other ones. Who goes on behind blocks that were cut off has chosen among "
        "them: restore the journal, or start a new tournament",
        t->folder.path,
        t->state.lines,
        t->folder.base,
        lines);
    return -EINVAL;
}

int ledger_reopen(struct tournament *t)
{
    if (!has_journal(t))
        return -ENOENT;
    int rc = read_state(t, RUN_DIR_TORN_OK);
    if (rc == 0)
        rc = check_anchor(t);
    if (rc == 0)
        rc = open_journal(t, "raw.ndjson", t->state.intact_bytes);
    if (rc == 0 && t->state.torn)
        rc = ledger_record(
            t, "note", json_pack("{s:s}", "reason", "the last line was torn and is cut off"));
    if (rc == 0)
        rc = ledger_record(t, "resume", json_pack("{s:s}", "reason", "resumed"));
    return rc == 0 ? record_missed(t) : rc;
}

int ledger_record_all(struct tournament *t, json_t *events)
{
    int rc = events != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < json_array_size(events); i++) {
        json_t *event = json_array_get(events, i);
        const char *type = json_string_value(json_object_get(event, "type"));
        rc = ledger_record(t, type, json_incref(event));
    }
    json_decref(events);
    return rc;
}

int ledger_disqualify(
    struct tournament *t, int cell, size_t entry, const char *reason, const char *reproduce)
{
    return ledger_record_all(t, rules_disqualify(&t->plan, cell, entry, reason, reproduce));
}

int ledger_not_run(struct tournament *t, size_t cell, size_t entry, const char *reason)
{
    return ledger_record(t,
                         "not_run",
                         json_pack("{s:i, s:s, s:s}",
                                   "cell",
                                   (int)cell,
                                   "entry",
                                   t->plan.entries[entry].name,
                                   "reason",
                                   reason));
}

/* Before the plan is written there is no state yet, only the early events. */
static bool early_may_run(const struct tournament *t, size_t cell, size_t entry)
{
    size_t index;
    const json_t *event;
    json_array_foreach(t->early, index, event)
    {
        const char *type = json_string_value(json_object_get(event, "type"));
        if (strcmp(type, "disqualify") != 0 && strcmp(type, "not_run") != 0)
            continue;
        json_int_t where = json_integer_value(json_object_get(event, "cell"));
        const char *who = json_string_value(json_object_get(event, "entry"));
        if ((where == -1 || where == (json_int_t)cell) &&
            strcmp(who, t->plan.entries[entry].name) == 0)
            return false;
    }
    return true;
}

bool ledger_may_run(const struct tournament *t, size_t cell, size_t entry)
{
    if (!t->recording)
        return early_may_run(t, cell, entry);
    return rules_may_run(&t->state, cell, entry);
}
