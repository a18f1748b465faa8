/* SPDX-License-Identifier: MIT */
/* Immediates and close callbacks (R1-R6). */
#include "common/api/foreign.h"
#include "common/core.h"

#include <errno.h>

static int set_on_owner(struct velo_core *core, velo_fn fn, void *arg, velo_id *id)
{
    if (lifecycle_stop(&core->life) != STOP_NO)
        return -ESHUTDOWN;
    core_see_others_first(core);
    uint32_t index;
    struct velo_op *op = ops_take_own(&core->ops, &index);
    if (op == NULL)
        return -ENOMEM;
    uint64_t word = op_word_make(op_word(op), OP_IMMEDIATE, 0);
    op->fn = fn;
    op->arg = arg;
    op_publish(op, word);
    if (id != NULL)
        *id = op_id(word, index);
    counter_add(&core->ledger.lanes[VELO_LANE_IMMEDIATE].accepted, 1);
    counter_add(&core->ledger.live, 1);
    op_list_append(&core->ops, &core->immediates, op, index);
    return 0;
}

int velo_set_immediate(struct velo_loop *loop, velo_fn fn, void *arg, velo_id *id)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (lifecycle_is_owner(&core_of(loop)->life))
        return set_on_owner(core_of(loop), fn, arg, id);
    return foreign_submit(loop, OP_IMMEDIATE, fn, arg, id);
}

/* The record stays in its list, which frees it; only the right to run is taken away. */
static int clear(struct velo_core *core, velo_id id, bool owner)
{
    uint32_t index;
    uint64_t word;
    struct velo_op *op = ops_find(&core->ops, id, OP_IMMEDIATE, &index, &word);
    if (op == NULL || OP_STATE(word) != OP_PENDING ||
        !op_move(op, &word, op_with_state(word, OP_CANCELLED)))
        return -ENOENT;
    if (owner) {
        counter_add(&core->ledger.lanes[VELO_LANE_IMMEDIATE].cancelled, 1);
        counter_add(&core->ledger.live, UINT64_MAX);
    } else {
        shared_counter_add(&core->foreign.cancelled[VELO_LANE_IMMEDIATE], 1);
        shared_counter_add(&core->foreign.live, UINT64_MAX);
    }
    return 0;
}

int velo_clear_immediate(struct velo_loop *loop, velo_id id)
{
    if (loop == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    bool owner = core_enter_guest(core);
    int rc = clear(core, id, owner);
    core_leave_guest(core, owner);
    return rc;
}

int velo_defer_close(struct velo_loop *loop, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (!lifecycle_is_owner(&core->life))
        return foreign_submit(loop, OP_CLOSING, fn, arg, NULL);
    if (lifecycle_stop(&core->life) != STOP_NO)
        return -ESHUTDOWN;
    core_see_others_first(core);
    return ring_push(&core->closing, fn, arg);
}
