/* SPDX-License-Identifier: MIT */
/*
 * sweep.h - one program, run again and again, each time with one call of the library failing.
 *
 * The number of the call that fails goes up from 0 until a run meets no fault; so for every kind of
 * call and every error that fits it, and once more for faults that last. After each run: only
 * documented errors were seen, the books agree (L7), the loop still works or has ended properly
 * (L10), no descriptor and no byte is left. The fault stays armed through all of it, close and
 * destroy included.
 *
 * A program gets a loop and does what it likes to it on the main thread, through the macros below.
 * It may not assert: a fault may strike anywhere. When it returns, nobody runs the loop.
 */
#ifndef CONF_SWEEP_H
#define CONF_SWEEP_H

#include "../sim/faults.h"
#include "conf.h"
#include "kinds.h"

/* One run. The books are the program's own side of the ledger; any thread. */
struct sweep {
    struct velo_loop *loop;
    enum sim_call call; /* what fails, with which error, and whether for ever */
    int error;
    bool lasting;
    uint64_t index;
    atomic_ullong accepted;
    atomic_ullong executed;
    atomic_ullong cancelled;
    atomic_ullong discarded;
    atomic_ullong bytes; /* held from the loop's allocator */
    void *more;          /* the program's own */
};

typedef void (*sweep_program)(struct sweep *run);

/* Sweep through all faults. [options] may be NULL; hooks, allocator and ctx are the sweep's. */
void sweep_all(const char *name, const struct velo_options *options, sweep_program program);

/* The result of a call that may fail by the documented errors that are listed; hands it on. */
#define SWEEP_CALL(run_, call_, ...)                                                               \
    sweep_told(run_, call_, #call_, (const int[]){__VA_ARGS__, 0}, __FILE__, __LINE__)
int sweep_told(const struct sweep *run,
               int result,
               const char *text,
               const int *documented,
               const char *file,
               int line);

/* Can a fault have struck already? */
bool sweep_is_hit(const struct sweep *run);
/* A callback of the books: arg is the run. */
void sweep_ran(void *arg);
/* Add work of [kind] that does nothing; 0 or what the call said. [id] as in kind_add(). */
int sweep_add(struct sweep *run, unsigned kind, velo_id *id);
/* Take it back, and enter that into the books. */
void sweep_cancel(struct sweep *run, unsigned kind, velo_id id);
/* Run some turns that do not block, unless the loop has ended. */
void sweep_turns(struct sweep *run, unsigned count);
/* Run the loop; a failing poll may end it (L10). */
int sweep_run(struct sweep *run, enum velo_run_mode mode);
/* Has a failing poll ended the loop? */
bool sweep_has_ended(const struct sweep *run);
/* Does the fault strike where the owner asks for events? Then the loop may end with it (L10). */
bool sweep_polls(const struct sweep *run);
/* Let [program] run as a task, so that its calls are the owner's. */
void sweep_on_owner(struct sweep *run, sweep_program program);

#endif
