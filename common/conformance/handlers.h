/* SPDX-License-Identifier: MIT */
/*
 * handlers.h - signal handlers that call a loop, and what they and the code that they interrupt
 * have sent to it. The handlers find their source in a global; so there is one of each in a case.
 */
#ifndef CONF_HANDLERS_H
#define CONF_HANDLERS_H

#include "conf.h"

/* Tasks of one source: they carry their numbers, and run in that order. */
struct source {
    struct velo_loop *loop;
    velo_fn fn;
    atomic_uint sent;    /* accepted */
    unsigned refused;    /* by -EAGAIN */
    unsigned last;       /* owner: the one that ran last */
    unsigned misplaced;  /* owner */
    unsigned limit;      /* how many to send */
    unsigned per_signal; /* and how many at once */
    atomic_bool ended;   /* the loop refuses: -ESHUTDOWN */
    struct conf_count ran;
};

extern struct source by_handler, by_victim;
/* Calls in a handler that changed errno; calls of a source, or wake-ups, that failed. */
extern atomic_uint wrong_errno, wrong_result;

/* One of the two, for a new loop. [limit]: how many to send. */
struct source *source_open(struct source *source, struct velo_loop *loop, unsigned limit);
/* One task more; false: enough, or refused. Nothing here but the call is unsafe in a handler. */
bool source_send(struct source *source);
/* All that was accepted ran, in order, once. */
void source_settles(struct source *source);

/* From now on [handler] is that of signal [number]. */
void handle(int number, void (*handler)(int));
/* The handlers: send of by_handler what belongs to one signal; wake its loop. */
void on_submit_signal(int number);
void on_wake_signal(int number);

#endif
