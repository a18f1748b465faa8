/* SPDX-License-Identifier: MIT */
/* The semantics of a turn: what all contestants share. Owner thread only. */
#include "common/core.h"

#include "common/parts/clock.h"
#include "common/parts/poller.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define RETRY_NS 1000000 /* how soon to try again what found no memory */

void core_log(const struct velo_core *core,
              enum velo_log_level level,
              const char *event,
              const char *format,
              ...)
{
    if (core->opts.on_log == NULL)
        return;
    char fields[160];
    va_list args;
    va_start(args, format);
    vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    core->opts.on_log(core->opts.ctx, level, event, fields);
}

/* ---- lists of records ---- */

void op_list_append(struct velo_core *core, struct op_list *list, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    op->next = OP_NIL;
    op->prev = list->last;
    if (list->last == OP_NIL)
        list->first = index;
    else
        ops_at(&core->ops, list->last)->next = index;
    list->last = index;
}

static void op_list_remove(struct velo_core *core, struct op_list *list, uint32_t index)
{
    const struct velo_op *op = ops_at(&core->ops, index);
    if (op->prev == OP_NIL)
        list->first = op->next;
    else
        ops_at(&core->ops, op->prev)->next = op->next;
    if (op->next == OP_NIL)
        list->last = op->prev;
    else
        ops_at(&core->ops, op->next)->prev = op->prev;
}

static uint32_t op_list_shift(struct velo_core *core, struct op_list *list)
{
    uint32_t index = list->first;
    if (index != OP_NIL)
        op_list_remove(core, list, index);
    return index;
}

/* ---- entering user code, and the checkpoint ---- */

void core_invoke_timed(struct velo_core *core, velo_fn fn, void *arg)
{
    uint64_t start_ns = clock_now_ns();
    fn(arg);
    uint64_t elapsed_ns = clock_now_ns() - start_ns;
    if (elapsed_ns >= core->opts.slow_ns && core->opts.on_slow != NULL)
        core->opts.on_slow(core->opts.ctx, fn, arg, elapsed_ns);
}

/* Run a lane of ticks or microtasks until it is empty, what it adds included (M2). */
static size_t run_lane(struct velo_core *core, struct ring *ring)
{
    size_t ran = 0;
    for (; !ring_is_empty(ring) && !core_stops(core); ran++) {
        struct velo_task task = ring_pop(ring);
        counter_add(&core->ledger.executed, 1);
        core_invoke(core, task.fn, task.arg);
    }
    return ran;
}

static void warn_long_checkpoint(const struct velo_core *core, size_t before, size_t after)
{
    size_t limit = core->opts.microtask_warn;
    if (limit != 0 && before <= limit && after > limit)
        core_log(core, VELO_LOG_WARN, "microtask_warn", "ran=%zu limit=%zu", after, limit);
}

void core_checkpoint(struct velo_core *core)
{
    /* in the middle of a graceful stop the checkpoint still runs; only a close ends it */
    bool draining = core->draining;
    core->draining = true;
    size_t ran = 0;
    do {
        core_see_others_first(core);
        size_t before = ran;
        ran += run_lane(core, &core->ticks);
        if (!core_stops(core))
            ran += run_lane(core, &core->microtasks);
        warn_long_checkpoint(core, before, ran);
    } while (core_checkpoint_is_due(core) && core->backlog.first == OP_NIL && !core_stops(core));
    ring_trim(&core->ticks);
    ring_trim(&core->microtasks);
    core->draining = draining;
}

/* ---- timers ---- */

/* A timer finds no memory in the store: it waits in the backlog, and the loop does not sleep long.
 */
static void insert(struct velo_core *core, uint32_t index)
{
    if (timers_insert(core->timers, index) == 0)
        return;
    ops_at(&core->ops, index)->where = OP_AT_INBOX;
    op_list_append(core, &core->backlog, index);
}

void core_arm(struct velo_core *core, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    op->seq = ++core->seq;
    if (core->deferring) {
        op->where = OP_AT_DEFERRED;
        op_list_append(core, &core->deferred, index);
    } else {
        insert(core, index);
    }
}

