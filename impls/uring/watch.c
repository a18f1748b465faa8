/* SPDX-License-Identifier: MIT */
/*
 * What the table wants watched, and what the kernel has been told of it; see uring.h.
 *
 * The kernel is told by a multishot poll, which stays until it is taken back, and reports edges
 * only. Asking it again about a poll that it has (an update) makes it look, and report what is true
 * now: that is how a level is kept up, how a change of events takes effect, and how a completion
 * that may be out of date is checked.
 */
#include "common/parts/alloc.h"
#include "common/parts/thread.h"
#include "uring.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where they are ---- */

static size_t chunk_bytes(uint32_t chunk)
{
    return doubling_size(chunk) * sizeof(struct uring_watch);
}

/* Room for entry [index]. */
static int reserve(struct velo_core *core, uint32_t index)
{
    struct uring *uring = uring_of(core);
    uint32_t place, chunk = doubling_chunk(index, &place);
    /* (U1) relaxed: changed under the lock only */
    if (atomic_load_explicit(&uring->chunks[chunk], memory_order_relaxed) != NULL)
        return 0;
    struct uring_watch *watches =
        alloc_zeroed(core->fds.alloc, chunk_bytes(chunk), _Alignof(struct uring_watch));
    if (watches == NULL)
        return -ENOMEM;
    /* (U1) release: publishes the zeroed watches; pairs with (U1) in uring_watch_at() */
    atomic_store_explicit(&uring->chunks[chunk], watches, memory_order_release);
    return 0;
}

void uring_watches_fini(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    for (uint32_t i = 0; i < FD_CHUNKS; i++) {
        /* (U1) relaxed: alone now */
        struct uring_watch *watches = atomic_load_explicit(&uring->chunks[i], memory_order_relaxed);
        alloc_free(core->fds.alloc, watches, chunk_bytes(i), _Alignof(struct uring_watch));
    }
}

/* ---- telling the kernel; ring's thread ---- */

short uring_mask(const struct uring_watch *watch)
{
    short mask = 0;
    if ((watch->told.events & VELO_READ) != 0)
        mask |= POLLIN;
    if ((watch->told.events & VELO_WRITE) != 0)
        mask |= POLLOUT;
    return mask;
}

void uring_queue(struct uring *uring, struct uring_watch *watch)
{
    if (watch->queued)
        return;
    watch->queued = true;
    uring_append(uring, LIST_QUEUE, watch);
    uring->queued++;
}

static void ask(struct uring *uring, struct uring_watch *watch, struct io_uring_sqe *sqe)
{
    uint64_t tag = uring_tag_of(uring, watch);
    unsigned mask = (unsigned)uring_mask(watch);
    if (tag == 0) {
        watch->tag = (++uring->tags << FD_INDEX_BITS | watch->told.index) & ~URING_ASKED;
        watch->ring = uring->rings;
        io_uring_prep_poll_multishot(sqe, watch->told.fd, mask);
        io_uring_sqe_set_data64(sqe, watch->tag);
    } else {
        io_uring_prep_poll_update(
            sqe, tag, 0, mask, IORING_POLL_UPDATE_EVENTS | IORING_POLL_ADD_MULTI);
        io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
        io_uring_sqe_set_data64(sqe, URING_ASKED | tag);
    }
}

/* A poll that is made anew must not be that of another file (F4). Under the lock. */
static bool is_for_new_poll(struct uring_watch *watch)
{
    if (watch->changed) /* it comes again with its change */
        return false;
    watch->spent = !fdfile_is(watch->told.fd, &watch->told_file);
    return !watch->spent;
}

/* Ask about those at the head of the queue as long as there is room. True: about one without a
 * poll, for which the lock is needed. */
static bool ask_some(struct uring *uring, int max, bool locked, int *asked)
{
    uint32_t *first = &uring->lists[LIST_QUEUE].first;
    while (*asked < max && *first != FD_NIL) {
        struct uring_watch *watch = uring_watch_at(uring, *first);
        bool polled = uring_tag_of(uring, watch) != 0;
        bool wanted = watch->watched && !watch->spent;
        if (wanted && !polled && !locked)
            return true;
        if (wanted && (polled || is_for_new_poll(watch))) {
            struct io_uring_sqe *sqe = uring_sqe(uring);
            if (sqe == NULL)
                break;
            ask(uring, watch, sqe);
            ++*asked;
        }
        *first = watch->next[LIST_QUEUE];
        uring->queued--;
        watch->queued = false;
    }
    return false;
}

