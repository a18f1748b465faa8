/* SPDX-License-Identifier: MIT */
/* See guest_fake.h: the seams of guest.h over poll(2), and what a contestant has to tell. */
#include "common/unit/guest_fake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>

struct fake fake = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .give_up = -1};

struct watcher {
    struct guest_watcher base; /* first */
    unsigned events;           /* READ, WRITE; 0: not watched */
    size_t place;              /* in the loop's list */
    bool listed;
};

struct velo_loop {
    struct guest guest; /* first: a loop is a guest */
    struct watcher *watched[FAKE_WATCHED];
    size_t count;
};
VELO_EMBEDS_GUEST(struct velo_loop);

const size_t guest_watcher_size = sizeof(struct watcher);
const bool guest_has_edges = false;
const bool guest_is_lazy = true;
const bool guest_has_strays = true;

/* ---- for the tests ---- */

void fake_reset(void)
{
    pthread_mutex_lock(&fake.lock);
    const size_t from = offsetof(struct fake, at_wait);
    memset((char *)&fake + from, 0, sizeof(fake) - from);
    fake.give_up = fake.lies_about = -1;
    pthread_mutex_unlock(&fake.lock);
}

static void set_gate(struct fake_gate *gate, bool shut)
{
    pthread_mutex_lock(&fake.lock);
    gate->shut = shut;
    pthread_cond_broadcast(&fake.changed);
    pthread_mutex_unlock(&fake.lock);
}

void fake_shut(struct fake_gate *gate)
{
    set_gate(gate, true);
}

void fake_open(struct fake_gate *gate)
{
    set_gate(gate, false);
}

