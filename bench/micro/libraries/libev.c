/* SPDX-License-Identifier: MIT */
/* libev.c - ev_timer: a 4-ary heap of times in floating point. */
#include "../timer_library.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>

static struct ev_loop *loop;
static ev_timer *timers;

static void never(struct ev_loop *at, ev_timer *timer, int events)
{
    (void)at;
    (void)timer;
    (void)events;
    abort();
}

static int open_all(size_t count)
{
    loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    timers = calloc(count, sizeof *timers);
    if (loop == NULL || timers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        ev_init(&timers[i], never);
    return 0;
}

static int start(size_t slot, uint64_t delay_ns)
{
    ev_timer_set(&timers[slot], (double)delay_ns / 1e9, 0.);
    ev_timer_start(loop, &timers[slot]);
    return 0;
}

static int stop(size_t slot)
{
    ev_timer_stop(loop, &timers[slot]);
    return 0;
}

static void close_all(void)
{
    ev_loop_destroy(loop);
    free(timers);
}

const struct timer_library *timer_library(void)
{
    static const struct timer_library own = {open_all, start, stop, close_all};
    return &own;
}
