/* SPDX-License-Identifier: MIT */
/*
 * velo.h - the one API that every contestant implements.
 *
 * A loop runs callbacks on one thread, its owner: the thread that is inside velo_loop_run(). Every
 * other thread is foreign. All calls return 0 or a negative errno value; errno itself is no part of
 * the interface. Time is in nanoseconds on CLOCK_MONOTONIC; delays are relative. Clause ids in
 * brackets (S3, T5) refer to common/CONTRACT.md, where the semantics stand in full.
 *
 * Synchronization table: which calls may run beside which, on the same loop, from other threads.
 *
 *                        run      submit.. timers/fds/phases  shutdown  close  destroy
 *   velo_loop_run         E          -            -               -        -       -
 *   submit, microtasks    -          -            -               -        -       W
 *   timers, fds, phases   -          -            -               -        -       W
 *   offloads              -          -            -               -        -       W
 *   insight, state, wake  -          -            -               -        -       W
 *   shutdown, close       -          -            -               -        -       W
 *   destroy               -          W            W               W        W       X
 *
 *   -  no outside synchronization needed
 *   E  the second caller gets an error (-EBUSY, -EDEADLK)
 *   W  destroy waits for a call that is inside the library; a call that has not entered it yet
 *      is the caller's error, as with free()
 *   X  the caller must exclude it
 *
 * In a forked child every call on a loop of the parent returns -ECHILD, but for
 * velo_loop_destroy(); those that return no error answer as of the moment of the fork (L11).
 *
 * Two words used below. "Refused" means that the call failed and changed nothing. "Discarded" means
 * that accepted work was given up at termination and reported once to on_discard (L7).
 */
#ifndef VELO_H
#define VELO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VELO_API __attribute__((visibility("default")))
#else
#define VELO_API
#endif

/* An event loop. Opaque: each contestant lays it out as it likes. */
struct velo_loop;

/* A callback. It must return: leaving by longjmp or pthread_exit is not supported (X2). */
typedef void (*velo_fn)(void *arg);

/*
 * Completes an offload, on the owner thread: [status] is 0 when its work has ended, -ECANCELED when
 * it was cancelled before it began (O1).
 */
typedef void (*velo_done_fn)(int status, void *arg);

/* A descriptor callback: [events] is a set of VELO_READ, VELO_WRITE, VELO_HANGUP, VELO_ERROR. */
typedef void (*velo_fd_fn)(int fd, unsigned events, void *arg);

/* Names a timer, an immediate, a watched descriptor or an offload; never 0, never reused for
 * another (T5). */
typedef uint64_t velo_id;

/* One task of a batch. */
struct velo_task {
    velo_fn fn;
    void *arg;
};

enum velo_run_mode {
    VELO_RUN_FOREVER,    /* until shutdown or close */
    VELO_RUN_UNTIL_IDLE, /* until nothing keeps the loop alive (A1, A2) */
    VELO_RUN_ONCE,       /* one turn; blocks for at least one event if nothing is pending (A3) */
    VELO_RUN_NOWAIT      /* one turn, never blocks (A3) */
};

enum velo_state {
    VELO_STATE_AWAKE,       /* nobody is inside run */
    VELO_STATE_RUNNING,     /* a thread is inside run */
    VELO_STATE_SLEEPING,    /* that thread waits for an event */
    VELO_STATE_TERMINATING, /* a shutdown or close was accepted */
    VELO_STATE_TERMINATED   /* no callback will ever run again */
};

enum velo_fast_path {
    VELO_FAST_AUTO,    /* use the fast path while no descriptor is watched (default) */
    VELO_FAST_FORCED,  /* always; descriptors are refused */
    VELO_FAST_DISABLED /* never */
};

/* Descriptor events, and flags that may be added to them. */
enum {
    VELO_READ = 1 << 0,
    VELO_WRITE = 1 << 1,
    VELO_HANGUP = 1 << 2, /* delivered also when not asked for, once per arming (F5) */
    VELO_ERROR = 1 << 3,  /* likewise */
    VELO_EDGE = 1 << 4,   /* flag: report changes, not levels */
    VELO_ONESHOT = 1 << 5 /* flag: disarm after one callback; velo_fd_modify arms again */
};

