/* SPDX-License-Identifier: MIT */
/* rules.c - see rules.h. */
#include "rules.h"

#include "json.h"
#include "schedule.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

size_t rules_blocks(const struct run_dir *state, size_t cell)
{
    return state->in.cells[cell].block_count;
}

bool rules_is_common(const struct plan *plan, const struct run_dir *state, size_t cell)
{
    return rules_blocks(state, cell) < plan->blocks_common;
}

bool rules_may_run(const struct run_dir *state, size_t cell, size_t entry)
{
    return state->in.cells[cell].status[entry].state == JUDGE_RUNS;
}

bool rules_same_code(const struct plan *plan, size_t a, size_t b)
{
    return a == b || plan->entries[a].twin_of == (int)b || plan->entries[b].twin_of == (int)a;
}

static bool anybody(const struct plan *plan, const struct run_dir *state, size_t cell)
{
    for (size_t e = 0; e < plan->entry_count; e++)
        if (plan->entries[e].twin_of < 0 && rules_may_run(state, cell, e))
            return true;
    return false;
}

bool rules_is_closed(const struct plan *plan,
                     const struct run_dir *state,
                     size_t cell,
                     const struct judge_cell_result *result)
{
    return !anybody(plan, state, cell) ||
           (!rules_is_common(plan, state, cell) && result->decided) ||
           rules_blocks(state, cell) >= plan->blocks_max;
}

/* ---- common rounds ---- */

static bool in_common_rounds(const struct plan *plan, const struct run_dir *state, size_t cell)
{
    return rules_is_common(plan, state, cell) && anybody(plan, state, cell) &&
           rules_blocks(state, cell) < plan->blocks_max;
}

int rules_next_common(const struct plan *plan, const struct run_dir *state)
{
    size_t round = SIZE_MAX;
    const char *keys[PLAN_CELLS_MAX];
    size_t order[PLAN_CELLS_MAX];
    for (size_t c = 0; c < plan->cell_count; c++) {
        keys[c] = plan->cells[c].key;
        if (in_common_rounds(plan, state, c) && rules_blocks(state, c) < round)
            round = rules_blocks(state, c);
    }
    if (round == SIZE_MAX)
        return -1;
    const struct schedule_key key = {
        .seed = plan->seed, .cell = "round", .block = (unsigned)round + 1};
    schedule_order(&key, keys, plan->cell_count, order);
    for (size_t i = 0; i < plan->cell_count; i++)
        if (in_common_rounds(plan, state, order[i]) && rules_blocks(state, order[i]) == round)
            return (int)order[i];
    return -1;
}

/* ---- redo ---- */

bool rules_redo(const struct plan *plan,
                const struct run_dir *state,
                size_t cell,
                size_t block,
                double share,
                double worst,
                bool *noisy)
{
    size_t of_block = 0, of_all = 0;
    for (size_t i = 0; i < state->block_count; i++) {
        const struct run_dir_block *done = &state->blocks[i];
        of_all += !done->valid;
        of_block += !done->valid && done->cell == cell && done->block == block;
    }
    *noisy = share > plan->redo_block_limit || worst > plan->redo_run_limit;
    return *noisy && of_block < plan->redo_max &&
           (double)of_all < plan->redo_share * (double)(state->block_count + 3);
}

const char *rules_redo_reason(bool noisy, bool again)
{
    if (!noisy)
        return "";
    return again ? "foreign CPU time: done again" : "foreign CPU time: counts all the same";
}

/* ---- what follows from the evidence ---- */

bool rules_is_recorded(const struct run_dir *state, const json_t *event)
{
    size_t index;
    const json_t *line;
    json_array_foreach(state->events, index, line)
    {
        if (strcmp(json_text(line, "type", ""), json_text(event, "type", "")) == 0 &&
            json_int(line, "cell", -1) == json_int(event, "cell", -1) &&
            strcmp(json_text(line, "entry", ""), json_text(event, "entry", "")) == 0)
            return true;
    }
    return false;
}

static bool was_dropped(const struct run_dir *state, size_t cell, size_t entry)
{
    for (size_t i = 0; i < state->drop_count; i++)
        if (state->drops[i].cell == cell && state->drops[i].entry == entry)
            return true;
    return false;
}

