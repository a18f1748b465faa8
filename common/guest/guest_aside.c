/* SPDX-License-Identifier: MIT */
/*
 * The set aside: registrations that a library cannot watch. It reports readable and writable, as a
 * level. So hang-up and error alone stand here, and so does what has told an unasked hang-up and
 * would go on telling nothing else (F5): an epoll of the guest's own, made when it is needed, which
 * the library watches like any other descriptor.
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <unistd.h>

enum { ASIDE_BATCH = 64 };

static uint32_t to_epoll(const struct fd_arming *want)
{
    const unsigned unasked = (unsigned)VELO_HANGUP | (unsigned)VELO_ERROR;
    uint32_t mask = 0;
    if ((want->events & VELO_READ) != 0)
        mask |= EPOLLIN;
    if ((want->events & VELO_WRITE) != 0)
        mask |= EPOLLOUT;
    if ((want->events & VELO_ONESHOT) != 0)
        mask |= (uint32_t)EPOLLONESHOT;
    /* asked for by name they are a level, else they come once per arming */
    if (want->hushed || (want->events & VELO_EDGE) != 0 || (want->events & unasked) == 0)
        mask |= (uint32_t)EPOLLET;
    return mask;
}

static int control(int set, int op, const struct guest_watcher *watcher)
{
    struct epoll_event event = {0};
    event.events = to_epoll(&watcher->want);
    event.data.u64 = watcher->want.data;
    return epoll_ctl(set, op, watcher->fd, &event) == 0 ? 0 : -errno;
}

static int open_aside(struct guest *guest)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : guest_watch_own(guest, fd, &guest->side, &guest->aside_fd);
}

int guest_put_aside(struct guest *guest, struct guest_watcher *watcher)
{
    int rc = guest->aside_fd < 0 ? open_aside(guest) : 0;
    if (rc != 0)
        return rc;
    rc = control(guest->aside_fd, watcher->aside ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watcher);
    if (rc == 0)
        watcher->aside = true;
    return rc;
}

void guest_take_back(struct guest *guest, struct guest_watcher *watcher)
{
    if (!watcher->aside)
        return;
    watcher->aside = false;
    epoll_ctl(guest->aside_fd, EPOLL_CTL_DEL, watcher->fd, NULL);
}

/* Put into [fresh] what the set aside should hold. 0 or -errno. */
static int fill(const struct guest *guest, int fresh)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < guest->watchers_size; i++) {
        const struct guest_watcher *watcher = guest->watchers[i];
        if (watcher != NULL && watcher->aside && fdfile_is(watcher->fd, &watcher->file))
            rc = control(fresh, EPOLL_CTL_ADD, watcher);
    }
    return rc;
}

/* End the library's watch of a set aside that has been replaced. */
static void drop_aside(struct guest *guest, struct guest_watcher *side, int fd)
{
    guest_stop(guest_loop(guest), side);
    if (!guest_take_out(guest_loop(guest), side))
        guest->strays = guest_has_strays;
    guest_release(guest_loop(guest), side);
    close(fd);
}

/*
 * A stray has reported, of a descriptor that was closed while a duplicate lives: begin anew. All or
 * nothing: if the kernel or the library refuses a step, the old set stays, and the stray reports
 * again.
 */
static void renew_aside(struct guest *guest)
{
    struct guest_watcher *const side = guest->side;
    const int fd = guest->aside_fd;
    int fresh = epoll_create1(EPOLL_CLOEXEC);
    if (fresh < 0)
        return;
    if (fill(guest, fresh) != 0)
        close(fresh);
    else if (guest_watch_own(guest, fresh, &guest->side, &guest->aside_fd) == 0) {
        drop_aside(guest, side, fd);
        guest_must_apply(guest); /* the new one is new to the library */
    }
}

/* Note one event. False: it is of a stray. */
static bool note(struct guest *guest, const struct epoll_event *event)
{
    size_t index = event->data.u64 & ((UINT64_C(1) << FD_INDEX_BITS) - 1);
    struct guest_watcher *watcher = index < guest->watchers_size ? guest->watchers[index] : NULL;
    if (watcher == NULL || !watcher->aside || watcher->data != event->data.u64)
        return false;
    guest_note(guest_loop(guest), watcher, (int)event->events, true);
    return true;
}

void guest_note_aside(struct guest *guest)
{
    struct epoll_event events[ASIDE_BATCH];
    bool strays = false;
    int count;
    guest->side_rang = false;
    pthread_mutex_lock(&guest->core.fds.lock);
    do {
        count = epoll_wait(guest->aside_fd, events, ASIDE_BATCH, 0);
        for (int i = 0; i < count; i++)
            strays = !note(guest, &events[i]) || strays;
    } while (count == ASIDE_BATCH && !strays);
    if (strays)
        renew_aside(guest);
    pthread_mutex_unlock(&guest->core.fds.lock);
}
