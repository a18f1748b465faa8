/* SPDX-License-Identifier: MIT */
/*
 * rules_late.c - runs that failed by time alone; see rules.h.
 *
 * A lost task or a crash is a fact. That a task did not run within 5 s, or that a run did not end
 * in time, is one only if the machine was there all the while: a paused guest, a frozen group of
 * processes or a processor that was taken away look the same from inside. So such a run puts nobody
 * out by itself; its block is done again. Who hangs is found all the same, after at most
 * late_ever runs, and who hangs only now and then is, too:
 *
 *   in_a_row  late again in the next run of this entry in this cell, and by all that was recorded
 *             the machine was quiet then;
 *   in_all    for the third time on a quiet machine, wherever it was: so few excuses are there;
 *   ever      a third time in a row, whatever the machine did.
 *
 * Being late on purpose, when the costs of the others are known, gains nothing: the attempt is
 * kept, and counts as lost by whoever was late (../../reports/judge/pair.c).
 */
#include "json.h"
#include "rules.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool rules_is_quiet(const struct plan *plan, const json_t *event)
{
    return json_double(event, "foreign_share", 0) <= plan->redo_run_limit &&
           json_double(event, "stall_ms", 0) < plan->late_stall_ms;
}

static char *times(const char *reason, unsigned count, const char *how)
{
    if (count == 1)
        return text_copy(reason);
    return count == 2 ? text_format("%s, twice %s", reason, how)
                      : text_format("%s, %u times %s", reason, count, how);
}

char *
rules_late_reason(const struct plan *plan, const struct rules_lateness *late, const char *reason)
{
    if (late->quiet && late->in_a_row >= plan->late_in_a_row)
        return times(reason, late->in_a_row, "in a row");
    if (late->quiet && late->in_all >= plan->late_in_all)
        return times(reason, late->in_all, "on a quiet machine, this being the last");
    if (late->in_a_row >= plan->late_ever)
        return times(reason, late->in_a_row, "in a row");
    return NULL;
}

struct rules_lateness
rules_lateness(const struct plan *plan, const struct run_dir *state, size_t run)
{
    const struct run_dir_run *last = &state->runs[run];
    struct rules_lateness late = {.quiet = rules_is_quiet(plan, last->event)};
    bool row = true; /* all runs of the entry in the cell from here on were late */
    for (size_t i = run + 1; i > 0; i--) {
        const struct run_dir_run *one = &state->runs[i - 1];
        if (one->entry != last->entry)
            continue;
        const bool is_late = run_dir_is_late(one->status);
        row = row && (one->cell != last->cell || is_late);
        late.in_a_row += row && one->cell == last->cell;
        late.in_all += is_late && rules_is_quiet(plan, one->event);
    }
    return late;
}

const struct run_dir_run *
rules_late_run(const struct run_dir *state, size_t cell, size_t block, size_t attempt)
{
    for (size_t i = 0; i < state->run_count; i++) {
        const struct run_dir_run *run = &state->runs[i];
        if (run->cell == cell && run->block == block && run->attempt == attempt &&
            run_dir_is_late(run->status) && rules_may_run(state, cell, run->entry))
            return run;
    }
    return NULL;
}

char *rules_block_reason(const struct run_dir *state,
                         const struct run_dir_run *late,
                         bool noisy,
                         bool again)
{
    return late != NULL ? text_format("%s was late (%s): done again",
                                      state->entries[late->entry].name,
                                      late->reason)
                        : text_copy(rules_redo_reason(noisy, again));
}

json_t *rules_pilot_consequences(const struct plan *plan,
                                 const json_t *event,
                                 struct rules_pilot *seen,
                                 bool *again)
{
    const int cell = (int)json_int(event, "cell", -1);
    const int entry = plan_find_entry(plan, json_text(event, "entry", ""));
    const char *status = json_text(event, "status", "");
    const char *reason = json_text(event, "reason", "");
    const char *command = json_text(event, "command", "");
    const bool late = run_dir_is_late(status);
    *again = false;
    seen->in_a_row = late ? (seen->cell == cell ? seen->in_a_row : 0) + 1 : 0;
    seen->cell = cell;
    if (!late)
        return rules_verdict(plan, cell, (size_t)entry, status, reason, command);
    const struct rules_lateness lateness = {.quiet = rules_is_quiet(plan, event),
                                            .in_a_row = seen->in_a_row};
    char *why = rules_late_reason(plan, &lateness, reason);
    *again = why == NULL;
    const bool hung = why != NULL && strcmp(status, "timeout") == 0;
    const bool everywhere = hung && ++seen->hangs >= RULES_HANGS_MAX;
    if (everywhere) {
        free(why);
        why = text_format(
            "hung in %d cells, lastly in %s", (int)RULES_HANGS_MAX, plan->cells[cell].key);
    }
    json_t *events =
        *again ? json_array()
               : rules_disqualify(plan, everywhere ? -1 : cell, (size_t)entry, why, command);
    free(why);
    return events;
}
