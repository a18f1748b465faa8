/* SPDX-License-Identifier: MIT */
/* See lanes_loop.h. */
#include "common/lanes_loop.h"

#include <errno.h>

LANES_GROUP;

/* Any thread, the owner too. */
static inline int submit(struct velo_loop *loop, int lane, velo_fn fn, void *arg)
{
    if (loop == NULL || fn == NULL)
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    return lanes_push(lanes_of(loop), &core_of(loop)->work, lane, fn, arg);
}

int velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return submit(loop, LANE_NORMAL, fn, arg);
}

int velo_submit_priority(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return submit(loop, LANE_PRIORITY, fn, arg);
}

int velo_submit_many(struct velo_loop *loop, const struct velo_task *tasks, size_t count)
{
    if (loop == NULL || !core_batch_is_valid(tasks, count))
        return -EINVAL;
    if (core_is_forked(core_of(loop)))
        return -ECHILD;
    if (count == 0)
        return 0;
    return lanes_push_many(lanes_of(loop), &core_of(loop)->work, LANE_NORMAL, tasks, count);
}

void loop_count(const struct velo_loop *loop, struct loop_counts *out)
{
    const struct lanes *lanes = lanes_of_const(loop);
    out->pending = 0;
    for (int lane = 0; lane < LANES; lane++)
        out->pending += ingress_look(&lanes->queue[lane], &out->accepted[lane]);
    out->wakeups = shared_counter_get(&lanes->wake.calls);
}