void core_disarm(struct velo_core *core, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    if (op->where == OP_AT_DEFERRED)
        op_list_remove(core, &core->deferred, index);
    else if (op->where == OP_AT_INBOX)
        op_list_remove(core, &core->backlog, index);
    else if (op->where != OP_AT_NOWHERE)
        timers_remove(core->timers, index);
    op->where = OP_AT_NOWHERE;
}

/* The callback of a one shot has returned. */
static void finish_once(struct velo_core *core, uint32_t index)
{
    uint64_t word = op_word(ops_at(&core->ops, index));
    if (OP_STATE(word) != OP_FIRING)
        return; /* restarted by its own callback: armed again */
    counter_add(&core->ledger.executed, 1);
    ops_free(&core->ops, index);
}

/* The callback of a periodic timer has returned. */
static void finish_period(struct velo_core *core, uint32_t index, uint64_t start_ns)
{
    struct velo_op *op = ops_at(&core->ops, index);
    uint64_t word = op_word(op);
    while (OP_STATE(word) == OP_FIRING) {
        if (!op_move(op, &word, op_with_state(word, OP_PENDING)))
            continue;
        op->deadline_ns = clock_add_ns(start_ns, op->period_ns); /* T4 */
        if ((word & OP_MOVES_MASK) == 0) /* else the restart on its way arms it */
            core_arm(core, index);
        return;
    }
    if (OP_STATE(word) == OP_DEAD)
        ops_free(&core->ops, index); /* cancelled by itself */
}

/* Claim and run the timer, unless it was cancelled or is being moved by another thread. */
static void fire(struct velo_core *core, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    uint64_t word = op_word(op);
    do {
        if (OP_STATE(word) != OP_PENDING || (word & OP_MOVES_MASK) != 0)
            return; /* the reclaim list, or the restart on its way, takes care of it */
    } while (!op_move(op, &word, op_with_state(word, OP_FIRING)));
    bool periodic = (word & OP_PERIODIC) != 0;
    uint64_t start_ns = periodic ? clock_now_ns() : 0;
    if (!periodic) {
        counter_add(&core->ledger.armed, UINT64_MAX);
        if ((word & OP_UNREF) == 0)
            counter_add(&core->ledger.live, UINT64_MAX);
    }
    counter_add(&core->ledger.timers_fired, 1);
    core_invoke(core, op->fn, op->arg);
    if (periodic)
        finish_period(core, index, start_ns);
    else
        finish_once(core, index);
    core_checkpoint_if_due(core);
}

void core_run_timers(struct velo_core *core)
{
    core->deferring = true;
    while (!core_stops(core)) {
        uint32_t index = timers_pop(core->timers, core->now_ns);
        if (index == OP_NIL)
            break;
        fire(core, index);
    }
    core->deferring = false;
    for (;;) {
        uint32_t index = op_list_shift(core, &core->deferred);
        if (index == OP_NIL)
            break;
        insert(core, index);
    }
}

/* ---- what other threads have left ---- */

/* A restart by another thread has arrived: move the timer if it is still the same. */
static void deliver_restart(struct velo_core *core, const struct velo_op *node)
{
    velo_id id = (velo_id)(uintptr_t)node->arg;
    uint32_t index = 0;
    uint64_t word = 0;
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    while (op != NULL && (OP_STATE(word) == OP_PENDING || OP_STATE(word) == OP_FIRING)) {
        if (!op_move(op, &word, word - OP_MOVE))
            continue;
        if (OP_STATE(word) == OP_PENDING) {
            core_disarm(core, index);
            op->deadline_ns = node->deadline_ns;
            core_arm(core, index);
        }
        return;
    }
}