/* What a contestant can do; see velo_impl(). */
#define VELO_CAP_GLOBAL_FIFO (UINT64_C(1) << 0)
#define VELO_CAP_PRIORITY (UINT64_C(1) << 1)
#define VELO_CAP_MICROTASKS (UINT64_C(1) << 2)
#define VELO_CAP_IMMEDIATES (UINT64_C(1) << 3)
#define VELO_CAP_TIMERS (UINT64_C(1) << 4)
#define VELO_CAP_TIMER_ANY_THREAD (UINT64_C(1) << 5)
#define VELO_CAP_FDS (UINT64_C(1) << 6)
#define VELO_CAP_FD_EDGE (UINT64_C(1) << 7)
#define VELO_CAP_FAST_PATH (UINT64_C(1) << 8)
#define VELO_CAP_UNTIL_IDLE (UINT64_C(1) << 9)
#define VELO_CAP_BATCH (UINT64_C(1) << 10)
#define VELO_CAP_BOUNDED (UINT64_C(1) << 11)
#define VELO_CAP_METRICS (UINT64_C(1) << 12)
#define VELO_CAP_BACKEND_FD (UINT64_C(1) << 13)
#define VELO_CAP_OFFLOAD (UINT64_C(1) << 14)
#define VELO_CAP_SIGNAL_SAFE (UINT64_C(1) << 15)

/* Levels of on_log. */
enum velo_log_level { VELO_LOG_DEBUG, VELO_LOG_INFO, VELO_LOG_WARN, VELO_LOG_ERROR };

/*
 * Where a loop's memory comes from, instead of malloc and mmap: all of it, the loop itself
 * included, but for what the kernel holds and the stacks of the threads that the library starts.
 * Any thread that calls the loop may call it, several at once, and so may a signal handler that
 * submits (S9). It must not call the loop. Every block is given back, at the latest by
 * velo_loop_destroy().
 */
struct velo_allocator {
    /*
     * As realloc, with the old size told: [block] NULL, with [old_size] 0, allocates; [new_size] 0
     * frees and returns NULL, and cannot fail; both at once do not happen. [alignment] is a power
     * of two, the same for the life of a block. On failure returns NULL and leaves [block] as it
     * was. A block comes uninitialised.
     */
    void *(*resize)(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment);
    void *ctx;
};

/* What happened to a timer, for on_timer_audit. */
enum velo_timer_event {
    VELO_TIMER_ARMED,     /* velo_timer_start() */
    VELO_TIMER_RESTARTED, /* velo_timer_restart() */
    VELO_TIMER_FIRED,     /* its callback is about to run, late by now_ns - deadline_ns */
    VELO_TIMER_CANCELLED, /* velo_timer_cancel() with 0 */
    VELO_TIMER_DISCARDED  /* given up at termination (L7) */
};

struct velo_timer_audit {
    enum velo_timer_event event;
    velo_id id;
    uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0 for a cancel by another thread than the owner */
    uint64_t now_ns;      /* when this was told */
};

/*
 * Options of one loop. A zeroed struct with [size] set means defaults; NULL means the same.
 * Every hook gets [ctx] first, runs on the owner thread unless stated, and must return.
 */