static void add_drops(const struct plan *plan,
                      const struct run_dir *state,
                      size_t cell,
                      const struct judge_cell_result *result,
                      json_t *events)
{
    for (size_t e = 0; e < plan->entry_count; e++) {
        const struct judge_entry_result *entry = &result->entries[e];
        if (entry->racing || entry->loses_to < 0 || !rules_may_run(state, cell, e) ||
            was_dropped(state, cell, e))
            continue;
        json_array_append_new(events,
                              json_pack("{s:s, s:i, s:i, s:s, s:s, s:f}",
                                        "type",
                                        "drop",
                                        "cell",
                                        (int)cell,
                                        "block",
                                        (int)rules_blocks(state, cell),
                                        "entry",
                                        plan->entries[e].name,
                                        "beaten_by",
                                        plan->entries[entry->loses_to].name,
                                        "log_e",
                                        entry->loses_log_e));
    }
}

static json_t *decision(const struct plan *plan,
                        const struct run_dir *state,
                        size_t cell,
                        const struct judge_cell_result *result)
{
    size_t unbeaten = 0;
    for (size_t e = 0; e < plan->entry_count; e++)
        unbeaten += plan->entries[e].twin_of < 0 && result->entries[e].racing;
    const char *why = result->winner >= 0 ? "the only one that nobody beat"
                      : unbeaten > 1      ? "the unbeaten ones are practically equal"
                                          : "nobody is left to race";
    return json_pack("{s:s, s:i, s:i, s:s?, s:s}",
                     "type",
                     "decide",
                     "cell",
                     (int)cell,
                     "block",
                     (int)rules_blocks(state, cell),
                     "winner",
                     result->winner >= 0 ? plan->entries[result->winner].name : NULL,
                     "why",
                     why);
}

json_t *rules_derived(const struct plan *plan,
                      const struct run_dir *state,
                      size_t cell,
                      const struct judge_cell_result *result)
{
    json_t *events = json_array();
    if (!rules_is_common(plan, state, cell) && !rules_inside_square(state, cell))
        add_drops(plan, state, cell, result, events);
    if (result->decided && rules_blocks(state, cell) > 0 &&
        rules_is_closed(plan, state, cell, result)) {
        json_t *decided = decision(plan, state, cell, result);
        if (!rules_is_recorded(state, decided))
            json_array_append(events, decided);
        json_decref(decided);
    }
    return events;
}

/* ---- what follows from a fault ---- */

json_t *rules_disqualify(
    const struct plan *plan, int cell, size_t entry, const char *reason, const char *reproduce)
{
    json_t *events = json_array();
    for (size_t e = 0; e < plan->entry_count; e++)
        if (rules_same_code(plan, e, entry))
            json_array_append_new(events,
                                  json_pack("{s:s, s:i, s:s, s:s, s:s}",
                                            "type",
                                            "disqualify",
                                            "cell",
                                            cell,
                                            "entry",
                                            plan->entries[e].name,
                                            "reason",
                                            reason,
                                            "reproduce",
                                            reproduce));
    return events;
}

json_t *rules_verdict(const struct plan *plan,
                      int cell,
                      size_t entry,
                      const char *status,
                      const char *reason,
                      const char *command)
{
    if (strcmp(status, "ok") == 0)
        return json_array();
    if (strcmp(status, "usage") == 0)
        return json_pack("[{s:s, s:i, s:s, s:s}]",
                         "type",
                         "not_run",
                         "cell",
                         cell,
                         "entry",
                         plan->entries[entry].name,
                         "reason",
                         reason);
    return rules_disqualify(plan, cell, entry, reason, command);
}

static json_t *all_consequences(const struct plan *plan, const struct run_dir *state, size_t index)
{
    const struct run_dir_run *run = &state->runs[index];
    const int cell = (int)run->cell;
    if (!run_dir_is_late(run->status))
        return rules_verdict(plan, cell, run->entry, run->status, run->reason, run->command);
    const struct rules_lateness late = rules_lateness(plan, state, index);
    char *reason = rules_late_reason(plan, &late, run->reason);
    json_t *events = reason != NULL ? rules_disqualify(plan, cell, run->entry, reason, run->command)
                                    : json_array();
    free(reason);
    return events;
}

json_t *rules_consequences(const struct plan *plan, const struct run_dir *state, size_t run)
{
    json_t *events = all_consequences(plan, state, run);
    for (size_t n = json_array_size(events); n > 0; n--)
        if (rules_is_recorded(state, json_array_get(events, n - 1)))
            json_array_remove(events, n - 1);
    return events;
}
