/* SPDX-License-Identifier: MIT */
/*
 * The set aside: registrations that a library cannot watch. It reports readable and writable, as a
 * level. So hang-up and error alone stand here, and so does what has told an unasked hang-up and
 * would go on telling nothing else (F5): an epoll of the guest's own, made when it is needed, which
 * the library watches like any other descriptor.
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <fcntl.h>
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

static int control(const struct guest *guest, int op, const struct guest_watcher *watcher)
{
    struct epoll_event event = {0};
    event.events = to_epoll(&watcher->want);
    event.data.u64 = watcher->want.data;
    return epoll_ctl(guest->aside_fd, op, watcher->fd, &event) == 0 ? 0 : -errno;
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
    rc = control(guest, watcher->aside ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watcher);
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

/* A stray has reported, of a descriptor that was closed while a duplicate lives: begin anew. */
static void renew_aside(struct guest *guest)
{
    int fresh = epoll_create1(EPOLL_CLOEXEC);
    if (fresh < 0)
        return; /* it reports again */
    (void)dup3(fresh, guest->aside_fd, O_CLOEXEC);
    close(fresh);
    for (size_t i = 0; i < guest->watchers_size; i++) {
        if (guest->watchers[i] != NULL && guest->watchers[i]->aside)
            (void)control(guest, EPOLL_CTL_ADD, guest->watchers[i]);
    }
    guest_stop(guest_loop(guest), guest->side);
    (void)guest_start(guest_loop(guest), guest->side, VELO_READ);
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
