/* SPDX-License-Identifier: MIT */
/*
 * libuv: the loop of libuv (1.38 or later) behind velo.h. See README.md and common/guest/guest.h.
 *
 *   descriptors  one uv_poll_t each
 *   bell         one uv_async_t, rung at most once per sleep
 *   waiting      uv_run(), one turn of it per turn of ours
 *   timers       a timerfd under a uv_poll_t for the head of ours, and no uv_timer_t: that counts
 *                whole milliseconds, and the contract counts nanoseconds (T1, T8)
 *
 * libuv opens a pipe for signals when a process makes its first loop, and keeps it. That is done
 * before main, so that no loop of ours seems to leave descriptors behind.
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define UV_WITHOUT_LEAK 0x012d00u

struct velo_loop {
    struct guest guest; /* first: a loop is a guest */
    uv_loop_t uv;
    uv_async_t bell;
};
VELO_EMBEDS_GUEST(struct velo_loop);

struct watcher {
    struct guest_watcher base; /* first */
    uv_poll_t poll;
    int wanted; /* UV_* */
    bool initialised;
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

/* What it was rung for is found by the owner, who looks at everything when uv_run() returns. */
static void on_bell(uv_async_t *bell)
{
    (void)bell;
}

/* Let the handles that were closed go. */
static int let_close(struct velo_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* nothing else is active, so it does not wait */
    return uv_loop_close(&loop->uv);
}

/* What it has opened: the header shows it, though as its own affair. */
static void note_own(struct velo_loop *loop)
{
    const int own[] = {uv_backend_fd(&loop->uv),
                       loop->uv.async_io_watcher.fd,
                       loop->uv.signal_pipefd[0],
                       loop->uv.signal_pipefd[1]};
    _Static_assert(sizeof(own) == sizeof(loop->guest.own), "all of them");
    memcpy(loop->guest.own, own, sizeof(own));
    loop->guest.knows_own = true;
    loop->guest.core.fds.epfd = own[0];
}

/* A failing uv_loop_init() forgets to close its epoll before 1.45; 0 says that it has none yet. */
static void close_forgotten(const uv_loop_t *uv)
{
    if (uv_version() < UV_WITHOUT_LEAK && uv_backend_fd(uv) > 0)
        close(uv_backend_fd(uv));
}

int guest_open(struct velo_loop *loop)
{
    int rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        close_forgotten(&loop->uv);
        return rc;
    }
    loop->uv.data = loop;
    rc = uv_async_init(&loop->uv, &loop->bell, on_bell);
    if (rc != 0) {
        uv_loop_close(&loop->uv);
        return rc;
    }
    rc = guest_alarm_open(&loop->guest);
    if (rc != 0) {
        guest_close_all(&loop->guest);
        uv_close((uv_handle_t *)&loop->bell, NULL);
        let_close(loop);
        return rc;
    }
    note_own(loop);
    uv_run(&loop->uv,
           UV_RUN_NOWAIT); /* the kernel learns of the bell, also if nobody runs it (A4) */
    return 0;
}

void guest_close(struct velo_loop *loop)
{
    uv_close((uv_handle_t *)&loop->bell, NULL);
    int rc = let_close(loop);
    if (rc != 0)
        core_log(&loop->guest.core, VELO_LOG_ERROR, "uv_loop_close", "error=%s", uv_err_name(rc));
    loop->guest.core.fds.epfd = -1;
}

int guest_renew(struct velo_loop *loop)
{
    int rc = uv_loop_fork(&loop->uv);
    note_own(loop);
    return rc;
}

int guest_ring(struct velo_loop *loop)
{
    return uv_async_send(&loop->bell);
}

