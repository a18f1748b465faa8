/* SPDX-License-Identifier: MIT */
/* libevent.c - evtimer: a binary heap by microseconds, of a base without locks. */
#include "../timer_library.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

static struct event_base *base;
static struct event *timers;

static void never(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    abort();
}

static int open_all(size_t count)
{
    struct event_config *config = event_config_new();
    if (config == NULL)
        return -ENOMEM;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    base = event_base_new_with_config(config);
    event_config_free(config);
    timers = calloc(count, sizeof *timers);
    if (base == NULL || timers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        evtimer_assign(&timers[i], base, never, NULL);
    return 0;
}

static int start(size_t slot, uint64_t delay_ns)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ns / 1000000000),
                                  .tv_usec = (suseconds_t)(delay_ns % 1000000000 / 1000)};
    return evtimer_add(&timers[slot], &delay) == 0 ? 0 : -ENOMEM;
}

static int stop(size_t slot)
{
    return evtimer_del(&timers[slot]) == 0 ? 0 : -EINVAL;
}

static void close_all(void)
{
    event_base_free(base);
    free(timers);
}

const struct timer_library *timer_library(void)
{
    static const struct timer_library own = {open_all, start, stop, close_all};
    return &own;
}
