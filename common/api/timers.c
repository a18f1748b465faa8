/* SPDX-License-Identifier: MIT */
/*
 * Timers (T1-T9). The owner acts on the store at once; another thread's start and restart travel as
 * records, its cancel is decided on the record's word and only the recycling travels.
 */
#include "common/api/foreign.h"
#include "common/core.h"
#include "common/parts/clock.h"

#include <errno.h>

/* A change that may have ended the loop's liveness: a loop that waits for idleness must look. */
static void notice_idle(struct velo_loop *loop)
{
    /* (R2) seq_cst: after the change of the live count; pairs with (R1) in run.c */
    if (atomic_load_explicit(&core_of(loop)->until_idle, memory_order_seq_cst) != 0)
        loop_notify(loop);
}

static inline void count_live(struct velo_core *core, bool owner, uint64_t n)
{
    if (owner)
        counter_add(&core->ledger.live, n);
    else
        shared_counter_add(&core->foreign.live, n);
}

static inline void count_armed(struct velo_core *core, bool owner, uint64_t n)
{
    if (owner)
        counter_add(&core->ledger.armed, n);
    else
        shared_counter_add(&core->foreign.armed, n);
}

/* Lower the bound that velo_metrics_read() gives for the next deadline. */
static void note_deadline(struct velo_core *core, uint64_t deadline_ns)
{
    /* (R4) relaxed: a bound only */
    uint64_t least = atomic_load_explicit(&core->foreign.next_ns, memory_order_relaxed);
    while (deadline_ns < least &&
           !atomic_compare_exchange_weak_explicit(/* (R4) relaxed: as above */
                                                  &core->foreign.next_ns,
                                                  &least,
                                                  deadline_ns,
                                                  memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

struct timer_args {
    uint64_t deadline_ns;
    uint64_t period_ns;
    velo_fn fn;
    void *arg;
};

/* A record, two if there is a period. NULL: memory is out. */
static inline struct velo_op *
take(struct ops *ops, const struct timer_args *args, bool foreign, uint32_t *index)
{
    if (args->period_ns == 0 && !foreign)
        return ops_take_own(ops, index);
    *index = args->period_ns == 0 ? ops_take_foreign(ops) : ops_take_periodic(ops, foreign);
    return *index == OP_NIL ? NULL : ops_at(ops, *index);
}

static inline uint64_t fill(struct velo_core *core,
                            struct velo_op *op,
                            uint32_t index,
                            const struct timer_args *args,
                            uint64_t flags,
                            velo_id *id)
{
    if (args->period_ns != 0)
        flags |= OP_PERIODIC;
    uint64_t word = op_word_make(op_word(op), OP_TIMER, flags);
    struct velo_op *holder = op_holder(&core->ops, op, word);
    holder->fn = args->fn;
    holder->arg = args->arg;
    if (holder != op)
        holder->period_ns = args->period_ns;
    op->deadline_ns = args->deadline_ns;
    if (id != NULL)
        *id = op_id(word, index);
    return word;
}

static int start_on_owner(struct velo_core *core, const struct timer_args *args, velo_id *id)
{
    if (lifecycle_stop(&core->life) != STOP_NO)
        return -ESHUTDOWN;
    core_see_others_first(core);
    uint32_t index;
    struct velo_op *op = take(&core->ops, args, false, &index);
    if (op == NULL)
        return -ENOMEM;
    uint64_t word = fill(core, op, index, args, 0, id);
    core_audit_timer(core, VELO_TIMER_ARMED, op_id(word, index), args->deadline_ns);
    op_publish(op, word);
    counter_add(&core->ledger.lanes[VELO_LANE_TIMER].accepted, 1);
    count_live(core, true, 1);
    count_armed(core, true, 1);
    core_arm(core, op, index);
    return 0;
}

static int start_elsewhere(struct velo_loop *loop, const struct timer_args *args, velo_id *id)
{
    struct velo_core *core = core_of(loop);
    if (!gate_enter(&core->work))
        return -ESHUTDOWN;
    uint32_t index;
    struct velo_op *op = take(&core->ops, args, true, &index);
    if (op != NULL) {
        uint64_t word = fill(core, op, index, args, OP_FOREIGN, id);
        op->at = OP_AT_INBOX;
        shared_counter_add(&core->foreign.accepted[VELO_LANE_TIMER], 1);
        count_live(core, false, 1);
        count_armed(core, false, 1);
        note_deadline(core, args->deadline_ns);
        core_audit_timer(core, VELO_TIMER_ARMED, op_id(word, index), args->deadline_ns);
        op_publish(op, word);
        foreign_push(loop, op, index);
    }
    gate_leave(&core->work);
    return op == NULL ? -ENOMEM : 0;
}

int velo_timer_start(struct velo_loop *loop,
                     uint64_t delay_ns,
                     uint64_t period_ns,
                     velo_fn fn,
                     void *arg,
                     velo_id *id)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct timer_args args = {clock_add_ns(clock_now_ns(), delay_ns), period_ns, fn, arg};
    if (lifecycle_is_owner(&core_of(loop)->life))
        return start_on_owner(core_of(loop), &args, id);
    return start_elsewhere(loop, &args, id);
}

/* What a cancel makes of the record: who recycles it depends on who cancels. */
static inline uint64_t cancelled_word(uint64_t word, bool owner)
{
    if (!owner)
        return op_with_state(word, OP_CANCELLED);
    return op_with_state(word, OP_DEAD);
}

/* The record was taken out of the running; let it be recycled. */
static inline void
recycle(struct velo_loop *loop, struct velo_op *op, uint32_t index, enum op_state was, bool owner)
{
    struct velo_core *core = core_of(loop);
    if (!owner) {
        inbox_push(&core->reclaim, op, index, true);
        notice_idle(loop);
    } else if (was == OP_PENDING) {
        core_disarm(core, op);
        ops_free(&core->ops, op, index);
    } /* else: it has cancelled itself, and finish_period() frees it */
}

/* Inline, so that the owner asks at no step whether it is the owner. */
__attribute__((always_inline)) static inline int
cancel(struct velo_loop *loop, velo_id id, bool owner)
{
    struct velo_core *core = core_of(loop);
    uint32_t index;
    uint64_t word;
    if (owner)
        core_see_others_first(core);
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    if (op == NULL)
        return -ENOENT;
    uint64_t gen = OP_GEN(word);
    for (;;) {
        enum op_state state = OP_STATE(word);
        if (OP_GEN(word) != gen || (state != OP_PENDING && state != OP_FIRING))
            return -ENOENT;
        if (state == OP_FIRING && (word & OP_PERIODIC) == 0)
            return -EALREADY;
        uint64_t before = word;
        if (!op_move(op, &word, cancelled_word(word, owner)))
            continue;
        if ((before & OP_UNREF) == 0)
            count_live(core, owner, UINT64_MAX);
        count_armed(core, owner, UINT64_MAX);
        if (owner)
            counter_add(&core->ledger.lanes[VELO_LANE_TIMER].cancelled, 1);
        else
            shared_counter_add(&core->foreign.cancelled[VELO_LANE_TIMER], 1);
        /* another thread may not look at the deadline, which the owner may be moving */
        core_audit_timer(core, VELO_TIMER_CANCELLED, id, owner ? op->deadline_ns : 0);
        recycle(loop, op, index, state, owner);
        return 0;
    }
}

static int cancel_on_owner(struct velo_loop *loop, velo_id id)
{
    return cancel(loop, id, true);
}

static int cancel_elsewhere(struct velo_loop *loop, velo_id id)
{
    return cancel(loop, id, false);
}

int velo_timer_cancel(struct velo_loop *loop, velo_id id)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (core_enter_guest(core_of(loop)))
        return cancel_on_owner(loop, id);
    int rc = cancel_elsewhere(loop, id);
    core_leave_guest(core_of(loop), false);
    return rc;
}

int velo_timer_cancel_many(struct velo_loop *loop, const velo_id *ids, size_t count, int *results)
{
    if (loop == NULL || (ids == NULL && count > 0))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    bool owner = core_enter_guest(core_of(loop));
    for (size_t i = 0; i < count; i++) {
        int rc = owner ? cancel_on_owner(loop, ids[i]) : cancel_elsewhere(loop, ids[i]);
        if (results != NULL)
            results[i] = rc;
    }
    core_leave_guest(core_of(loop), owner);
    return 0;
}

/* A one shot whose callback is running is armed again by itself. */
static bool revive(struct velo_core *core, struct velo_op *op, uint64_t word)
{
    if (!op_move(op, &word, op_with_state(word, OP_PENDING)))
        return false;
    if ((word & OP_PERIODIC) == 0) {
        count_armed(core, true, 1);
        if ((word & OP_UNREF) == 0)
            count_live(core, true, 1);
    }
    return true;
}

static int restart_on_owner(struct velo_core *core, velo_id id, uint64_t deadline_ns)
{
    uint32_t index;
    uint64_t word;
    if (lifecycle_stop(&core->life) != STOP_NO)
        return -ESHUTDOWN;
    core_see_others_first(core);
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    if (op == NULL || (OP_STATE(word) != OP_PENDING && OP_STATE(word) != OP_FIRING))
        return -ENOENT;
    while (OP_STATE(word) == OP_FIRING) {
        if (revive(core, op, word))
            break;
        word = op_word(op);
    }
    if (OP_STATE(op_word(op)) != OP_PENDING) /* another thread has cancelled it meanwhile */
        return -ENOENT;
    core_disarm(core, op);
    op->deadline_ns = deadline_ns;
    core_arm(core, op, index);
    core_audit_timer(core, VELO_TIMER_RESTARTED, id, deadline_ns);
    return 0;
}

/* Hold the timer back, so that it cannot fire at its old deadline. 0 or why not. */
static int hold(struct velo_core *core, velo_id id)
{
    uint32_t index;
    uint64_t word;
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    uint64_t gen = op == NULL ? 0 : OP_GEN(word);
    while (op != NULL && OP_GEN(word) == gen) {
        if (OP_STATE(word) != OP_PENDING && OP_STATE(word) != OP_FIRING)
            break;
        if (OP_STATE(word) == OP_FIRING && (word & OP_PERIODIC) == 0)
            return -EALREADY;
        if ((word & OP_MOVES_MASK) == OP_MOVES_MASK)
            return -EAGAIN;
        if (op_move(op, &word, word + OP_MOVE))
            return 0;
    }
    return -ENOENT;
}

static int restart_elsewhere(struct velo_loop *loop, velo_id id, uint64_t deadline_ns)
{
    struct velo_core *core = core_of(loop);
    if (!gate_enter(&core->work)) /* when all has ended, no id means anything */
        return lifecycle_state(&core->life) == VELO_STATE_TERMINATED ? -ENOENT : -ESHUTDOWN;
    uint32_t index = ops_take_foreign(&core->ops);
    int rc = index == OP_NIL ? -ENOMEM : hold(core, id);
    if (index != OP_NIL) { /* on failure the record travels empty: only the owner recycles */
        struct velo_op *op = ops_at(&core->ops, index);
        op->arg = (void *)(uintptr_t)(rc == 0 ? id : 0); // NOLINT(performance-no-int-to-ptr)
        op->deadline_ns = deadline_ns;
        op_publish(op, op_word_make(op_word(op), OP_RESTART, OP_FOREIGN));
        if (rc == 0)
            core_audit_timer(core, VELO_TIMER_RESTARTED, id, deadline_ns);
        foreign_push(loop, op, index);
    }
    gate_leave(&core->work);
    return rc;
}

int velo_timer_restart(struct velo_loop *loop, velo_id id, uint64_t delay_ns)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    uint64_t deadline_ns = clock_add_ns(clock_now_ns(), delay_ns);
    if (lifecycle_is_owner(&core_of(loop)->life))
        return restart_on_owner(core_of(loop), id, deadline_ns);
    return restart_elsewhere(loop, id, deadline_ns);
}

