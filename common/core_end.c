/* SPDX-License-Identifier: MIT */
/* Liveness (A1), and giving up what is left at the end (L7). */
#include "common/core.h"

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

void core_expose(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    if (!fdtable_is_pinned(&core->fds))
        return;
    loop_expose(loop);
    /* (R5) acquire: pairs with (R5) in run.c; (R3) seq_cst: as in core_has_news() */
    if (atomic_load_explicit(&core->left_over, memory_order_acquire) != 0 ||
        atomic_load_explicit(&core->poked, memory_order_seq_cst) != 0)
        loop_notify(loop);
}

static void discard(struct velo_core *core, enum velo_lane lane, velo_fn fn, void *arg)
{
    counter_add(&core->ledger.lanes[lane].discarded, 1);
    if (core->opts.on_discard != NULL)
        core->opts.on_discard(core->opts.ctx, fn, arg);
}

static void discard_ring(struct velo_core *core, enum velo_lane lane, struct ring *ring)
{
    while (!ring_is_empty(ring)) {
        struct velo_task task = ring_pop(ring);
        discard(core, lane, task.fn, task.arg);
    }
}

static void discard_timer(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    uint64_t word = op_word(op);
    op->at = OP_AT_NOWHERE;
    while (OP_STATE(word) == OP_PENDING) {
        if (!op_move(op, &word, op_with_state(word, OP_DEAD)))
            continue;
        core_audit_timer(core, VELO_TIMER_DISCARDED, op_id(word, index), op->deadline_ns);
        counter_add(&core->ledger.armed, UINT64_MAX);
        if ((word & OP_UNREF) == 0)
            counter_add(&core->ledger.live, UINT64_MAX);
        const struct velo_op *holder = op_holder(&core->ops, op, word);
        discard(core, VELO_LANE_TIMER, holder->fn, holder->arg);
        ops_free(&core->ops, op, index);
        return;
    }
    /* cancelled by another thread at the last moment: its reclaim list frees it */
}

/* An offload that has ended, or was never begun: it is the caller's. One that was cancelled has met
 * its end, only its callback does not run any more. */
static void discard_offload(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    counter_add(&core->ledger.live, UINT64_MAX);
    if (OP_STATE(op_word(op)) != OP_CANCELLED)
        discard(core, VELO_LANE_OFFLOAD, op->fn, op->arg);
    ops_free(&core->ops, op, index);
}

static void discard_offloads(struct velo_core *core, struct op_list *list)
{
    uint32_t index;
    struct velo_op *op;
    while ((op = op_list_shift(&core->ops, list, &index)) != NULL)
        discard_offload(core, op, index);
}

void core_discard_late(struct velo_core *core, uint32_t index)
{
    const struct velo_op *op = ops_at(&core->ops, index);
    shared_counter_add(&core->foreign.live, UINT64_MAX);
    shared_counter_add(&core->foreign.discarded, 1);
    if (core->opts.on_discard != NULL)
        core->opts.on_discard(core->opts.ctx, op->fn, op->arg);
}

/* A restart that did not arrive: its timer, if it came due meanwhile, was left to it alone. */
static void discard_restarted(struct velo_core *core, const struct velo_op *node)
{
    uint32_t index = 0;
    uint64_t word = 0;
    struct velo_op *op =
        ops_find(&core->ops, (velo_id)(uintptr_t)node->arg, OP_TIMER, &index, &word);
    if (op != NULL && op->at == OP_AT_NOWHERE)
        discard_timer(core, op, index);
}

/* What could not be delivered for want of memory. */
static void discard_backlog(struct velo_core *core)
{
    uint32_t index;
    struct velo_op *op;
    while ((op = op_list_shift(&core->ops, &core->backlog, &index)) != NULL) {
        enum op_kind kind = OP_KIND(op_word(op));
        struct velo_task task;
        if (kind == OP_TIMER) {
            discard_timer(core, op, index);
            continue;
        }
        if (kind == OP_IMMEDIATE) { /* perhaps cleared already */
            if (core_take_immediate(core, op, index, &task))
                discard(core, VELO_LANE_IMMEDIATE, task.fn, task.arg);
            continue;
        }
        if (kind == OP_OFFLOAD) {
            discard_offload(core, op, index);
            continue;
        }
        if (kind == OP_RESTART) {
            discard_restarted(core, op);
        } else {
            counter_add(&core->ledger.live, UINT64_MAX);
            discard(core, op_lane(kind), op->fn, op->arg);
        }
        ops_free(&core->ops, op, index);
    }
}

void core_discard_all(struct velo_loop *loop)
{
    struct velo_core *core = core_of(loop);
    struct velo_task task;
    struct op_list jobs;
    enum velo_lane lane;
    uint32_t index;
    struct velo_op *op;
    core->ended = true;
    pool_end(&core->pool, &jobs); /* all that have ended are in the inbox */
    core_drain_inbox(core);
    while (loop_take_task(loop, &lane, &task))
        discard(core, lane, task.fn, task.arg);
    discard_offloads(core, &core->completions.list);
    discard_offloads(core, &jobs);
    discard_ring(core, VELO_LANE_TICK, &core->ticks);
    discard_ring(core, VELO_LANE_MICROTASK, &core->microtasks);
    while ((op = op_list_shift(&core->ops, &core->immediates, &index)) != NULL) {
        if (core_take_immediate(core, op, index, &task))
            discard(core, VELO_LANE_IMMEDIATE, task.fn, task.arg);
    }
    discard_ring(core, VELO_LANE_CLOSE, &core->closing);
    discard_backlog(core);
    while ((index = timers_take_any(core->timers)) != OP_NIL)
        discard_timer(core, ops_at(&core->ops, index), index);
    fdtable_clear(&core->fds);
    (void)core_settle(core);
}