struct velo_options {
    size_t size;                   /* sizeof(struct velo_options): lets the struct grow */
    enum velo_fast_path fast_path; /* initial mode; see velo_fast_path_set() */
    size_t max_pending;            /* tasks accepted and not yet begun, both lanes; 0 = no bound */
    int64_t spin_ns;               /* idle spin: 0 automatic, -1 off, else its cap */
    size_t microtask_warn;         /* one warning when a checkpoint runs more; 0 = never (M3) */
    uint64_t slow_ns;              /* on_slow threshold; 0 = callbacks are not timed */
    void *ctx;                     /* first argument of every hook */
    /*
     * Accepted work was given up at termination; on the thread that completes it (L7). An offload
     * is reported with its work function; one that was running when the loop was closed, once that
     * function has returned, on the thread that ran it, and before destroy returns (O2).
     */
    void (*on_discard)(void *ctx, velo_fn fn, void *arg);
    /* A callback took [elapsed_ns] >= slow_ns; after it returned (X4). [fn] is NULL for one of a
     * descriptor or an offload, whose types differ; work functions may take as long as they like.
     */
    void (*on_slow)(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns);
    /* Something worth knowing happened; any thread. [fields] is "key=value key=value", may be "".
     */
    void (*on_log)(void *ctx, enum velo_log_level level, const char *event, const char *fields);
    void (*on_turn_begin)(void *ctx); /* around exactly one turn (R7) */
    void (*on_turn_end)(void *ctx);
    uint64_t time_slice_ns; /* the tasks phase ends once it took this long; 0 = no slice (S5) */
    uint64_t rate_per_sec;  /* tasks accepted per second, both lanes; 0 = no limit (S1) */
    uint64_t rate_burst;    /* how many at once after a pause, at most; 0 = a second's worth */
    unsigned workers;       /* threads for velo_offload(), started at the first; 0 = 4 (O4) */
    bool metrics;           /* measure time, and keep snapshots of all counters (X3) */
    bool cpu_accounting;    /* the processor time of each callback, at two system calls (X3) */
    bool watchdog;          /* report callbacks that take slow_ns while they still run (X4); needs
                               slow_ns, and on_stuck or on_log; costs a thread, which blocks
                               all signals */
    const struct velo_allocator *allocator; /* copied, its resize not NULL; NULL = C library */
    /* A callback has been running for [elapsed_ns] >= slow_ns, and still was a moment ago; with
     * [watchdog], once for each, on the watchdog's thread. [fn] is NULL for one of a descriptor or
     * an offload. It may call the loop, but destroy is -EDEADLK. It is also logged, as
     * "callback_stuck". */
    void (*on_stuck)(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns);
    /* Something happened to a timer; on the thread that did it, before the callback can run.
     * Several threads may call it at once. It must not call the loop. */
    void (*on_timer_audit)(void *ctx, const struct velo_timer_audit *audit);
};

/* What the ledger (L7) is kept by. */
enum velo_lane {
    VELO_LANE_TASK,
    VELO_LANE_PRIORITY,
    VELO_LANE_TICK,
    VELO_LANE_MICROTASK,
    VELO_LANE_IMMEDIATE,
    VELO_LANE_CLOSE, /* close callbacks */
    VELO_LANE_TIMER, /* a periodic timer counts once */
    VELO_LANE_OFFLOAD,
    VELO_LANES
};

/* The ledger of one lane. */
struct velo_lane_metrics {
    uint64_t accepted; /* calls that returned 0 */
    uint64_t executed; /* callbacks begun; a one shot timer counts when its callback has returned */
    uint64_t cancelled; /* ended by their own cancel call */
    uint64_t discarded; /* reported to on_discard */
};

/*
 * Counters of one loop since its creation; all but next_deadline_ns, timers_armed, descriptors,
 * pending and the quantiles only grow.
 *
 * Callback times are of everything that a loop calls but hooks and work functions. Taking the time
 * costs more than a task does, so with metrics alone not every callback is measured: the first 64
 * are, then one in 32 on average at random, each standing for those since the last one. With
 * slow_ns or cpu_accounting every one is. Quantiles are by rank, and p50 <= p90 <= p99 <= max.
 */