void fake_await(const struct fake_gate *gate)
{
    pthread_mutex_lock(&fake.lock);
    while (gate->inside == 0)
        pthread_cond_wait(&fake.changed, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

unsigned fake_count(const unsigned *counter)
{
    pthread_mutex_lock(&fake.lock);
    unsigned count = *counter;
    pthread_mutex_unlock(&fake.lock);
    return count;
}

static void count(unsigned *counter)
{
    pthread_mutex_lock(&fake.lock);
    ++*counter;
    pthread_mutex_unlock(&fake.lock);
}

static void pass(struct fake_gate *gate)
{
    pthread_mutex_lock(&fake.lock);
    const bool first = gate->inside++ == 0;
    pthread_cond_broadcast(&fake.changed);
    while (first && gate->shut)
        pthread_cond_wait(&fake.changed, &fake.lock);
    gate->inside--;
    pthread_mutex_unlock(&fake.lock);
}

/* One less of [left], if there is any. */
static bool take(unsigned *left)
{
    pthread_mutex_lock(&fake.lock);
    bool any = *left > 0;
    *left -= any;
    pthread_mutex_unlock(&fake.lock);
    return any;
}

/* ---- the loop ---- */

int guest_open(struct velo_loop *loop)
{
    return guest_bell_and_alarm_open(&loop->guest);
}

void guest_close(struct velo_loop *loop)
{
    (void)loop;
    count(&fake.closed);
}

int guest_renew(struct velo_loop *loop)
{
    (void)loop;
    pthread_mutex_lock(&fake.lock);
    fake.renewed++;
    fake.renewed_in_ring += fake.ringing > 0;
    pthread_mutex_unlock(&fake.lock);
    return 0;
}

int guest_ring(struct velo_loop *loop)
{
    pthread_mutex_lock(&fake.lock);
    fake.rings++;
    fake.ringing++;
    pthread_mutex_unlock(&fake.lock);
    pass(&fake.at_ring);
    int rc = take(&fake.break_bells) ? -EIO : guest_bell_ring(&loop->guest);
    pthread_mutex_lock(&fake.lock);
    fake.ringing--;
    pthread_mutex_unlock(&fake.lock);
    return rc;
}

static void report(struct velo_loop *loop, struct watcher *watcher, int got)
{
    bool gives_up = watcher->base.fd == fake.give_up;
    if (!fake.exact) { /* as most libraries: whatever it is, it is readable or writable */
        unsigned asked = watcher->events;
        bool any = (got & (POLLHUP | POLLERR)) != 0;
        got &= POLLIN | POLLOUT;
        if (any)
            got |=
                ((asked & VELO_READ) != 0 ? POLLIN : 0) | ((asked & VELO_WRITE) != 0 ? POLLOUT : 0);
    }
    if (gives_up) {
        watcher->events = 0;
        fake.give_up = -1;
        guest_spend(loop, &watcher->base);
    }
    guest_note(loop, &watcher->base, got, fake.exact);
}

static void note_wait(struct velo_loop *loop, int64_t timeout_ns)
{
    pthread_mutex_lock(&fake.lock);
    fake.waited_ns = timeout_ns;
    fake.alarm_ns = loop->guest.alarm_ns;
    pthread_mutex_unlock(&fake.lock);
    pass(&fake.at_wait);
}

int guest_turn(struct velo_loop *loop, int64_t timeout_ns)
{
    struct pollfd polled[FAKE_WATCHED];
    struct watcher *watched[FAKE_WATCHED];
    nfds_t asked = 0;
    count(&fake.turns);
    if (timeout_ns != 0) {
        int rc = guest_set_alarm(&loop->guest, timeout_ns);
        if (rc != 0)
            return rc;
        note_wait(loop, timeout_ns);
    }
    for (size_t i = 0; i < loop->count; i++) {
        struct watcher *watcher = loop->watched[i];
        short wanted = 0;
        wanted |= (watcher->events & VELO_READ) != 0 ? POLLIN : 0;
        wanted |= (watcher->events & VELO_WRITE) != 0 ? POLLOUT : 0;
        watched[asked] = watcher;
        if (watcher->events != 0)
            polled[asked++] = (struct pollfd){watcher->base.fd, wanted, 0};
    }
    if (poll(polled, asked, timeout_ns == 0 ? 0 : -1) < 0 && errno != EINTR)
        return -errno;
    for (nfds_t i = 0; i < asked; i++) {
        int got = polled[i].revents;
        if (watched[i]->base.fd == fake.lies_about)
            got |= POLLIN;
        if (got != 0)
            report(loop, watched[i], got);
    }
    return 0;
}

/* ---- descriptors ---- */

int guest_expect(struct velo_loop *loop, size_t expected)
{
    (void)loop;
    return expected + 8 > FAKE_WATCHED ? -ENOMEM : 0;
}

int guest_start(struct velo_loop *loop, struct guest_watcher *base, unsigned events)
{
    struct watcher *watcher = (struct watcher *)(void *)base;
    count(&fake.starts);
    if (take(&fake.refuse))
        return fake.refusal;
    watcher->events = events;
    if (!watcher->listed) {
        watcher->listed = true;
        watcher->place = loop->count++;
        loop->watched[watcher->place] = watcher;
    }
    return 0;
}

void guest_stop(struct velo_loop *loop, struct guest_watcher *base)
{
    (void)loop;
    count(&fake.stops);
    ((struct watcher *)(void *)base)->events = 0;
}

bool guest_take_out(struct velo_loop *loop, struct guest_watcher *base)
{
    (void)loop;
    (void)base;
    count(&fake.taken_out);
    return true;
}

void guest_release(struct velo_loop *loop, struct guest_watcher *base)
{
    struct watcher *watcher = (struct watcher *)(void *)base;
    count(&fake.released);
    if (watcher->listed) {
        struct watcher *last = loop->watched[--loop->count];
        loop->watched[watcher->place] = last;
        last->place = watcher->place;
    }
    guest_free(loop, base);
}

/* ---- who it is ---- */

const struct velo_impl *velo_impl(void)
{
    static const struct velo_impl impl = {
        .name = "fake",
        .summary = "a library for the tests of what guests share",
        .version = "0",
        .kind = "guest",
        .capabilities = VELO_CAP_GLOBAL_FIFO | VELO_CAP_PRIORITY | VELO_CAP_TIMERS | VELO_CAP_FDS |
                        VELO_CAP_BATCH | VELO_CAP_METRICS,
    };
    return &impl;
}