/* Set or clear UNREF. A one shot that is firing has left the live count already. */
static int set_unref(struct velo_loop *loop, velo_id id, bool owner, uint64_t unref)
{
    struct velo_core *core = core_of(loop);
    uint32_t index;
    uint64_t word;
    struct velo_op *op = ops_find(&core->ops, id, OP_TIMER, &index, &word);
    uint64_t gen = op == NULL ? 0 : OP_GEN(word);
    while (op != NULL && OP_GEN(word) == gen) {
        enum op_state state = OP_STATE(word);
        bool counted = state == OP_PENDING || (state == OP_FIRING && (word & OP_PERIODIC) != 0);
        if (state != OP_PENDING && state != OP_FIRING)
            break;
        uint64_t before = word;
        if (!op_move(op, &word, (word & ~OP_UNREF) | unref))
            continue;
        if (counted && (before & OP_UNREF) != unref)
            count_live(core, owner, unref != 0 ? UINT64_MAX : 1);
        if (!owner)
            notice_idle(loop);
        return 0;
    }
    return -ENOENT;
}

static int ref_or_unref(struct velo_loop *loop, velo_id id, uint64_t unref)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    bool owner = core_enter_guest(core_of(loop));
    int rc = set_unref(loop, id, owner, unref);
    core_leave_guest(core_of(loop), owner);
    return rc;
}

int velo_timer_ref(struct velo_loop *loop, velo_id id)
{
    return ref_or_unref(loop, id, 0);
}

int velo_timer_unref(struct velo_loop *loop, velo_id id)
{
    return ref_or_unref(loop, id, OP_UNREF);
}