/* Hand one record on to where it belongs. False: no memory now, keep it. */
static bool deliver(struct velo_core *core, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    uint64_t word = op_word(op);
    int rc = 0;
    switch (OP_KIND(word)) {
    case OP_TIMER:
        op->where = OP_AT_NOWHERE;
        if (OP_STATE(word) == OP_DEAD)
            ops_free(&core->ops, index);
        else if (OP_STATE(word) == OP_PENDING)
            core_arm(core, index);
        return true; /* cancelled by another thread: the reclaim list frees it */
    case OP_IMMEDIATE:
        op_list_append(core, &core->immediates, index);
        return true;
    case OP_RESTART:
        deliver_restart(core, op);
        ops_free(&core->ops, index);
        return true;
    case OP_TICK:
        rc = ring_push(&core->ticks, op->fn, op->arg);
        break;
    case OP_MICROTASK:
        rc = ring_push(&core->microtasks, op->fn, op->arg);
        break;
    case OP_CLOSING:
        rc = ring_push(&core->closing, op->fn, op->arg);
        break;
    }
    if (rc != 0)
        return false;
    counter_add(&core->ledger.moved, 1);
    counter_add(&core->ledger.live, UINT64_MAX); /* the ring keeps the loop alive from here on */
    ops_free(&core->ops, index);
    return true;
}

/* Free timers that other threads have cancelled; all their starts have arrived. */
static void reclaim(struct velo_core *core, uint32_t index)
{
    while (index != OP_NIL) {
        uint32_t next = ops_at(&core->ops, index)->reclaim;
        core_disarm(core, index);
        ops_free(&core->ops, index);
        index = next;
    }
}

void core_drain_inbox(struct velo_core *core)
{
    if (inbox_is_empty(&core->inbox) && inbox_is_empty(&core->reclaim) &&
        core->backlog.first == OP_NIL)
        return;
    /* (R4) relaxed: a bound for metrics; starts that come later lower it again */
    atomic_store_explicit(&core->foreign.next_ns, UINT64_MAX, memory_order_relaxed);
    /* cancellations first: then their starts are in the inbox taken after them, or before */
    uint32_t cancelled = inbox_take(&core->reclaim, &core->ops, true);
    uint32_t index = inbox_take(&core->inbox, &core->ops, false);
    while (index != OP_NIL) {
        uint32_t next = ops_at(&core->ops, index)->next;
        op_list_append(core, &core->backlog, index);
        index = next;
    }
    while (core->backlog.first != OP_NIL) {
        index = op_list_shift(core, &core->backlog);
        if (deliver(core, index))
            continue;
        struct velo_op *op = ops_at(&core->ops, index); /* back to the front */
        op->prev = OP_NIL;
        op->next = core->backlog.first;
        if (op->next == OP_NIL)
            core->backlog.last = index;
        else
            ops_at(&core->ops, op->next)->prev = index;
        core->backlog.first = index;
        break;
    }
    reclaim(core, cancelled);
}

/* ---- the phases ---- */

void core_turn_begin(struct velo_core *core)
{
    counter_add(&core->ledger.turns, 1);
    if (core->opts.on_turn_begin != NULL)
        core->opts.on_turn_begin(core->opts.ctx);
    core_drain_inbox(core);
    core->now_ns = clock_now_ns();
    core_checkpoint_if_due(core);
}

int core_poll(struct velo_core *core, int64_t timeout_ns)
{
    counter_add(&core->ledger.polls, 1);
    int rc = poller_wait(core->fds.epfd, core->fds.batch, FD_BATCH, timeout_ns);
    core->fds.ready = rc < 0 ? 0 : rc;
    core->unharvested = false;
    return rc < 0 ? rc : 0;
}

int core_poll_now(struct velo_core *core)
{
    bool nothing =
        !core->unharvested && fdtable_count(&core->fds) == 0 && !fdtable_is_pinned(&core->fds);
    return nothing ? 0 : core_poll(core, 0);
}

int core_peek(struct velo_core *core, int64_t timeout_ns)
{
    counter_add(&core->ledger.polls, 1);
    int rc = poller_peek(core->fds.epfd, timeout_ns);
    core->unharvested = rc > 0;
    return rc;
}

