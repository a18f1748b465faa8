/* SPDX-License-Identifier: MIT */
/*
 * stress.h - loops under storms, with books that must agree with theirs.
 *
 * A section makes loops, lets threads at them, ends them, and does so again until its time is up.
 * Every call that returned 0 is entered as accepted by the thread that made it; every callback and
 * every discard by the thread that it ran on. When a loop has ended, accepted = executed +
 * cancelled + discarded, and the loop's own counters say the same (L7). Random decisions come from
 * the seed, the section and the number of the round; which thread is faster, of course, does not.
 */
#ifndef VELO_STRESS_H
#define VELO_STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velo.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* ---- sections ---- */

struct section {
    const char *name;
    const char *what; /* one line for --help */
    uint64_t needs;   /* capabilities */
    void (*round)(uint64_t number);
};

/* All of them, in the order of running; ends with a NULL name. */
extern const struct section sections[];

void round_end(uint64_t number);
void round_destroy(uint64_t number);
void round_one_processor(uint64_t number);
void round_timers(uint64_t number);
void round_descriptors(uint64_t number);
void round_path(uint64_t number);
void round_fork(uint64_t number);
void round_signals(uint64_t number);
void round_offload(uint64_t number);
void round_idle(uint64_t number);

/* ---- random numbers ---- */

struct dice {
    uint64_t state;
};
/* Equal for equal --seed, section, round and stream. */
struct dice dice(uint64_t round, unsigned stream);
uint64_t dice_next(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t bound);
/* Spin for a random time: moves the point where two threads meet. */
void dice_pause(struct dice *dice, uint64_t limit_ns);

/* ---- loops and their books ---- */

struct book {
    atomic_ullong accepted, executed, cancelled, discarded, refused;
};

struct host {
    struct velo_loop *loop;
    struct book book;
    atomic_llong bytes; /* held from its allocator, if it was given one */
    struct host *next;  /* of those that live, for the dump */
};

/* Make a loop; half of them get an allocator that counts. [options] may be NULL. */
struct host *host_open(struct dice *dice, const struct velo_options *options);
/* The same without an allocator of ours, which is not made for signal handlers. */
struct host *host_open_uncounted(const struct velo_options *options);
/* Nobody else uses it: close it if need be, compare the books, destroy it. */
void host_end(struct host *host);
/* The section destroys the loop itself: hide it before, compare what is left to compare after. */
void host_hide(struct host *host);
void host_gone(struct host *host);
/* Has everything ended that was accepted? Wait for it. */
void host_wait(const struct host *host);
/* A callback that enters itself as executed; arg is the host. */
void host_ran(void *arg);
/* Around a call that adds one entry to the ledger: it is made before, as the callback may be
 * faster, and taken back if the call was refused. Returns whether it was accepted. */
void host_enter_before(struct host *host);
bool host_enter_after(struct host *host, int result);

enum kind {
    KIND_TASK,
    KIND_PRIORITY,
    KIND_TICK,
    KIND_MICROTASK,
    KIND_IMMEDIATE,
    KIND_CLOSING,
    KIND_TIMER,
    KIND_BATCH,
    KINDS
};
/* Add work that does nothing but count; true: accepted. */
bool host_add(struct host *host, enum kind kind);

/* Tasks of one producer, which must run in their order (S3); so many in all. */
enum { PARCELS = 512 };
struct lane;
struct parcel {
    struct lane *lane;
    uint64_t number;
};
struct lane {
    struct host *host;
    uint64_t sent;
    uint64_t seen; /* owner */
    struct parcel parcels[PARCELS];
};
/* Submit the next task of the lane; at most PARCELS in its life. False: refused, or no more left.
 */
bool lane_send(struct lane *lane);

/* ---- threads ---- */

enum { TEAM_MAX = 16 };
struct team {
    void (*fn)(void *arg, unsigned index);
    void *arg;
    unsigned count;
    atomic_uint next;
    pthread_barrier_t start;
    pthread_t threads[TEAM_MAX];
};
void team_start(struct team *team, unsigned count, void (*fn)(void *, unsigned), void *arg);
void team_join(struct team *team);

struct runner {
    struct velo_loop *loop;
    enum velo_run_mode mode;
    pthread_t thread;
    int result;
};
void runner_start(struct runner *runner, struct velo_loop *loop, enum velo_run_mode mode);
/*
 * Returns when the run was entered, whatever became of it since. Who shuts the loop down before
 * that gets no run at all: it is refused with -ESHUTDOWN, and on a busy machine a thread may begin
 * that late.
 */
void runner_await(const struct runner *runner);
int runner_join(struct runner *runner);

/* ---- verdicts ---- */

/* Ends the program with the seed, the section and the state of everything. Any thread. */
_Noreturn void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define CHECK(condition_, ...)                                                                     \
    do {                                                                                           \
        if (!(condition_))                                                                         \
            fail(__FILE__, __LINE__, __VA_ARGS__);                                                 \
    } while (0)

uint64_t now_ns(void);
unsigned open_fds(void);
bool has(uint64_t capabilities);

/* For main.c: what a section has done so far. */
struct sums {
    uint64_t loops, accepted, executed, cancelled, discarded, refused;
};
extern struct sums sums; /* by the main thread, as loops end */
extern uint64_t stress_seed;
extern const char *stress_section;
void watch_start(void);
/* Something has gone on; if nothing does for long, the state is told and the program ends. */
void watch_progress(void);
void watch_dump(void);
/* The loops that live now. */
void host_dump(void);

#endif
