/* SPDX-License-Identifier: MIT */
/*
 * The semantics of a turn: entering user code, the checkpoint, the phases, and when to sleep.
 * Owner thread only. Timers, the inbox and the end stand in files of their own.
 */
#include "common/core.h"

#include "common/parts/clock.h"
#include "common/parts/point.h"

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

void core_log_failed_wake(const struct velo_core *core, int error)
{
    static const char name[] = "errno=";
    char text[32] = "";
    char *at = text + sizeof(text) - 1; /* from the last digit backwards */
    unsigned left = (unsigned)-error;
    if (core->opts.on_log == NULL)
        return;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    for (size_t i = sizeof(name) - 1; i > 0; i--)
        *--at = name[i - 1];
    core->opts.on_log(core->opts.ctx, VELO_LOG_ERROR, "wake_failed", at);
}

/* ---- entering user code, and the checkpoint ---- */

void core_invoke_measured(struct velo_core *core, velo_fn fn, void *arg)
{
    struct core_span span = {.fn = fn, .arg = arg};
    core_span_start(core, &span);
    fn(arg);
    core_span_stop(core, &span);
}

/* Run a lane of ticks or microtasks until it is empty, what it adds included (M2). */
static size_t run_lane(struct velo_core *core, enum velo_lane lane, struct ring *ring)
{
    size_t ran = 0;
    for (; !ring_is_empty(ring) && !core_stops(core); ran++) {
        struct velo_task task = ring_pop(ring);
        counter_add(&core->ledger.lanes[lane].executed, 1);
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
        ran += run_lane(core, VELO_LANE_TICK, &core->ticks);
        if (!core_stops(core))
            ran += run_lane(core, VELO_LANE_MICROTASK, &core->microtasks);
        warn_long_checkpoint(core, before, ran);
    } while (core_checkpoint_is_due(core) && core->backlog.first == OP_NIL && !core_stops(core));
    ring_trim(&core->ticks);
    ring_trim(&core->microtasks);
    core->draining = draining;
}

/* ---- the phases ---- */

void core_turn_begin(struct velo_core *core)
{
    counter_add(&core->ledger.turns, 1);
    if (core->opts.on_turn_begin != NULL)
        core->opts.on_turn_begin(core->opts.ctx);
    core_drain_inbox(core);
    core->now_ns = clock_now_ns();
    if (core->meter != NULL)
        core_meter_turn(core, core->now_ns);
    core_checkpoint_if_due(core);
}

void core_slice_begin(struct velo_core *core)
{
    if (core->sliced) /* a drain ends when all is done: no slice there */
        core->slice_end_ns =
            core->draining ? UINT64_MAX : clock_add_ns(clock_now_ns(), core->opts.time_slice_ns);
}

bool core_slice_is_over(const struct velo_core *core)
{
    return clock_now_ns() >= core->slice_end_ns;
}

static void run_fd_measured(struct velo_core *core, const struct fd_call *call)
{
    struct core_span span = {.arg = call->arg};
    core_span_start(core, &span);
    call->fn(call->fd, call->events, call->arg);
    core_span_stop(core, &span);
}

void core_run_fds(struct velo_core *core)
{
    for (int i = 0; i < core->fds.ready && !core_stops(core); i++) {
        struct fd_call call;
        if (!fdtable_claim(&core->fds, i, &call))
            continue;
        VELO_POINT(FD_CLAIMED);
        counter_add(&core->ledger.fd_events, 1);
        GUARD_SET(&core->guard);
        if (core_measures(core))
            run_fd_measured(core, &call);
        else
            call.fn(call.fd, call.events, call.arg);
        GUARD_CLEAR(&core->guard);
        core_checkpoint_if_due(core);
    }
    core->fds.ready = 0;
}

static void complete_measured(struct velo_core *core, velo_done_fn done_fn, int status, void *arg)
{
    struct core_span span = {.arg = arg};
    core_span_start(core, &span);
    done_fn(status, arg);
    core_span_stop(core, &span);
}

