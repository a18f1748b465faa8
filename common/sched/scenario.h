/* SPDX-License-Identifier: MIT */
/*
 * What a scenario is made of: one loop, its owner, and threads that call it. Everything that
 * happens is checked at once or at the end, on each interleaving: order of each producer, the
 * ledger, that every accepted piece of work runs although nobody but its own call wakes the loop.
 */
#ifndef VELO_SCHED_SCENARIO_H
#define VELO_SCHED_SCENARIO_H

#include "sched.h"
#include "velo.h"

struct scenario {
    const char *name;
    const char *what;
    uint64_t needs; /* VELO_CAP_* */
    void (*run)(void);
};

extern const struct scenario scenarios_tasks[], scenarios_others[]; /* ended by a NULL name */

enum { PRODUCERS = 3, TASKS_MAX = 8 };

/* One task of one producer; its place says which. */
struct piece {
    bool accepted, ran, discarded;
};

struct world {
    struct velo_loop *loop;
    int owner;      /* thread */
    int run_result; /* of the owner's run */
    struct piece pieces[PRODUCERS][TASKS_MAX];
    unsigned calls;  /* of count_fn */
    unsigned others; /* discards of anything else */
};
extern struct world world;

/* A new loop; a thread that runs it for ever; both. */
void world_begin(void);
void world_run(void);
void world_begin_running(void);
/* Shut down, join the owner, check, destroy. */
void world_end(void);
/* The loop has terminated and its owner is joined: check the ledger, destroy. */
void world_check(void);
void world_report(void);

/* Submit the piece [at] of [producer]; the callback is a piece's. */
int submit_piece(unsigned producer, unsigned at);
void piece_fn(void *piece);

/* Wait until all accepted pieces ran, or count_fn was called [n] times; nobody helps. */
void wait_for_pieces(void);
void wait_for_calls(uintptr_t n);
void count_fn(void *arg);

#endif
