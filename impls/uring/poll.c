/* SPDX-License-Identifier: MIT */
/*
 * From completions to the table's batch; see uring.h.
 *
 * A completion says what woke its poll, and not what is true when it is read: in between a callback
 * may have emptied the pipe. So a wait begins by taking all that is pending, and of each of these
 * the kernel is asked, and its answer counts. What comes after that was caused after the last user
 * code had run, and goes into the batch as it is. So a callback is never told of what is over, as
 * with epoll, which looks again at each descriptor that it reports.
 *
 * Level-triggered descriptors are asked about again once they have been reported: in the same entry
 * into the kernel that waits for the next events. The queue of those to be asked is first in, first
 * out, so that none waits for ever behind others that are always ready (F8).
 */
#include "common/parts/clock.h"
#include "uring.h"

#include <errno.h>

#define ROUNDS_MAX 64 /* of one wait; each brings at least 20 completions, if there are so many */
#define REPORTED ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP))

/* ---- completions ---- */

/* Put an event into the batch, once for each descriptor. */
static int report(struct fdtable *table, struct uring_watch *watch, uint32_t events, int n)
{
    if (watch->slot < n && table->batch[watch->slot].data.u64 == watch->told.data) {
        table->batch[watch->slot].events |= events;
        return n;
    }
    watch->slot = n;
    table->batch[n].events = events;
    table->batch[n].data.u64 = watch->told.data;
    return n + 1;
}

/* The kernel has given up a poll for [error]. What to tell of it? */
static uint32_t events_of_error(struct uring *uring, struct uring_watch *watch, int error)
{
    switch (error) {
    case -EBADF: /* its user has closed it */
        return 0;
    case -ECANCELED:
    case -ENOMEM:
    case -EAGAIN:
        uring_queue(uring, watch); /* ask again */
        return 0;
    default: /* it cannot be polled after all: told once */
        watch->spent = true;
        return EPOLLERR;
    }
}

/* A completion of the poll of [watch]. Returns how many events are in the batch. */
static int
take_event(struct velo_core *core, struct uring_watch *watch, const struct io_uring_cqe *cqe, int n)
{
    struct uring *uring = uring_of(core);
    if ((cqe->flags & IORING_CQE_F_MORE) == 0)
        watch->tag = 0;
    if (!watch->watched)
        return n;
    if (watch->spent) {
        uring_drop(uring, watch);
        return n;
    }
    uint32_t events =
        cqe->res < 0 ? events_of_error(uring, watch, cqe->res) : (uint32_t)cqe->res & REPORTED;
    if (events == 0) {
        if (cqe->res > 0 && watch->tag == 0) /* nothing to tell, but the poll has ended */
            uring_queue(uring, watch);
        return n;
    }
    if (uring->fresh && n < FD_BATCH)
        return report(&core->fds, watch, events, n);
    uring_queue(uring, watch);
    return n;
}

static int take(struct velo_core *core, const struct io_uring_cqe *cqe, int n)
{
    struct uring *uring = uring_of(core);
    if (cqe->user_data == URING_WAKE) {
        uring->woken = true;
        if ((cqe->flags & IORING_CQE_F_MORE) == 0)
            uring->deaf = true;
        return n;
    }
    if (cqe->user_data == URING_DROPPED)
        return n;
    struct uring_watch *watch = uring_watch_at(uring, cqe->user_data & URING_INDEX);
    if ((cqe->user_data & URING_ASKED) == 0) /* one that was taken back has another tag */
        return cqe->user_data == watch->tag ? take_event(core, watch, cqe, n) : n;
    /* asking has failed: the poll is reporting just now, or it has ended */
    if (cqe->res != -EALREADY)
        watch->tag = 0;
    uring_queue(uring, watch);
    return n;
}

static int drain(struct velo_core *core, int n)
{
    struct io_uring *ring = &uring_of(core)->ring;
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned taken = 0;
    io_uring_for_each_cqe(ring, head, cqe)
    {
        n = take(core, cqe, n);
        taken++;
    }
    io_uring_cq_advance(ring, taken);
    return n;
}

/* ---- harvesting ---- */

/* Is the kernel to be asked about what it has reported? */
static bool is_open(const struct uring *uring, const struct uring_watch *watch)
{
    if (uring->peeked) /* nobody was called */
        return true;
    if ((watch->told.events & VELO_ONESHOT) != 0)
        return false;
    bool level = (watch->told.events & VELO_EDGE) == 0 && !watch->told.hushed;
    return level || !uring_is_polled(uring, watch);
}

static void ask_about_the_last(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    for (int i = 0; i < uring->last; i++) {
        uint64_t data = core->fds.batch[i].data.u64;
        struct uring_watch *watch = uring_watch_at(uring, data & URING_INDEX);
        if (watch->told.data != data || !watch->watched)
            continue;
        if (is_open(uring, watch))
            uring_queue(uring, watch);
        else if ((watch->told.events & VELO_ONESHOT) != 0)
            watch->spent = true;
    }
    uring->last = 0;
    uring->peeked = false;
}

