/* SPDX-License-Identifier: MIT */
/*
 * glib: a GMainContext of GLib 2 behind velo.h. See README.md and common/guest/guest.h.
 *
 *   descriptors  one GSource each, with g_source_add_unix_fd()
 *   bell         an eventfd under a GSource, as inside of g_main_context_wakeup(), which does not
 *                tell when it could not be written (S8); rung at most once per sleep
 *   waiting      the steps of g_main_context_iteration(): prepare, query, poll, check, dispatch.
 *                The poll is ours, as GLib means it to be for who embeds it: ppoll(2), in
 *                nanoseconds (T8), whose failure is seen (L10)
 *   timers       the time-out of that poll, and no GSource, whose time GLib waits for in whole
 *                milliseconds
 *
 * What ppoll(2) says is exact, hang-up and error with it.
 */
#include "common/guest/guest.h"

#include "common/parts/alloc.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>

enum { POLLED_MIN = 16, POLLED_OWN = 3 }; /* two bells and the set aside */

struct velo_loop {
    struct guest guest; /* first: a loop is a guest */
    GMainContext *context;
    GPollFD *polled; /* [polled_size] what it asked to poll; room for all that may be attached */
    int polled_size;
    GPollFD *spare; /* [spare_size] takes its place; under the lock of core.fds */
    int spare_size;
};
VELO_EMBEDS_GUEST(struct velo_loop);

struct watcher {
    struct guest_watcher base; /* first */
    struct source *source;     /* NULL until it is started */
};

struct source {
    GSource source; /* first */
    struct velo_loop *loop;
    struct watcher *watcher;
    gpointer tag;
};

const size_t guest_watcher_size = sizeof(struct watcher);
const bool guest_has_edges = false;
const bool guest_is_lazy = true; /* attaching rings GLib's own bell */
const bool guest_has_strays = false;

static struct watcher *watcher_of(struct guest_watcher *base)
{
    return (struct watcher *)(void *)base;
}

/* ---- the loop ---- */

static void free_polled(struct velo_loop *loop, GPollFD *polled, int size)
{
    alloc_free(
        loop->guest.core.opts.allocator, polled, (size_t)size * sizeof(*polled), _Alignof(GPollFD));
}

int guest_expect(struct velo_loop *loop, size_t count)
{
    int size = loop->spare_size > loop->polled_size ? loop->spare_size : loop->polled_size;
    size_t wanted = size == 0 ? POLLED_MIN : (size_t)size;
    if (count > G_MAXINT / 2 - POLLED_OWN)
        return -ENOMEM;
    while (wanted < count + POLLED_OWN)
        wanted *= 2;
    if (wanted == (size_t)size)
        return 0;
    GPollFD *spare =
        alloc_new(loop->guest.core.opts.allocator, wanted * sizeof(*spare), _Alignof(GPollFD));
    if (spare == NULL)
        return -ENOMEM;
    free_polled(loop, loop->spare, loop->spare_size);
    loop->spare = spare;
    loop->spare_size = (int)wanted;
    return 0;
}

/* Owner, under the lock of core.fds, or alone. */
static void take_spare(struct velo_loop *loop)
{
    if (loop->spare == NULL)
        return;
    free_polled(loop, loop->polled, loop->polled_size);
    loop->polled = loop->spare;
    loop->polled_size = loop->spare_size;
    loop->spare = NULL;
    loop->spare_size = 0;
}

int guest_open(struct velo_loop *loop)
{
    int timeout_ms;
    int rc = guest_expect(loop, 0);
    if (rc != 0)
        return rc;
    take_spare(loop);
    loop->context = g_main_context_new();
    g_main_context_query(loop->context, G_MAXINT, &timeout_ms, loop->polled, loop->polled_size);
    loop->guest.own[0] = loop->polled[0].fd; /* its own bell: there is nothing else yet */
    loop->guest.knows_own = true;
    rc = guest_bell_open(&loop->guest);
    if (rc == 0)
        rc = guest_turn(loop, 0); /* what is attached rings GLib's bell */
    if (rc != 0) {
        guest_close_all(&loop->guest);
        guest_close(loop);
    }
    return rc;
}

void guest_close(struct velo_loop *loop)
{
    g_main_context_unref(loop->context);
    free_polled(loop, loop->polled, loop->polled_size);
    free_polled(loop, loop->spare, loop->spare_size);
}

/* It has no set in the kernel. */
int guest_renew(struct velo_loop *loop)
{
    (void)loop;
    return 0;
}

int guest_ring(struct velo_loop *loop)
{
    return guest_bell_ring(&loop->guest);
}

