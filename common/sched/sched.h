/* SPDX-License-Identifier: MIT */
/*
 * The deterministic scheduler: threads are fibers of one real thread, and only the scheduler
 * decides which one goes on. Every operation that threads can see of each other is a point where it
 * may switch; waiting is modelled, so when all wait and nobody can wake them, a wake-up was lost.
 *
 * Three layers: fibers.c runs one interleaving, strategy.c decides at each point, seams.c and
 * memory.c stand behind the operations that seams.h replaces in the library.
 */
#ifndef VELO_SCHED_SCHED_H
#define VELO_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_NEVER UINT64_MAX
#define SCHED_THREADS 12 /* at most, at once */
#define SCHED_STRINGIFY(x) #x
#define SCHED_STRING(x) SCHED_STRINGIFY(x)
#define SCHED_HERE __FILE__ ":" SCHED_STRING(__LINE__)

/* ---- fibers.c ---- */

/* Note where the calling fiber stands; the reports say it. */
void sched_at(const char *where);

/* A point: others may go on here. Nothing happens outside of a run. */
void sched_point(void);

/* The caller waits for somebody in a loop: others go on if any can, else time does. */
void sched_pass(void);

/* Wait until [ready] says so, at most until [deadline_ns] of the model's clock. False: time is up.
 */
bool sched_block(bool (*ready)(const void *ctx), const void *ctx, uint64_t deadline_ns);

/* Another thread that runs fn(arg); [name] is for reports. Returns its number. */
int sched_spawn(const char *name, void (*fn)(void *arg), void *arg);
void sched_join(int thread);

/* The number of the running fiber, and an address that is its own; 0 outside of a run. */
int sched_self(void);
const void *sched_self_address(void);
bool sched_is_running(void);

/* The model's clock. It moves a little with each reading, and jumps when all wait. */
uint64_t sched_now_ns(void);

/* This interleaving is wrong: report it, with the way to repeat it, and exit. */
_Noreturn void sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define SCHED_CHECK(condition_)                                                                    \
    ((condition_) ? (void)0 : sched_fail("%s: not so: %s", SCHED_HERE, #condition_))

/* Run [body] as the first thread, until all have ended. [report] is printed on failure. */
void sched_run(void (*body)(void), void (*report)(void));

/* ---- strategy.c ---- */

enum strategy_kind { STRATEGY_RANDOM, STRATEGY_EXHAUSTIVE, STRATEGY_REPLAY };

/*
 * At a point one of [count] fibers may go on: 0 is what happens without interference, those below
 * [free] cost nothing, each other one is a pre-emption.
 */
unsigned strategy_choose(unsigned count, unsigned free);

void strategy_set_random(void);
void strategy_set_exhaustive(unsigned preemptions);
/* [text]: "POINT:CHOICE,..."; false: it is not of this form. */
bool strategy_set_replay(const char *text);
/* With store buffers (see memory.c) or without; a random run draws it. */
void strategy_set_buffered(bool buffered);
bool strategy_is_buffered(void);

/* Begin a run; [seed] is for random ones. */
void strategy_begin(uint64_t seed);
/* Exhaustive: is there another interleaving after this one? */
bool strategy_next(void);
/* The choices of this run that were not 0, in the form of strategy_set_replay(). */
void strategy_print(void);

/* ---- memory.c: atomics with store buffers; freed memory is watched until the run ends ---- */

void sched_load(const void *from, void *to, unsigned size);
void sched_store(void *to, const void *from, unsigned size, int order);
/* Before a locked instruction, a system call, or the end of a turn: all own stores are visible. */
void sched_fence(const void *object);
void sched_free(void *memory);
/* The run is over: was freed memory written to? */
void sched_memory_end(void);

/* The stores of one fiber that the others do not see yet; see memory.c. */
enum { SCHED_STORES = 32 };
struct sched_stores {
    struct {
        void *to;
        uint64_t value;
        unsigned size;
    } at[SCHED_STORES];
    unsigned count;
};
struct sched_stores *sched_stores(void);

#endif