struct velo_metrics {
    size_t size;               /* in: sizeof(struct velo_metrics) */
    uint64_t accepted;         /* calls that returned 0: tasks, ticks, microtasks, immediates, */
    uint64_t executed;         /*   close callbacks, offloads, timers (a periodic one once) */
    uint64_t cancelled;        /* ended by their own cancel call */
    uint64_t discarded;        /* reported to on_discard; accepted = the sum of these three at the
                                  end (L7) */
    uint64_t turns;            /* turns begun */
    uint64_t polls;            /* system calls that asked the kernel for events, or waited */
    uint64_t wakeups;          /* system calls made to wake the sleeping owner (S8) */
    uint64_t fast_entries;     /* times the fast path was entered (P5) */
    uint64_t next_deadline_ns; /* no timer is due before; UINT64_MAX = none. Exact on the owner and
                                  after a turn; a timer cancelled since may still be named */
    uint64_t parks;        /* times the owner announced a sleep, and slept unless work had come */
    uint64_t timers_fired; /* timer callbacks, every period counted */
    uint64_t fd_events;    /* descriptor callbacks */
    uint64_t timers_armed; /* timers pending now */
    uint64_t descriptors;  /* descriptors watched now */
    uint64_t pending;      /* tasks accepted and not yet begun, now */
    struct velo_lane_metrics lanes[VELO_LANES]; /* by enum velo_lane; they add up to the above */
    /* From here on only with the option metrics, else 0. */
    uint64_t pending_max; /* the most tasks pending when a turn began, or when this was read */
    uint64_t callbacks_measured; /* whose time was taken, see above */
    uint64_t callback_p50_ns;    /* half of all callbacks took no longer; within 1.6 % */
    uint64_t callback_p90_ns;    /* likewise for nine out of ten */
    uint64_t callback_p99_ns;    /* and 99 out of a hundred */
    uint64_t callback_max_ns;    /* the longest one measured, exactly */
    uint64_t turn_max_ns;        /* the longest turn, less what it waited; exact, so it bounds every
                                    callback, measured or not */
    uint64_t running_ns;         /* time inside run that the owner did not wait */
    uint64_t polling_ns;         /* time inside run that it waited or asked the kernel for events */
    uint64_t cpu_ns;             /* processor time of the owner inside run */
    uint64_t callback_cpu_ns; /* processor time of all callbacks; with cpu_accounting, also alone */
    uint64_t callback_cpu_max_ns; /* and of the one that used most */
};

/* When a deviation shows. "Refused" is memory, a descriptor or a call that the system does not give
 * to the library of a guest. */
enum velo_deviates {
    VELO_DEVIATES_ALWAYS,
    VELO_DEVIATES_WHEN_REFUSED,
    VELO_DEVIATES_BY_ABORT /* when refused, by ending the process */
};

/* A clause that a guest cannot keep, and why. */
struct velo_deviation {
    const char *clause;
    const char *reason;
    enum velo_deviates when;
};

/* Who this contestant is. */
struct velo_impl {
    const char *name;
    const char *summary; /* one line */
    const char *version; /* of the contestant, or of the library a guest really runs on */
    const char *kind;    /* "native" or "guest" */
    uint64_t capabilities;
    const struct velo_deviation *deviations; /* ends with a NULL clause; NULL = none */
};

/* ---- lifecycle ---- */

/*
 * Create a loop in state AWAKE. Work may be added at once; it runs when the loop runs (L2).
 * Thread:  any.
 * Owns:    [*out] is the caller's until velo_loop_destroy(). [opts] is copied.
 * Returns: 0; -EINVAL no out, unknown size or value in opts, a watchdog without slow_ns or without
 *          a hook to tell; -ENOTSUP FORCED without VELO_CAP_FAST_PATH; -ENOMEM; -EMFILE, -ENFILE
 *          no descriptor left; -ENOSPC no watch left; -EAGAIN no thread for the watchdog; -ENOSYS
 *          this system lacks, or forbids, what the contestant is built on: on_log is told what,
 *          as event "unavailable". On failure [*out] is untouched.
 * Memory:  publish [*out] to other threads by your own means.
 */
VELO_API int velo_loop_create(struct velo_loop **out, const struct velo_options *opts);