void core_run_fds(struct velo_core *core)
{
    for (int i = 0; i < core->fds.ready && !core_stops(core); i++) {
        struct fd_call call;
        if (!fdtable_claim(&core->fds, i, &call))
            continue;
        counter_add(&core->ledger.fd_events, 1);
        uint64_t start_ns = core->timed ? clock_now_ns() : 0;
        call.fn(call.fd, call.events, call.arg);
        if (core->timed && core->opts.on_slow != NULL) {
            uint64_t elapsed_ns = clock_now_ns() - start_ns;
            if (elapsed_ns >= core->opts.slow_ns)
                core->opts.on_slow(core->opts.ctx, NULL, call.arg, elapsed_ns);
        }
        core_checkpoint_if_due(core);
    }
    core->fds.ready = 0;
}

/* Claim one immediate; false: it was cleared. Frees its record either way. */
static bool take_immediate(struct velo_core *core, uint32_t index, struct velo_task *task)
{
    struct velo_op *op = ops_at(&core->ops, index);
    uint64_t word = op_word(op);
    *task = (struct velo_task){op->fn, op->arg};
    bool claimed =
        OP_STATE(word) == OP_PENDING && op_move(op, &word, op_with_state(word, OP_FIRING));
    if (claimed)
        counter_add(&core->ledger.live, UINT64_MAX);
    ops_free(&core->ops, index);
    return claimed;
}

void core_run_immediates(struct velo_core *core)
{
    uint32_t last = core->immediates.last; /* R2: those present now */
    struct velo_task task;
    while (core->immediates.first != OP_NIL && !core_stops(core)) {
        uint32_t index = op_list_shift(core, &core->immediates);
        if (take_immediate(core, index, &task))
            core_call(core, task.fn, task.arg);
        if (index == last)
            break;
    }
}

void core_run_closing(struct velo_core *core)
{
    for (uint64_t left = ring_count(&core->closing); left > 0 && !core_stops(core); left--) {
        struct velo_task task = ring_pop(&core->closing);
        core_call(core, task.fn, task.arg);
    }
}

static void tidy(struct velo_core *core)
{
    if (ops_are_untidy(&core->ops))
        ops_tidy(&core->ops, gate_is_empty(&core->work) && gate_is_empty(&core->guests));
}

void core_turn_end(struct velo_core *core)
{
    tidy(core);
    counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
    if (core->opts.on_turn_end != NULL)
        core->opts.on_turn_end(core->opts.ctx);
}

static bool is_idle_for_good(struct velo_core *core)
{
    /* (R1) seq_cst: set by this thread; a change of liveness after the look notifies us */
    bool until_idle = atomic_load_explicit(&core->until_idle, memory_order_seq_cst) != 0;
    return until_idle && !core_is_alive((struct velo_loop *)(void *)core);
}

bool core_has_news(const struct velo_core *core)
{
    /* (R3) seq_cst: after the announcement; pairs with (R3) in velo_loop_wake() */
    bool poked = atomic_load_explicit(&core->poked, memory_order_seq_cst) != 0;
    return poked || core_has_mail(core) || lifecycle_state(&core->life) >= VELO_STATE_TERMINATING;
}

bool core_must_look(struct velo_core *core)
{
    return core_has_news(core) || is_idle_for_good(core);
}

bool core_take_poke(struct velo_core *core)
{
    /* (R3) acq_rel: sees what was done before the poke; pairs with (R3) in velo_loop_wake() */
    return atomic_exchange_explicit(&core->poked, 0, memory_order_acq_rel) != 0;
}

int64_t core_timeout_ns(struct velo_core *core)
{
    bool ready = core_checkpoint_is_due(core) || core->immediates.first != OP_NIL ||
                 !ring_is_empty(&core->closing) || core_stops(core);
    if (ready || core_take_poke(core) || is_idle_for_good(core))
        return 0;
    uint64_t next = timers_next_ns(core->timers);
    int64_t timeout_ns = -1;
    if (next != UINT64_MAX) {
        uint64_t now = clock_now_ns();
        uint64_t wait = next > now ? next - now : 0;
        timeout_ns = wait > INT64_MAX ? INT64_MAX : (int64_t)wait;
    }
    if (core->backlog.first != OP_NIL && (timeout_ns < 0 || timeout_ns > RETRY_NS))
        timeout_ns = RETRY_NS;
    return timeout_ns;
}

