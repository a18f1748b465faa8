/* SPDX-License-Identifier: MIT */
/*
 * The poller of this contestant: one io_uring per loop, one multishot poll per descriptor.
 *
 *   ring.c   the ring itself: making it, whose it is, entering the kernel
 *   watch.c  what the table wants watched, and what the kernel has been told of it (fdkernel.h)
 *   poll.c   harvesting: from completions to the table's batch (core_poll)
 *
 * A ring with deferred task work belongs to one thread. So only the owner of the loop tells the
 * kernel anything; what other threads change is left in a list, under the table's lock, which the
 * owner goes through each time before it waits. Why it sees a change although it sleeps: it looks
 * at the list after it has announced its sleep, and who leaves a change there releases the lock and
 * then looks whether a sleep is announced (wake.h). If the owner's look came first, so did its
 * announcement, and it is woken.
 */
#ifndef URING_URING_H
#define URING_URING_H

#include "common/lanes_loop.h"
#include "common/parts/doubling.h"
#include "common/parts/fdfile.h"
#include "common/parts/fdkernel.h"

#include <liburing.h>

/* What the ring's completions carry: the poll that they come from, or one of these. */
#define URING_WAKE FD_DATA_WAKE         /* the poll of the eventfd */
#define URING_DROPPED (UINT64_MAX - 1)  /* a poll that was taken back: nobody waits for it */
#define URING_ASKED (UINT64_C(1) << 63) /* | that poll: asking it anew has failed */
#define URING_INDEX ((UINT64_C(1) << FD_INDEX_BITS) - 1)

/* Why poll(2) is to look at a watch. */
enum uring_look {
    LOOK_NOT,
    LOOK_LEVEL, /* it was reported: is its level still up? */
    LOOK_DOUBT, /* it has reported something that may be over */
};

/* The lists of entries that the ring's thread goes through. */
enum uring_list_name {
    LIST_LOOK,  /* to look at by poll(2) */
    LIST_QUEUE, /* of which the kernel is to be asked */
    URING_LISTS
};

struct uring_list {
    uint32_t first, last; /* FD_NIL: it is empty */
};

/* One entry of the table, with the same index. First what each event needs: of many descriptors
 * that become ready, each costs the lines that it is spread over. */
struct uring_watch {
    /* the ring's thread */
    struct fd_arming told; /* what it goes by */
    uint64_t tag;          /* of the poll in the kernel; 0 = none */
    uint64_t ring;         /* of which ring: see uring.rings */
    enum uring_look look;
    bool watched; /* [told] is a registration */
    bool spent;   /* silent until it changes: a oneshot that was told, an error, a file closed */
    bool queued;  /* in the queue of those to be asked */
    int slot;     /* where in the batch it may be */
    uint32_t next[URING_LISTS];
    struct fdfile told_file;
    /* under the table's lock */
    bool wanted;           /* [want] is a registration */
    bool replaced;         /* what the kernel polls belonged to an earlier one */
    bool changed;          /* in the list of changes */
    uint32_t next_changed; /* FD_NIL: the last */
    struct fd_arming want;
    struct fdfile want_file;
};

struct uring {
    struct io_uring ring;
    /* under the table's lock, but for reading by the owner */
    bool open;          /* there is a ring */
    const void *thread; /* whose it is; NULL nobody's yet, it is disabled */
    bool inside;        /* that thread is inside a run, and uses it */
    int signal_fd;      /* constant: an eventfd that the ring signals to while it is at rest */
    bool signals;       /* it does: the loop is embedded */
    uint32_t changed;   /* first of the list of changes; FD_NIL */
    _Atomic uint32_t changes;
    _Atomic(struct uring_watch *) chunks[FD_CHUNKS];
    /* the ring's thread */
    uint64_t rings; /* made so far */
    uint64_t tags;  /* polls made so far */
    bool lost;      /* it is of no use any more: another thread's, or events were lost */
    bool beginning; /* a wait does: what comes now was perhaps caused before */
    bool fresh;     /* completions that come now were caused after the last user code ran */
    bool woken;     /* the eventfd was written since the wait began */
    bool deaf;      /* it is not polled */
    bool peeked;    /* the batch was not delivered */
    bool recalls;   /* some of the last batch are to be looked at again; see report() */
    int last;       /* events in the last batch */
    int room;       /* how many the next one takes of what is pending */
    int doubts;     /* entries to look at that are doubts */
    struct uring_list lists[URING_LISTS];
    uint32_t queued;  /* how many are in the queue */
    unsigned kept;    /* completions that were taken, but still stand in the ring: uring_taken() */
    unsigned portion; /* how many may */
};

struct velo_loop {
    struct velo_core core; /* first: a loop is a core */
    struct lanes lanes;
    struct uring uring;
};

static inline struct uring *uring_of(struct velo_core *core)
{
    return &((struct velo_loop *)(void *)core)->uring;
}

static inline struct velo_core *uring_core(struct fdtable *table)
{
    return (struct velo_core *)(void *)((char *)table - offsetof(struct velo_core, fds));
}

/* ---- ring.c ---- */

/* Make a ring for whatever thread comes first. 0 or -errno. Under the table's lock, or before the
 * loop is shared. */
