/* SPDX-License-Identifier: MIT */
/*
 * chunked: lock-free ingress by tickets into recycled chunks, one queue per lane; eventfd and
 * epoll. See README.md; the queue and its proof are in common/parts/ingress_tickets.h, the wake
 * protocol in common/lanes_run.c and common/parts/wake.h, the turn in common/lanes_turn.c. What
 * stands here joins them.
 */
#include "common/lanes_loop.h"

struct velo_loop {
    struct velo_core core; /* first: a loop is a core */
    struct lanes lanes;
};
VELO_EMBEDS_LANES(struct velo_loop);

int loop_init(struct velo_loop *loop)
{
    return lanes_open(loop);
}

void loop_fini(struct velo_loop *loop)
{
    lanes_fini(&loop->lanes);
}

void loop_expose(struct velo_loop *loop)
{
    wake_expose(&loop->lanes.wake);
    if (lanes_count(&loop->lanes) != 0 || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "chunked",
        .summary = "lock-free tickets into recycled chunks; eventfd and epoll",
        .version = "1.0",
        .kind = "native",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH |
                        VELO_CAP_BOUNDED | VELO_CAP_METRICS | VELO_CAP_BACKEND_FD |
                        VELO_CAP_OFFLOAD | VELO_CAP_SIGNAL_SAFE,
    };
    return &impl;
}
