/* SPDX-License-Identifier: MIT */
/* See lanes_loop.h. */
#include "common/lanes_loop.h"

LANES_GROUP;

static void log_failed_wake(void *loop, int error)
{
    core_log_failed_wake(core_of_const(loop), error);
}

int lanes_open(struct velo_loop *loop)
{
    struct lanes *lanes = lanes_of(loop);
    lanes->wake.on_failure = log_failed_wake;
    lanes->wake.ctx = loop;
    return lanes_init(lanes, core_of(loop)->fds.eventfd, &core_of(loop)->opts);
}

bool loop_forget(struct velo_loop *loop)
{
    lanes_forget(lanes_of(loop));
    return true;
}

void loop_notify(struct velo_loop *loop)
{
    wake_if_asleep(&lanes_of(loop)->wake);
}

void loop_unexpose(struct velo_loop *loop)
{
    wake_retract(&lanes_of(loop)->wake);
}

void loop_refuse(struct velo_loop *loop)
{
    lanes_refuse(lanes_of(loop));
}