/*
 * Run turns on the calling thread, which is the owner until the call returns (L3, A2, A3).
 * Thread:  any; one at a time.
 * Owns:    nothing changes hands.
 * Returns: 0 the mode's end was reached, or a graceful shutdown completed; -ECANCELED the loop was
 *          closed; -EINVAL unknown mode; -EBUSY another thread runs it; -EDEADLK called from one of
 *          its callbacks or work functions; -ESHUTDOWN terminating or terminated; or the error of
 *          a failing poll, after a proper termination (L10).
 * Memory:  everything written before a run that returned is visible to the next owner.
 */
VELO_API int velo_loop_run(struct velo_loop *loop, enum velo_run_mode mode);

/*
 * Graceful end: refuse new work, run everything accepted before, discard timers (L4, L5). Offloads
 * are run too: the drain waits for their work functions (O2).
 * Thread:  any. The owner inside run drains; if nobody is inside run, the first caller drains
 * before it returns, whatever its timeout. From a callback or a work function: accepted, returns
 * without waiting; a work function never drains, but leaves that to the next caller of shutdown,
 * close or destroy.
 * Owns:    nothing.
 * Returns: 0 terminated (or, with [timeout_ns] 0, from a callback or a work function: accepted);
 *          -ETIMEDOUT the drain goes on; -ECANCELED an earlier close was joined; -ESHUTDOWN
 *          terminated before.
 * Units:   nanoseconds; -1 waits for ever, 0 only requests.
 */
VELO_API int velo_loop_shutdown(struct velo_loop *loop, int64_t timeout_ns);

/*
 * Immediate end: what has not begun is discarded. When it returns no callback runs again (L6). A
 * work function that runs is not waited for: what it still produces is discarded (O2).
 * Thread:  any but a callback of this loop. Joins a drain that is already going on.
 * Owns:    nothing.
 * Returns: 0 terminated, also if it was before; -EDEADLK, nothing changed: from a callback, or from
 *          a work function after a shutdown, whose drain waits for that function.
 */
VELO_API int velo_loop_close(struct velo_loop *loop);

/*
 * Close the loop if need be and free it. Waits for calls that are inside the library (L8, L9), and
 * for work functions that still run (O2).
 * Thread:  any but a callback or work function of this loop; once.
 * Owns:    [loop] is gone afterwards.
 * Returns: 0, also for NULL; -EDEADLK from a callback or work function, nothing changed.
 */
VELO_API int velo_loop_destroy(struct velo_loop *loop);

/*
 * The state now (L1). It may have changed when the caller looks at it. TERMINATING is told when
 * nothing is accepted any more: a call may be refused with -ESHUTDOWN a moment before.
 * Thread:  any.
 */
VELO_API enum velo_state velo_loop_state(const struct velo_loop *loop);

/*
 * Is the calling thread inside run (or draining) on this loop?
 * Thread:  any.
 */
VELO_API bool velo_loop_is_owner(const struct velo_loop *loop);

/*
 * Does anything keep the loop alive: referenced timer, descriptor, queued callback, offload (A1)?
 * Thread:  any. Exact on the owner and on a loop at rest, otherwise a snapshot.
 */
VELO_API bool velo_loop_is_alive(const struct velo_loop *loop);

/*
 * End a sleep, or make the next poll non-blocking. Calls coalesce.
 * Thread:  any; with VELO_CAP_SIGNAL_SAFE also in a signal handler (S9).
 * Returns: 0; -ESHUTDOWN.
 */
VELO_API int velo_loop_wake(struct velo_loop *loop);

/*
 * The time that the loop fixed at the beginning of its turn; outside run the clock itself.
 * Thread:  any.
 * Units:   nanoseconds, CLOCK_MONOTONIC.
 */
VELO_API uint64_t velo_loop_now_ns(const struct velo_loop *loop);

