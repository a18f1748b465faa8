/* SPDX-License-Identifier: MIT */
/*
 * run_store.h - inner header of run_dir: the memory behind struct judge_input, and how to complain.
 */
#ifndef VELO_RUN_STORE_H
#define VELO_RUN_STORE_H

#include "run_dir.h"

/* One cell while it grows. */
struct run_store_cell {
    struct judge_block *blocks; /* the valid ones; the cost arrays are owned */
    size_t block_count, block_room;
    struct judge_status *status; /* one per entry */
    double *pending;             /* costs of the attempt under way, NAN = none, INFINITY = late */
    bool *pending_seen;          /* a run of this entry is recorded in it */
    size_t pending_block, pending_attempt, pending_runs; /* of the attempt begun last */
    bool pending_open;                                   /* it was begun and has not ended */
    size_t given_up; /* attempts left half-way since the last valid block */
    double *redone;  /* costs of whole attempts to be done again since then, row by row */
    size_t redone_count, redone_room;
};

struct run_dir_store {
    struct judge_entry *entries;
    struct judge_cell_input *inputs;
    struct run_store_cell *cells;
    size_t cell_count;
    size_t run_room, journal_block_room, drop_room, status_room, null_room;
    double last_time; /* of the last event, seconds; NAN before the first */
};

/* Fills [err] and returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int
run_dir_refuse(char *err, size_t err_size, const char *format, ...);

/* Entries, cells, rules and the store from dir->plan. Returns: 0; -EINVAL; -ENOMEM. */
int run_plan_load(struct run_dir *dir, char *err, size_t err_size);

/* What an event of [type] that was applied says about times and rests; run_time.c. */
void run_time_take(struct run_dir *dir, const json_t *event, const char *type);

/* Frees what run_plan_load() and run_dir_apply() have put into the store. */
void run_store_free(struct run_dir *dir);

#endif
