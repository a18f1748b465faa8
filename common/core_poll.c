/* SPDX-License-Identifier: MIT */
/* How a native asks the kernel for events. A file of its own: a guest asks its library instead, and
 * links nothing of this. Owner. */
#include "common/core.h"
#include "common/parts/poller.h"

#include <errno.h>

int core_poll(struct velo_core *core, int64_t timeout_ns)
{
    if (core_is_forked(core)) /* its descriptors are the parent's, too */
        return -ECHILD;
    counter_add(&core->ledger.polls, 1);
    core_wait_begin(core);
    int rc = poller_wait(core->fds.epfd, core->fds.batch, FD_BATCH, timeout_ns);
    core_wait_end(core);
    core->fds.ready = rc < 0 ? 0 : rc;
    core->unharvested = false;
    return rc < 0 ? rc : 0;
}

int core_poll_now(struct velo_core *core)
{
    bool nothing =
        !core->unharvested && fdtable_count(&core->fds) == 0 && !fdtable_is_pinned(&core->fds);
    return nothing ? 0 : core_poll(core, 0);
}

int core_peek(struct velo_core *core, int64_t timeout_ns)
{
    if (core_is_forked(core))
        return -ECHILD;
    counter_add(&core->ledger.polls, 1);
    core_wait_begin(core);
    int rc = poller_peek(core->fds.epfd, timeout_ns);
    /* A3: a wake-up is no event, and its system call may come late; what it was for is found by who
     * waits, who looks at everything again */
    if (rc > 0 && fdtable_take_wake(&core->fds))
        rc = poller_peek(core->fds.epfd, 0);
    core_wait_end(core);
    core->unharvested = rc > 0;
    return rc;
}
