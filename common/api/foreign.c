/* SPDX-License-Identifier: MIT */
/* See foreign.h. */
#include "common/api/foreign.h"

#include <errno.h>

void foreign_push(struct velo_loop *loop, struct velo_op *op, uint32_t index)
{
    struct velo_core *core = core_of(loop);
    inbox_push(&core->inbox, op, index, false);
    loop_notify(loop);
}

int foreign_submit(struct velo_loop *loop, enum op_kind kind, velo_fn fn, void *arg, velo_id *id)
{
    struct velo_core *core = core_of(loop);
    if (!gate_enter(&core->work))
        return -ESHUTDOWN;
    uint32_t index = ops_take_foreign(&core->ops);
    if (index != OP_NIL) {
        struct velo_op *op = ops_at(&core->ops, index);
        uint64_t word = op_word_make(op_word(op), kind, OP_FOREIGN);
        op->fn = fn;
        op->arg = arg;
        op->at = OP_AT_INBOX;
        if (id != NULL)
            *id = op_id(word, index);
        shared_counter_add(&core->foreign.accepted[op_lane(kind)], 1);
        shared_counter_add(&core->foreign.live, 1);
        op_publish(op, word);
        foreign_push(loop, op, index);
    }
    gate_leave(&core->work);
    return index == OP_NIL ? -ENOMEM : 0;
}
