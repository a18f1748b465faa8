/* SPDX-License-Identifier: MIT */
/*
 * record.h - one run folder, read and judged: what history, compare, merge and the gate look at.
 *
 * The verdict is made from plan and journal anew, never taken from verdict.json, so that a page
 * that was edited or is older than its journal cannot enter a comparison.
 */
#ifndef VELO_RECORD_H
#define VELO_RECORD_H

#include "../render/run_dir.h"

#include <jansson.h>
#include <stddef.h>

struct record {
    struct run_dir dir;
    json_t *verdict; /* as in verdict.json */
    char *id;        /* the name of the folder */
    char *machine;   /* record_machine() */
    char *commit;    /* with "-dirty" where the tree differed */
};

/*
 * Reads and judges the folder [path].
 * Owns:    record_close() frees [out].
 * Returns: 0; -errno with [err] filled and nothing to close.
 */
int record_open(const char *path, struct record *out, char *err, size_t err_size);
void record_close(struct record *record);

/* "vm, Intel(R) Xeon(R) Processor, 2 CPUs, x86_64": equal texts count as the same machine. */
char *record_machine(const json_t *env);

/* A key of env.json; "unknown" where it or the file is missing. */
const char *record_env(const struct record *record, const char *key);

/* How it ended: "finished", "interrupted", or "unfinished" (killed, or under way). */
const char *record_state(const struct record *record);

/* The contestant that all are compared with: the original of the twin, else mutex, else the first.
 */
const char *record_baseline(const struct record *record);

/* The SHA-256 of the program that runs [entry] in [lane]; "" if the plan names none. */
const char *record_binary(const struct record *record, const char *entry, const char *lane);

/* Do two rows (of cells or duels) belong to the same cell? */
bool record_same_cell(const json_t *a, const json_t *b);

/* The judged row of [entry] in the cell of [like]; NULL if there is none. */
const json_t *record_row(const struct record *record, const json_t *like, const char *entry);

/* A ratio of two entries in one cell, with its interval; NAN where there is none. */
struct record_ratio {
    double ratio, low, high; /* cost a / cost b */
    long blocks, won_by_a;
    double e_value;
    const char *word; /* FASTER, SLOWER, EQUAL, OPEN, as a stands to b; "" without a common block */
};

struct record_ratio
record_duel(const struct record *record, const json_t *like, const char *a, const char *b);

#endif