/* Take what is pending or there already, none of which is told as it is, and what has changed. */
static int prepare(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    int rc = 0;
    uring_hush(core);
    uring->fresh = uring->woken = false;
    (void)drain(core, 0);
    for (int i = 0; i < ROUNDS_MAX && rc == 0 && uring_is_pending(uring); i++) {
        rc = uring_enter(uring, 0);
        (void)drain(core, 0);
    }
    uring->fresh = !uring_is_pending(uring);
    ask_about_the_last(core);
    if (core_has_changes(core)) {
        pthread_mutex_lock(&core->fds.lock);
        uring_apply_changes(core);
        pthread_mutex_unlock(&core->fds.lock);
    }
    if (uring->deaf)
        uring_listen(core);
    return rc;
}

/* What is left of a wait that began with [timeout_ns]. */
static int64_t remaining_ns(int64_t timeout_ns, uint64_t deadline_ns)
{
    uint64_t now_ns = timeout_ns > 0 ? clock_now_ns() : 0;
    if (timeout_ns <= 0)
        return timeout_ns;
    return deadline_ns > now_ns ? (int64_t)(deadline_ns - now_ns) : 0;
}

/*
 * Ask, sleep and listen until there are events, or the time is over. Completions that mean nothing
 * do not end it: polls that were taken back, hang-ups that were told.
 */
static int fill_batch(struct velo_core *core, int64_t timeout_ns)
{
    struct uring *uring = uring_of(core);
    uint64_t deadline_ns = timeout_ns > 0 ? core_deadline_ns(timeout_ns) : 0;
    int n = 0;
    for (int round = 0; round < ROUNDS_MAX && n < FD_BATCH; round++) {
        uring_ask(uring, FD_BATCH - n);
        bool pending = uring_is_pending(uring);
        bool sleeps = n == 0 && !pending && !uring->woken && uring->queue_first == FD_NIL;
        if (sleeps && round > 0)
            timeout_ns = remaining_ns(timeout_ns, deadline_ns);
        sleeps = sleeps && timeout_ns != 0;
        if (!sleeps && !pending && io_uring_sq_ready(&uring->ring) == 0)
            break; /* nothing to tell, and nothing to hear */
        int rc = uring_enter(uring, sleeps ? timeout_ns : 0);
        n = drain(core, n);
        if (rc != 0)
            return n > 0 ? n : rc;
    }
    return n;
}

/* Returns the number of events in the batch, or -errno, which need be no failure: see answer(). */
static int harvest(struct velo_core *core, int64_t timeout_ns)
{
    int rc = prepare(core);
    if (rc == 0)
        rc = fill_batch(core, timeout_ns);
    uring_of(core)->last = rc > 0 ? rc : 0;
    return rc;
}

/* As the ring's thread. A thread may have the address of one that is gone: the kernel knows. */
static int wait_as_owner(struct velo_core *core, int64_t timeout_ns)
{
    struct uring *uring = uring_of(core);
    int rc = uring_adopt(core);
    if (rc == 0)
        rc = harvest(core, timeout_ns);
    if (rc != -EEXIST)
        return rc;
    pthread_mutex_lock(&core->fds.lock);
    uring_close(uring);
    uring->inside = false;
    pthread_mutex_unlock(&core->fds.lock);
    rc = uring_adopt(core);
    return rc == 0 ? harvest(core, timeout_ns) : rc;
}

/* A wait that nothing came of, for whatever reason, has found no events. */
static int answer(int rc)
{
    return rc == -ETIME || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY ? 0 : rc;
}

int core_poll(struct velo_core *core, int64_t timeout_ns)
{
    if (core_is_forked(core)) /* its ring is the parent's, too */
        return -ECHILD;
    counter_add(&core->ledger.polls, 1);
    core_wait_begin(core);
    int rc = answer(wait_as_owner(core, timeout_ns));
    core_wait_end(core);
    core->fds.ready = rc < 0 ? 0 : rc;
    core->unharvested = false;
    return rc < 0 ? rc : 0;
}

int core_poll_now(struct velo_core *core)
{
    bool nothing = !core->unharvested && fdtable_count(&core->fds) == 0 &&
                   !fdtable_is_pinned(&core->fds) && !core_has_changes(core);
    return nothing ? 0 : core_poll(core, 0);
}

int core_peek(struct velo_core *core, int64_t timeout_ns)
{
    if (core_is_forked(core))
        return -ECHILD;
    counter_add(&core->ledger.polls, 1);
    core_wait_begin(core);
    int rc = answer(wait_as_owner(core, timeout_ns));
    core_wait_end(core);
    uring_of(core)->peeked = rc > 0;
    core->unharvested = rc > 0;
    return rc > 0 ? 1 : rc;
}

/* The kernel learns what has changed, so that a file which was unwatched and closed is gone. */
static void settle(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (!core_has_changes(core))
        return;
    uring_apply_changes(core);
    (void)uring_enter(uring, 0);
}

/* The events of the last batch are for the next run: let the kernel report them once more, by which
 * the ring signals. */
static void tell_again(struct velo_core *core)
{
    uring_of(core)->peeked = true;
    ask_about_the_last(core);
    uring_ask(uring_of(core), FD_BATCH);
    (void)uring_enter(uring_of(core), 0);
}

bool core_settle(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    bool left = false;
    if (!uring->inside)
        return false;
    bool embedded = fdtable_is_pinned(&core->fds);
    int ready = embedded ? harvest(core, 0) : 0;
    pthread_mutex_lock(&core->fds.lock);
    if (embedded)
        left = uring_signal(core) || ready != 0; /* events, or an error for the next run */
    else
        settle(core);
    if (ready > 0)
        tell_again(core);
    uring->inside = false;
    pthread_mutex_unlock(&core->fds.lock);
    return left;
}
