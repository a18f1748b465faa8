/* SPDX-License-Identifier: MIT */
/*
 * capacity_hunt.h - one search for capacities, shared by its files:
 *
 *   capacity_run.c     what to measure, blocks, from start to end
 *   capacity_store.c   plan.json and raw.ndjson: written, and read again to go on
 *   capacity_result.c  the words, capacity.json, the table
 *
 * A block is every open contestant once, each at the rate that its own search asks for. What a
 * block told is learned when its "block" line says that it counts; when others used the machine it
 * is done again by the rule of the tournament (rules_redo), fixed in plan.json, whatever the runs
 * cost. One that was broken off (Ctrl-C, a kill) is done again, but what its runs showed stays
 * known: each run is evidence by itself here, and who forgets what he does not like finds another
 * capacity. Two things are not seen here as they are in a tournament: the run that was under way
 * has no line, and there are no anchors (anchor.h) that would tell of lines that were cut off.
 */
#ifndef VELO_CAPACITY_HUNT_H
#define VELO_CAPACITY_HUNT_H

#include "../../reports/render/run_dir.h"
#include "capacity_run.h"
#include "doctor.h"
#include "interrupt.h"
#include "journal.h"
#include "plan.h"
#include "progress.h"
#include "rules.h"
#include "run_folder.h"

struct runner_state {
    struct capacity search;
    char *out;                      /* why it is out; NULL while it is in */
    char *again;                    /* the command that shows it */
    size_t failed, late;            /* failed runs, and of them those whose generator was late */
    struct rules_lateness lateness; /* its own, after its last run */
};

struct hunt {
    const struct capacity_request *request;
    const char *build; /* the folder of what was built */
    struct registry registry;
    struct scenario_list scenarios;
    struct doctor doctor;         /* what it found before the start */
    struct plan plan;             /* entries and the one cell */
    double percent;               /* of the common rate that the cell's point offers */
    struct runner_state *runners; /* one per entry */
    struct run_folder folder;
    struct journal journal;
    struct interrupt interrupt;
    struct progress progress;
    struct run_dir state; /* of it only the ended attempts: what the redo rule asks for */
    size_t block_room;
    json_t *pending;        /* run lines of the attempt under way */
    unsigned blocks;        /* that count */
    unsigned attempts;      /* at the block under way, ended or broken off */
    size_t disturbed, runs; /* of the blocks that count */
    size_t redone;          /* attempts that do not */
};

/* ---- capacity_run.c ---- */

/* The entry leaves the search; [again] is the command that shows why, or "". */
void capacity_put_out(struct hunt *hunt, size_t entry, const char *reason, const char *again);

/* ---- capacity_store.c ---- */

/* Opens a folder of its own, with plan, environment and an empty journal. Returns: 0; -errno. */
int capacity_open_new(struct hunt *hunt);

/* Goes on in the folder that was asked for. Returns: 0; -EINVAL after a message; -errno. */
int capacity_reopen(struct hunt *hunt);

/* Appends [event] to the journal and learns from it; takes the reference. Returns: 0; -errno. */
int capacity_record(struct hunt *hunt, json_t *event);

/* The attempt under way was broken off: what its runs showed is learned all the same. */
void capacity_learn_rest(struct hunt *hunt);

/* What was asked for, as plan.json says it; a new reference. */
json_t *capacity_plan(const struct hunt *hunt);

/* ---- capacity_result.c ---- */

/* Writes and prints the result; [rc] is how the search ended. Returns the exit status. */
int capacity_conclude(struct hunt *hunt, int rc);

#endif
