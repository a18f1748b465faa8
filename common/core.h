/* SPDX-License-Identifier: MIT */
/*
 * The core: the semantics that all contestants share, and the state that only the owner touches.
 *
 * A contestant embeds struct velo_core as its first member and provides the seams below: its inbox
 * for tasks, its wake protocol, and its visible turn, a list of the core_* phases. User code is
 * entered in one place, core_call(), each time followed by the microtask checkpoint (M1).
 *
 * Everything but tasks that other threads start (timers, immediates, ticks, ...) travels through
 * [inbox], as a record of [ops]; timers that they cancel, through [reclaim]. The owner empties both
 * at the beginning of a turn, at each checkpoint, and before its own calls (so that a call which
 * returned before is seen first).
 */
#ifndef VELO_CORE_H
#define VELO_CORE_H

#include "common/guard.h"
#include "common/lifecycle.h"
#include "common/parts/counter.h"
#include "common/parts/fdtable.h"
#include "common/parts/gate.h"
#include "common/parts/inbox.h"
#include "common/parts/lines.h"
#include "common/parts/op_list.h"
#include "common/parts/ops.h"
#include "common/parts/pool.h"
#include "common/parts/ring.h"
#include "common/parts/timers.h"
#include "velo.h"

/* The owner's part of a lane's ledger. */
struct lane_ledger {
    struct counter accepted; /* but for tasks, and for what is in a ring, which counts itself */
    struct counter moved;    /* records of others that went on into a ring, counted there */
    struct counter executed;
    struct counter cancelled;
    struct counter discarded;
};

struct ledger {
    struct lane_ledger lanes[VELO_LANES];
    struct counter live; /* referenced timers and immediates, less those that ended; see below */
    struct counter armed;
    struct counter turns;
    struct counter polls;
    struct counter parks;
    struct counter fast_entries;
    struct counter timers_fired;
    struct counter fd_events;
    struct counter next_deadline_ns;
};

/* What other threads add to the ledger; the sums with the above wrap around correctly. */
struct foreign_ledger {
    _Alignas(64) struct shared_counter accepted[VELO_LANES];
    struct shared_counter cancelled[VELO_LANES];
    struct shared_counter discarded; /* offloads that ran when the loop was closed */
    struct shared_counter live;
    struct shared_counter armed;
    _Atomic uint64_t next_ns; /* least deadline among starts that the owner has not seen */
};

/* Offloads whose work has ended (or was cancelled), in that order; they run with the tasks (R4). */
struct completions {
    struct op_list list;
    uint64_t count;
    uint64_t fenced; /* the first ones that run once the tasks before them have run; 0 = no fence */
    uint64_t before; /* those tasks: how many of the normal lane are still to run */
};

struct velo_core {
    struct velo_options opts;        /* constant; its allocator is the next, or NULL */
    struct velo_allocator allocator; /* constant; without resize: the C library */
    uint32_t born;                   /* constant: forked_now() at creation, see core_is_forked() */
    bool timed;                      /* constant: some callbacks are measured, see meter.h */
    bool sliced;                     /* constant: time_slice_ns is set */
    /* owner only */
    _Alignas(LINES_BYTES) bool draining; /* gracefully: STOP_GRACEFUL is no reason to stop */
    bool ended;                          /* discarding: the owner's ticks are refused, too */
    bool deferring;        /* in the timers phase: what is armed now is inserted after it (T3) */
    bool starved;          /* an inserted timer has found no memory: see core_drain_inbox() */
    bool unharvested;      /* the kernel was seen to have events: the next turn must take them */
    struct guard guard;    /* around callbacks, in debug builds */
    uint32_t unmeasured;   /* if timed: callbacks up to the next measured one, itself included */
    struct meter *meter;   /* NULL: nothing is measured but slow_ns */
    int error;             /* of a failing poll, 0 = none (L10) */
    uint64_t now_ns;       /* fixed at the beginning of the turn */
    uint64_t slice_end_ns; /* of the tasks phase */
    struct ring ticks, microtasks, closing;
    struct timers *timers;
    struct op_list immediates;
    struct op_list deferred; /* timers armed in the timers phase */
    struct op_list backlog;  /* taken from the inbox, not yet delivered: memory is short */
    struct completions completions;
    struct ledger ledger;
    struct ops ops;
    /* any thread */
    _Alignas(LINES_BYTES) struct foreign_ledger foreign;
    _Alignas(64) struct inbox inbox;
    struct inbox reclaim;
    struct gate work;            /* calls that add work; closed at termination */
    struct gate guests;          /* all other calls of other threads; destroy waits for them */
    _Atomic uint32_t until_idle; /* run UNTIL_IDLE is on: losing the last live thing must wake */
    _Atomic uint32_t poked;      /* velo_loop_wake(): the next poll may not block */
    _Atomic uint32_t left_over;  /* the last run has left something to do; written by its owner */
    _Alignas(LINES_BYTES) struct lifecycle life; /* others read it, and it rarely changes */
    _Alignas(LINES_BYTES) struct fdtable fds;
    _Alignas(LINES_BYTES) struct pool pool;
};
LINES_BEGIN(struct velo_core, draining); /* producers look before that at each submit */
LINES_BEGIN(struct velo_core, foreign);
LINES_BEGIN(struct velo_core, life);
LINES_BEGIN(struct velo_core, fds);