/*
 * A descriptor that polls readable when a turn has something to do, for embedding (A4).
 * Timers are the exception: wait at most until next_deadline_ns of velo_metrics_read().
 * Thread:  any. From this call on the loop is off the fast path, as with a watched descriptor.
 * Owns:    the loop; do not read, write or close it.
 * Returns: the descriptor; -ENOTSUP without VELO_CAP_BACKEND_FD or with the fast path FORCED;
 *          -ESHUTDOWN; -EMFILE, -ENFILE, -ENOSPC, -ENOMEM.
 */
VELO_API int velo_loop_backend_fd(struct velo_loop *loop);

/* ---- tasks ---- */

/*
 * Run [fn] once on the owner thread, never inline, in the order of this producer (S2, S3).
 * Thread:  any, also inside callbacks; with VELO_CAP_SIGNAL_SAFE also in a signal handler, whatever
 *          it has interrupted (S9). There on_log may be called, and the allocator.
 * Owns:    [arg] stays the caller's; the loop holds it until [fn] ran or was discarded (L7).
 * Returns: 0; -EINVAL no fn; -ESHUTDOWN; -EAGAIN max_pending reached; -EBUSY rate_per_sec reached;
 *          -ENOMEM.
 * Memory:  what was written before the call is visible in [fn] (S7).
 */
VELO_API int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg);

/*
 * As velo_submit, in the lane that runs before the normal one in each turn (S6).
 * Thread:  any, also inside callbacks.
 * Owns:    as velo_submit.
 * Returns: as velo_submit.
 * Memory:  as velo_submit.
 */
VELO_API int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg);

/*
 * Submit [count] tasks, all or none, contiguous and in order (S4).
 * Thread:  any, also inside callbacks.
 * Owns:    [tasks] is copied; each arg as in velo_submit.
 * Returns: as velo_submit; -EINVAL also for a NULL fn in any of them; 0 for count 0. More than
 *          max_pending or rate_burst at once are always refused.
 * Memory:  as velo_submit.
 */
VELO_API int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count);

/* ---- microtasks ---- */

/*
 * Run [fn] at the next checkpoint, before all microtasks (M1, M2).
 * Thread:  any. From another thread it wakes a sleeping loop and runs at the latest at the
 *          checkpoint after the callback that runs now (M4).
 * Owns:    [arg] as in velo_submit.
 * Returns: 0; -EINVAL no fn; -ESHUTDOWN (on the owner only once draining has ended); -ENOMEM.
 * Memory:  as velo_submit.
 */
VELO_API int velo_next_tick(struct velo_loop *loop, velo_fn fn, void *arg);

/*
 * Run [fn] at the next checkpoint, after all ticks (M1, M2).
 * Thread:  any, as velo_next_tick.
 * Owns:    as velo_submit.
 * Returns: as velo_next_tick.
 * Memory:  as velo_submit.
 */
VELO_API int velo_queue_microtask(struct velo_loop *loop, velo_fn fn, void *arg);

/* ---- phases ---- */

/*
 * Run [fn] in the next immediates phase: after the poll of this turn (R1, R2).
 * Thread:  any.
 * Owns:    [arg] as in velo_submit. [id] may be NULL; it is written before [fn] can run (T6).
 * Returns: 0; -EINVAL no fn; -ESHUTDOWN; -ENOMEM.
 * Memory:  as velo_submit.
 */
VELO_API int velo_set_immediate(struct velo_loop *loop, velo_fn fn, void *arg, velo_id *id);

/*
 * Prevent an immediate, also one that is due in the phase now running (R6).
 * Thread:  any; never blocks.
 * Owns:    after 0 the arg is the caller's again.
 * Returns: 0 it will not run; -ENOENT it ran, runs, was cleared, or never was; -ESHUTDOWN.
 */
VELO_API int velo_clear_immediate(struct velo_loop *loop, velo_id id);

/*
 * Run [fn] in the closing phase, the last one of the turn, in FIFO order (R2, R5).
 * Thread:  any.
 * Owns:    [arg] as in velo_submit.
 * Returns: 0; -EINVAL no fn; -ESHUTDOWN; -ENOMEM.
 * Memory:  as velo_submit.
 */
