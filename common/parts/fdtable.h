/* SPDX-License-Identifier: MIT */
/*
 * The watched descriptors of one loop, over epoll, or what stands in for it: see fdkernel.h.
 *
 * Watching, modifying and unwatching are cold and take a lock, on any thread; epoll_ctl acts on a
 * sleeping epoll_wait at once (F6). Dispatching takes no lock: one atomic word per registration
 * holds the events asked for and a serial number that goes up with every change, and the kernel
 * hands back the serial with which it was armed. An event whose serial is not the present one
 * belongs to a past registration or arming and is dropped (F4). To claim an event is to look at the
 * word once more after the fields were read, or to change it by a compare-and-swap if there is
 * something to note: either way there is one moment at which the arming stood, and an unwatch from
 * another thread comes after it and finds the callback started, or before and prevents it (F3).
 *
 * Hang-up and error cannot be masked in epoll. Not asked for, they are delivered once per arming;
 * if the kernel then goes on reporting nothing else, the registration is switched to edge-triggered
 * ("hushed") until something asked for turns up again (F5).
 *
 * A descriptor closed before it was unwatched stays in epoll while a duplicate lives, and cannot be
 * removed. When such a stray reports, the epoll instance is rebuilt under its old number, once the
 * new one holds everything.
 */
#ifndef VELO_PARTS_FDTABLE_H
#define VELO_PARTS_FDTABLE_H

#include "velo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define FD_CHUNKS 20u
#define FD_BATCH 256
#define FD_NIL UINT32_MAX
#define FD_INDEX_BITS 26        /* of an event's data: the entry; above it stands the serial */
#define FD_DATA_WAKE UINT64_MAX /* epoll data of the loop's own eventfd */

struct fd_entry {
    _Atomic uint64_t word;  /* serial | events | hushed, error seen, hang-up seen | state */
    _Atomic(velo_fd_fn) fn; /* these three: under the lock while the entry is free; read by */
    _Atomic(void *) arg;    /*   the owner and validated by the claim (as in a seqlock) */
    _Atomic int fd;
    uint32_t next_free; /* under the lock, as the next */
    uint64_t generation;
};

struct fdtable {
    const struct velo_allocator *alloc; /* constant; set before fdtable_init() */
    pthread_mutex_t lock;
    int epfd;    /* constant number; what it names may be rebuilt under the lock */
    int eventfd; /* constant */
    int backend; /* for embedding: an epoll that watches epfd, so that a rebuild does not show; -1
                    until asked for; under the lock */
    _Atomic(struct fd_entry *) chunks[FD_CHUNKS];
    uint32_t *by_fd; /* [by_fd_size] entry + 1 by descriptor, 0 = not watched; under the lock */
    size_t by_fd_size;
    uint32_t free;
    uint32_t fresh, capacity;
    uint32_t strays;         /* unwatched, but perhaps still in epoll; under the lock */
    _Atomic uint32_t count;  /* descriptors watched; changed under the lock */
    _Atomic uint32_t pinned; /* backend_fd was handed out; under the lock */
    _Atomic uint32_t
        mode; /* enum velo_fast_path; FORCED refuses descriptors; changed under the lock */
    struct epoll_event batch[FD_BATCH]; /* owner */
    int ready;                          /* owner: events in the batch */
};

/* What an event becomes: call fn(fd, events, arg). */
struct fd_call {
    velo_fd_fn fn;
    void *arg;
    int fd;
    unsigned events;
};

/* Create epoll and eventfd. Returns 0 or -errno with nothing left open. */
int fdtable_init(struct fdtable *table);
void fdtable_fini(struct fdtable *table);

/* Use up a wake-up that was written to the eventfd. False: there was none. Owner. */
bool fdtable_take_wake(const struct fdtable *table);

/* In a forked child: close its copies of the descriptors, and nothing else (L11). */
void fdtable_abandon(struct fdtable *table);

/* The functions of velo.h, less the loop's state. Any thread. */
int fdtable_watch(
    struct fdtable *table, int fd, unsigned events, velo_fd_fn fn, void *arg, velo_id *id);
int fdtable_modify(struct fdtable *table, velo_id id, unsigned events);
int fdtable_unwatch(struct fdtable *table, velo_id id);

/* Change the fast path mode; -EBUSY for FORCED while descriptors are watched or pinned (P2). */
int fdtable_set_mode(struct fdtable *table, enum velo_fast_path mode);

/* The descriptor for embedding, made at the first call; -ENOTSUP when forced, or another -errno. */
int fdtable_pin(struct fdtable *table);

/* Forget all registrations, silently. Owner, at termination. */
void fdtable_clear(struct fdtable *table);

/* Owner: turn event [i] of the batch into a call. False: nothing to call. */
bool fdtable_claim(struct fdtable *table, int i, struct fd_call *call);

static inline uint32_t fdtable_count(const struct fdtable *table)
{
    /* (F9) seq_cst: part of the choice where to sleep, made again after each poke; pairs with the
     * seq_cst store in the same order as the poke (W6) */
    return atomic_load_explicit(&table->count, memory_order_seq_cst);
}

static inline enum velo_fast_path fdtable_mode(const struct fdtable *table)
{
    /* (F11) seq_cst: as (F9) */
    return (enum velo_fast_path)atomic_load_explicit(&table->mode, memory_order_seq_cst);
}

static inline bool fdtable_is_pinned(const struct fdtable *table)
{
    /* (F10) seq_cst: as (F9) */
    return atomic_load_explicit(&table->pinned, memory_order_seq_cst) != 0;
}

#endif
