/* SPDX-License-Identifier: MIT */
/*
 * Offloads (O1-O4): work on the threads of the loop's pool, completed on the owner.
 *
 * A record of [ops] goes to the pool (parts/pool.h), which sends it back through the inbox when its
 * work has ended or was cancelled; the owner puts it into core's completions, which run in the
 * tasks phase (core_fence()). The pool lives as long as the loop: destroy joins its threads, so a
 * worker may use the loop's memory without entering a gate.
 */
#include "common/core.h"

#include <errno.h>

#define DEFAULT_WORKERS 4

static struct velo_core *core_of_pool(void *ctx)
{
    return ctx;
}

static bool work(void *ctx, uint32_t job)
{
    core_work(ops_at(&core_of_pool(ctx)->ops, job));
    return !core_is_forked(core_of_pool(ctx));
}

static void mailed(void *ctx)
{
    loop_notify((struct velo_loop *)ctx);
}

static void late(void *ctx, uint32_t job)
{
    core_discard_late(core_of_pool(ctx), job);
}

int core_init_pool(struct velo_core *core)
{
    static const struct pool_host host = {work, mailed, late};
    unsigned max = core->opts.workers != 0 ? core->opts.workers : DEFAULT_WORKERS;
    core->pool.host = &host;
    core->pool.ctx = core;
    core->pool.alloc = core->opts.allocator;
    return pool_init(&core->pool, &core->ops, &core->inbox, max);
}

/* Count it, give out its id, and queue it. Inside the work gate, or on the owner. */
static void put(struct velo_core *core, uint32_t index, bool owner, velo_id *id)
{
    uint64_t word = op_word(ops_at(&core->ops, index));
    word = op_word_make(word, OP_OFFLOAD, owner ? 0 : OP_FOREIGN);
    if (id != NULL)
        *id = op_id(word, index);
    if (owner) {
        counter_add(&core->ledger.lanes[VELO_LANE_OFFLOAD].accepted, 1);
        counter_add(&core->ledger.live, 1);
    } else {
        shared_counter_add(&core->foreign.accepted[VELO_LANE_OFFLOAD], 1);
        shared_counter_add(&core->foreign.live, 1);
    }
    pool_put(&core->pool, index, word);
}

int velo_offload(
    struct velo_loop *loop, velo_fn work_fn, velo_done_fn done_fn, void *arg, velo_id *id)
{
    bool owner;
    if (loop == NULL || work_fn == NULL)
        return -EINVAL;
    struct velo_core *core = core_of(loop);
    if (core_is_forked(core))
        return -ECHILD;
    if (!core_enter_work(core, &owner))
        return -ESHUTDOWN;
    int rc = pool_prepare(&core->pool);
    uint32_t index = OP_NIL;
    if (rc == 0) {
        if (owner)
            (void)ops_take_own(&core->ops, &index);
        else
            index = ops_take_foreign(&core->ops);
        rc = index == OP_NIL ? -ENOMEM : 0;
    }
    if (rc == 0) {
        struct velo_op *op = ops_at(&core->ops, index);
        op->fn = work_fn;
        op->done = done_fn;
        op->arg = arg;
        put(core, index, owner, id);
    }
    core_leave_work(core, owner);
    return rc;
}

int velo_offload_cancel(struct velo_loop *loop, velo_id id)
{
    if (loop == NULL)
        return -EINVAL;
    struct velo_core *core = core_of(loop);
    if (core_is_forked(core))
        return -ECHILD;
    bool owner = core_enter_guest(core);
    int rc = pool_cancel(&core->pool, id);
    if (rc == 0) {
        if (owner)
            counter_add(&core->ledger.lanes[VELO_LANE_OFFLOAD].cancelled, 1);
        else
            shared_counter_add(&core->foreign.cancelled[VELO_LANE_OFFLOAD], 1);
        loop_notify(loop);
    }
    core_leave_guest(core, owner);
    return rc;
}
