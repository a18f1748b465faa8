/* SPDX-License-Identifier: MIT */
/*
 * verify_journal.c - the journal line after line: each must be whole, of this plan, behind the one
 * before it, not earlier than it, and in a place where a line of its type may stand.
 *
 * Lines that follow from others (drop, decide, disqualify, not_run) are never believed: after each
 * run and block the lines that must follow are computed into v->due, and the journal has to bring
 * just these, in this order. A kill may come in between; then they stand behind the next "resume".
 */
#include "verify.h"

#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- frame ---- */

static void check_frame(struct verify *v, const json_t *event)
{
    const char *now = json_text(event, "t", "");
    char plan[RUN_DIR_PLAN_PREFIX + 1];
    snprintf(plan, sizeof(plan), "%.*s", RUN_DIR_PLAN_PREFIX, v->state.plan_sha256);
    v->part = VERIFY_CHAIN;
    verify_same(v,
                verify_here(v, "plan"),
                json_object_get(event, "plan"),
                json_string(plan),
                "the line belongs to another plan, or plan.json was changed after the first block");
    verify_same(v,
                verify_here(v, "prev"),
                json_object_get(event, "prev"),
                json_string(v->previous),
                "the line before was changed, or lines were added, removed or swapped here");
    char *earliest = text_format("%s or later", v->latest);
    verify_holds(v,
                 strcmp(now, v->latest) >= 0,
                 verify_here(v, "t"),
                 now,
                 earliest,
                 "time goes back: lines were moved, or the time was changed");
    free(earliest);
}

/* ---- which line may stand here ---- */

static bool is_type(const json_t *event, const char *type)
{
    return strcmp(json_text(event, "type", ""), type) == 0;
}

static bool is_derived(const json_t *event)
{
    return is_type(event, "drop") || is_type(event, "decide") || is_type(event, "disqualify") ||
           is_type(event, "not_run");
}

/* Before the first block the tournament says who cannot run: what it looked at (tools, abilities,
 * budget) stands in no line, so these are taken as they are. */
static bool may_announce(const struct verify *v, const json_t *event)
{
    return is_type(event, "not_run") && !v->racing;
}

static const char *meaning_of(const json_t *event)
{
    if (is_type(event, "drop"))
        return "who is beaten, by whom, when and with which evidence follows from the costs";
    if (is_type(event, "decide"))
        return "when a cell is settled and for whom follows from the costs";
    return "who is disqualified or not run follows from what the gate and the runs showed";
}

/* The line that is due, key by key. */
static void check_due(struct verify *v, const json_t *event)
{
    json_t *due = json_incref(json_array_get(v->due, 0));
    const char *key;
    json_t *value;
    json_array_remove(v->due, 0);
    if (strcmp(json_text(due, "type", ""), json_text(event, "type", "")) == 0) {
        json_object_foreach(due, key, value) verify_same(v,
                                                         verify_here(v, key),
                                                         json_object_get(event, key),
                                                         json_incref(value),
                                                         meaning_of(due));
    } else {
        verify_same(v,
                    verify_here(v, "type"),
                    event,
                    json_incref(due),
                    "a line is missing before this one");
    }
    json_decref(due);
}

/* Lines that interrupt: what is due may stand behind them, an attempt under way is given up. */
static bool interrupts(const json_t *event)
{
    return is_type(event, "resume") || is_type(event, "pause") || is_type(event, "note");
}

static bool all_closed(const struct verify *v)
{
    bool closed = true;
    for (size_t c = 0; closed && c < v->plan.cell_count; c++) {
        struct judge_cell_result result;
        closed = judge_cell(&v->state.in, c, &result) == 0 &&
                 rules_is_closed(&v->plan, &v->state, c, &result);
        judge_cell_fini(&result);
    }
    return closed;
}

static void check_end(struct verify *v, const json_t *event)
{
    const char *reason = json_text(event, "reason", "");
    v->part = VERIFY_EVIDENCE;
    verify_holds(v,
                 json_array_size(v->due) == 0,
                 verify_here(v, "type"),
                 "end",
                 "a drop, decide or disqualify line",
                 "a line that follows from the last block was removed");
    if (strcmp(reason, "interrupted") == 0)
        return;
    v->part = VERIFY_ORDER;
    verify_holds(v,
                 !v->attempt.open && v->redo_cell < 0,
                 verify_here(v, "type"),
                 "end",
                 "run",
                 "the last block has not come to its end: lines were removed");
    verify_same(v,
                verify_here(v, "reason"),
                json_object_get(event, "reason"),
                json_string(all_closed(v) ? "decided" : "budget"),
                "whether every cell is settled follows from the costs: blocks were removed or "
                "changed");
}