/* ---- what a contestant provides; [loop] is what velo_loop_create() allocated ---- */

struct loop_counts {
    uint64_t accepted[VELO_LANE_PRIORITY + 1]; /* tasks, by lane */
    uint64_t pending;                          /* of all these, not yet begun */
    uint64_t wakeups;                          /* system calls made to wake the owner */
};

size_t loop_size(void); /* by VELO_EMBEDS_CORE */

/* Prepare, and free, the contestant's own fields; the core is ready, the rest zeroed. 0 or -errno.
 */
int loop_init(struct velo_loop *loop);
void loop_fini(struct velo_loop *loop);

/*
 * In a forked child, before loop_fini(): wait for none of the threads that do not exist here.
 * False: one of them was in the midst of a change, so the memory cannot be trusted.
 */
bool loop_forget(struct velo_loop *loop);

/* One turn; [may_block]: it may sleep when nothing is pending. 0 or the poll's error. Owner. */
int loop_turn(struct velo_loop *loop, bool may_block);

/*
 * Sleep until there may be something to do, harvesting nothing (RUN_ONCE). Owner.
 * Returns 1 when there is (a task that can be taken, an event of the kernel, or core_timeout_ns()
 * says so, which it may say only once), 0 when the caller must ask again (it was interrupted, or
 * woken), -errno. A task whose submit has begun and not stored it is none yet.
 */
int loop_wait(struct velo_loop *loop);

/*
 * Run one snapshot of the priority lane, then one of the normal lane, then the completions that
 * were fenced before the snapshots (see core_fence()). Returns how many ran. Owner.
 */
size_t loop_run_tasks(struct velo_loop *loop);

/* Take one task, and its lane, to discard it; false: none. Waits for a producer that is not done.
 * Owner. */
bool loop_take_task(struct velo_loop *loop, enum velo_lane *lane, struct velo_task *task);

/*
 * Something that is no task was published (mail, a change of state): wake the owner if it sleeps.
 * If it is about to, its last look finds it: see core_must_look(). Any thread.
 */
void loop_notify(struct velo_loop *loop);

/* Refuse tasks from now on. Once, under life.lock. */
void loop_refuse(struct velo_loop *loop);

/* Any thread; exact on the owner. */
void loop_count(const struct velo_loop *loop, struct loop_counts *out);

/*
 * Nobody runs the loop, which is embedded by backend_fd: let the next arrival make it readable. Any
 * thread; when somebody runs it after all, the worst is a wake-up too many.
 */
void loop_expose(struct velo_loop *loop);

/* Somebody runs it again: take that back. */
void loop_unexpose(struct velo_loop *loop);

#define VELO_EMBEDS_CORE(type)                                                                     \
    _Static_assert(offsetof(type, core) == 0, "a loop is a core");                                 \
    size_t loop_size(void)                                                                         \
    {                                                                                              \
        return sizeof(type);                                                                       \
    }                                                                                              \
    _Static_assert(sizeof(type) >= sizeof(struct velo_core), "by value")

