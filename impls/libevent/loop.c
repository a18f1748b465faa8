/* SPDX-License-Identifier: MIT */
/*
 * libevent: an event_base of libevent 2.1 behind velo.h. See README.md and common/guest/guest.h.
 *
 *   descriptors  one struct event each, persistent, edge-triggered where asked for
 *   bell         an eventfd under an event, as inside of event_active(), which does not tell when
 *                it could not be written (S8); rung at most once per sleep
 *   waiting      event_base_loop(), one turn of it per turn of ours, on epoll
 *   timers       a timerfd under an event for the head of ours, and no evtimer. A base without
 *                EVENT_BASE_FLAG_PRECISE_TIMER waits in whole milliseconds (T8); with the flag it
 *                sets a timerfd of its own before each wait, ours is set when the head changes
 *
 * Locks are on (evthread_use_pthreads), for a descriptor that is unwatched by any thread leaves the
 * kernel's set at once. That setting is of the whole process and so made before main.
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>
#include <stdio.h>

/* It asks the kernel for so many at first, and for more when that was not enough. */
#define EVENTS_FIRST 32

struct velo_loop {
    struct guest guest; /* first: a loop is a guest */
    struct event_base *base;
    unsigned fresh; /* watchers noted by this turn */
};
VELO_EMBEDS_GUEST(struct velo_loop);

struct watcher {
    struct guest_watcher base; /* first */
    struct event event;
    struct velo_loop *loop;
    bool assigned;
};

const size_t guest_watcher_size = sizeof(struct watcher);
const bool guest_has_edges = true;
const bool guest_is_lazy = false;
const bool guest_has_strays = true;

static struct watcher *watcher_of(struct guest_watcher *base)
{
    return (struct watcher *)(void *)base;
}

static int failed(void)
{
    return errno != 0 ? -errno : -ENOMEM;
}

/* ---- the loop ---- */

int guest_open(struct velo_loop *loop)
{
    struct event_config *config = event_config_new();
    errno = 0;
    if (config == NULL)
        return -ENOMEM;
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_require_features(config, EV_FEATURE_ET);
    loop->base = event_base_new_with_config(config);
    int rc = loop->base == NULL ? failed() : 0;
    event_config_free(config);
    if (rc != 0)
        return rc;
    rc = guest_bell_and_alarm_open(&loop->guest);
    if (rc != 0)
        event_base_free(loop->base);
    return rc;
}

void guest_close(struct velo_loop *loop)
{
    event_base_free(loop->base);
}

int guest_renew(struct velo_loop *loop)
{
    errno = 0;
    guest_forget_own(&loop->guest);
    return event_reinit(loop->base) == 0 ? 0 : failed();
}

int guest_ring(struct velo_loop *loop)
{
    return guest_bell_ring(&loop->guest);
}

int guest_turn(struct velo_loop *loop, int64_t timeout_ns)
{
    if (timeout_ns != 0) {
        int rc = guest_set_alarm(&loop->guest, timeout_ns);
        if (rc != 0)
            return rc;
    }
    int flags =
        EVLOOP_ONCE | (timeout_ns == 0 ? EVLOOP_NONBLOCK : 0); /* without ONCE it goes on for
                                                                    as long as any is ready */
    int rc = 0;
    do {
        loop->fresh = 0;
        rc = event_base_loop(loop->base, flags);
        flags |= EVLOOP_NONBLOCK;
    } while (rc >= 0 && loop->fresh >= EVENTS_FIRST); /* there may be more */
    return rc >= 0 ? 0 : failed();
}

/* ---- descriptors ---- */

/* libevent makes hang-up and error readable and writable, so no bit is exact. */
static void on_event(evutil_socket_t fd, short events, void *arg)
{
    struct watcher *watcher = arg;
    int got = 0;
    (void)fd;
    if ((events & EV_READ) != 0)
        got |= POLLIN;
    if ((events & EV_WRITE) != 0)
        got |= POLLOUT;
    watcher->loop->fresh += !watcher->base.noted;
    guest_note(watcher->loop, &watcher->base, got, false);
}

int guest_expect(struct velo_loop *loop, size_t count)
{
    (void)loop;
    (void)count;
    return 0;
}

int guest_start(struct velo_loop *loop, struct guest_watcher *base, unsigned events)
{
    struct watcher *watcher = watcher_of(base);
    short wanted = EV_PERSIST;
    if ((events & VELO_READ) != 0)
        wanted |= EV_READ;
    if ((events & VELO_WRITE) != 0)
        wanted |= EV_WRITE;
    if (base->edge)
        wanted |= EV_ET;
    if (watcher->assigned)
        event_del(&watcher->event);
    watcher->loop = loop;
    watcher->assigned = true;
    errno = 0;
    event_assign(&watcher->event, loop->base, base->fd, wanted, on_event, watcher);
    return event_add(&watcher->event, NULL) == 0 ? 0 : failed();
}

void guest_stop(struct velo_loop *loop, struct guest_watcher *base)
{
    (void)loop;
    event_del(&watcher_of(base)->event);
}

/* Any thread may do this, and none waits for a callback. */
bool guest_take_out(struct velo_loop *loop, struct guest_watcher *base)
{
    struct watcher *watcher = watcher_of(base);
    (void)loop;
    if (watcher->assigned)
        event_del_noblock(&watcher->event);
    return true;
}

void guest_release(struct velo_loop *loop, struct guest_watcher *base)
{
    guest_free(loop, base);
}

/* ---- who it is ---- */

static char version[64];

__attribute__((constructor)) static void prepare(void)
{
    (void)evthread_use_pthreads();
    snprintf(version, sizeof(version), "libevent %s + adapter 1.0", event_get_version());
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_deviation deviations[] = {
        {"F7",
         "libevent keeps a pipe for signals and tells nobody, so it can be watched",
         VELO_DEVIATES_ALWAYS},
        {"F7",
         "changes are carried out by the owner: the kernel may refuse after the call, and is asked "
         "again",
         VELO_DEVIATES_WHEN_REFUSED},
        {"F3",
         "libevent cannot make its set anew while a watched descriptor is closed by another "
         "thread: "
         "the run ends with that error",
         VELO_DEVIATES_WHEN_REFUSED},
        {"X1", "libevent ends the process when memory is refused to it", VELO_DEVIATES_BY_ABORT},
        {"X5",
         "libevent takes its own memory from one allocator for the whole process",
         VELO_DEVIATES_ALWAYS},
        {NULL, NULL, VELO_DEVIATES_ALWAYS},
    };
    static const struct velo_impl impl = {
        .name = "libevent",
        .summary = "libevent polls, waits and is woken; order, queues and timers by the adapter",
        .version = version,
        .kind = "guest",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_FD_EDGE | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH |
                        VELO_CAP_BOUNDED | VELO_CAP_METRICS | VELO_CAP_OFFLOAD,
        .deviations = deviations,
    };
    return &impl;
}
