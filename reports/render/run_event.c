/* SPDX-License-Identifier: MIT */
/*
 * run_event.c - what each journal event means for the state of a run.
 *
 * An attempt at a block opens with its "begin" line (journals of earlier versions have none: there
 * the first run does it), and its costs are held back until its "block" line says that it is valid:
 * one that was disturbed is listed and never counts. One that was left, be it in its first run, is
 * counted where the next one begins: who left it may have seen what it was going to cost. A run
 * that failed disqualifies its entry in that cell at once; the "disqualify" line that follows only
 * has better words for it. A run that was late does not: whether it puts out,
 * only the line that follows says.
 */
#include "fields.h"
#include "run_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where an error is reported to. */
struct sink {
    char *err;
    size_t err_size;
};

#define REFUSE(sink, ...) run_dir_refuse((sink)->err, (sink)->err_size, __VA_ARGS__)

/* Makes room for one more element of [size] bytes in *array. Returns: 0; -ENOMEM. */
static int grow(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return 0;
    const size_t more = *room == 0 ? 16 : 2 * *room;
    void *moved = realloc(*array, more * size);
    if (moved == NULL)
        return -ENOMEM;
    *array = moved;
    *room = more;
    return 0;
}

/* ---- reading keys that must be there ---- */

static int
need_index(const json_t *event, const char *key, size_t limit, size_t *out, const struct sink *sink)
{
    const json_t *value = json_object_get(event, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return REFUSE(sink, "\"%s\" is missing or not a whole number >= 0", key);
    *out = (size_t)json_integer_value(value);
    if (*out >= limit)
        return REFUSE(sink, "\"%s\" is %zu, but the plan has only %zu", key, *out, limit);
    return 0;
}

static int need_entry(const struct run_dir *dir,
                      const json_t *event,
                      const char *key,
                      size_t *out,
                      const struct sink *sink)
{
    const char *name = field_text(event, key);
    const int index = run_dir_find_entry(dir, name);
    if (index < 0)
        return REFUSE(sink, "\"%s\" names \"%s\", which is no entry of the plan", key, name);
    *out = (size_t)index;
    return 0;
}

/* cell -1 means: all of them. */
static int
need_cell_or_all(const struct run_dir *dir, const json_t *event, int *out, const struct sink *sink)
{
    const json_t *value = json_object_get(event, "cell");
    size_t cell = 0;
    if (json_is_integer(value) && json_integer_value(value) == -1) {
        *out = -1;
        return 0;
    }
    const int rc = need_index(event, "cell", dir->cell_count, &cell, sink);
    *out = (int)cell;
    return rc;
}

static int need_where(const struct run_dir *dir,
                      const json_t *event,
                      size_t *cell,
                      size_t *block,
                      size_t *attempt,
                      const struct sink *sink)
{
    int rc = need_index(event, "cell", dir->cell_count, cell, sink);
    if (rc == 0)
        rc = need_index(event, "block", SIZE_MAX, block, sink);
    return rc == 0 ? need_index(event, "attempt", SIZE_MAX, attempt, sink) : rc;
}

/* ---- disqualified, not run ---- */

static int set_status(struct run_dir *dir, const struct run_dir_status *status)
{
    size_t i = 0;
    while (i < dir->status_count &&
           (dir->statuses[i].cell != status->cell || dir->statuses[i].entry != status->entry))
        i++;
    if (i == dir->status_count) {
        const int rc = grow((void **)&dir->statuses,
                            &dir->store->status_room,
                            dir->status_count,
                            sizeof(*dir->statuses));
        if (rc != 0)
            return rc;
        dir->status_count++;
    } else if (dir->statuses[i].state > status->state) {
        return 0; /* a disqualified entry that then cannot run stays disqualified */
    }
    dir->statuses[i] = *status;
    for (size_t c = 0; c < dir->cell_count; c++) {
        struct judge_status *now = &dir->store->cells[c].status[status->entry];
        if ((status->cell == -1 || status->cell == (int)c) && now->state <= status->state)
            *now = (struct judge_status){.state = status->state, .reason = status->reason};
    }
    return 0;
}

static int apply_status(struct run_dir *dir,
                        const json_t *event,
                        enum judge_standing_state state,
                        const struct sink *sink)
{
    struct run_dir_status status = {.state = state,
                                    .reason = field_text(event, "reason"),
                                    .reproduce = field_text(event, "reproduce")};
    int rc = need_cell_or_all(dir, event, &status.cell, sink);
    if (rc == 0)
        rc = need_entry(dir, event, "entry", &status.entry, sink);
    return rc == 0 ? set_status(dir, &status) : rc;
}

/* ---- runs and blocks ---- */

static bool is_failure(const char *status)
{
    return strcmp(status, "failed") == 0 || strcmp(status, "crash") == 0;
}

bool run_dir_is_late(const char *status)
{
    return strcmp(status, "late") == 0 || strcmp(status, "timeout") == 0;
}

static bool is_under_way(const struct run_store_cell *cell, size_t block, size_t attempt)
{
    return cell->pending_open && cell->pending_block == block && cell->pending_attempt == attempt;
}

/* One that is still under way in the cell is given up by this. */
static void open_attempt(struct run_dir *dir, size_t where, size_t block, size_t attempt)
{
    struct run_store_cell *cell = &dir->store->cells[where];
    cell->given_up += cell->pending_open ? 1 : 0;
    dir->given_up += cell->pending_open ? 1 : 0;
    for (size_t e = 0; e < dir->entry_count; e++) {
        cell->pending[e] = NAN;
        cell->pending_seen[e] = false;
    }
    cell->pending_block = block;
    cell->pending_attempt = attempt;
    cell->pending_runs = 0;
    cell->pending_open = true;
}

size_t run_dir_next_attempt(const struct run_dir *dir, size_t cell, size_t block)
{
    const struct run_store_cell *last = &dir->store->cells[cell];
    const bool any = last->pending_open || last->pending_runs > 0;
    return any && last->pending_block == block ? last->pending_attempt + 1 : 0;
}

static int apply_begin(struct run_dir *dir, const json_t *event, const struct sink *sink)
{
    size_t cell = 0, block = 0, attempt = 0;
    const int rc = need_where(dir, event, &cell, &block, &attempt, sink);
    if (rc != 0)
        return rc;
    if (is_under_way(&dir->store->cells[cell], block, attempt))
        return REFUSE(
            sink, "block %zu, attempt %zu of cell %zu begins twice", block, attempt, cell);
    open_attempt(dir, cell, block, attempt);
    return 0;
}

static int read_run(const struct run_dir *dir,
                    const json_t *event,
                    size_t line,
                    struct run_dir_run *run,
                    const struct sink *sink)
{
    const json_t *inner = json_object_get(event, "run");
    *run = (struct run_dir_run){.line = line,
                                .status = field_text(event, "status"),
                                .reason = field_text(event, "reason"),
                                .command = field_text(event, "command"),
                                .cost = field_number(event, "cost"),
                                .wall_ms = field_number(event, "wall_ms"),
                                .run = json_is_object(inner) ? inner : NULL,
                                .event = event};
    int rc = need_where(dir, event, &run->cell, &run->block, &run->attempt, sink);
    if (rc == 0)
        rc = need_index(event, "position", SIZE_MAX, &run->position, sink);
    if (rc == 0)
        rc = need_entry(dir, event, "entry", &run->entry, sink);
    if (rc == 0 && strcmp(run->status, "ok") != 0 && strcmp(run->status, "usage") != 0 &&
        !is_failure(run->status) && !run_dir_is_late(run->status))
        rc = REFUSE(sink, "\"status\" is \"%s\"", run->status);
    return rc;
}

static int apply_run(struct run_dir *dir, const json_t *event, size_t line, const struct sink *sink)
{
    struct run_dir_run run;
    int rc = read_run(dir, event, line, &run, sink);
    if (rc != 0)
        return rc;
    struct run_store_cell *cell = &dir->store->cells[run.cell];
    const bool same = is_under_way(cell, run.block, run.attempt);
    if (same && cell->pending_seen[run.entry])
        return REFUSE(sink,
                      "a second run of \"%s\" in block %zu, attempt %zu",
                      dir->entries[run.entry].name,
                      run.block,
                      run.attempt);
    rc = grow((void **)&dir->runs, &dir->store->run_room, dir->run_count, sizeof(*dir->runs));
    if (rc == 0 && is_failure(run.status)) {
        const struct run_dir_status status = {.state = JUDGE_DISQUALIFIED,
                                              .cell = (int)run.cell,
                                              .entry = run.entry,
                                              .reason =
                                                  run.reason[0] != '\0' ? run.reason : run.status,
                                              .reproduce = run.command};
        rc = set_status(dir, &status);
    }
    if (rc != 0)
        return rc;
    if (!same)
        open_attempt(dir, run.cell, run.block, run.attempt);
    cell->pending[run.entry] = strcmp(run.status, "ok") == 0 ? run.cost : NAN;
    if (run_dir_is_late(run.status))
        cell->pending[run.entry] = INFINITY;
    cell->pending_seen[run.entry] = true;
    cell->pending_runs++;
    dir->runs[dir->run_count++] = run;
    return 0;
}

/* The attempt under way is done again, but its costs are known. */
static int keep_redone(struct run_dir *dir, const struct run_dir_block *block)
{
    struct run_store_cell *cell = &dir->store->cells[block->cell];
    const size_t width = dir->entry_count * sizeof(*cell->redone);
    if (grow((void **)&cell->redone, &cell->redone_room, cell->redone_count, width) != 0)
        return -ENOMEM;
    memcpy(cell->redone + cell->redone_count++ * dir->entry_count, cell->pending, width);
    return 0;
}

/* The attempt under way becomes a block of evidence. */
static int commit_attempt(struct run_dir *dir, const struct run_dir_block *block)
{
    struct run_store_cell *cell = &dir->store->cells[block->cell];
    const size_t k = dir->entry_count;
    double *cost = calloc(k * (cell->redone_count + 1), sizeof(*cost));
    if (cost == NULL ||
        grow((void **)&cell->blocks, &cell->block_room, cell->block_count, sizeof(*cell->blocks))) {
        free(cost);
        return -ENOMEM;
    }
    for (size_t e = 0; e < k; e++) /* who is late in what counts is out for it */
        cost[e] = isinf(cell->pending[e]) ? NAN : cell->pending[e];
    if (cell->redone_count > 0)
        memcpy(cost + k, cell->redone, cell->redone_count * k * sizeof(*cost));
    cell->blocks[cell->block_count++] = (struct judge_block){.number = block->block,
                                                             .cost = cost,
                                                             .given_up = cell->given_up,
                                                             .redone = cost + k,
                                                             .redone_count = cell->redone_count,
                                                             .row = block->row,
                                                             .rows = block->rows};
    cell->given_up = 0;
    cell->redone_count = 0;
    dir->store->inputs[block->cell].blocks = cell->blocks;
    dir->store->inputs[block->cell].block_count = cell->block_count;
    size_t left = cell->pending_runs;
    for (size_t i = dir->run_count; i > 0 && left > 0; i--) {
        struct run_dir_run *run = &dir->runs[i - 1];
        if (run->cell != block->cell || run->block != block->block ||
            run->attempt != block->attempt)
            continue;
        run->counts = strcmp(run->status, "ok") == 0;
        left--;
    }
    return 0;
}

static int
check_block(const struct run_dir *dir, const struct run_dir_block *block, const struct sink *sink)
{
    const struct run_store_cell *cell = &dir->store->cells[block->cell];
    if (cell->pending_runs == 0 || !is_under_way(cell, block->block, block->attempt))
        return REFUSE(sink,
                      "ends block %zu, attempt %zu of cell %zu, of which no run is recorded",
                      block->block,
                      block->attempt,
                      block->cell);
    if (block->valid && cell->block_count > 0 &&
        cell->blocks[cell->block_count - 1].number >= block->block)
        return REFUSE(sink,
                      "block %zu of cell %zu comes after block %zu",
                      block->block,
                      block->cell,
                      cell->blocks[cell->block_count - 1].number);
    return 0;
}

/* The rows of a Williams square come one after the other; a new square may begin at any time. */
static int need_square(const struct run_dir *dir,
                       const json_t *event,
                       struct run_dir_block *block,
                       const struct sink *sink)
{
    if (strcmp(field_text(dir->plan, "order"), "williams") != 0)
        return 0;
    int rc = need_index(event, "rows", SIZE_MAX, &block->rows, sink);
    if (rc == 0)
        rc = need_index(event, "row", SIZE_MAX, &block->row, sink);
    if (rc != 0 || block->row == 0)
        return rc;
    const struct run_store_cell *cell = &dir->store->cells[block->cell];
    const struct judge_block *last =
        cell->block_count > 0 ? &cell->blocks[cell->block_count - 1] : NULL;
    if (last == NULL || last->row + 1 != block->row || last->rows != block->rows ||
        block->row >= block->rows)
        return REFUSE(sink,
                      "row %zu of %zu of a square does not follow the block before it in cell %zu",
                      block->row,
                      block->rows,
                      block->cell);
    return 0;
}

static int
apply_block(struct run_dir *dir, const json_t *event, size_t line, const struct sink *sink)
{
    const json_t *valid = json_object_get(event, "valid");
    struct run_dir_block block = {.line = line,
                                  .valid = json_is_true(valid),
                                  .foreign_share = field_number(event, "foreign_share"),
                                  .entries = json_object_get(event, "entries"),
                                  .reason = field_text(event, "reason"),
                                  .calibration = json_object_get(event, "calibration")};
    int rc = need_where(dir, event, &block.cell, &block.block, &block.attempt, sink);
    if (rc == 0 && !json_is_boolean(valid))
        rc = REFUSE(sink, "\"valid\" is missing or neither true nor false");
    if (rc == 0)
        rc = check_block(dir, &block, sink);
    if (rc == 0)
        rc = need_square(dir, event, &block, sink);
    if (rc == 0)
        rc = grow((void **)&dir->blocks,
                  &dir->store->journal_block_room,
                  dir->block_count,
                  sizeof(*dir->blocks));
    if (rc == 0)
        rc = block.valid ? commit_attempt(dir, &block) : keep_redone(dir, &block);
    if (rc != 0)
        return rc;
    dir->store->cells[block.cell].pending_open = false;
    dir->blocks[dir->block_count++] = block;
    return 0;
}

static int apply_drop(struct run_dir *dir, const json_t *event, const struct sink *sink)
{
    struct run_dir_drop drop = {.log_e = field_number(event, "log_e")};
    int rc = need_index(event, "cell", dir->cell_count, &drop.cell, sink);
    if (rc == 0)
        rc = need_index(event, "block", SIZE_MAX, &drop.block, sink);
    if (rc == 0)
        rc = need_entry(dir, event, "entry", &drop.entry, sink);
    if (rc == 0)
        rc = need_entry(dir, event, "beaten_by", &drop.beaten_by, sink);
    if (rc == 0)
        rc = grow((void **)&dir->drops, &dir->store->drop_room, dir->drop_count, sizeof(drop));
    if (rc == 0)
        dir->drops[dir->drop_count++] = drop;
    return rc;
}

static int
apply_null(struct run_dir *dir, const json_t *event, size_t line, const struct sink *sink)
{
    struct run_dir_null run = {.line = line,
                               .cost = field_number(event, "cost"),
                               .reason = field_text(event, "reason"),
                               .run = json_object_get(event, "run")};
    int rc = need_index(event, "cell", dir->cell_count, &run.cell, sink);
    if (rc == 0)
        rc = grow(
            (void **)&dir->null_runs, &dir->store->null_room, dir->null_run_count, sizeof(run));
    if (rc == 0)
        dir->null_runs[dir->null_run_count++] = run;
    return rc;
}

static int apply_pilot(struct run_dir *dir, const json_t *event, const struct sink *sink)
{
    size_t unused;
    const int rc = need_index(event, "cell", dir->cell_count, &unused, sink);
    return rc == 0 ? need_entry(dir, event, "entry", &unused, sink) : rc;
}

static int apply_decide(struct run_dir *dir, const json_t *event, const struct sink *sink)
{
    size_t unused;
    return need_index(event, "cell", dir->cell_count, &unused, sink);
}

static int apply_typed(struct run_dir *dir,
                       const json_t *event,
                       size_t line,
                       const char *type,
                       const struct sink *sink)
{
    if (strcmp(type, "begin") == 0)
        return apply_begin(dir, event, sink);
    if (strcmp(type, "run") == 0)
        return apply_run(dir, event, line, sink);
    if (strcmp(type, "block") == 0)
        return apply_block(dir, event, line, sink);
    if (strcmp(type, "drop") == 0)
        return apply_drop(dir, event, sink);
    if (strcmp(type, "disqualify") == 0)
        return apply_status(dir, event, JUDGE_DISQUALIFIED, sink);
    if (strcmp(type, "not_run") == 0)
        return apply_status(dir, event, JUDGE_NOT_RUN, sink);
    if (strcmp(type, "null") == 0)
        return apply_null(dir, event, line, sink);
    if (strcmp(type, "pilot") == 0)
        return apply_pilot(dir, event, sink);
    if (strcmp(type, "decide") == 0)
        return apply_decide(dir, event, sink);
    if (strcmp(type, "pause") == 0 || strcmp(type, "resume") == 0 || strcmp(type, "note") == 0 ||
        strcmp(type, "end") == 0)
        return 0;
    return REFUSE(sink, "unknown type \"%s\"", type);
}

int run_dir_apply(struct run_dir *dir, json_t *event, size_t line, char *err, size_t err_size)
{
    const struct sink sink = {.err = err, .err_size = err_size};
    const char *type = field_text(event, "type");
    const int rc = apply_typed(dir, event, line, type, &sink);
    if (rc != 0)
        return rc;
    if (json_array_append(dir->events, event) != 0)
        return -ENOMEM;
    run_time_take(dir, event, type);
    return 0;
}
