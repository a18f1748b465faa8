/* SPDX-License-Identifier: MIT */
/* glib.c - timeout sources, which are made to be armed and destroyed to be cancelled. */
#include "../timer_library.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>

static GMainContext *context;
static GSource **timers;

static gboolean never(void *arg)
{
    (void)arg;
    abort();
    return G_SOURCE_REMOVE;
}

static int open_all(size_t count)
{
    context = g_main_context_new();
    timers = g_try_new0(GSource *, count);
    return timers == NULL ? -ENOMEM : 0;
}

static int start(size_t slot, uint64_t delay_ns)
{
    timers[slot] = g_timeout_source_new((guint)(delay_ns / 1000000));
    g_source_set_callback(timers[slot], never, NULL, NULL);
    g_source_attach(timers[slot], context);
    return 0;
}

static int stop(size_t slot)
{
    g_source_destroy(timers[slot]);
    g_source_unref(timers[slot]);
    return 0;
}

static void close_all(void)
{
    g_main_context_unref(context);
    g_free(timers);
}

const struct timer_library *timer_library(void)
{
    static const struct timer_library own = {open_all, start, stop, close_all};
    return &own;
}