/* Enter the callback of an offload that is complete, or was cancelled. */
static void complete(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    velo_done_fn done_fn = op->done;
    void *arg = op->arg;
    int status = OP_STATE(op_word(op)) == OP_CANCELLED ? -ECANCELED : 0;
    counter_add(&core->ledger.live, UINT64_MAX);
    if (status == 0)
        counter_add(&core->ledger.lanes[VELO_LANE_OFFLOAD].executed, 1);
    ops_free(&core->ops, op, index);
    if (done_fn == NULL)
        return;
    GUARD_SET(&core->guard);
    if (core_measures(core))
        complete_measured(core, done_fn, status, arg);
    else
        done_fn(status, arg);
    GUARD_CLEAR(&core->guard);
    core_checkpoint_if_due(core);
}

size_t core_run_fenced(struct velo_core *core, uint64_t ran)
{
    struct completions *all = &core->completions;
    size_t done = 0;
    if (ran < all->before) {
        all->before -= ran;
        return 0;
    }
    all->before = 0;
    for (; all->fenced > 0 && !core_stops(core); done++) {
        all->fenced--;
        all->count--;
        uint32_t index;
        struct velo_op *op = op_list_shift(&core->ops, &all->list, &index);
        complete(core, op, index);
    }
    return done;
}

bool core_take_immediate(struct velo_core *core,
                         struct velo_op *op,
                         uint32_t index,
                         struct velo_task *task)
{
    uint64_t word = op_word(op);
    *task = (struct velo_task){op->fn, op->arg};
    bool claimed =
        OP_STATE(word) == OP_PENDING && op_move(op, &word, op_with_state(word, OP_FIRING));
    if (claimed)
        counter_add(&core->ledger.live, UINT64_MAX);
    ops_free(&core->ops, op, index);
    return claimed;
}

void core_run_immediates(struct velo_core *core)
{
    uint32_t last = core->immediates.last; /* R2: those present now */
    struct velo_task task;
    uint32_t index;
    while (core->immediates.first != OP_NIL && !core_stops(core)) {
        struct velo_op *op = op_list_shift(&core->ops, &core->immediates, &index);
        if (core_take_immediate(core, op, index, &task))
            core_call(core, VELO_LANE_IMMEDIATE, task.fn, task.arg);
        if (index == last)
            break;
    }
}

void core_run_closing(struct velo_core *core)
{
    for (uint64_t left = ring_count(&core->closing); left > 0 && !core_stops(core); left--) {
        struct velo_task task = ring_pop(&core->closing);
        core_call(core, VELO_LANE_CLOSE, task.fn, task.arg);
    }
    ring_trim(&core->closing);
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
    if (core->opts.on_turn_end != NULL && !core_is_forked(core))
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
    /* (R3) relaxed: a look, so that the line stays shared while nobody pokes */
    if (atomic_load_explicit(&core->poked, memory_order_relaxed) == 0)
        return false;
    /* (R3) acq_rel: sees what was done before the poke; pairs with (R3) in velo_loop_wake() */
    return atomic_exchange_explicit(&core->poked, 0, memory_order_acq_rel) != 0;
}

int64_t core_timeout_ns(struct velo_core *core)
{
    bool ready = core_checkpoint_is_due(core) || core->immediates.first != OP_NIL ||
                 !ring_is_empty(&core->closing) || core_has_completions(core) || core_stops(core);
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
    if (core->meter != NULL) /* first: who sees it sleep sees the counters, too */
        core_meter_sleep(core);
    if (!lifecycle_move(&core->life, VELO_STATE_RUNNING, VELO_STATE_SLEEPING))
        return false;
    core_wait_begin(core);
    return true;
}

void core_sleep_end(struct velo_core *core)
{
    core_wait_end(core);
    lifecycle_move(&core->life, VELO_STATE_SLEEPING, VELO_STATE_RUNNING);
}