static int poll_ns(GPollFD *polled, int count, int64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000), (long)(timeout_ns % 1000000000)};
    /* GLib promises that a GPollFD is a struct pollfd where poll(2) exists */
    int rc = ppoll(
        (struct pollfd *)(void *)polled, (nfds_t)count, timeout_ns < 0 ? NULL : &timeout, NULL);
    return rc >= 0 || errno == EINTR ? 0 : -errno;
}

int guest_turn(struct velo_loop *loop, int64_t timeout_ns)
{
    int priority, timeout_ms;
    if (!g_main_context_acquire(loop->context))
        return -EBUSY;
    if (g_main_context_prepare(loop->context, &priority))
        timeout_ns = 0;
    int count =
        g_main_context_query(loop->context, priority, &timeout_ms, loop->polled, loop->polled_size);
    for (int i = 0; i < count; i++)
        loop->polled[i].revents = 0; /* also if the poll is interrupted */
    int rc = poll_ns(loop->polled, count, timeout_ns);
    if (g_main_context_check(loop->context, priority, loop->polled, count))
        g_main_context_dispatch(loop->context);
    g_main_context_release(loop->context);
    return rc;
}

/* ---- descriptors ---- */

static gboolean on_ready(GSource *source, GSourceFunc callback, gpointer data)
{
    struct source *mine = (struct source *)(void *)source;
    (void)callback;
    (void)data;
    int got = (int)g_source_query_unix_fd(source, mine->tag);
    guest_note(mine->loop, &mine->watcher->base, got, true); /* G_IO_IN is POLLIN, and so on */
    return G_SOURCE_CONTINUE;
}

int guest_start(struct velo_loop *loop, struct guest_watcher *base, unsigned events)
{
    static GSourceFuncs functions = {.dispatch = on_ready};
    struct watcher *watcher = watcher_of(base);
    int wanted = 0;
    if ((events & VELO_READ) != 0)
        wanted |= G_IO_IN;
    if ((events & VELO_WRITE) != 0)
        wanted |= G_IO_OUT;
    if (watcher->source != NULL) {
        g_source_modify_unix_fd(
            &watcher->source->source, watcher->source->tag, (GIOCondition)wanted);
        return 0;
    }
    take_spare(loop);
    GSource *source = g_source_new(&functions, sizeof(struct source));
    watcher->source = (struct source *)(void *)source;
    watcher->source->loop = loop;
    watcher->source->watcher = watcher;
    watcher->source->tag = g_source_add_unix_fd(source, base->fd, (GIOCondition)wanted);
    /* it does not; but a source that might is taken out of the poll while it is dispatched, and
     * that rings GLib's own bell, twice */
    g_source_set_can_recurse(source, TRUE);
    g_source_attach(source, loop->context);
    return 0;
}

void guest_stop(struct velo_loop *loop, struct guest_watcher *base)
{
    struct watcher *watcher = watcher_of(base);
    (void)loop;
    g_source_destroy(&watcher->source->source);
    g_source_unref(&watcher->source->source);
    watcher->source = NULL;
}

bool guest_take_out(struct velo_loop *loop, struct guest_watcher *base)
{
    (void)loop;
    (void)base;
    return true; /* the kernel keeps nothing */
}

void guest_release(struct velo_loop *loop, struct guest_watcher *base)
{
    guest_free(loop, base);
}

/* ---- who it is ---- */

static char version[64];

__attribute__((constructor)) static void prepare(void)
{
    g_main_context_unref(g_main_context_new()); /* what GLib does only once in a process */
    snprintf(version,
             sizeof(version),
             "GLib %u.%u.%u + adapter 1.0",
             glib_major_version,
             glib_minor_version,
             glib_micro_version);
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_deviation deviations[] = {
        {"F4",
         "GLib polls numbers: one that was closed before it was unwatched, and opened again, "
         "reports the new file",
         VELO_DEVIATES_ALWAYS},
        {"X1", "GLib ends the process when memory is refused to it", VELO_DEVIATES_BY_ABORT},
        {"X5", "GLib takes its own memory from malloc()", VELO_DEVIATES_ALWAYS},
        {NULL, NULL, VELO_DEVIATES_ALWAYS},
    };
    static const struct velo_impl impl = {
        .name = "glib",
        .summary = "GMainContext polls and is woken; order, queues and timers by the adapter",
        .version = version,
        .kind = "guest",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH | VELO_CAP_BOUNDED |
                        VELO_CAP_METRICS | VELO_CAP_OFFLOAD,
        .deviations = deviations,
    };
    return &impl;
}