static void check_phase(struct verify *v, const json_t *event)
{
    v->part = VERIFY_CHAIN;
    verify_holds(v,
                 !v->stopped || interrupts(event),
                 verify_here(v, "type"),
                 json_text(event, "type", ""),
                 "resume",
                 "nothing is measured after the end, unless the tournament is resumed");
    verify_holds(v,
                 !v->racing || !is_type(event, "pilot"),
                 verify_here(v, "type"),
                 "pilot",
                 "run",
                 "the pilot is over when the first block begins");
}

/* Behind a pilot run that was late stands the same run once more. */
static void check_repeat(struct verify *v, const json_t *event)
{
    const char *wanted = v->repeat;
    v->repeat = NULL;
    if (wanted != NULL)
        verify_holds(v,
                     is_type(event, "pilot") &&
                         strcmp(json_text(event, "command", ""), wanted) == 0,
                     verify_here(v, "command"),
                     json_text(event, "command", json_text(event, "type", "")),
                     wanted,
                     "a run of the pilot that was late is repeated at once: a line was removed");
}

static void check_line(struct verify *v, const json_t *event)
{
    check_frame(v, event);
    check_phase(v, event);
    if (interrupts(event) || is_type(event, "end")) {
        if (is_type(event, "end"))
            check_end(v, event);
        v->stopped = is_type(event, "end") || (v->stopped && !is_type(event, "resume"));
        if (v->attempt.open && !is_type(event, "note"))
            v->costs[v->attempt.cell].given_up_now++;
        v->attempt.open = v->attempt.open && is_type(event, "note");
        v->redo_cell = -1;
        return;
    }
    v->part = is_type(event, "drop") || is_type(event, "decide") ? VERIFY_EVIDENCE : VERIFY_GATE;
    if (json_array_size(v->due) > 0)
        check_due(v, event);
    else if (is_derived(event) && !may_announce(v, event))
        verify_holds(v,
                     false,
                     verify_here(v, "type"),
                     json_text(event, "type", ""),
                     "no such line",
                     meaning_of(event));
    check_repeat(v, event);
    if (is_type(event, "begin"))
        verify_begin_line(v, event);
    else if (is_type(event, "run"))
        verify_run_line(v, event);
    else if (is_type(event, "block"))
        verify_block_line(v, event);
    else if (is_type(event, "null"))
        verify_null_line(v, event);
}

static void look_ahead(struct verify *v, const json_t *event)
{
    if (is_type(event, "run"))
        verify_expect_after_run(v, event);
    else if (is_type(event, "pilot"))
        verify_expect_after_pilot(v, event);
    else if (is_type(event, "block"))
        verify_expect_after_block(v, event);
}

/* ---- all lines ---- */

static void judge_here(struct verify *v)
{
    char why[512] = "";
    json_decref(v->computed);
    v->computed = NULL;
    if (verdict_build(&v->state, &v->computed, why, sizeof(why)) != 0)
        verify_note(v, "%s", why);
}

static bool take_line(struct verify *v, const char *bytes, size_t size)
{
    char why[512];
    json_error_t fault;
    v->line++;
    v->part = VERIFY_CHAIN;
    json_t *event = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &fault);
    if (!verify_holds(v,
                      json_is_object(event),
                      verify_here(v, "line"),
                      event == NULL ? fault.text : "not an object",
                      "a JSON object",
                      "the journal is damaged; the lines after it were not looked at")) {
        json_decref(event);
        return false;
    }
    check_line(v, event);
    v->part = VERIFY_CHAIN;
    const bool fits = run_dir_apply(&v->state, event, v->line, why, sizeof(why)) == 0;
    verify_holds(v,
                 fits,
                 verify_here(v, "line"),
                 json_text(event, "type", ""),
                 fits ? "" : why,
                 "the line does not fit plan and journal; the lines after it were not looked at");
    if (fits) {
        look_ahead(v, event);
        v->latest = v->state.ended;
        run_dir_sha256(bytes, size, v->previous);
        memcpy(v->state.last_sha256, v->previous, sizeof(v->previous));
        v->state.lines = v->line;
        v->state.intact_bytes += size + 1;
    }
    json_decref(event);
    if (fits && v->line == v->verdict_line)
        judge_here(v);
    return fits;
}

bool verify_journal(struct verify *v)
{
    size_t size;
    char *path = text_format("%s/raw.ndjson", v->folder);
    char *bytes = text_read_file(path, &size);
    v->due = verify_gate(v);
    bool good = bytes != NULL;
    const char *at = bytes;
    while (good && at < bytes + size) {
        const char *end = memchr(at, '\n', (size_t)(bytes + size - at));
        if (end == NULL) {
            v->state.torn = true;
            verify_note(v,
                        "raw.ndjson:%zu is torn: the run was killed while it was written; "
                        "`velo tournament --resume` cuts it off",
                        v->line + 1);
            break;
        }
        good = take_line(v, at, (size_t)(end - at));
        at = end + 1;
    }
    if (bytes == NULL)
        verify_note(v, "raw.ndjson cannot be read: nothing was measured");
    else if (good && v->computed == NULL)
        judge_here(v);
    free(bytes);
    free(path);
    return good;
}
