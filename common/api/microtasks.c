/* SPDX-License-Identifier: MIT */
/* Ticks and microtasks: a ring on the owner, the inbox from other threads (M1-M5). */
#include "common/api/foreign.h"
#include "common/core.h"

#include <errno.h>

static inline int push(struct velo_core *core, enum op_kind kind, velo_fn fn, void *arg)
{
    return ring_push(kind == OP_TICK ? &core->ticks : &core->microtasks, fn, arg);
}

/* There is mail, or a stop. Apart from queue(), which so needs no frame. */
__attribute__((noinline)) static int
queue_after_look(struct velo_core *core, enum op_kind kind, velo_fn fn, void *arg)
{
    if (core->ended || lifecycle_stop(&core->life) == STOP_IMMEDIATE)
        return -ESHUTDOWN; /* while draining gracefully they are still accepted */
    core_see_others_first(core);
    return push(core, kind, fn, arg);
}

/* Inline, so that each of the two knows its ring. */
__attribute__((always_inline)) static inline int
queue(struct velo_loop *loop, enum op_kind kind, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    struct velo_core *core = core_of(loop);
    if (!lifecycle_is_owner(&core->life))
        return foreign_submit(loop, kind, fn, arg, NULL);
    if (core_has_mail_or_stop(core))
        return queue_after_look(core, kind, fn, arg);
    return push(core, kind, fn, arg);
}

int velo_next_tick(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return queue(loop, OP_TICK, fn, arg);
}

int velo_queue_microtask(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return queue(loop, OP_MICROTASK, fn, arg);
}