int guest_turn(struct velo_loop *loop, int64_t timeout_ns)
{
    if (timeout_ns != 0) {
        int rc = guest_set_alarm(&loop->guest, timeout_ns);
        if (rc != 0)
            return rc;
    }
    uv_run(&loop->uv, timeout_ns == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    return 0;
}

/* ---- descriptors ---- */

/*
 * libuv makes a hang-up readable or writable, as asked for. Of a socket that has UV_DISCONNECT with
 * it, so there the bits are exact without; of a pipe nothing tells. An error ends the polling.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watcher *watcher = poll->data;
    struct velo_loop *loop = poll->loop->data;
    int got = 0;
    if (status < 0) {
        guest_spend(loop, &watcher->base);
        events = watcher->wanted;
    }
    if ((events & UV_READABLE) != 0)
        got |= POLLIN;
    if ((events & UV_WRITABLE) != 0)
        got |= POLLOUT;
    bool exact = status == 0 && watcher->base.socket && (events & UV_DISCONNECT) == 0;
    guest_note(loop, &watcher->base, got != 0 ? got : POLLHUP, exact);
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
    if (!watcher->initialised) {
        int rc = uv_poll_init(&loop->uv, &watcher->poll, base->fd);
        if (rc != 0)
            return rc;
        watcher->poll.data = watcher;
        watcher->initialised = true;
    }
    watcher->wanted = UV_DISCONNECT;
    if ((events & VELO_READ) != 0)
        watcher->wanted |= UV_READABLE;
    if ((events & VELO_WRITE) != 0)
        watcher->wanted |= UV_WRITABLE;
    return uv_poll_start(&watcher->poll, watcher->wanted, on_poll);
}

void guest_stop(struct velo_loop *loop, struct guest_watcher *base)
{
    (void)loop;
    uv_poll_stop(&watcher_of(base)->poll);
}

/* libuv does so too, but only when its owner comes to it; that it is gone then is nothing to it. */
bool guest_take_out(struct velo_loop *loop, struct guest_watcher *base)
{
    return epoll_ctl(uv_backend_fd(&loop->uv), EPOLL_CTL_DEL, base->fd, NULL) == 0 ||
           errno == ENOENT; /* not polled yet */
}

static void on_closed(uv_handle_t *handle)
{
    guest_free(handle->loop->data, handle->data);
}

void guest_release(struct velo_loop *loop, struct guest_watcher *base)
{
    struct watcher *watcher = watcher_of(base);
    if (watcher->initialised)
        uv_close((uv_handle_t *)&watcher->poll, on_closed);
    else
        guest_free(loop, base);
}

/* ---- who it is ---- */

static char version[64];

__attribute__((constructor)) static void prepare(void)
{
    uv_loop_t first;
    if (uv_loop_init(&first) == 0)
        uv_loop_close(&first);
    snprintf(version, sizeof(version), "libuv %s + adapter 1.0", uv_version_string());
}

const struct velo_impl *velo_impl(void)
{
    static const struct velo_deviation deviations[] = {
        {"F7",
         "libuv lets only its own thread watch: the kernel may refuse after the call, and is asked "
         "again",
         VELO_DEVIATES_WHEN_REFUSED},
        {"L10", "libuv calls abort() when the kernel refuses to poll", VELO_DEVIATES_BY_ABORT},
        {"F3",
         "libuv calls abort() when a descriptor is closed by another thread, still watched, in the "
         "moment in which libuv begins to poll it",
         VELO_DEVIATES_BY_ABORT},
        {"S8", "libuv calls abort() when its bell cannot be written", VELO_DEVIATES_BY_ABORT},
        {"X1",
         "libuv calls abort() when memory or a system call is refused to it",
         VELO_DEVIATES_BY_ABORT},
        {"X5",
         "libuv takes its own memory from one allocator for the whole process",
         VELO_DEVIATES_ALWAYS},
        {NULL, NULL, VELO_DEVIATES_ALWAYS},
    };
    static const struct velo_impl impl = {
        .name = "libuv",
        .summary = "libuv polls, waits and is woken; order, queues and timers by the adapter",
        .version = version,
        .kind = "guest",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_MICROTASKS |
                        VELO_CAP_IMMEDIATES | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD |
                        VELO_CAP_FDS | VELO_CAP_UNTIL_IDLE | VELO_CAP_BATCH | VELO_CAP_BOUNDED |
                        VELO_CAP_METRICS | VELO_CAP_BACKEND_FD | VELO_CAP_OFFLOAD,
        .deviations = deviations,
    };
    return &impl;
}
