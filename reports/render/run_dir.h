/* SPDX-License-Identifier: MIT */
/*
 * run_dir.h - a run folder as typed structures: plan, journal, and the judge's input made from
 * them.
 *
 * The journal (raw.ndjson) is the only evidence. One function, run_dir_apply(), turns journal
 * events into state; reading a folder is nothing but applying its lines in order. A tournament
 * under way applies each event that it has written, so that the live verdict and a later one cannot
 * differ.
 *
 * A line that does not fit is an error with file, line number, what is wrong and what to do, never
 * skipped: each line names the plan it belongs to and the hash of the line before it.
 */
#ifndef RUN_DIR_H
#define RUN_DIR_H

#include "../judge/judge.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_DIR_SHA_HEX 65     /* 64 digits and the terminator */
#define RUN_DIR_PLAN_PREFIX 16 /* digits of the plan hash in each journal line */

/* Strings point into [plan]. */
struct run_dir_entry {
    const char *name, *contestant, *variant, *kind, *version;
    int twin_of; /* index, or -1 */
};

struct run_dir_cell {
    const char *lane, *scenario, *point, *metric, *unit, *script;
    const json_t *params;
    enum judge_family family;
    bool core;
    double floor, window_ms;
    const char *placement; /* asked for; "" where nothing is said */
};

/* One process that was measured: a "run" line. Strings point into the kept event. */
struct run_dir_run {
    size_t line; /* in raw.ndjson, from 1; 0 for an event applied live */
    size_t cell, entry, block, attempt, position;
    const char *status, *reason, *command;
    double cost, wall_ms; /* cost is NAN if there is none */
    const json_t *run;    /* the run line itself, or NULL */
    const json_t *event;  /* what the tournament wrote about it */
    bool counts;          /* belongs to the valid attempt of a finished block */
};

/* One finished attempt of a block: a "block" line. */
struct run_dir_block {
    size_t line, cell, block, attempt;
    bool valid;
    double foreign_share; /* NAN if unknown */
    const char *reason;
    const json_t *entries; /* names in running order */
    size_t row, rows;      /* its place in a Williams square; rows 0: the order is uniform */
};

/* A run of the null contestant, which shows what the harness itself costs: a "null" line. */
struct run_dir_null {
    size_t line, cell;
    double cost; /* NAN if the run failed */
    const char *reason;
    const json_t *run; /* what it printed; NULL if nothing */
};

struct run_dir_drop {
    size_t cell, block, entry, beaten_by;
    double log_e;
};

/* DISQUALIFIED or NOT RUN, in one cell or (cell = -1) in all. */
struct run_dir_status {
    enum judge_standing_state state;
    int cell;
    size_t entry;
    const char *reason, *reproduce; /* reproduce: "" if unknown */
};

struct run_dir {
    char *path;
    char plan_sha256[RUN_DIR_SHA_HEX];
    json_t *plan;                       /* always there */
    json_t *limits, *conformance, *env; /* NULL where the file is missing */
    json_t *weights; /* weights.json: a profile given after the measurement; NULL without one */
    struct run_dir_entry *entries;
    size_t entry_count;
    struct run_dir_cell *cells;
    size_t cell_count;
    size_t blocks_common, blocks_max;

    struct run_dir_run *runs; /* in journal order, invalid attempts included */
    size_t run_count;
    struct run_dir_block *blocks; /* likewise */
    size_t block_count;
    size_t given_up; /* attempts that were begun, left half-way, and begun anew */
    size_t resumes;  /* starts that went on with it, after a kill or an end; of all sources */
    size_t pauses;   /* likewise */
    struct run_dir_null *null_runs;
    size_t null_run_count;
    struct run_dir_drop *drops;
    size_t drop_count;
    struct run_dir_status *statuses;
    size_t status_count;
    double seconds_total; /* from the first line to the last, without the pauses before a resume */
    double seconds_measured; /* wall time of all runs, pilot included */
    const char *started;     /* time of the first and of the last line, "" if none */
    const char *ended;
    const char *end_reason; /* of the last "end" line, "" if the journal has none */
    size_t lines;           /* whole lines */
    size_t intact_bytes;    /* where a torn last line begins; else the size of the journal */
    bool torn;
    char last_sha256[RUN_DIR_SHA_HEX]; /* "prev" of the line to be written next; "" at the start */

    struct judge_input in;       /* what the judge sees; always up to date */
    json_t *events;              /* array of every event: owner of the strings above */
    struct run_dir_store *store; /* memory behind [in] */
};

/* Accept a last line that was cut off while it was written: it is left out, [torn] is set. */
#define RUN_DIR_TORN_OK 1u
/* Accept a folder that has a plan and no journal yet. */
#define RUN_DIR_NEW_OK 2u
/* Leave the journal out: the caller applies its lines. */
#define RUN_DIR_NO_JOURNAL 4u

/*
 * Reads plan.json, raw.ndjson and, where they exist, limits.json, conformance.json, env.json and
 * weights.json of the folder [path].
 * Owns:    run_dir_fini() frees [out].
 * Returns: 0; -EINVAL for content that does not hold; -ENOENT and other codes of open(); -ENOMEM.
 *          On failure [out] is empty and [err] says file, line, fault and remedy.
 */
int run_dir_read(const char *path, unsigned flags, struct run_dir *out, char *err, size_t err_size);

/*
 * Applies one journal event: its "type" and that type's keys ("t" too, not "plan" and "prev").
 * [event] is kept by reference. [line] is its number for messages, 0 if it is not from a file.
 * Returns: 0; -EINVAL with [err] filled, nothing changed; -ENOMEM.
 */
int run_dir_apply(struct run_dir *dir, json_t *event, size_t line, char *err, size_t err_size);

void run_dir_fini(struct run_dir *dir);

/* The number of the attempt that comes next at [block] of [cell]. */
size_t run_dir_next_attempt(const struct run_dir *dir, size_t cell, size_t block);

/* Seconds since 1970 of "2026-01-31T12:34:56.789Z", or NAN. */
double run_dir_time(const char *text);

/* Does the status of a run say that it failed by time alone: "late", "timeout"? */
bool run_dir_is_late(const char *status);

/* Index of an entry by name, or -1. */
int run_dir_find_entry(const struct run_dir *dir, const char *name);

/* SHA-256 of [size] bytes as lower-case hex. */
void run_dir_sha256(const void *data, size_t size, char hex[RUN_DIR_SHA_HEX]);

#endif