uint64_t core_deadline_ns(int64_t timeout_ns)
{
    return timeout_ns < 0 ? UINT64_MAX : clock_add_ns(clock_now_ns(), (uint64_t)timeout_ns);
}

bool core_sleep_begin(struct velo_core *core)
{
    tidy(core);
    counter_set(&core->ledger.next_deadline_ns, timers_next_ns(core->timers));
    return lifecycle_move(&core->life, VELO_STATE_RUNNING, VELO_STATE_SLEEPING);
}

void core_sleep_end(struct velo_core *core)
{
    lifecycle_move(&core->life, VELO_STATE_SLEEPING, VELO_STATE_RUNNING);
}

/* ---- liveness and the end ---- */

bool core_is_alive(const struct velo_loop *loop)
{
    const struct velo_core *core = core_of_const(loop);
    struct loop_counts counts;
    loop_count(loop, &counts);
    uint64_t live = counter_get(&core->ledger.live) + shared_counter_get(&core->foreign.live);
    return live != 0 || counts.pending != 0 || fdtable_count(&core->fds) != 0 ||
           ring_count(&core->ticks) != 0 || ring_count(&core->microtasks) != 0 ||
           ring_count(&core->closing) != 0;
}

bool core_is_pending(struct velo_loop *loop)
{
    struct loop_counts counts;
    loop_count(loop, &counts);
    return counts.pending != 0 || core_timeout_ns(core_of(loop)) == 0;
}

static void discard(struct velo_core *core, velo_fn fn, void *arg)
{
    counter_add(&core->ledger.discarded, 1);
    if (core->opts.on_discard != NULL)
        core->opts.on_discard(core->opts.ctx, fn, arg);
}

static void discard_ring(struct velo_core *core, struct ring *ring)
{
    while (!ring_is_empty(ring)) {
        struct velo_task task = ring_pop(ring);
        discard(core, task.fn, task.arg);
    }
}

static void discard_timer(struct velo_core *core, uint32_t index)
{
    struct velo_op *op = ops_at(&core->ops, index);
    uint64_t word = op_word(op);
    op->where = OP_AT_NOWHERE;
    while (OP_STATE(word) == OP_PENDING) {
        if (!op_move(op, &word, op_with_state(word, OP_DEAD)))
            continue;
        counter_add(&core->ledger.armed, UINT64_MAX);
        if ((word & OP_UNREF) == 0)
            counter_add(&core->ledger.live, UINT64_MAX);
        discard(core, op->fn, op->arg);
        ops_free(&core->ops, index);
        return;
    }
    /* cancelled by another thread at the last moment: its reclaim list frees it */
}

/* What could not be delivered for want of memory. */
static void discard_backlog(struct velo_core *core)
{
    for (;;) {
        uint32_t index = op_list_shift(core, &core->backlog);
        if (index == OP_NIL)
            return;
        struct velo_op *op = ops_at(&core->ops, index);
        enum op_kind kind = OP_KIND(op_word(op));
        if (kind == OP_TIMER) {
            discard_timer(core, index);
            continue;
        }
        if (kind != OP_RESTART) {
            counter_add(&core->ledger.live, UINT64_MAX);
            discard(core, op->fn, op->arg);
        }
        ops_free(&core->ops, index);
    }
}

void core_discard_all(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    struct velo_task task;
    core->ended = true;
    core_drain_inbox(core);
    while (loop_take_task(loop, &task))
        discard(core, task.fn, task.arg);
    discard_ring(core, &core->ticks);
    discard_ring(core, &core->microtasks);
    for (;;) {
        uint32_t index = op_list_shift(core, &core->immediates);
        if (index == OP_NIL)
            break;
        if (take_immediate(core, index, &task))
            discard(core, task.fn, task.arg);
    }
    discard_ring(core, &core->closing);
    discard_backlog(core);
    for (;;) {
        uint32_t index = timers_take_any(core->timers);
        if (index == OP_NIL)
            break;
        discard_timer(core, index);
    }
    fdtable_clear(&core->fds);
}
