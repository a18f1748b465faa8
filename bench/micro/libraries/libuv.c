/* SPDX-License-Identifier: MIT */
/* libuv.c - uv_timer_t: a binary heap by milliseconds. */
#include "../timer_library.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t *timers;
static size_t timer_count;

static int open_all(size_t count)
{
    int rc = uv_loop_init(&loop);
    if (rc != 0)
        return rc; /* libuv's errors are -errno */
    timers = calloc(count, sizeof *timers);
    if (timers == NULL)
        return -ENOMEM;
    for (; timer_count < count; timer_count++)
        uv_timer_init(&loop, &timers[timer_count]);
    return 0;
}

static void never(uv_timer_t *timer)
{
    (void)timer;
    abort();
}

static int start(size_t slot, uint64_t delay_ns)
{
    return uv_timer_start(&timers[slot], never, delay_ns / 1000000, 0);
}

static int stop(size_t slot)
{
    return uv_timer_stop(&timers[slot]);
}

static void close_all(void)
{
    for (size_t i = 0; i < timer_count; i++)
        uv_close((uv_handle_t *)&timers[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(timers);
}

const struct timer_library *timer_library(void)
{
    static const struct timer_library own = {open_all, start, stop, close_all};
    return &own;
}
