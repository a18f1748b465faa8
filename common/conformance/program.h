/* SPDX-License-Identifier: MIT */
/*
 * program.h - a random program: callbacks that add, cancel and change one another, and the clock.
 *
 * A program is a tree of nodes. A node is one callback, or what is done outside before a run; it
 * has statements, each of which is one call of velo.h, or moves the clock or a pipe. Every node is
 * added by at most one statement, and every statement is carried out at most once, in a certain run
 * of its node; so a program ends by itself but for periods and level-triggered descriptors, and
 * those a limit of turns ends. Made by generate.c, predicted by model.c, carried out by execute.c.
 */
#ifndef CONF_PROGRAM_H
#define CONF_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velo.h"

enum {
    PROGRAM_NODES = 48,
    PROGRAM_STATEMENTS = 8, /* of a node */
    PROGRAM_STEPS = 6,
    PROGRAM_PIPES = 3,
    PROGRAM_TURNS = 60,                     /* then the loop is shut down */
    PROGRAM_HANGUP_PIPE = PROGRAM_PIPES - 1 /* may be hung up; its write end is never watched */
};

enum kind {
    KIND_OUTSIDE, /* before a run, by the thread that runs the loop then: it is foreign now */
    KIND_TASK,
    KIND_PRIORITY,
    KIND_TICK,
    KIND_MICROTASK,
    KIND_IMMEDIATE,
    KIND_CLOSE,
    KIND_TIMER,
    KIND_FD,
    KINDS
};

enum verb {
    VERB_ADD,             /* node [target] */
    VERB_BATCH,           /* tasks [target], [target] + 1, ...: [value] of them by submit_many */
    VERB_CANCEL,          /* timer */
    VERB_CANCEL_MANY,     /* timers [target] and the node after it */
    VERB_RESTART,         /* timer, in [value] ns */
    VERB_REF,             /* timer */
    VERB_UNREF,           /* timer */
    VERB_CLEAR_IMMEDIATE, /* immediate */
    VERB_UNWATCH,         /* descriptor */
    VERB_MODIFY,          /* descriptor, to events [value] */
    VERB_WRITE,           /* pipe [target] gets a byte if it is empty */
    VERB_READ,            /* pipe [target] is emptied */
    VERB_HANGUP,          /* the write end of the last pipe is closed */
    VERB_ADVANCE,         /* the clock, by [value] ns */
    VERB_SHUTDOWN,
    VERB_END,       /* velo_loop_close */
    VERB_RUN,       /* velo_loop_run, nested: an error */
    VERB_FAST_PATH, /* mode [value] */
    VERB_ALIVE,     /* velo_loop_is_alive */
    VERB_NOW,       /* velo_loop_now_ns */
    VERB_COUNT,     /* pending tasks, armed timers, descriptors of the metrics */
    VERB_ABORT,     /* planted faults only */
    VERB_HANG,      /* planted faults only */
    VERBS
};

struct statement {
    enum verb verb;
    unsigned when;   /* in which run of its node, from 0 */
    unsigned target; /* a node or a pipe */
    uint64_t value;
};

struct node {
    enum kind kind;
    unsigned count; /* statements */
    struct statement statements[PROGRAM_STATEMENTS];
    uint64_t delay_ns, period_ns; /* of a timer */
    unsigned pipe, end, events;   /* of a descriptor; end 0 is for reading */
};

struct program {
    uint64_t seed;
    size_t max_pending; /* options of the loop */
    uint64_t time_slice_ns;
    unsigned steps; /* the first nodes: one KIND_OUTSIDE each, then a run */
    unsigned size;  /* nodes */
    enum velo_run_mode modes[PROGRAM_STEPS];
    struct node nodes[PROGRAM_NODES];
};

/* "timer", and the function of velo.h that a verb stands for. */
const char *program_kind_name(enum kind kind);
const char *program_verb_name(enum verb verb);
const char *program_mode_name(enum velo_run_mode mode); /* "VELO_RUN_ONCE" */

/* Is the target of this verb a node? */
bool program_names_node(enum verb verb);

/* Statements that are reached: those of nodes that some statement adds, and the steps. */
unsigned program_length(const struct program *program);

/* Mark the nodes that are reached. */
void program_reach(const struct program *program, bool reached[PROGRAM_NODES]);

/* Does any statement use this verb? */
bool program_uses(const struct program *program, enum verb verb);

/* Which programs to draw. */
enum profile {
    PROFILE_ALL,
    PROFILE_NODE_JS /* what Node.js can say, too, all from one descriptor callback; see print_js.c
                     */
};

/* Draw the program of [seed], for a contestant with these VELO_CAP_*. */
void program_generate(struct program *program,
                      uint64_t seed,
                      uint64_t capabilities,
                      enum profile profile);

#endif
