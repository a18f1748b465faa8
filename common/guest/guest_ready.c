/* SPDX-License-Identifier: MIT */
/*
 * What the library reports, from its poll to the callbacks.
 *
 * It is noted in a list through the watchers themselves, so there is always room. Most libraries
 * tell hang-up and error as readable or writable; what is true of that, poll(2) says, once for all
 * that is noted. An event carries the arming of its time, so the table drops what has been changed
 * or unwatched since (F3, F4).
 */
#include "common/guest/guest.h"

#include <errno.h>
#include <unistd.h>

void guest_note(struct velo_loop *loop, struct guest_watcher *watcher, int got, bool exact)
{
    struct guest *guest = guest_of(loop);
    if (watcher == guest->clock) {
        guest->rung = true;
        return;
    }
    if (watcher == guest->bell) {
        uint64_t rung;
        (void)!read(guest->bell_fd, &rung, sizeof(rung)); /* else it is reported again */
        return;
    }
    if (watcher == guest->side) {
        guest->side_rang = true;
        return;
    }
    watcher->exact = exact && (watcher->exact || watcher->got == 0);
    watcher->got = (short)(watcher->got | got);
    if (watcher->noted)
        return;
    watcher->noted = true;
    watcher->next_noted = NULL;
    if (guest->noted.first == NULL)
        guest->noted.first = watcher;
    else
        guest->noted.last->next_noted = watcher;
    guest->noted.last = watcher;
}

void guest_unnote(struct guest *guest, struct guest_watcher *watcher)
{
    struct guest_watcher *before = NULL;
    struct guest_watcher *at = guest->noted.first;
    if (!watcher->noted)
        return;
    for (; at != watcher; at = at->next_noted)
        before = at;
    if (before == NULL)
        guest->noted.first = watcher->next_noted;
    else
        before->next_noted = watcher->next_noted;
    if (guest->noted.last == watcher)
        guest->noted.last = before;
    watcher->noted = false;
}

/* Let the library poll. */
static int poll_library(struct guest *guest, int64_t timeout_ns)
{
    if (guest->error != 0)
        return guest->error;
    if (!guest->sleeping && core_has_changes(&guest->core)) {
        int rc = guest_apply(guest);
        if (rc != 0 || (guest_is_lazy && timeout_ns == 0))
            return rc;
    }
    counter_add(&guest->core.ledger.polls, 1);
    int rc = guest_turn(guest_loop(guest), timeout_ns);
    guest_look_after(guest);
    return rc;
}

int guest_poll(struct velo_core *core, int64_t timeout_ns)
{
    if (core_is_forked(core)) /* its descriptors are the parent's, too */
        return -ECHILD;
    core_wait_begin(core);
    int rc = poll_library((struct guest *)(void *)core, timeout_ns);
    core_wait_end(core);
    return rc;
}

int guest_update(struct velo_core *core)
{
    struct guest *guest = (struct guest *)(void *)core;
    if (!core_has_changes(&guest->core) || core_is_forked(core))
        return 0;
    core_wait_begin(core);
    int rc = guest_apply(guest);
    core_wait_end(core);
    return rc;
}

int guest_peek(struct velo_core *core, int64_t timeout_ns)
{
    int rc = guest_poll(core, timeout_ns);
    return rc < 0 ? rc : ((struct guest *)(void *)core)->noted.first != NULL;
}

/* The next noted watcher that has something to tell, or NULL. */
static struct guest_watcher *take_noted(struct guest *guest)
{
    struct guest_watcher *watcher;
    while ((watcher = guest->noted.first) != NULL) {
        guest->noted.first = watcher->next_noted;
        watcher->noted = false;
        if ((watcher->started || watcher->aside) && watcher->got != 0)
            return watcher;
    }
    return NULL;
}

/* Which bits are true now? By one poll(2) for those of which the library does not say. */
static int ask(struct guest *guest, struct guest_watcher *const *taken, int count)
{
    struct pollfd bits[FD_BATCH];
    nfds_t asked = 0;
    for (int i = 0; i < count; i++) {
        if (!taken[i]->exact)
            bits[asked++] = (struct pollfd){taken[i]->fd, POLLIN | POLLOUT, 0};
    }
    if (asked == 0)
        return 0;
    counter_add(&guest->core.ledger.polls, 1);
    int rc;
    do
        rc = poll(bits, asked, 0);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    for (int i = count; i-- > 0;) {
        if (taken[i]->exact)
            continue;
        bool guessed = (taken[i]->got & (POLLIN | POLLOUT)) != 0;
        short true_now = bits[--asked].revents;
        /* not ready after all: the library will tell again; but hang-up alone that was none has to
         * be hushed, see fdtable_claim() */
        taken[i]->got = (short)(true_now & (taken[i]->got | POLLHUP | POLLERR | POLLNVAL));
        taken[i]->exact = taken[i]->got != 0 || !guessed;
    }
    return 0;
}

/* Hand one over to the table's batch. */
static void hand_over(struct guest *guest, struct guest_watcher *watcher)
{
    struct fdtable *fds = &guest->core.fds;
    short got = watcher->got;
    watcher->got = 0;
    if (!watcher->exact)
        return;
    if ((got & POLLNVAL) != 0) { /* its user has closed it */
        guest_watcher_stop(guest, watcher);
        return;
    }
    if ((watcher->events & VELO_ONESHOT) != 0) {
        guest_watcher_stop(guest, watcher);
        guest_must_apply(guest); /* a lazy library has something to do before it sleeps */
    }
    struct epoll_event *event = &fds->batch[fds->ready++];
    event->data.u64 = watcher->data;
    event->events = (uint32_t)got; /* the bits of poll are those of epoll */
}

int guest_run_fds(struct guest *guest)
{
    struct guest_watcher *taken[FD_BATCH];
    int rc = 0;
    while (guest->noted.first != NULL && !core_stops(&guest->core)) {
        int count = 0;
        while (count < FD_BATCH && (taken[count] = take_noted(guest)) != NULL)
            count++;
        rc = ask(guest, taken, count);
        if (rc != 0)
            break;
        guest->core.fds.ready = 0;
        for (int i = 0; i < count; i++)
            hand_over(guest, taken[i]);
        core_run_fds(&guest->core);
    }
    return rc;
}
