/* SPDX-License-Identifier: MIT */
/* model.h - the state of the reference interpreter; see model.c. */
#ifndef CONF_MODEL_H
#define CONF_MODEL_H

#include "world.h"

#define MODEL_NEVER UINT64_MAX

enum model_state { ABSENT, PENDING, RUNNING, OVER };
enum model_stop { GOES_ON, GRACEFUL, IMMEDIATE };

/* One lane: what was queued, in order. A node is queued once. */
struct model_lane {
    unsigned head, tail;
    unsigned items[PROGRAM_NODES];
};

struct model_pipe {
    bool has_byte, hung_up;
};

/* A watched descriptor. */
struct model_watch {
    bool watched, disarmed, edge;
    unsigned asked, seen; /* VELO_* bits; seen: unasked ones that were told in this arming */
    unsigned serial;      /* goes up with each change: what a batch holds is void then (F4) */
};

struct model {
    struct world world; /* first */
    const struct trace *seen;
    uint64_t capabilities;
    enum velo_fast_path mode;
    /* the clock, and the loop */
    uint64_t now_ns, turn_ns;
    bool inside; /* a callback or a turn: the caller owns the loop */
    bool until_idle, draining, terminated;
    enum model_stop stop;
    /* work */
    enum model_state states[PROGRAM_NODES];
    struct model_lane lanes[KINDS]; /* not of timers and descriptors */
    uint64_t deadlines_ns[PROGRAM_NODES];
    uint64_t sequence, sequences[PROGRAM_NODES]; /* of arming */
    bool unref[PROGRAM_NODES];
    struct model_watch watches[PROGRAM_NODES];
    struct model_pipe pipes[PROGRAM_PIPES];
    uint64_t ledger[4];
};

/* model_calls.c: what a call of velo.h does and returns. */
int64_t model_perform(struct world *world, unsigned node, const struct statement *statement);
bool model_is_alive(const struct model *model);
uint64_t model_next_deadline_ns(const struct model *model);
unsigned model_pending_tasks(const struct model *model);

/* model_fds.c: descriptors, and what a poll finds. */
int model_watch(struct model *model, unsigned number);
int model_modify(struct model *model, unsigned number, unsigned events);
int model_unwatch(struct model *model, unsigned number);
unsigned model_watched(const struct model *model);
void model_pipe_write(struct model *model, unsigned pipe);
void model_pipe_read(struct model *model, unsigned pipe);
void model_pipe_hangup(struct model *model, unsigned pipe);
/* Has the kernel anything to report? */
bool model_poll_finds(const struct model *model);
/* Poll, and run what was found (R4). */
void model_run_fds(struct model *model);

/* model.c */
void model_end(struct model *model, enum model_stop stop);
void model_finish(struct model *model);
bool model_stops(const struct model *model);
void model_macrotask(struct model *model, unsigned number, int64_t value);

#endif
