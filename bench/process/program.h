/* SPDX-License-Identifier: MIT */
/* program.h - the life of one loop in a program that is timed from outside, and its verification.
 */
#ifndef BENCH_PROCESS_PROGRAM_H
#define BENCH_PROCESS_PROGRAM_H

#include "velo.h"

#include <pthread.h>
#include <semaphore.h>

enum { PROGRAM_LOOPS_MAX = 64 };

/* What a loop does beside its tasks: each once. */
enum { WITH_TIMER = 1, WITH_FD = 2, WITH_OFFLOAD = 4 };

struct program {
    struct velo_loop *loop;
    uint64_t index; /* of PROGRAM_LOOPS_MAX; its tasks have it in their argument */
    uint64_t tasks;
    unsigned with;
    pthread_t thread;
    sem_t begun; /* posted by the first task, and by whatever it is [with] */
    velo_id fd_id;
    int fd;
    uint64_t ran;     /* the loop's thread writes; read after it has ended, like all that follows */
    uint64_t wrong;   /* tasks out of order */
    uint64_t used;    /* bits of [with] whose callback has run */
    uint64_t dropped; /* calls of on_discard */
    int run_result;
};

/* The programs of this process; a task finds its own by its argument. */
extern struct program programs[PROGRAM_LOOPS_MAX];

/* Each returns EXIT_SUCCESS or, after a message, EXIT_FAILURE. */

/* Create the loop. Without a task its life ends with program_destroy(). */
int program_create(struct program *program);

/* Run it on a thread of its own, submit the tasks, and what it is [with]. */
int program_start(struct program *program);

/* Wait until the first task and all that it is [with] have run, and end it: by a graceful shutdown
 * that has to drain the rest, or, after a single task, by an immediate close. */
int program_end(struct program *program);

/* Every task ran once, in order, everything else once, the library gave the right answers, the
 * ledger balances. */
int program_verify(struct program *program);

int program_destroy(struct program *program);

#endif
