/* SPDX-License-Identifier: MIT */
/*
 * libev: the loop of libev 4 behind velo.h. See README.md and common/guest/guest.h.
 *
 *   descriptors  one ev_io each
 *   bell         an eventfd under an ev_io, as inside of ev_async, which does not tell when it
 *                could not be written (S8); rung at most once per sleep
 *   waiting      ev_run(), one turn of it per turn of ours, on epoll
 *   timers       a timerfd under an ev_io for the head of ours, and no ev_timer: libev waits in
 *                whole milliseconds, and the contract counts nanoseconds (T8)
 *
 * libev tells the kernel of changes when it polls, and never of the end of a watcher: what then is
 * still reported it finds out, and makes its set anew at a moment of its own. A descriptor that was
 * unwatched and closed just then would be one that libev still watches, and it would call abort().
 * So the adapter takes out of the set what is unwatched, and has it made anew itself, under the
 * table's lock, for what was closed before.
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <sys/epoll.h>

struct velo_loop {
    struct guest guest; /* first: a loop is a guest */
    struct ev_loop *ev;
    bool heard; /* a watcher was called since the turn began */
};
VELO_EMBEDS_GUEST(struct velo_loop);

struct watcher {
    struct guest_watcher base; /* first */
    ev_io io;
};

const size_t guest_watcher_size = sizeof(struct watcher);
const bool guest_has_edges = false;
const bool guest_is_lazy = true;
const bool guest_has_strays = true;

static struct watcher *watcher_of(struct guest_watcher *base)
{
    return (struct watcher *)(void *)base;
}

/* ---- the loop ---- */

int guest_open(struct velo_loop *loop)
{
    errno = 0;
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop->ev == NULL)
        return errno != 0 ? -errno : -ENOMEM;
    ev_set_userdata(loop->ev, loop);
    loop->guest.knows_own = true; /* a loop of ev_io watchers alone opens its set, nothing else */
    int rc = guest_bell_and_alarm_open(&loop->guest);
    if (rc != 0)
        ev_loop_destroy(loop->ev);
    return rc;
}

void guest_close(struct velo_loop *loop)
{
    ev_loop_destroy(loop->ev);
}

int guest_renew(struct velo_loop *loop)
{
    loop->guest.own[0] = -1;
    ev_loop_fork(loop->ev);
    return 0;
}

int guest_ring(struct velo_loop *loop)
{
    return guest_bell_ring(&loop->guest);
}

/* A wait goes on for as long as libev returns without a callback: it does so once a minute, after a
 * signal, and when a stray reports. */
int guest_turn(struct velo_loop *loop, int64_t timeout_ns)
{
    if (timeout_ns != 0) {
        int rc = guest_set_alarm(&loop->guest, timeout_ns);
        if (rc != 0)
            return rc;
    }
    loop->heard = false;
    do
        ev_run(loop->ev, timeout_ns == 0 ? EVRUN_NOWAIT : EVRUN_ONCE);
    while (!loop->heard && timeout_ns != 0);
    return 0;
}

/* ---- descriptors ---- */

/* libev makes hang-up and error readable and writable, so no bit is exact. */
static void on_io(struct ev_loop *ev, ev_io *io, int events)
{
    struct watcher *watcher = io->data;
    struct velo_loop *loop = ev_userdata(ev);
    int got = 0;
    loop->heard = true;
    if ((events & EV_ERROR) != 0) { /* the kernel refuses it, and libev has stopped it */
        guest_spend(loop, &watcher->base);
        return;
    }
    if ((events & EV_READ) != 0)
        got |= POLLIN;
    if ((events & EV_WRITE) != 0)
        got |= POLLOUT;
    guest_note(loop, &watcher->base, got, false);
}

int guest_expect(struct velo_loop *loop, size_t count)
{
    (void)loop;
    (void)count;
    return 0;
}

int guest_start(struct velo_loop *loop, struct guest_watcher *base, unsigned events)
{
    ev_io *io = &watcher_of(base)->io;
    int wanted = 0;
    if ((events & VELO_READ) != 0)
        wanted |= EV_READ;
    if ((events & VELO_WRITE) != 0)
        wanted |= EV_WRITE;
    if (!ev_is_active(io))
        ev_init(io, on_io);
    else
        ev_io_stop(loop->ev, io);
    io->data = base;
    ev_io_set(io, base->fd, wanted);
    ev_io_start(loop->ev, io);
    return 0;
}

void guest_stop(struct velo_loop *loop, struct guest_watcher *base)
{
    ev_io_stop(loop->ev, &watcher_of(base)->io);
}

/* libev does not tell which is its set: it is looked for once. What it was never told of is not in
 * there; when it was, a turn has followed, and since then the set holds the alarm. */
bool guest_take_out(struct velo_loop *loop, struct guest_watcher *base)
{
    if (watcher_of(base)->io.data == NULL)
        return true;
    int *set = &loop->guest.own[0];
    if (*set < 0)
        *set = guest_find_set(&loop->guest);
    return *set >= 0 && (epoll_ctl(*set, EPOLL_CTL_DEL, base->fd, NULL) == 0 || errno == ENOENT);
}

void guest_release(struct velo_loop *loop, struct guest_watcher *base)
{
    guest_free(loop, base);
}

/* ---- who it is ---- */

static char version[64];

__attribute__((constructor)) static void prepare(void)
{
    snprintf(version,
             sizeof(version),
             "libev %d.%d + adapter 1.0",
             ev_version_major(),
             ev_version_minor());
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_deviation deviations[] = {
        {"L10", "libev calls abort() when the kernel refuses to poll", VELO_DEVIATES_BY_ABORT},
        {"F3",
         "libev calls abort() when a descriptor is closed by another thread, still watched, in the "
         "moment in which libev begins to poll it",
         VELO_DEVIATES_BY_ABORT},
        {"F7",
         "libev lets only its own thread watch: the kernel may refuse after the call, and is asked "
         "again",
         VELO_DEVIATES_WHEN_REFUSED},
        {"X1",
         "libev calls abort() when memory or a system call is refused to it",
         VELO_DEVIATES_BY_ABORT},
        {"X5",
         "libev takes its own memory from one allocator for the whole process",
         VELO_DEVIATES_ALWAYS},
        {NULL, NULL, VELO_DEVIATES_ALWAYS},
    };
    static const struct velo_impl impl = {
        .name = "libev",
        .summary = "libev polls, waits and is woken; order, queues and timers by the adapter",
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