static inline struct velo_core *core_of(struct velo_loop *loop)
{
    return (struct velo_core *)(void *)loop;
}

static inline const struct velo_core *core_of_const(const struct velo_loop *loop)
{
    return (const struct velo_core *)(const void *)loop;
}

/* Is this the parent's loop, in a forked child (L11)? Asked first by every call. */
static inline bool core_is_forked(const struct velo_core *core)
{
    return __builtin_expect(forked_now() != core->born, 0);
}

/* Is this call made inside a callback of the loop? */
static inline bool core_is_called_back(const struct velo_core *core)
{
    bool owner = lifecycle_is_owner(&core->life);
    if (owner)
        GUARD_CHECK(&core->guard);
    return owner;
}

/* ---- the phases; owner only, in the order of the turn (R1-R7) ---- */

void core_turn_begin(struct velo_core *core);
void core_run_timers(struct velo_core *core);
/* (the contestant's tasks) */
int core_poll(struct velo_core *core, int64_t timeout_ns); /* harvests; 0 or -errno */
/* A poll that does not wait, if there is anything to poll: 0 or -errno. */
int core_poll_now(struct velo_core *core);

/* The same wait, harvesting nothing: 1 = descriptors have events, 0 = none, -errno. A wake-up ends
 * it with 0 and is used up: look at everything again. */
int core_peek(struct velo_core *core, int64_t timeout_ns);
/* Do changes of descriptors wait for the owner, who alone can tell the kernel of them? After a
 * change by another thread it is woken then. Any thread. */
bool core_has_changes(const struct velo_core *core);

/* The owner leaves the loop to itself: tell the kernel what waits to be told. True: there are
 * events that only the next poll will tell of (A4). */
bool core_settle(struct velo_core *core);
void core_run_fds(struct velo_core *core);
void core_run_immediates(struct velo_core *core);
void core_run_closing(struct velo_core *core);
void core_turn_end(struct velo_core *core);

/* Claim one immediate; false: it was cleared. Frees its record either way. */
bool core_take_immediate(struct velo_core *core,
                         struct velo_op *op,
                         uint32_t index,
                         struct velo_task *task);

/* Was velo_loop_wake() called since the last time? Owner. */
bool core_take_poke(struct velo_core *core);

/* How long the poll may block: 0 not at all, -1 for ever (R3). Honours a poke. */
int64_t core_timeout_ns(struct velo_core *core);

/* Deadline of a sleep of [timeout_ns]; UINT64_MAX for ever. */
uint64_t core_deadline_ns(int64_t timeout_ns);

/* State moves around a sleep. False: the loop is terminating, do not sleep. */
bool core_sleep_begin(struct velo_core *core);
void core_sleep_end(struct velo_core *core);

/*
 * The last look between the announcement of a sleep and the sleep itself: has something happened
 * that a sleeper would not see? Each of these is published before its loop_notify().
 */
bool core_must_look(struct velo_core *core);

/* Has something happened that is no task? As core_must_look(), for an owner that is awake. */
bool core_has_news(const struct velo_core *core);

/* Has another thread left something in the inbox? */
static inline bool core_has_mail(const struct velo_core *core)
{
    return !inbox_is_empty(&core->inbox);
}

/* Both at one look, for calls of the owner that are made often: rarely either is there. */
static inline bool core_has_mail_or_stop(const struct velo_core *core)
{
    bool mail = core_has_mail(core);
    bool stop = lifecycle_stop(&core->life) != STOP_NO;
    return __builtin_expect(mail | stop, 0);
}

/* Should the phase now running end? */
static inline bool core_stops(const struct velo_core *core)
{
    enum stop stop = lifecycle_stop(&core->life);
    return __builtin_expect(stop != STOP_NO, 0) && !(core->draining && stop == STOP_GRACEFUL);
}

/* The tasks phase begins: so does its time slice (S5). Owner. */
void core_slice_begin(struct velo_core *core);
bool core_slice_is_over(const struct velo_core *core);

