/* SPDX-License-Identifier: MIT */
/*
 * stage.h - the loop under test on its own thread, and the check of its books when it leaves.
 *
 * Every load does its work on a stage. Closing it shuts the loop down gracefully, joins the thread
 * and verifies the ledger (L7): accepted = executed + cancelled + discarded, with exactly as many
 * calls of on_discard as the counters say. A contestant whose books do not add up has no number.
 */
#ifndef RACE_STAGE_H
#define RACE_STAGE_H

#include "gauge.h"
#include "race.h"

#include <pthread.h>
#include <sys/types.h>

struct stage {
    struct gauge started;   /* 1 once the loop has run its first task */
    struct gauge called;    /* calls of stage_call() that have returned */
    struct gauge discarded; /* calls of on_discard */
    struct race *race;
    struct velo_loop *loop;
    pthread_t thread;
    pid_t tid;   /* written by the thread before [started] */
    int stat_fd; /* /proc/self/task/TID/stat, or -1 */
    int run_rc;  /* what velo_loop_run returned; read after the join */
    uint64_t calls;
    bool aside; /* set between create and start: a second loop, with the generators */
};

/* The options of this run: variant and on_discard. [stage] becomes the hooks' context. */
void stage_options(struct stage *stage, struct race *race, struct velo_options *options);

/* Create the loop only. On failure the race has failed and false is returned. */
bool stage_create(struct stage *stage, struct race *race);

/* Start its thread, and wait until it executes tasks. */
bool stage_start(struct stage *stage);

/* Both. */
bool stage_open(struct stage *stage, struct race *race);

/* Run [fn] on the owner thread and wait until it has returned; false (and failed) if it never did.
 */
bool stage_call(struct stage *stage, velo_fn fn, void *arg);

/*
 * Wait until the owner is asleep, proved twice: the loop says SLEEPING, and the kernel says that
 * the thread is blocked. False (and failed) after two seconds.
 */
bool stage_wait_asleep(struct stage *stage);

/*
 * After a wait for [value] that ended in vain, with race_late() and nobody submitting any more: is
 * it more than lateness? A graceful shutdown runs whatever was accepted, however late. What it has
 * not run is lost, which no machine does to a loop, and the failure is no longer a late one.
 */
void stage_prove_loss(struct stage *stage, struct gauge *gauge, uint64_t value);

/* CPU time of the owner thread. */
uint64_t stage_cpu_ns(const struct stage *stage);

/* Counters, or all zero without VELO_CAP_METRICS. */
void stage_metrics(const struct stage *stage, struct velo_metrics *out);

/* Shut down, join, verify, destroy. Does nothing after a failure: a loop that lost a task may hang
 * here, and the process ends anyway. */
void stage_close(struct stage *stage);

/* The parts of it: join a loop that was told to end; verify its ledger; destroy it. */
void stage_join(struct stage *stage, int expected_rc);
void stage_verify_ledger(struct stage *stage);
void stage_destroy(struct stage *stage);

#endif
