/* SPDX-License-Identifier: MIT */
/*
 * From completions to the table's batch; see uring.h.
 *
 * A completion says what woke its poll, and not what is true when it is read: in between a callback
 * may have emptied the pipe. So what is pending when a wait begins is a doubt, and one poll(2) says
 * what is true of all of them. What comes after that was caused after the last user code had run,
 * and goes into the batch as it is. So a callback is never told of what is over, as with epoll,
 * which looks again at each descriptor that it reports.
 *
 * Level-triggered descriptors that were reported are asked about once more: in the same entry into
 * the kernel that waits for the next events; of several, those that poll(2) has found ready. Most
 * are not, since their callbacks have read what was there. poll(2) goes by numbers and not by
 * files, and a number may have been closed and opened again: so nothing is told by its word alone.
 *
 * The queue of those to be asked is first in, first out, and what is pending leaves room for it in
 * the batch; so none waits for ever behind others that are always ready (F8).
 */
#include "common/parts/clock.h"
#include "uring.h"

#include <errno.h>
#include <poll.h>

#define ROUNDS_MAX 64 /* of one wait; each brings at least 20 completions, if there are so many */
#define LOOK_LEAST 4  /* so many levels are worth a system call of their own */
#define REPORTED ((uint32_t)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP))

/* ---- completions ---- */

/* Need nothing be done about [watch] after its callback? So it is with edges of a poll that lasts.
 */
static bool is_through(const struct uring *uring, const struct uring_watch *watch)
{
    bool plain = (watch->told.events & (VELO_EDGE | VELO_ONESHOT)) == VELO_EDGE;
    return plain && uring_is_polled(uring, watch);
}

/* Put an event into the batch, once for each descriptor. */
static int report(struct velo_core *core, struct uring_watch *watch, uint32_t events, int n)
{
    struct fdtable *table = &core->fds;
    struct uring *uring = uring_of(core);
    uring->recalls |= !is_through(uring, watch);
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

/* Have poll(2) look at [watch]: is its level up, or is true what it has reported? */
static void look_at(struct uring *uring, struct uring_watch *watch, enum uring_look why)
{
    if (watch->look == LOOK_NOT)
        uring_append(uring, LIST_LOOK, watch);
    watch->look = why;
}

/* [watch] has reported [events]. Returns how many events are in the batch. */
static int hear(struct velo_core *core, struct uring_watch *watch, uint32_t events, int n)
{
    struct uring *uring = uring_of(core);
    bool has_room = n + uring->doubts < uring->room;
    if (has_room && uring->fresh)
        return report(core, watch, events, n);
    if (watch->look == LOOK_DOUBT)
        return n;
    if (has_room && uring->beginning) {
        uring->doubts++;
        look_at(uring, watch, LOOK_DOUBT);
    } else {
        uring_queue(uring, watch);
    }
    return n;
}

/* A completion of the poll of [watch]. */
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
    if (events != 0)
        return hear(core, watch, events, n);
    if (cqe->res > 0 && watch->tag == 0) /* nothing to tell, but the poll has ended */
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
    if ((cqe->user_data & ~URING_ASKED) != watch->tag) /* of a poll that was taken back, or ended */
        return n;
    if ((cqe->user_data & URING_ASKED) == 0)
        return take_event(core, watch, cqe, n);
    /* asking has failed: the poll is reporting just now, or it has ended */
    if (cqe->res != -EALREADY)
        watch->tag = 0;
    uring_queue(uring, watch);
    return n;
}

/* The watches of what has come lie anywhere: have all of them on their way at once. */
static void fetch(const struct uring *uring, uint64_t user_data)
{
    if (user_data < URING_DROPPED)
        __builtin_prefetch(uring_watch_at(uring, user_data & URING_INDEX));
}

static int drain(struct velo_core *core, int n)
{
    struct uring *uring = uring_of(core);
    const struct io_uring_cq *cq = &uring->ring.cq;
    unsigned first = uring_untaken(uring);
    unsigned end = io_uring_smp_load_acquire(cq->ktail);
    for (unsigned at = first; at != end; at++)
        fetch(uring, cq->cqes[at & cq->ring_mask].user_data);
    for (unsigned at = first; at != end; at++)
        n = take(core, &cq->cqes[at & cq->ring_mask], n);
    uring_taken(uring, end - first);
    return n;
}

/* ---- harvesting ---- */

/* What the last batch told of may still be true, or its poll may have ended. */
static void recall(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    int count = uring->recalls || uring->peeked ? uring->last : 0;
    for (int i = 0; i < count; i++) {
        uint64_t data = core->fds.batch[i].data.u64;
        struct uring_watch *watch = uring_watch_at(uring, data & URING_INDEX);
        if (watch->told.data != data || !watch->watched)
            continue;
        const bool called = !uring->peeked;
        if (called && (watch->told.events & VELO_ONESHOT) != 0)
            watch->spent = true;
        else if (called && (watch->told.events & VELO_EDGE) == 0 && !watch->told.hushed)
            look_at(uring, watch, LOOK_LEVEL);
        else if (!called || !uring_is_polled(uring, watch))
            uring_queue(uring, watch);
    }
    uring->last = 0;
    uring->peeked = uring->recalls = false;
}

/* Take what is there already, or pending. 0 or -errno. */
static int take_pending(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    int rc = 0;
    uring->fresh = uring->woken = false;
    uring->beginning = true;
    uring->room = uring->queued < FD_BATCH ? FD_BATCH - (int)uring->queued : 0;
    (void)drain(core, 0);
    for (int i = 0; i < ROUNDS_MAX && rc == 0 && uring_is_pending(uring); i++) {
        rc = uring_enter(uring, 0);
        (void)drain(core, 0);
    }
    uring->beginning = false;
    uring->fresh = !uring_is_pending(uring);
    return rc;
}

