/* SPDX-License-Identifier: MIT */
/* Whoever changes a descriptor tells the kernel, or the library, at once: nothing waits for the
 * owner. A file of its own: a contestant with another poller may define these and no more. */
#include "common/core.h"

bool core_has_changes(const struct velo_core *core)
{
    (void)core;
    return false;
}

bool core_settle(struct velo_core *core)
{
    (void)core;
    return false;
}
