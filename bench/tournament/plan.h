/* SPDX-License-Identifier: MIT */
/*
 * plan.h - what a tournament will do, fixed before it does it: plan.json and its SHA-256.
 *
 * The plan says who races (with the hash of each binary), in which cells, with which windows,
 * limits, weights and rules; the order of the entries inside a block follows from its seed
 * (schedule.h). The hash stands in every journal line, so results cannot be moved to another plan.
 */
#ifndef VELO_PLAN_H
#define VELO_PLAN_H

#include "preset.h"
#include "registry.h"
#include "scenario.h"
#include "schedule.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLAN_ENTRIES_MAX = 64, PLAN_CELLS_MAX = 1024 };

/* One starter: a contestant, perhaps in a variant, or the twin of the baseline. */
struct plan_entry {
    char *name; /* "mutex", "fastpath:nospin", "mutex~twin" */
    char *contestant;
    char *variant; /* "" = as it is */
    int twin_of;   /* index of the entry whose exact copy this is, or -1 */
    char *kind;    /* native, guest */
    char *version;
    char *dir;        /* where its programs stand */
    json_t *binaries; /* {"race":{"path","sha256"},...} */
};

/* One scenario at one point in one lane. */
struct plan_cell {
    char *key; /* "lane/scenario/point": names the cell in the schedule */
    char *lane, *scenario, *point, *metric, *unit, *family, *script;
    json_t *params;
    json_t *needs;
    double floor;
    bool core;
    bool ceiling;       /* the null contestant runs in it, too */
    char *placement;    /* asked for; the run lines say what was done. "" where nothing is said */
    double common_rate; /* tasks per second that an open loop's load is a share of; 0 = none */
    unsigned window_ms;
    unsigned timeout_ms;
    unsigned runners;                    /* entries that will run in it; 0 = unknown */
    double block_ms;                     /* what one block will take, by the pilot; 0 = unknown */
    bool dropped;                        /* does not fit the budget; the journal says so */
    const struct scenario_point *source; /* NULL in a plan that was read back */
};

struct plan {
    const struct preset *preset;
    uint64_t seed;
    bool seed_given;
    unsigned budget_s;
    enum schedule_design order;
    double alpha, margin;
    unsigned questions; /* that share one level: alpha is 5 % / questions; 0 = each has its own */
    unsigned blocks_common;
    unsigned blocks_max;
    double redo_block_limit; /* foreign share of a block above which it is redone */
    double redo_run_limit;   /* the same for a single run */
    unsigned redo_max;       /* redos of one block */
    double redo_share;       /* no redo once they are this share of all attempts */
    double drift_limit;      /* a price that moves more beside a block is no limit of it */
    double calibration_ms;   /* length of one repetition of a price beside a block; 0 = none */
    unsigned late_in_a_row;  /* late runs in a row that put out, the last on a quiet machine; */
    unsigned late_in_all;    /* late runs on a quiet machine, in all cells; */
    unsigned late_ever;      /* late runs in a row, whatever the machine did; see rules.h */
    double late_stall_ms;    /* a machine that stood still for longer was not quiet */
    struct plan_entry *entries;
    size_t entry_count;
    struct plan_cell *cells;
    size_t cell_count;
    json_t *own_weights; /* the user's profile, {NAME: {...}}: the verdict is by it; NULL = none */
    struct plan_entry null; /* shows what the harness itself costs; dir NULL: none is built */
    json_t *promise; /* the smallest gap that it will see (sight.h); NULL before it is known */
    char created[32];
    char sha256[65]; /* of the file; "" before it is written */
};

/* What the user asked for. */
struct plan_wish {
    const struct preset *preset;
    const struct registry *registry;
    const struct scenario_list *scenarios;
    const struct names *only;   /* contestants or NAME:VARIANT; empty = all */
    const struct names *filter; /* scenarios; empty = all of the preset */
    const struct names *cells;  /* keys of cells, just these; empty or NULL = as the preset says */
    const char *point;          /* only this point; NULL = all of the preset */
    uint64_t seed;
    bool seed_given;
    enum schedule_design order;
    unsigned budget_s; /* 0 = the preset's */
};

/* The rules that go with plan->preset. */
void plan_set_rules(struct plan *plan);

/* Draws up entries and cells. Returns: 0; -EINVAL after a message when a name does not exist. */
int plan_make(struct plan *plan, const struct plan_wish *wish);

/*
 * The baseline (mutex if it is [admitted], or else the first that is) enters a second time:
 * identical code must not be told apart. [admitted] has one element per entry. Nothing happens if
 * none is.
 */
void plan_add_twin(struct plan *plan, const bool *admitted);

/* Takes the null contestant of the build in [build], where there is one. */
void plan_add_null(struct plan *plan, const char *build);

/* Adds the hash of every binary that will run. Returns: 0; -errno after a message. */
int plan_hash_binaries(struct plan *plan);

/*
 * Every cell of this plan, and of [tournaments] - 1 others like it, is one question, and all share
 * the level: the chance of a false verdict anywhere is at most 5 %.
 */
void plan_share_level(struct plan *plan, unsigned tournaments);

/* Writes DIR/plan.json and sets the hash. Returns: 0; -errno after a message. */
int plan_write(struct plan *plan, const char *dir);

/* The redo rule and that for late runs as they stand in a plan; new references. */
json_t *plan_redo_json(const struct plan *plan);
json_t *plan_late_json(const struct plan *plan);

/* The hashes of the other files in DIR that belong to the plan, as they are now. */
json_t *plan_seals(const char *dir);

/* Reads DIR/plan.json back. Returns: 0; -errno after a message. */
int plan_read(struct plan *plan, const char *dir);

/* True when each binary is still the one that was hashed; else false after a message that names it.
 */
bool plan_binaries_unchanged(const struct plan *plan);

void plan_free(struct plan *plan);

/* The entry called [name], or -1. */
int plan_find_entry(const struct plan *plan, const char *name);

/* The program of an entry for a lane, as its hashed path; "" if it has none. */
const char *plan_program(const struct plan_entry *entry, const char *lane);

#endif
