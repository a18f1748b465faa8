/* SPDX-License-Identifier: MIT */
/*
 * uring: tasks come and wake the loop as in chunked, by common/lanes_loop.h; descriptors and
 * waiting are the part of io_uring. See README.md; that is in the other files, of which uring.h
 * tells.
 *
 * To what the owner looks at between announcement and sleep (common/lanes_run.c) come the changes
 * of descriptors, under the table's lock: uring.h. It blocks in the ring, which polls the eventfd.
 */
#include "uring.h"

VELO_EMBEDS_LANES(struct velo_loop);

int loop_init(struct velo_loop *loop)
{
    return lanes_open(loop);
}

void loop_fini(struct velo_loop *loop)
{
    lanes_fini(&loop->lanes);
    uring_watches_fini(&loop->core);
}

void loop_expose(struct velo_loop *loop)
{
    wake_expose(&loop->lanes.wake);
    uring_attend(&loop->core);
    if (lanes_count(&loop->lanes) != 0 || core_has_mail(&loop->core))
        loop_notify(loop); /* readable at once */
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "uring",
        .summary = "tickets as chunked; one io_uring polls, waits and is woken",
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