/* Should a lane end that has run [ran] tasks in this phase? Each lane that has any runs one. */
static inline bool core_lane_ends(const struct velo_core *core, uint64_t ran)
{
    if (__builtin_expect(core->sliced, 0) && ran > 0 && core_slice_is_over(core))
        return true;
    return core_stops(core);
}

void core_checkpoint(struct velo_core *core);
void core_invoke_measured(struct velo_core *core, velo_fn fn, void *arg);

static inline bool core_checkpoint_is_due(const struct velo_core *core)
{
    return !ring_is_empty(&core->ticks) || !ring_is_empty(&core->microtasks) || core_has_mail(core);
}

/* S1, S4: may this batch be submitted at all? All or none, so it is asked before anything is done.
 */
static inline bool core_batch_is_valid(const struct velo_task *tasks, size_t count)
{
    if (tasks == NULL)
        return count == 0;
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].fn == NULL)
            return false;
    }
    return true;
}

/* Run the work function of an offload. On a thread of the pool. */
static inline void core_work(const struct velo_op *op)
{
    op->fn(op->arg);
}

/*
 * Completions are tasks of the normal lane, which they follow by count: before the contestant takes
 * its snapshot it says how many tasks the lane has [before] them, and afterwards how many [ran]. So
 * a completion runs after every task that was submitted before its work ended, also if a time slice
 * or a producer that is not done has cut the lane short; then the fence stands until a later turn.
 */
static inline void core_fence(struct velo_core *core, uint64_t before)
{
    if (core->completions.fenced == 0) {
        core->completions.fenced = core->completions.count;
        core->completions.before = before;
    }
}

static inline bool core_has_completions(const struct velo_core *core)
{
    return core->completions.count != 0;
}

size_t core_run_fenced(struct velo_core *core, uint64_t ran);

/* The lane has run [ran] tasks: run what is fenced, if it is due. Returns how many ran. */
static inline size_t core_run_completions(struct velo_core *core, uint64_t ran)
{
    return core->completions.fenced == 0 ? 0 : core_run_fenced(core, ran);
}

/* A callback that is being measured; [fn] is what hooks are told, NULL if it is of another type. */
struct core_span {
    velo_fn fn;
    void *arg;
    uint64_t start_ns;
    uint64_t cpu_ns;
};

void core_span_start(struct velo_core *core, struct core_span *span);
void core_span_stop(struct velo_core *core, const struct core_span *span);

/* Is the callback that comes now measured? Once for each. */
static inline bool core_measures(struct velo_core *core)
{
    return __builtin_expect(core->timed, 0) && --core->unmeasured == 0;
}

/* Enter user code. */
static inline void core_invoke(struct velo_core *core, velo_fn fn, void *arg)
{
    GUARD_SET(&core->guard);
    if (core_measures(core))
        core_invoke_measured(core, fn, arg);
    else
        fn(arg);
    GUARD_CLEAR(&core->guard);
}

static inline void core_checkpoint_if_due(struct velo_core *core)
{
    if (__builtin_expect(core_checkpoint_is_due(core), 0))
        core_checkpoint(core);
}

/* Run one callback of [lane], then the checkpoint (M1). */
static inline void core_call(struct velo_core *core, enum velo_lane lane, velo_fn fn, void *arg)
{
    counter_add(&core->ledger.lanes[lane].executed, 1);
    core_invoke(core, fn, arg);
    core_checkpoint_if_due(core);
}

/* ---- the owner's side of the calls that travel ---- */

/* Take what other threads have left, in their order. */
void core_drain_inbox(struct velo_core *core);

static inline void core_see_others_first(struct velo_core *core)
{
    if (core_has_mail(core))
        core_drain_inbox(core);
}

/* The same as below for a timer that does not go into the store now, and one that is not there. */
void core_put_off(struct velo_core *core, struct velo_op *op, uint32_t index);
void core_take_back(struct velo_core *core, struct velo_op *op);

/* Put an armed timer where it belongs; its deadline is set. */
static inline void core_arm(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    if (core->deferring || timers_insert(core->timers, op, index) != 0)
        core_put_off(core, op, index);
}