VELO_API int velo_defer_close(struct velo_loop *loop, velo_fn fn, void *arg);

/* ---- timers ---- */

/*
 * Run [fn] once [delay_ns] have passed since this call; every [period_ns] from then on (T1, T4).
 * Thread:  any.
 * Owns:    [arg] until it ran (one shot), was cancelled or discarded. [id] may be NULL (T6).
 * Returns: 0; -EINVAL no fn; -ESHUTDOWN; -ENOMEM.
 * Memory:  as velo_submit.
 * Units:   nanoseconds; delay 0 is the next timers phase, period 0 is one shot; sums saturate (T8).
 */
VELO_API int velo_timer_start(struct velo_loop *loop,
                              uint64_t delay_ns,
                              uint64_t period_ns,
                              velo_fn fn,
                              void *arg,
                              velo_id *id);

/*
 * Prevent a timer from running, exactly: the answer says whether it was prevented (T5).
 * Thread:  any; never blocks, never waits for the loop.
 * Owns:    after 0 of a one shot timer the arg is the caller's again. A periodic timer may be
 *          cancelled while its callback runs: 0 then means "not again".
 * Returns: 0 it will not run (again); -EALREADY one shot, running now; -ENOENT it fired, was
 *          cancelled, never was, or the loop has terminated; -ESHUTDOWN is never returned.
 * Memory:  a callback that was prevented has not read what arg points to.
 */
VELO_API int velo_timer_cancel(struct velo_loop *loop, velo_id id);

/*
 * Cancel [count] timers as if one by one, with one entry into the library.
 * Thread:  any; never blocks.
 * Owns:    [results] may be NULL, else gets one result of velo_timer_cancel() per id.
 * Returns: 0; -EINVAL count without ids.
 */
VELO_API int
velo_timer_cancel_many(struct velo_loop *loop, const velo_id *ids, size_t count, int *results);

/*
 * Let a pending timer run [delay_ns] from this call on; its id and period stay (T4).
 * Thread:  any. In the timer's own callback it arms a one shot again.
 * Returns: 0; -ENOENT as velo_timer_cancel; -EALREADY one shot, running now on another thread;
 *          -EAGAIN 65,535 restarts of this timer by other threads are not yet seen by the loop;
 *          -ESHUTDOWN; -ENOMEM.
 * Units:   nanoseconds.
 */
VELO_API int velo_timer_restart(struct velo_loop *loop, velo_id id, uint64_t delay_ns);

/*
 * Let a timer keep the loop alive (the default), or not (T7). Idempotent.
 * Thread:  any.
 * Returns: 0; -ENOENT no such timer.
 */
VELO_API int velo_timer_ref(struct velo_loop *loop, velo_id id);
VELO_API int velo_timer_unref(struct velo_loop *loop, velo_id id);

/* ---- descriptors ---- */

/*
 * Call [fn] when [fd] is ready for [events] (F1). Level-triggered unless VELO_EDGE is added.
 * Thread:  any; takes effect although the loop sleeps (F6).
 * Owns:    the caller keeps [fd] open until it was unwatched (closing first is survived). [arg]
 *          until velo_fd_unwatch() returned and a callback in flight ended. [id] may be NULL (T6).
 * Returns: 0; -EINVAL no fn or unknown bits; -EBADF; -EEXIST watched already; -EPERM the kernel
 *          cannot poll it (regular files), or it is one of the loop's own; -ENOTSUP fast path
 *          FORCED, or VELO_EDGE without VELO_CAP_FD_EDGE; -ENOSPC, -ENOMEM; -ESHUTDOWN. On failure
 *          nothing changed (F7).
 * Memory:  as velo_submit.
 */
VELO_API int velo_fd_watch(
    struct velo_loop *loop, int fd, unsigned events, velo_fd_fn fn, void *arg, velo_id *id);

/*
 * Change the events and flags, and arm anew; what an unfinished batch holds is dropped (F4).
 * Thread:  any.
 * Returns: 0; -EINVAL unknown bits; -ENOENT no such registration; -EBADF, -ENOMEM; -ESHUTDOWN.
 */
