/* SPDX-License-Identifier: MIT */
/*
 * rules.h - what a tournament does next, as pure functions of the plan and of the journal so far.
 *
 * No clock and nothing that is not written down enters here, so `velo verify` asks the same
 * questions of a finished journal and must find the answers in it. The one choice that needs the
 * clock, which cell gets a block after the common rounds, is not a rule: blocks.c.
 */
#ifndef VELO_RULES_H
#define VELO_RULES_H

#include "../../reports/render/run_dir.h"
#include "plan.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { RULES_HANGS_MAX = 2 };

/* Blocks of evidence that [cell] has. */
size_t rules_blocks(const struct run_dir *state, size_t cell);

/* Is the next block of [cell] one of the common rounds, in which nobody is dropped? */
bool rules_is_common(const struct plan *plan, const struct run_dir *state, size_t cell);

/* Neither disqualified nor not run. */
bool rules_may_run(const struct run_dir *state, size_t cell, size_t entry);

/* A twin is the same program: what one of the two did wrong, both did. */
bool rules_same_code(const struct plan *plan, size_t a, size_t b);

/* Nothing left to find out in [cell], or nobody to run. [result] is its judgement now. */
bool rules_is_closed(const struct plan *plan,
                     const struct run_dir *state,
                     size_t cell,
                     const struct judge_cell_result *result);

/*
 * Who runs in the next attempt at a block of [cell], in running order, into [order], which has room
 * for PLAN_ENTRIES_MAX. [block] and [attempt] are those of the attempt.
 * Returns: how many; 0 also without memory.
 */
size_t rules_order(const struct plan *plan,
                   const struct run_dir *state,
                   size_t cell,
                   size_t *block,
                   size_t *attempt,
                   size_t *order);

/* The place of a block in a Williams square; rows 0: the order is uniform. */
struct rules_row {
    size_t row, rows;
};

/* That of the next block of [cell], as its "block" line says it: asked before the first run of it,
 * because a run can put its entry out. */
struct rules_row rules_row(const struct plan *plan, const struct run_dir *state, size_t cell);

/* Is a square of [cell] begun and not finished? Nobody is dropped then. */
bool rules_inside_square(const struct run_dir *state, size_t cell);

/* The cell whose turn it is in the common rounds, in the order drawn for the round; -1 after them.
 */
int rules_next_common(const struct plan *plan, const struct run_dir *state);

/*
 * Is an attempt at a block done again? [share] of its CPU time went to others, [worst] of that of
 * one of its runs. *noisy: more than the plan allows, whether or not it is done again.
 */
bool rules_redo(const struct plan *plan,
                const struct run_dir *state,
                size_t cell,
                size_t block,
                double share,
                double worst,
                bool *noisy);

/* Why an attempt counts or does not, as its line says it. */
const char *rules_redo_reason(bool noisy, bool again);

/* ---- rules_late.c: who failed by time alone ---- */

/* Does a run or pilot line say that the machine was there all the while: that others took no more
 * of it than the plan allows, and that the harness itself was not held up? */
bool rules_is_quiet(const struct plan *plan, const json_t *event);

/* What is known when a run was late. */
struct rules_lateness {
    bool quiet;        /* the machine was, in this run */
    unsigned in_a_row; /* late runs of the entry in this cell, up to this one, without another */
    unsigned in_all;   /* late runs of the entry on a quiet machine so far, in all cells */
};

struct rules_lateness
rules_lateness(const struct plan *plan, const struct run_dir *state, size_t run);

/* Why a late run puts its entry out, its own [reason] first, for free(); NULL if it does not: then
 * it is to be tried again. */
char *
rules_late_reason(const struct plan *plan, const struct rules_lateness *late, const char *reason);

/* The first late run of an attempt whose entry is not out for it; NULL if there is none. With one
 * the attempt does not count, however often that was so before. */
const struct run_dir_run *
rules_late_run(const struct run_dir *state, size_t cell, size_t block, size_t attempt);

/* As rules_redo_reason(), for free(); [late] is rules_late_run(). */
char *rules_block_reason(const struct run_dir *state,
                         const struct run_dir_run *late,
                         bool noisy,
                         bool again);

/* ---- what follows ---- */

/*
 * The lines that follow from the evidence of [cell] and are not yet in the journal: "drop" for each
 * entry that is beaten, "decide" for a cell that is settled. [result] is its judgement now.
 * Returns: an array of events with their type, the caller's; NULL without memory.
 */
json_t *rules_derived(const struct plan *plan,
                      const struct run_dir *state,
                      size_t cell,
                      const struct judge_cell_result *result);

/*
 * The lines that follow from state->runs[run]: "disqualify" for its entry and the exact copies of
 * it, "not_run" for a usage error; none for "ok", none for a late run that is to be tried again,
 * and none that stands in the journal already. Later runs do not matter.
 */
json_t *rules_consequences(const struct plan *plan, const struct run_dir *state, size_t run);

/* What follows from a [status] that is a fact at once. */
json_t *rules_verdict(const struct plan *plan,
                      int cell,
                      size_t entry,
                      const char *status,
                      const char *reason,
                      const char *command);

/* What the pilot saw of an entry so far. */
struct rules_pilot {
    int cell;          /* of its last run */
    unsigned in_a_row; /* late runs there */
    unsigned hangs;    /* cells that it hung in, for certain */
};

/*
 * What follows from a pilot line. *again: the run was late and is to be repeated at once. Hangs are
 * counted, because each of them costs time limits: who hangs in RULES_HANGS_MAX cells is out of
 * all.
 */
json_t *rules_pilot_consequences(const struct plan *plan,
                                 const json_t *event,
                                 struct rules_pilot *seen,
                                 bool *again);

/* Does the journal have a line of the type, the cell and the entry of [event]? */
bool rules_is_recorded(const struct run_dir *state, const json_t *event);

/* "disqualify" events for [entry] and its exact copies; [cell] -1 = everywhere. */
json_t *rules_disqualify(
    const struct plan *plan, int cell, size_t entry, const char *reason, const char *reproduce);

#endif
