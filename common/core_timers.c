/* SPDX-License-Identifier: MIT */
/* Timers on the owner: arming, the timers phase, and what follows a callback (T1-T5). */
#include "common/core.h"
#include "common/parts/clock.h"
#include "common/parts/point.h"

void core_tell_timer(const struct velo_core *core,
                     enum velo_timer_event event,
                     velo_id id,
                     uint64_t deadline_ns)
{
    struct velo_timer_audit audit = {event, id, deadline_ns, clock_now_ns()};
    core->opts.on_timer_audit(core->opts.ctx, &audit);
}

/* In the timers phase it waits for its end. Else it finds no memory in the store: it waits in the
 * backlog, and the loop does not sleep long. */
void core_put_off(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    struct op_list *list = core->deferring ? &core->deferred : &core->backlog;
    core->starved |= !core->deferring;
    op_list_append(&core->ops, list, op, index);
    op->at = core->deferring ? OP_AT_DEFERRED : OP_AT_INBOX;
}

void core_take_back(struct velo_core *core, struct velo_op *op)
{
    if (op->at == OP_AT_DEFERRED)
        op_list_remove(&core->ops, &core->deferred, op);
    else if (op->at == OP_AT_INBOX)
        op_list_remove(&core->ops, &core->backlog, op);
    op->at = OP_AT_NOWHERE;
}

/* The callback of a one shot has returned. */
static void finish_once(struct velo_core *core, struct velo_op *op, uint32_t index)
{
    if (OP_STATE(op_word(op)) != OP_FIRING)
        return; /* restarted by its own callback: armed again */
    counter_add(&core->ledger.lanes[VELO_LANE_TIMER].executed, 1);
    ops_free(&core->ops, op, index);
}

/* The callback of a periodic timer has returned. */
static void
finish_period(struct velo_core *core, struct velo_op *op, uint32_t index, uint64_t start_ns)
{
    uint64_t word = op_word(op);
    while (OP_STATE(word) == OP_FIRING) {
        if (!op_move(op, &word, op_with_state(word, OP_PENDING)))
            continue;
        const struct velo_op *companion = ops_at(&core->ops, op->companion);
        op->deadline_ns = clock_add_ns(start_ns, companion->period_ns); /* T4 */
        if ((word & OP_MOVES_MASK) == 0) /* else the restart on its way arms it */
            core_arm(core, op, index);
        return;
    }
    if (OP_STATE(word) == OP_DEAD)
        ops_free(&core->ops, op, index); /* cancelled by itself */
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
    VELO_POINT(TIMER_CLAIMED);
    bool periodic = (word & OP_PERIODIC) != 0;
    uint64_t start_ns = periodic ? clock_now_ns() : 0;
    if (!periodic) {
        counter_add(&core->ledger.armed, UINT64_MAX);
        if ((word & OP_UNREF) == 0)
            counter_add(&core->ledger.live, UINT64_MAX);
    }
    counter_add(&core->ledger.timers_fired, 1);
    core_audit_timer(core, VELO_TIMER_FIRED, op_id(word, index), op->deadline_ns);
    const struct velo_op *holder = op_holder(&core->ops, op, word);
    core_invoke(core, holder->fn, holder->arg);
    if (periodic)
        finish_period(core, op, index, start_ns);
    else
        finish_once(core, op, index);
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
    uint32_t index;
    struct velo_op *op;
    while ((op = op_list_shift(&core->ops, &core->deferred, &index)) != NULL)
        core_arm(core, op, index);
}