VELO_API int velo_fd_modify(struct velo_loop *loop, velo_id id, unsigned events);

/*
 * Stop watching. On the owner the callback does not start any more; from another thread a callback
 * in flight has started or been prevented when this returns, and is not waited for (F3).
 * Thread:  any.
 * Returns: 0, also if the caller has closed the descriptor already; -ENOENT.
 */
VELO_API int velo_fd_unwatch(struct velo_loop *loop, velo_id id);

/* ---- workers ---- */

/*
 * Run [work_fn] on a thread of the loop's pool, then [done_fn] with 0 on the owner, as a task of
 * the normal lane (O1, R4). Work begins in the order of these calls, up to [workers] at a time;
 * threads are started when they are needed, and block all signals. [work_fn] may use the loop as
 * any other thread may; it must return, and must not wait for the loop's end. If it forks, the
 * child must exec or exit: when [work_fn] returns there, the process ends.
 * Thread:  any, also inside callbacks and work functions.
 * Owns:    [arg] is the work function's, then the callback's, until that ran or the offload was
 *          discarded (L7). [done_fn] may be NULL. [id] may be NULL; it is written before [work_fn]
 *          can run (T6).
 * Returns: 0; -EINVAL no work_fn; -ESHUTDOWN; -EAGAIN the pool has no thread and none could be
 *          started; -ENOMEM. A thread that could not be started beside others is no error: the pool
 *          goes on with fewer and tries again at the next call.
 * Memory:  what was written before the call is visible in [work_fn], and what that wrote in
 *          [done_fn].
 */
VELO_API int
velo_offload(struct velo_loop *loop, velo_fn work_fn, velo_done_fn done_fn, void *arg, velo_id *id);

/*
 * Cancel an offload whose work has not begun. Its callback still runs, once, with -ECANCELED,
 * unless the loop is closed first (O1, O3). Either the work runs or its cancel returns 0.
 * Thread:  any; never waits for work functions or the loop.
 * Owns:    after 0 [arg] is the callback's, or the caller's when there is none.
 * Returns: 0 its work will not run; -EBUSY it is running; -ENOENT it has ended, was cancelled or
 *          discarded, or never was; -ESHUTDOWN is never returned.
 */
VELO_API int velo_offload_cancel(struct velo_loop *loop, velo_id id);

/* ---- fast path ---- */

/*
 * Change the fast path mode; wakes a sleeping loop so that it changes over at once (P1, P3).
 * Thread:  any.
 * Returns: 0; -EINVAL unknown mode; -ENOTSUP FORCED without VELO_CAP_FAST_PATH; -EBUSY FORCED while
 *          descriptors are watched or backend_fd is in use (P2); -ESHUTDOWN.
 */
VELO_API int velo_fast_path_set(struct velo_loop *loop, enum velo_fast_path mode);

/*
 * The mode last set; DISABLED for a contestant without VELO_CAP_FAST_PATH.
 * Thread:  any.
 */
VELO_API enum velo_fast_path velo_fast_path_get(const struct velo_loop *loop);

/* ---- insight ---- */

/*
 * Read the counters; allowed until destroy. Exact on the owner, on a loop at rest and after
 * termination; from another thread beside a running loop each counter is right for some moment
 * during the call.
 * Thread:  any.
 * Owns:    [out]->size says how much of it the caller knows; no more is written.
 * Returns: 0; -EINVAL no out, or size too small to hold anything.
 */
VELO_API int velo_metrics_read(struct velo_loop *loop, struct velo_metrics *out);

/*
 * The name and meaning of what a function returned, for example "EAGAIN: the queue is full".
 * Thread:  any. The string is static.
 */
VELO_API const char *velo_strerror(int result);

/*
 * Who this contestant is and what it can do. Static.
 * Thread:  any.
 */
VELO_API const struct velo_impl *velo_impl(void);

#ifdef __cplusplus
}
#endif

#endif