/*
 * The kernel takes the number of a new poll for a file when it is submitted. That is done under the
 * lock, so nobody can have unwatched it, closed it and opened it again meanwhile.
 */
static void make_polls(struct uring *uring, int max, int *asked)
{
    (void)ask_some(uring, max, true, asked);
    if (io_uring_sq_ready(&uring->ring) != 0)
        (void)uring_enter(uring, 0); /* an error that stays comes again */
}

int uring_ask(struct velo_core *core, int max)
{
    struct uring *uring = uring_of(core);
    int asked = 0;
    if (!ask_some(uring, max, false, &asked))
        return asked;
    pthread_mutex_lock(&core->fds.lock);
    make_polls(uring, max, &asked);
    pthread_mutex_unlock(&core->fds.lock);
    return asked;
}

void uring_ask_locked(struct velo_core *core)
{
    int asked = 0;
    make_polls(uring_of(core), FD_BATCH, &asked);
}

/* False: the kernel takes nothing now. */
static bool drop(struct uring *uring, struct uring_watch *watch)
{
    uint64_t tag = uring_tag_of(uring, watch);
    if (tag == 0)
        return true;
    struct io_uring_sqe *sqe = uring_sqe(uring);
    if (sqe == NULL)
        return false;
    /* not a removal, which fails while the poll is just reporting */
    io_uring_prep_cancel64(sqe, tag, 0);
    io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(sqe, URING_DROPPED);
    watch->tag = 0;
    return true;
}

void uring_drop(struct uring *uring, struct uring_watch *watch)
{
    (void)drop(uring, watch); /* or at its next report */
}

void uring_listen(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    struct io_uring_sqe *sqe = uring_sqe(uring);
    if (sqe == NULL)
        return;
    io_uring_prep_poll_multishot(sqe, core->fds.eventfd, POLLIN); /* edges: it is never read */
    io_uring_sqe_set_data64(sqe, URING_WAKE);
    uring->deaf = false;
}

/* ---- changes ---- */

static void count(struct uring *uring, uint32_t n)
{
    /* (U2) seq_cst: (1) of the proof in wake.h, before the look whether the owner sleeps (W1);
     * pairs with (U2) in core_has_changes(), which is its (4) */
    atomic_fetch_add_explicit(&uring->changes, n, memory_order_seq_cst);
}

static void put_change(struct uring *uring, struct uring_watch *watch, uint32_t index)
{
    if (watch->changed)
        return;
    watch->changed = true;
    watch->next_changed = uring->changed;
    uring->changed = index;
    count(uring, 1);
}

/* The owner goes by what is wanted now, whatever was before. False: the kernel takes nothing. */
static bool apply(struct uring *uring, struct uring_watch *watch)
{
    if (watch->replaced && !drop(uring, watch))
        return false;
    watch->replaced = false;
    watch->spent = false;
    watch->watched = watch->wanted;
    watch->told = watch->want;
    watch->told_file = watch->want_file;
    if (watch->watched)
        uring_queue(uring, watch);
    return true;
}

void uring_apply_changes(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    while (uring->changed != FD_NIL) {
        struct uring_watch *watch = uring_watch_at(uring, uring->changed);
        if (!apply(uring, watch))
            return;
        uring->changed = watch->next_changed;
        watch->changed = false;
        count(uring, UINT32_MAX);
    }
}

bool core_has_changes(const struct velo_core *core)
{
    const struct uring *uring = uring_of((struct velo_core *)(uintptr_t)core);
    /* (U2) seq_cst: by the owner after the announcement of its sleep (W2); pairs with count() */
    return atomic_load_explicit(&uring->changes, memory_order_seq_cst) != 0;
}

void uring_tell_all(struct velo_core *core)
{
    struct fd_arming arming;
    for (size_t fd = 0; fd < core->fds.by_fd_size; fd++) {
        if (fdtable_arming(&core->fds, fd, &arming))
            put_change(uring_of(core), uring_watch_at(uring_of(core), arming.index), arming.index);
    }
}

/* ---- what the table asks for; under its lock ---- */

/* Which file is [fd], and can the kernel poll it? Else the ring would report it for ever. 0 or
 * -errno. */
static int check(int fd, struct fdfile *file)
{
    mode_t kind;
    int rc = fdfile_of(fd, file, &kind);
    if (rc != 0)
        return rc;
    switch (kind) {
    case S_IFIFO:
    case S_IFSOCK:
    case 0: /* eventfd, timerfd, epoll, ... */
        return 0;
    default:
        return fdfile_ask_epoll(fd);
    }
}