/* Take a pending timer out of where it is. */
static inline void core_disarm(struct velo_core *core, struct velo_op *op)
{
    if (op->at >= OP_AT_HEAP)
        timers_remove(core->timers, op);
    else
        core_take_back(core, op);
}

/* Prepare the pool for offloads, which has no thread yet. 0 or -errno. */
int core_init_pool(struct velo_core *core);

/* Tell on_timer_audit, if there is one. Any thread. */
void core_tell_timer(const struct velo_core *core,
                     enum velo_timer_event event,
                     velo_id id,
                     uint64_t deadline_ns);

static inline void core_audit_timer(const struct velo_core *core,
                                    enum velo_timer_event event,
                                    velo_id id,
                                    uint64_t deadline_ns)
{
    if (__builtin_expect(core->opts.on_timer_audit != NULL, 0))
        core_tell_timer(core, event, id, deadline_ns);
}

/* ---- measuring, see meter.h; each does nothing without its option ---- */

int core_meter_init(struct velo_core *core); /* 0 or -ENOMEM */
void core_meter_fini(struct velo_core *core);
int core_watchdog_start(struct velo_core *core); /* 0 or -errno */
void core_watchdog_stop(struct velo_core *core);
bool core_watchdog_is_mine(const struct velo_core *core); /* is it the calling thread? */

/* The owner begins, and ends, to be one. */
void core_meter_enter(struct velo_core *core);
void core_meter_leave(struct velo_core *core);
/* A turn begins; so the last one has ended. */
void core_meter_turn(struct velo_core *core, uint64_t now_ns);
/* The owner is about to sleep. */
void core_meter_sleep(struct velo_core *core);
void core_meter_wait(struct velo_core *core);
void core_meter_waited(struct velo_core *core);

/* Owner: what comes now is waiting, or asking for events; it may be nested. */
static inline void core_wait_begin(struct velo_core *core)
{
    if (core->meter != NULL)
        core_meter_wait(core);
}

static inline void core_wait_end(struct velo_core *core)
{
    if (core->meter != NULL)
        core_meter_waited(core);
}

/* ---- termination and liveness ---- */

/* Give up everything that is left, reporting each item once (L7). */
void core_discard_all(struct velo_loop *loop);

/* The same for an offload whose work ended only afterwards. On the pool's thread that ran it. */
void core_discard_late(struct velo_core *core, uint32_t index);

/* Does anything keep the loop alive (A1)? Any thread; exact on the owner. */
bool core_is_alive(const struct velo_loop *loop);

/* Nobody seems to run the loop: expose it if it is embedded, readable if something is left. */
void core_expose(struct velo_loop *loop);

/* Report through on_log. Any thread. */
__attribute__((format(printf, 4, 5))) void core_log(const struct velo_core *core,
                                                    enum velo_log_level level,
                                                    const char *event,
                                                    const char *format,
                                                    ...);

/* Tell that a wake-up could not be made. Any thread, also in a signal handler: nothing of stdio. */
void core_log_failed_wake(const struct velo_core *core, int error);

/*
 * A call of any thread that adds work: on the owner nothing to do but the state, else the gate.
 * Returns true when the call may go on; then core_leave_work() ends it.
 */
static inline bool core_enter_work(struct velo_core *core, bool *owner)
{
    *owner = lifecycle_is_owner(&core->life);
    if (*owner)
        return lifecycle_stop(&core->life) == STOP_NO;
    return gate_enter(&core->work);
}

static inline void core_leave_work(struct velo_core *core, bool owner)
{
    if (!owner)
        gate_leave(&core->work);
}

/* The same for calls that add nothing: they go on also at termination. */
static inline bool core_enter_guest(struct velo_core *core)
{
    bool owner = lifecycle_is_owner(&core->life);
    if (!owner)
        (void)gate_enter(&core->guests); /* this gate is never closed */
    return owner;
}

static inline void core_leave_guest(struct velo_core *core, bool owner)
{
    if (!owner)
        gate_leave(&core->guests);
}

#endif
