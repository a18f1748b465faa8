/* SPDX-License-Identifier: MIT */
/*
 * world.h - carries a program out and writes down what happens. There are two worlds: the model
 * (model.c) and the loop under test (execute.c). What they have in common stands here: which
 * statements a callback carries out, the trace, and the count of turns.
 */
#ifndef CONF_WORLD_H
#define CONF_WORLD_H

#include "program.h"

enum { TRACE_MAX = 3000 };

enum what {
    TOOK_PLACE, /* callback [node] began; [value]: the events of a descriptor */
    CALLED,     /* [node] called [verb] on [target], which returned [value] */
    RETURNED,   /* run [node] returned [value] */
    LIVES,      /* after run [node]: velo_loop_is_alive */
    DEADLINE,   /* after run [node]: the next deadline, since the begin of the program */
    SLEEPS,     /* the loop would sleep for ever; it is shut down */
    LIMIT,      /* so many turns: it is shut down */
    DISCARDED,  /* [node] was given up at the end */
    LEDGER      /* a counter of the metrics: [node] 0 accepted, 1 executed, 2 cancelled, 3 discarded
                 */
};

struct entry {
    enum what what;
    enum verb verb;
    unsigned turn;
    unsigned node, target;
    int64_t value;
};

struct trace {
    unsigned length;
    struct entry entries[TRACE_MAX];
};

struct world {
    const struct program *program;
    struct trace *trace;
    unsigned runs[PROGRAM_NODES];
    unsigned turn;      /* as the trace tells it */
    bool turn_is_empty; /* nothing has run in it */
    bool lax;           /* only turns in which something runs are counted; see world_begin() */
    bool ending;        /* a shutdown or close was asked for */
    bool discarded[PROGRAM_NODES]; /* not told yet */
    /* Carry out what is a call of velo.h, and return its result. */
    int64_t (*perform)(struct world *world, unsigned node, const struct statement *statement);
};

#define WORLD_BEGIN_NS UINT64_C(1000000000) /* the clock when a program begins */

/* Prepare. Where hang-ups are seen that nobody asked for, the contract allows turns in which
 * nothing runs (F5): there only the others are counted. */
void world_begin(struct world *world, const struct program *program, struct trace *trace);

/* A turn begins. True: it is one too many, shut the loop down. */
bool world_turn(struct world *world);

/* Callback [node] runs; [value] is for the trace. */
void world_callback(struct world *world, unsigned node, int64_t value);

/* Carry out the statements of [node]. */
void world_act(struct world *world, unsigned node);

void world_note(struct world *world, enum what what, unsigned node, int64_t value);

/* Tell which are discarded, by number: in which order is left open by the contract. */
void world_tell_discarded(struct world *world);

/* One line of text, without its end; [size] at least 120. */
void trace_print(const struct program *program, const struct entry *entry, char *out, size_t size);

/* The index of the first difference; -1: none. */
int trace_compare(const struct trace *a, const struct trace *b);

/* Run [program] by the contract. Where that leaves the order open (descriptors of one poll) the
 * model takes the order of [seen] if it is allowed. */
void model_run(const struct program *program,
               uint64_t capabilities,
               enum velo_fast_path mode,
               const struct trace *seen,
               struct trace *trace);

/* A fault, for the test of this test: how a loop that has it would take what it is given. */
struct plant {
    const char *name;
    void (*bend_node)(struct node *node); /* before it is added; NULL: right */
    void (*bend)(struct statement *statement);
};

/* Run [program] on the loop under test, with a clock that moves only in sleeps and by statements.
 * [plant] may be NULL. */
void execute_run(const struct program *program,
                 enum velo_fast_path mode,
                 const struct plant *plant,
                 struct trace *trace);

/* Have [program] fail; true while it still does. */
typedef bool (*shrink_fails)(void *ctx, const struct program *program);

/* Make [program] as small as it gets while it fails. Returns how many it tried. */
unsigned shrink(struct program *program, shrink_fails fails, void *ctx);

#endif
