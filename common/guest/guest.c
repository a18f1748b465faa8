/* SPDX-License-Identifier: MIT */
/* A guest from its making to its end, its turn, and how long it waits; see guest.h. */
#include "common/guest/guest.h"

#include "common/parts/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define RETRY_NS 1000000 /* how soon to ask again for what the library has refused */

/* ---- making and ending one ---- */

int fdkernel_init(struct fdtable *table)
{
    table->epfd = table->eventfd = -1; /* loop_init() makes what takes their place */
    return 0;
}

int loop_init(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    guest->bell_fd = guest->alarm_fd = guest->aside_fd = -1;
    guest_forget_own(guest);
    guest->alarm_ns = UINT64_MAX;
    int rc = guest_tasks_init(guest);
    if (rc != 0)
        return rc;
    rc = guest_open(loop);
    if (rc != 0)
        guest_tasks_fini(guest);
    else
        guest->opened = true;
    guest_must_apply(guest); /* bell and alarm are new to the library */
    return rc;
}

void loop_fini(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    guest_wait_bells(guest); /* L9: the bell is still there */
    guest_end_watchers(guest);
    guest_close(loop);
    guest->opened = false;
    guest_tasks_fini(guest);
}

bool loop_forget(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    if (!guest_tasks_forget(guest))
        return false;
    return guest_renew(loop) == 0; /* what it ends now is no longer the parent's */
}

void fdkernel_close(struct fdtable *table)
{
    struct guest *guest = guest_of_table(table);
    if (guest->opened && core_is_forked(&guest->core))
        guest_close_own(guest);
}

/* ---- the bell and the alarm ---- */

int guest_watch_own(struct guest *guest, int fd, struct guest_watcher **own, int *own_fd)
{
    struct guest_watcher *watcher = guest_watcher_new(guest, fd);
    int rc = watcher == NULL ? -ENOMEM : guest_start(guest_loop(guest), watcher, VELO_READ);
    if (rc != 0) {
        if (watcher != NULL)
            guest_release(guest_loop(guest), watcher);
        close(fd);
        return rc;
    }
    watcher->started = true;
    *own = watcher;
    *own_fd = fd;
    return 0;
}

int guest_alarm_open(struct guest *guest)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return fd < 0 ? -errno : guest_watch_own(guest, fd, &guest->clock, &guest->alarm_fd);
}

int guest_bell_open(struct guest *guest)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : guest_watch_own(guest, fd, &guest->bell, &guest->bell_fd);
}

int guest_bell_and_alarm_open(struct guest *guest)
{
    int rc = guest_bell_open(guest);
    if (rc == 0)
        rc = guest_alarm_open(guest);
    if (rc != 0)
        guest_close_all(guest);
    return rc;
}

int guest_bell_ring(const struct guest *guest)
{
    const uint64_t one = 1;
    if (write(guest->bell_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
        return 0;
    return errno == EAGAIN ? 0 : -errno; /* a full counter is a bell that was rung already */
}

void guest_close_all(struct guest *guest)
{
    struct guest_watcher *const own[] = {guest->bell, guest->clock, guest->side};
    const int fds[] = {guest->bell_fd, guest->alarm_fd, guest->aside_fd};
    for (int i = 0; i < 3; i++) {
        if (own[i] != NULL) {
            guest_stop(guest_loop(guest), own[i]);
            guest_release(guest_loop(guest), own[i]);
        }
        if (fds[i] >= 0)
            close(fds[i]);
    }
    guest->bell = guest->clock = guest->side = NULL;
    guest->bell_fd = guest->alarm_fd = guest->aside_fd = -1;
}

int guest_set_alarm(struct guest *guest, int64_t timeout_ns)
{
    uint64_t at_ns = core_deadline_ns(timeout_ns);
    uint64_t timer_ns = timers_next_ns(guest->core.timers);
    if (timer_ns < at_ns) /* the same deadline, but for the time since it was looked at */
        at_ns = timer_ns;
    if (at_ns == guest->alarm_ns && !guest->rung)
        return 0;
    struct itimerspec at = {{0, 0}, {0, 0}};
    if (at_ns != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
        at.it_value.tv_nsec = (long)(at_ns % 1000000000u);
        if (at_ns == 0)
            at.it_value.tv_nsec = 1; /* 0 would switch it off */
    }
    if (timerfd_settime(guest->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL) != 0)
        return -errno;
    guest->alarm_ns = at_ns;
    guest->rung = false;
    return 0;
}

/* ---- the turn ---- */

static int64_t until_next(struct guest *guest)
{
    if (guest->noted.first != NULL)
        return 0;
    int64_t timeout_ns = core_timeout_ns(&guest->core);
    if (guest->refused && (timeout_ns < 0 || timeout_ns > RETRY_NS))
        timeout_ns = RETRY_NS;
    return timeout_ns;
}

int loop_wait(struct velo_loop *loop)
{
    struct guest *guest = guest_of(loop);
    int64_t timeout_ns = until_next(guest);
    if (timeout_ns == 0 || guest_has_tasks(guest))
        return 1;
    return guest_sleep(guest, timeout_ns, guest_peek);
}

/* A poll that does not wait, if there is anything to poll. */
static int poll_now(struct guest *guest)
{
    const struct fdtable *fds = &guest->core.fds;
    bool nothing =
        fdtable_count(fds) == 0 && !fdtable_is_pinned(fds) && !core_has_changes(&guest->core);
    return nothing ? 0 : guest_poll(&guest->core, 0);
}

/* Embedded (A4): the kernel knows all that the library shall watch, and when the next timer is. */
static int make_ready(struct guest *guest)
{
    int rc = guest_set_alarm(guest, -1);
    if (rc == 0 && core_has_changes(&guest->core))
        rc = guest_poll(&guest->core, 0);
    if (rc == 0 && guest->noted.first != NULL) /* taken out of the kernel by that */
        rc = guest_ring(guest_loop(guest));
    return rc;
}

int loop_turn(struct velo_loop *loop, bool may_block)
{
    struct guest *guest = guest_of(loop);
    struct velo_core *core = &guest->core;
    core_turn_begin(core);
    core_run_timers(core);
    loop_run_tasks(loop);
    int64_t timeout_ns = may_block ? until_next(guest) : 0; /* R3 */
    int rc = timeout_ns != 0 ? guest_sleep(guest, timeout_ns, guest_poll) : poll_now(guest);
    int asked = guest_run_fds(guest);
    core_run_immediates(core);
    core_run_closing(core);
    core_turn_end(core);
    if (rc == 0 && asked == 0 && fdtable_is_pinned(&core->fds))
        return make_ready(guest);
    return rc != 0 ? rc : asked;
}
