/* SPDX-License-Identifier: MIT */
/*
 * verify.h - a finished run looked at by somebody who believes nothing: from the plan, its seed and
 * the raw lines every other line is computed again, then the verdict and the pages, and each is
 * held against what stands in the folder.
 *
 *   verify.c           the whole: from the plan to the pages
 *   verify_plan.c      the plan: hash, seals, rules of its preset, programs
 *   verify_journal.c   line after line: chain, times, which line may stand where
 *   verify_block.c     run and block lines: order, seeds, paddings, costs, redo
 *   verify_anchor.c    was it set back?
 *   verify_gate.c      who was admitted
 *   verify_evidence.c  signs, E, crossings, intervals by a second arithmetic
 *   verify_verdict.c   verdict.json field by field, and the pages byte by byte
 *   verify_merged.c    a merged run: its sources, and what follows from them
 *   verify_report.c    what is said
 *
 * A wrong line with a right chain (everything behind it hashed anew) is found wherever something is
 * recomputed from it. What nobody can find in the folder: a journal invented as a whole, with costs
 * that fit its own drops, decisions, verdict and pages; and one that was cut off and gone on with,
 * where the anchors beside the folder are gone (anchor.h). run.journal_sha256 in the verdict names
 * the last line; who publishes it cannot change the journal afterwards.
 *
 * Taken as recorded: the foreign CPU time of a block (it decides redo) and how long the harness
 * stood still in a run (both decide whether a late run was met by a quiet machine), covariates, the
 * pilot's times, which open cell got a block after the common rounds (this hangs on the clock;
 * every choice is a valid one), why an entry could not run at all. A run that was killed and not
 * resumed passes with a note, up to the torn line; a verdict older than the journal is compared at
 * its line.
 */
#ifndef VELO_VERIFY_H
#define VELO_VERIFY_H

#include "../../reports/render/verdict.h"
#include "plan.h"
#include "rules.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What is counted apart in the answer. */
enum verify_part {
    VERIFY_PLAN,
    VERIFY_CHAIN,
    VERIFY_GATE,
    VERIFY_ORDER,
    VERIFY_COSTS,
    VERIFY_REDO,
    VERIFY_EVIDENCE,
    VERIFY_VERDICT,
    VERIFY_PAGES,
    VERIFY_PARTS
};

enum { VERIFY_SHOWN_MAX = 10 };

/* Where a value stands. */
struct verify_place {
    const char *file; /* its name in the run folder */
    size_t line;      /* 0 = none to name */
    const char *key;
};

/* The attempt at a block that is under way in the journal. */
struct verify_attempt {
    bool open;
    size_t cell, block, attempt;
    size_t order[PLAN_ENTRIES_MAX];
    size_t count, next;   /* places, and the one whose run comes next */
    struct rules_row row; /* of a Williams square */
    double worst;         /* foreign share of a run so far */
    double cost[PLAN_ENTRIES_MAX];
};

/* One cell's costs as the run lines of its whole attempts tell them, [entry_count] for each; NAN
 * where there is none, INFINITY where the run was late. */
struct verify_costs {
    double *attempts; /* all of them */
    size_t attempt_count, attempt_room;
    size_t *ends;             /* of each block: the attempts up to the one that counts */
    size_t *numbers;          /* of the blocks */
    size_t *given_up;         /* attempts left half-way before each block, all in all */
    size_t given_up_now;      /* the same, up to here */
    struct rules_row *places; /* their rows in a square */
    size_t count, room;
};

struct verify {
    const char *folder;
    const char *base; /* the folder of run folders, which has the anchors */
    struct plan plan;
    struct run_dir state; /* after the lines so far */
    bool same_program;    /* this program is the one that wrote the run */

    size_t line; /* in raw.ndjson, from 1 */
    char previous[RUN_DIR_SHA_HEX];
    const char *latest;            /* time of the last line; it belongs to state.events */
    struct verify_attempt attempt; /* under way */
    json_t *due;                   /* array: the lines that must stand next */
    int redo_cell;                 /* its block is to be done again; -1 */
    bool racing;                   /* the first block has begun */
    bool begins;                   /* each attempt has a line of its own where it begins */
    bool stopped;                  /* an end line was seen, and nothing goes on after it */
    struct rules_pilot pilot[PLAN_ENTRIES_MAX]; /* per entry */
    const char
        *repeat; /* the command of a late pilot run, which must come once more; NULL = none */
    struct verify_costs *costs; /* per cell */

    json_t *verdict;     /* verdict.json; NULL if there is none */
    size_t verdict_line; /* the journal line after which it was written; 0 = not said */
    json_t *computed;    /* the verdict computed again; NULL before */

    enum verify_part part;
    size_t checked[VERIFY_PARTS];
    bool skipped[VERIFY_PARTS];
    size_t differences;
    json_t *said; /* array of strings: differences, then notes */
    json_t *notes;
};

/* The command: everything. Returns an exit status. */
int verify_run(const char *folder, bool pages);

/* A source of a merged run, without pages; its anchors are in [base]. Returns an exit status. */
int verify_source(const char *folder, const char *base);

/* ---- verify_report.c ---- */

/* One value recomputed: counts it, and says so if [recorded] is another one. Takes [recomputed].
 * Numbers may differ in the last digits. [meaning] says what a difference means. */
bool verify_same(struct verify *v,
                 struct verify_place place,
                 const json_t *recorded,
                 json_t *recomputed,
                 const char *meaning);

/* Something that must hold: counts it, and says [recorded] and [recomputed] (texts) if not. */
bool verify_holds(struct verify *v,
                  bool holds,
                  struct verify_place place,
                  const char *recorded,
                  const char *recomputed,
                  const char *meaning);

/* True if two values are the same but for the last digits of numbers. */
bool verify_equal(const json_t *a, const json_t *b);

/* The first line, from 1, in which two texts differ, and where it begins in each. */
size_t
verify_first_difference(const char *a, const char *b, const char **line_a, const char **line_b);

/* A remark that does not fail. */
void verify_note(struct verify *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The answer on stdout. Returns the exit status. */
int verify_answer(const struct verify *v);

/* A key of the present journal line. */
struct verify_place verify_here(const struct verify *v, const char *key);

/* ---- the parts ---- */

void verify_plan(struct verify *v);
void verify_rates(struct verify *v);
void verify_programs(struct verify *v);

/* All lines. False when the rest could not be read. */
bool verify_journal(struct verify *v);

/* Is the journal what it was when its last anchor was made? After verify_journal(). */
void verify_anchor(struct verify *v);

/* The lines with which the journal must begin: who failed the gate. */
json_t *verify_gate(struct verify *v);

/* One "begin", "run" or "block" line, before it is applied to the state. */
void verify_begin_line(struct verify *v, const json_t *event);
void verify_run_line(struct verify *v, const json_t *event);
void verify_block_line(struct verify *v, const json_t *event);
void verify_null_line(struct verify *v, const json_t *event); /* verify_null.c */

/* The lines that must follow a run, a pilot run or a block that was just applied, into v->due. */
void verify_expect_after_run(struct verify *v, const json_t *event);
void verify_expect_after_pilot(struct verify *v, const json_t *event);
void verify_expect_after_block(struct verify *v, const json_t *event);

/* Drop lines and the duels of the verdict by the second arithmetic. */
void verify_evidence(struct verify *v);

/* Has the journal fewer lines than the verdict was made from? */
bool verify_is_cut(struct verify *v);

/* A merged run, sources first. Returns an exit status. */
int verify_merged(struct verify *v, bool pages);

void verify_verdict(struct verify *v);
void verify_pages(struct verify *v);

#endif