int fdkernel_add(struct fdtable *table, const struct fd_arming *arming)
{
    struct velo_core *core = uring_core(table);
    struct fdfile file;
    int rc = check(arming->fd, &file);
    if (rc == 0)
        rc = reserve(core, arming->index);
    if (rc != 0)
        return rc;
    struct uring_watch *watch = uring_watch_at(uring_of(core), arming->index);
    watch->want = *arming;
    watch->want_file = file;
    watch->wanted = true;
    put_change(uring_of(core), watch, arming->index);
    return 0;
}

/* A level that nobody wants to hear of is simply not asked for again; only the ring's thread finds
 * that out (fdtable_claim). */
static bool is_hush(const struct uring_watch *watch, const struct fd_arming *arming)
{
    return arming->data == watch->want.data && arming->data == watch->told.data;
}

int fdkernel_change(struct fdtable *table, const struct fd_arming *arming)
{
    struct uring *uring = uring_of(uring_core(table));
    struct uring_watch *watch = uring_watch_at(uring, arming->index);
    if (is_hush(watch, arming)) {
        watch->want.hushed = watch->told.hushed = arming->hushed;
        return 0;
    }
    if (!fdfile_is(arming->fd, &watch->want_file)) /* its user has closed it */
        return -EBADF;
    watch->want = *arming;
    put_change(uring, watch, arming->index);
    return 0;
}

/*
 * Nobody runs the loop, and the poll holds a file that its user may be about to close. The ring's
 * own thread takes it back at once; another one gives up the ring, and with it all polls.
 */
static void remove_at_rest(struct velo_core *core)
{
    struct uring *uring = uring_of(core);
    if (uring->thread == thread_self()) {
        uring_apply_changes(core);
        (void)uring_enter(uring, 0);
    } else if (!fdtable_is_pinned(&core->fds)) { /* else its next turn comes soon */
        uring_close(uring);
    }
}

void fdkernel_remove(struct fdtable *table, uint32_t index, int fd)
{
    struct velo_core *core = uring_core(table);
    struct uring *uring = uring_of(core);
    struct uring_watch *watch = uring_watch_at(uring, index);
    (void)fd;
    watch->wanted = false;
    watch->replaced = true;
    put_change(uring, watch, index);
    if (!uring->inside && uring->open && uring_tag_of(uring, watch) != 0)
        remove_at_rest(core);
}

/* A poll belongs to a file and not to its number, so there are no strays. */
void fdkernel_rebuild(struct fdtable *table)
{
    (void)table;
}

/* ---- the table's own descriptors ---- */

/* The set that is handed out for embedding, by way of the table. */
static int embeddable(struct fdtable *table, int signal_fd)
{
    struct epoll_event event = {0};
    event.events = EPOLLIN | (uint32_t)EPOLLET; /* edges: neither is ever read */
    table->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (table->epfd < 0)
        return -errno;
    int rc = 0;
    if (epoll_ctl(table->epfd, EPOLL_CTL_ADD, table->eventfd, &event) != 0 ||
        epoll_ctl(table->epfd, EPOLL_CTL_ADD, signal_fd, &event) != 0)
        rc = -errno;
    if (rc != 0)
        close(table->epfd);
    return rc;
}

int fdkernel_init(struct fdtable *table)
{
    struct velo_core *core = uring_core(table);
    struct uring *uring = uring_of(core);
    int rc = 0;
    uring->changed = uring->lists[LIST_QUEUE].first = uring->lists[LIST_LOOK].first = FD_NIL;
    table->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (table->eventfd < 0)
        return -errno;
    uring->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (uring->signal_fd < 0) {
        rc = -errno;
        goto fail_signal;
    }
    rc = embeddable(table, uring->signal_fd);
    if (rc != 0)
        goto fail_epoll;
    rc = uring_explain(core, uring_open(uring));
    if (rc == 0)
        return 0;
    close(table->epfd);
fail_epoll:
    close(uring->signal_fd);
fail_signal:
    close(table->eventfd);
    return rc;
}

void fdkernel_close(struct fdtable *table)
{
    struct uring *uring = uring_of(uring_core(table));
    uring_close(uring);
    close(table->epfd);
    close(uring->signal_fd);
    close(table->eventfd);
}

bool fdkernel_owns(struct fdtable *table, int fd)
{
    const struct uring *uring = uring_of(uring_core(table));
    return fd == table->eventfd || fd == table->epfd || fd == uring->signal_fd ||
           (uring->open && fd == uring->ring.ring_fd);
}