int uring_open(struct uring *uring);
void uring_close(struct uring *uring);

/* What to return for the error [rc] of making a ring, or 0: -ENOSYS where the kernel has or allows
 * none, which is logged. Not under the lock: the hook is the user's. */
int uring_explain(const struct velo_core *core, int rc);

/*
 * Embedding. The descriptor of a ring with deferred task work does not become readable when such
 * work comes, so what is handed out watches two eventfds: the loop's own, and one to which the ring
 * signals that it has something. It signals at rest only: what is harvested needs no signal.
 */

/* What was signalled is being looked at. Owner, before it harvests. */
void uring_hush(struct velo_core *core);

/* From here on the ring signals. 1: there is something already; 0: nothing yet; -errno: it does
 * not, so be readable for ever, which wastes time and loses nothing. Ring's thread, under the lock.
 */
int uring_signal(struct uring *uring);

/* Log that error; not under the lock. */
void uring_tell_unsignalled(const struct velo_core *core, int error);

/* Nobody runs the loop: see to it that its ring signals; it may become the calling thread's. */
void uring_attend(struct velo_core *core);

/* Make the ring the calling thread's, and keep others from using it until core_settle(). A ring
 * that was another thread's is replaced, and all is to be told anew. Owner. 0 or -errno. */
int uring_adopt(struct velo_core *core);

/* A place for a submission, or NULL: the kernel takes none now, and entering says why. */
struct io_uring_sqe *uring_sqe(struct uring *uring);

/* Submit, and wait for a completion as backend waits do. 0; -ETIME, -EINTR: nothing came; -errno.
 */
int uring_enter(struct uring *uring, int64_t timeout_ns);

/*
 * Of its deferred work the kernel does at one entry as much as the caller waits for, and 20 pieces
 * at least: an entry for each 20 events (since Linux 6.14; before, all of it). Who waits for as
 * many completions as there are already is not put to sleep. So some of those that were taken stay
 * in the ring, and are what an entry that must not sleep waits for.
 */

/* Where the completions begin that were not taken. */
static inline unsigned uring_untaken(const struct uring *uring)
{
    return *uring->ring.cq.khead + uring->kept;
}

/* [count] of these were taken. */
static inline void uring_taken(struct uring *uring, unsigned count)
{
    unsigned all = uring->kept + count;
    uring->kept = all < uring->portion ? all : uring->portion;
    io_uring_cq_advance(&uring->ring, all - uring->kept);
}

/* Are there completions that were not taken? */
static inline bool uring_has_completions(const struct uring *uring)
{
    return io_uring_cq_ready(&uring->ring) > uring->kept;
}

/* May the kernel have completions that it has not posted? */
static inline bool uring_is_pending(const struct uring *uring)
{
    return (IO_URING_READ_ONCE(*uring->ring.sq.kflags) &
            (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

/* ---- watch.c ---- */

/* The watch of an entry that was watched once. */
static inline struct uring_watch *uring_watch_at(const struct uring *uring, uint64_t index)
{
    uint32_t place, chunk = doubling_chunk((uint32_t)index, &place);
    /* (U1) acquire: pairs with (U1) in reserve(); the ring's thread looks without the lock */
    struct uring_watch *watches = atomic_load_explicit(&uring->chunks[chunk], memory_order_acquire);
    return &watches[place];
}

/* Put [watch] at the end of the list; it is not in it. */
static inline void
uring_append(struct uring *uring, enum uring_list_name name, struct uring_watch *watch)
{
    struct uring_list *list = &uring->lists[name];
    const uint32_t index = watch->told.index;
    watch->next[name] = FD_NIL;
    if (list->first == FD_NIL)
        list->first = index;
    else
        uring_watch_at(uring, list->last)->next[name] = index;
    list->last = index;
}

/* What poll(2) calls the events that it waits for. */
short uring_mask(const struct uring_watch *watch);

/* The tag of the poll that the kernel has for it, or 0. */
static inline uint64_t uring_tag_of(const struct uring *uring, const struct uring_watch *watch)
{
    return watch->ring == uring->rings ? watch->tag : 0; /* those of earlier rings are gone */
}

/* Has it one? It may have ended by itself, for want of room for its reports. */
static inline bool uring_is_polled(const struct uring *uring, const struct uring_watch *watch)
{
    return uring_tag_of(uring, watch) != 0;
}

/* Go through what has changed. Ring's thread, under the lock. */
void uring_apply_changes(struct velo_core *core);

/* All that is registered has changed: there is a new ring. Under the table's lock. */
void uring_tell_all(struct velo_core *core);

/* Ask the kernel again about [watch], the next time. */
void uring_queue(struct uring *uring, struct uring_watch *watch);

/* Ask it about up to [max] of them. Returns about how many. Completions may have come. */
int uring_ask(struct velo_core *core, int max);

/* The same about a batch of them, under the lock, and submit it. */
void uring_ask_locked(struct velo_core *core);

/* Take the poll back: nobody wants its events. */
void uring_drop(struct uring *uring, struct uring_watch *watch);

/* Poll the eventfd. */
void uring_listen(struct velo_core *core);

void uring_watches_fini(struct velo_core *core);

#endif
