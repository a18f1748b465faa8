/* SPDX-License-Identifier: MIT */
/* What other threads have left for the owner: records of starts, offloads that have ended, and
 * timers they have cancelled. */
#include "common/core.h"

/* A restart by another thread has arrived: move the timer if it is still the same. */
static void deliver_restart(struct velo_core *core, const struct velo_op *node)
{
    velo_id id = (velo_id)(uintptr_t)node->arg;
    uint32_t index = 0;
    uint64_t word = 0;
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    while (op != NULL && (OP_STATE(word) == OP_PENDING || OP_STATE(word) == OP_FIRING)) {
        /* a period whose callback is running right now becomes pending, as by its own restart */
        if (!op_move(op, &word, op_with_state(word - OP_MOVE, OP_PENDING)))
            continue;
        core_disarm(core, op);
        op->deadline_ns = node->deadline_ns;
        core_arm(core, op, index);
        return;
    }
}

/* Hand one record on to where it belongs. False: no memory now, keep it. */
static bool deliver(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    uint64_t word = op_word(op);
    enum op_kind kind = OP_KIND(word);
    int rc = 0;
    switch (kind) {
    case OP_TIMER:
        if (OP_STATE(word) == OP_DEAD)
            ops_free(&core->ops, op, index);
        else if (OP_STATE(word) == OP_PENDING)
            core_arm(core, op, index);
        else
            op->at = OP_AT_NOWHERE; /* cancelled by another thread: the reclaim list frees it */
        return true;
    case OP_IMMEDIATE:
        op_list_append(&core->ops, &core->immediates, op, index);
        return true;
    case OP_OFFLOAD:
        op_list_append(&core->ops, &core->completions.list, op, index);
        core->completions.count++;
        return true;
    case OP_RESTART:
        deliver_restart(core, op);
        ops_free(&core->ops, op, index);
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
    counter_add(&core->ledger.lanes[op_lane(kind)].moved, 1);
    counter_add(&core->ledger.live, UINT64_MAX); /* the ring keeps the loop alive from here on */
    ops_free(&core->ops, op, index);
    return true;
}

/* Try again what found no memory. */
static void deliver_backlog(struct velo_core *core)
{
    core->starved = false; /* a timer without memory goes to the end of the backlog: no more then */
    while (core->backlog.first != OP_NIL && !core->starved) {
        uint32_t index;
        struct velo_op *op = op_list_shift(&core->ops, &core->backlog, &index);
        if (deliver(core, op, index))
            continue;
        op_list_unshift(&core->ops, &core->backlog, op, index);
        break;
    }
}

/* Free timers that other threads have cancelled; all their starts have arrived. */
static void reclaim(struct velo_core *core, uint32_t index)
{
    while (index != OP_NIL) {
        struct velo_op *op = ops_at(&core->ops, index);
        uint32_t next = op->reclaim;
        core_disarm(core, op);
        ops_free(&core->ops, op, index);
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
    deliver_backlog(core);
    while (index != OP_NIL) { /* behind what waits for memory, if there is any */
        struct velo_op *op = ops_at(&core->ops, index);
        uint32_t next = op->next;
        if (core->backlog.first != OP_NIL || !deliver(core, op, index))
            op_list_append(&core->ops, &core->backlog, op, index);
        index = next;
    }
    reclaim(core, cancelled);
}
