/* SPDX-License-Identifier: MIT */
/*
 * trial.h - a mini-tournament: few names, one cell, short windows, everything else as in a real
 * one. Its plan, its order, its processes, its redone blocks, its journal and its verdict are made
 * by the tournament's own functions.
 */
#ifndef VELO_SELFCHECK_TRIAL_H
#define VELO_SELFCHECK_TRIAL_H

#include "selfcheck.h"

enum { TRIAL_NAMES_MAX = 8, TRIAL_BLOCKS_MAX = 64 };

struct trial {
    /* what is asked */
    const char *purpose; /* for the record */
    const char *lane, *scenario, *point;
    const char *names[TRIAL_NAMES_MAX]; /* of stables (below) */
    size_t count;
    unsigned window_ms;
    unsigned blocks;
    bool complete; /* nobody leaves early: every block holds every name */
    uint64_t seed;
    bool null;         /* the null contestant runs beside the first blocks, as in a tournament */
    run_visitor *look; /* is shown the journal as it was read; NULL: nobody looks */
    void *user;        /* for it */

    /* what came of it */
    bool held;        /* every name has costs and a word */
    char reason[240]; /* why not */
    size_t blocks_run;
    size_t redone;
    double cost[TRIAL_BLOCKS_MAX][TRIAL_NAMES_MAX]; /* NAN where the name did not run */
    int place[TRIAL_NAMES_MAX][TRIAL_BLOCKS_MAX];   /* from 0; -1 where it did not run */
    double floor;
    enum judge_word word[TRIAL_NAMES_MAX];
    double seconds;
};

/* Where a trial's journal stands while it runs; the caller frees. */
char *trial_journal(const struct selfcheck *check);

/* Runs it and writes its line to [check->trials]. Returns: 0; -EINTR when stopped; -errno. */
int trial_run(struct selfcheck *check, struct trial *trial);

/* Was anybody told from anybody? */
bool trial_named(const struct trial *trial);

/* The costs of two names as a series called LANE/SCENARIO/POINT. */
void trial_series(const struct trial *trial, size_t a, size_t b, struct series_list *list);

/* Adds the names two by two, first with second, third with fourth: of identical code, no two of
 * these series hang together. */
void trial_pairs(const struct trial *trial, struct series_list *list);

/*
 * A directory called [name] in the scratch directory, with links to the programs in [programs], so
 * that one contestant can enter under several names. [spin_ns] is for faulty/slow; 0 = none.
 * Returns: 0; -errno after a message.
 */
int stable_make(struct selfcheck *check, const char *name, const char *programs, double spin_ns);

#endif
