/* SPDX-License-Identifier: MIT */
/*
 * A growing ring of {fn, arg}: the lanes of ticks, microtasks and close callbacks (M3, R5).
 *
 * Owner thread only; head and tail never wrap back, so that their totals are statistics which
 * other threads may read. Doubles and copies when full; gives the memory back when it is empty and
 * large (Q17).
 */
#ifndef VELO_PARTS_RING_H
#define VELO_PARTS_RING_H

#include "common/parts/counter.h"
#include "velo.h"

#define RING_MIN 64u
#define RING_KEEP 4096u

struct ring {
    struct velo_task *slots;            /* [size], NULL until first use */
    uint64_t size;                      /* a power of two, or 0 */
    const struct velo_allocator *alloc; /* constant */
    struct counter head;                /* popped since ever */
    struct counter tail;                /* pushed since ever; tail - head are queued */
};

static inline uint64_t ring_count(const struct ring *ring)
{
    /* tail first: a reader on another thread may see a stale head, never a negative count */
    uint64_t head = counter_get(&ring->head);
    uint64_t tail = counter_get(&ring->tail);
    return tail - head;
}

static inline bool ring_is_empty(const struct ring *ring)
{
    return counter_get(&ring->tail) == counter_get(&ring->head);
}

/* Give up the array, and what is in it. */
void ring_fini(struct ring *ring);

/* Move the content to an array of [size] slots, a power of two that is large enough. */
int ring_resize(struct ring *ring, uint64_t size);

/* ring_push() into a ring without room. */
int ring_push_grown(struct ring *ring, velo_fn fn, void *arg);

/* Where the next one will stand, if there is room. */
static inline const struct velo_task *ring_next(const struct ring *ring)
{
    return &ring->slots[counter_get(&ring->tail) & (ring->size - 1)];
}

/* Append. Returns 0, or -ENOMEM with nothing changed. */
static inline int ring_push(struct ring *ring, velo_fn fn, void *arg)
{
    uint64_t tail = counter_get(&ring->tail);
    if (__builtin_expect(tail - counter_get(&ring->head) >= ring->size, 0))
        return ring_push_grown(ring, fn, arg);
    ring->slots[tail & (ring->size - 1)] = (struct velo_task){fn, arg};
    counter_set(&ring->tail, tail + 1);
    return 0;
}

/* Take the oldest. The ring is not empty. The slot may be overwritten by the callee's pushes. */
static inline struct velo_task ring_pop(struct ring *ring)
{
    uint64_t head = counter_get(&ring->head);
    struct velo_task task = ring->slots[head & (ring->size - 1)];
    counter_set(&ring->head, head + 1);
    return task;
}

/* Give a large array back if the ring is empty: a close may have ended its run early. */
static inline void ring_trim(struct ring *ring)
{
    if (ring->size > RING_KEEP && ring_is_empty(ring))
        ring_fini(ring);
}

#endif