/* The word of poll(2) about [watch], which may have changed since somebody wanted to know. */
static int settle_look(struct velo_core *core, struct uring_watch *watch, short is, int n)
{
    struct uring *uring = uring_of(core);
    enum uring_look why = watch->look;
    watch->look = LOOK_NOT;
    if (!watch->watched || watch->spent)
        return n;
    const bool known = (is & POLLNVAL) == 0 && uring_is_polled(uring, watch);
    if (known && ((uint32_t)is & REPORTED) != 0 && why == LOOK_DOUBT)
        return report(core, watch, (uint32_t)is & REPORTED, n);
    if (!known || is != 0)
        uring_queue(uring, watch);
    return n;
}

/* Look which doubts are true and which levels are up. Returns how many events are in the batch. */
static int look(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    struct uring_watch *watches[2 * FD_BATCH];
    struct pollfd looks[2 * FD_BATCH];
    int count = 0;
    int n = 0;
    for (uint32_t at = uring->lists[LIST_LOOK].first; at != FD_NIL;
         at = watches[count++]->next[LIST_LOOK]) {
        const struct uring_watch *watch = watches[count] = uring_watch_at(uring, at);
        /* POLLNVAL: if nobody looks, the ring is asked */
        looks[count] = (struct pollfd){watch->told.fd, uring_mask(watch), POLLNVAL};
    }
    if (uring->doubts > 0 || count >= LOOK_LEAST)
        (void)poll(looks, (nfds_t)count, 0);
    uring->doubts = 0;
    uring->lists[LIST_LOOK].first = FD_NIL;
    for (int i = 0; i < count; i++)
        n = settle_look(core, watches[i], looks[i].revents, n);
    uring->room = FD_BATCH;
    return n;
}

/* What the kernel has to be told before a wait. */
static void tell(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (core_has_changes(core)) {
        pthread_mutex_lock(&core->fds.lock);
        uring_apply_changes(core);
        pthread_mutex_unlock(&core->fds.lock);
    }
    if (uring->deaf)
        uring_listen(core);
}

/* What is left of a wait that began with [timeout_ns]. */
static int64_t remaining_ns(int64_t timeout_ns, uint64_t deadline_ns)
{
    uint64_t now_ns = timeout_ns > 0 ? clock_now_ns() : 0;
    if (timeout_ns <= 0)
        return timeout_ns;
    return deadline_ns > now_ns ? (int64_t)(deadline_ns - now_ns) : 0;
}

/* Does the kernel know all that it should wait for, and is there nothing yet? */
static bool may_sleep(const struct velo_core *core, const struct uring *uring)
{
    return !uring->woken && !uring->deaf && uring->lists[LIST_QUEUE].first == FD_NIL &&
           !core_has_changes(core);
}

/*
 * To the [n] events of the batch: ask, sleep and listen until there are some, or the time is over.
 * Completions that mean nothing do not end it: polls that were taken back, hang-ups that were told.
 * No more is asked for than the batch takes, answers that are still to come included.
 */
static int fill_batch(struct velo_core *core, int64_t timeout_ns, int n)
{
    struct uring *uring = uring_of(core);
    uint64_t deadline_ns = timeout_ns > 0 ? core_deadline_ns(timeout_ns) : 0;
    int asked = n;
    for (int round = 0; round < ROUNDS_MAX && n < FD_BATCH; round++) {
        if (!uring_is_pending(uring))
            asked = n; /* all have answered, or need not */
        asked += uring_ask(core, FD_BATCH - asked);
        n = drain(core, n);
        bool pending = uring_is_pending(uring);
        bool sleeps = n == 0 && !pending && may_sleep(core, uring);
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
    struct uring *uring = uring_of(core);
    uring_hush(core);
    recall(core);
    int rc = take_pending(core);
    tell(core);
    int n = look(core);
    if (n == 0 && rc != 0)
        return rc; /* with events: an error that stays comes again */
    n = fill_batch(core, timeout_ns, n);
    uring->last = n > 0 ? n : 0;
    return n;
}

/* As the ring's thread. A thread may have the address of one that is gone: the kernel knows. */
static int wait_as_owner(struct velo_core *core, int64_t timeout_ns)
{
    int rc = uring_adopt(core);
    if (rc == 0)
        rc = harvest(core, timeout_ns);
    if (rc != -EEXIST)
        return rc;
    uring_of(core)->lost = true;
    rc = uring_adopt(core);
    return rc == 0 ? harvest(core, timeout_ns) : rc;
}

/* A wait that nothing came of, for whatever reason, has found no events. EBADR: some were lost for
 * want of memory; the next wait makes a new ring. */
static int answer(int rc)
{
    bool nothing = rc == -ETIME || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY || rc == -EBADR;
    return nothing ? 0 : rc;
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
    uring_of(core)->peeked = true; /* so all are asked about */
    recall(core);
    uring_ask_locked(core);
}

bool core_settle(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    int left = 0;
    if (!uring->inside)
        return false;
    bool embedded = fdtable_is_pinned(&core->fds);
    int ready = embedded ? harvest(core, 0) : 0;
    pthread_mutex_lock(&core->fds.lock);
    if (embedded)
        left = uring_signal(uring);
    else
        settle(core);
    if (ready > 0)
        tell_again(core);
    uring->inside = false;
    pthread_mutex_unlock(&core->fds.lock);
    if (left < 0)
        uring_tell_unsignalled(core, left);
    return left != 0 || ready != 0; /* something there, or an error for the next run */
}
