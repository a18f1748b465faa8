/* SPDX-License-Identifier: MIT */
/*
 * targets.h - the targets of the project as data, and what a run says about each: met, missed, or
 * not decided, with the ratio, its interval and what it was held against.
 *
 * A run is a run: plan, blocks in random order, fresh processes, the judge's intervals. Ratios are
 * taken within one block (a contestant by another, or by the limit measured beside the block), or
 * between the same rounds of two cells; nothing is compared over the hours. Cells, contestants and
 * limits that a run has not are "not measured", with the reason; nothing is made up for them.
 *
 *   table.c     the targets
 *   asked.c     who has to race where
 *   question.c  the numbers of one question, and the word
 *   evaluate.c  from the blocks of a run to an answer for each
 *   write.c     the answers as JSON and as a table
 */
#ifndef VELO_TARGETS_H
#define VELO_TARGETS_H

#include "../render/run_dir.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Whose cost. */
enum target_who {
    WHO_BEST_NATIVE, /* the native with the least median in this cell */
    WHO_EACH_NATIVE, /* an answer for each */
    WHO_NAMED        /* an answer for each of [names] that runs */
};

/* Held against what. */
enum target_against {
    AGAINST_GUESTS, /* every guest: the answer is that of the one that comes closest */
    AGAINST_ENTRY,  /* the entry [other] */
    AGAINST_LIMIT,  /* the limit [other], measured beside the block */
    AGAINST_POINT,  /* the same entry at the point [other] of the scenario, round by round */
    AGAINST_METRIC, /* another metric of the same runs */
    AGAINST_NUMBER, /* 1, in the unit of the metric */
    AGAINST_LOSSES  /* every guest in every cell: the answer is the worst cell */
};

struct target {
    int number; /* as in the list of targets; several rows may share one */
    const char *what;
    const char *lane, *scenario, *point; /* the cell; NULL for AGAINST_LOSSES */
    const char *metric;                  /* NULL = the primary cost */
    enum target_who who;
    const char *names;
    enum target_against against;
    const char *other;
    double bound;
    bool at_least;    /* other / cost must reach the bound; else cost / other must not exceed it */
    bool always;      /* in every block: the answer is the worst, and no median */
    const char *unit; /* of cost / other where it is no ratio */
};

extern const struct target target_table[];
extern const size_t target_count;

/* ---- asked.c ---- */

/* A cell by its name. */
struct target_cell {
    const char *lane, *scenario, *point;
};

/*
 * Does a target ask for the contestant [name] ("mutex", "fastpath:disabled") of [kind] in [cell],
 * for its own cost or as what others are held against? Target 11 asks for nobody: it takes what the
 * run has.
 */
bool targets_ask_for(const struct target_cell *cell, const char *name, const char *kind);

/* Why somebody who could run in a cell does not. */
#define TARGETS_NOT_ASKED "no target asks for it in this cell"

/* Is [name] one of those that a WHO_NAMED target is about? */
bool target_names(const struct target *target, const char *name);

/* ---- answers ---- */

enum target_word {
    TARGET_MET,          /* the whole interval keeps the bound */
    TARGET_MET_OPEN,     /* the median does, the interval does not or there is none */
    TARGET_MISSED_OPEN,  /* the median does not, part of the interval does */
    TARGET_MISSED,       /* the whole interval breaks the bound */
    TARGET_NOT_MEASURED, /* [reason] says why */
    TARGET_WORDS
};

/* "met", "met, not proven", "missed, not proven", "missed", "not measured" */
const char *target_word_name(enum target_word word);

enum { TARGET_NAME_MAX = 96, TARGET_REASON_MAX = 200 };

/* One answer. */
struct target_result {
    const struct target *target;
    enum target_word word;
    char who[TARGET_NAME_MAX];     /* whose cost; "" if nobody's */
    char against[TARGET_NAME_MAX]; /* the guest, limit, entry, point or cell that it is held to */
    size_t blocks;
    double cost, other;      /* medians, in the unit of the metric; NAN where unknown */
    double ratio, low, high; /* in the direction of the bound; NAN where there is none */
    double ceiling;         /* the ratio that a cost of the cell's limit would give; NAN likewise */
    const char *ceiling_by; /* that limit, as printed, or NULL */
    double harness; /* the ratio that the null contestant would give; NAN where it did not run */
    char reason[TARGET_REASON_MAX];
};

struct target_results {
    struct target_result *items;
    size_t count, room;
};

/* All answers of a run. Owns: targets_free(). Returns: 0; -ENOMEM. */
int targets_evaluate(const struct run_dir *dir, struct target_results *out);
void targets_free(struct target_results *results);

/* The worst word among the answers: what the exit status says. */
enum target_word targets_worst(const struct target_results *results);

/* As JSON, schema 1: {"schema","run","plan_sha256","journal_sha256","targets":[...]}. */
json_t *targets_json(const struct run_dir *dir, const struct target_results *results);

/* The table for people, made of that JSON alone. */
void targets_print(FILE *file, const json_t *json);

/* Reads [run_dir], writes targets.json and targets.txt there; *out may be NULL. Returns: 0; a
 * negative errno value with [err] filled. */
int targets_write(const char *run_dir, struct target_results *out, char *err, size_t err_size);

#endif
