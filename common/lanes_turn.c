/* SPDX-License-Identifier: MIT */
/* See lanes_loop.h. */
#include "common/lanes_loop.h"

LANES_GROUP;

static int64_t timeout_ns_of(struct velo_loop *loop)
{
    return lanes_timeout_ns(lanes_of(loop), core_timeout_ns(core_of(loop)));
}

int loop_wait(struct velo_loop *loop)
{
    int64_t timeout_ns = timeout_ns_of(loop);
    return timeout_ns == 0 ? 1 : lanes_sleep(loop, timeout_ns, core_peek);
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct velo_core *core = core_of(loop);
    core_turn_begin(core);
    core_run_timers(core);
    lanes_lag(lanes_of(loop));
    loop_run_tasks(loop);
    lanes_trim(lanes_of(loop));
    int64_t timeout_ns = may_block ? timeout_ns_of(loop) : 0;
    int rc = timeout_ns == 0 ? core_poll_now(core) : lanes_sleep(loop, timeout_ns, core_poll);
    core_run_fds(core);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    return rc;
}
