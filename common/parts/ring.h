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

#include "common/parts/alloc.h"
#include "common/parts/counter.h"

#include <errno.h>

#define RING_MIN 64u
#define RING_KEEP 4096u

struct ring {
    struct velo_task *slots; /* [mask + 1], NULL until first use */
    uint64_t mask;
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
static inline void ring_fini(struct ring *ring)
{
    size_t size = (ring->mask + 1) * sizeof(*ring->slots);
    alloc_free(ring->alloc, ring->slots, size, _Alignof(struct velo_task));
    ring->slots = NULL;
    ring->mask = 0;
}

/* Move the content to an array of [size] slots, a power of two that is large enough. */
static inline int ring_resize(struct ring *ring, uint64_t size)
{
    struct velo_task *slots =
        alloc_new(ring->alloc, size * sizeof(*slots), _Alignof(struct velo_task));
    if (slots == NULL)
        return -ENOMEM;
    uint64_t tail = counter_get(&ring->tail);
    for (uint64_t i = counter_get(&ring->head); i != tail; i++)
        slots[i & (size - 1)] = ring->slots[i & ring->mask];
    ring_fini(ring);
    ring->slots = slots;
    ring->mask = size - 1;
    return 0;
}

/* Append. Returns 0, or -ENOMEM with nothing changed. */
static inline int ring_push(struct ring *ring, velo_fn fn, void *arg)
{
    uint64_t tail = counter_get(&ring->tail);
    if (__builtin_expect(ring->slots == NULL || tail - counter_get(&ring->head) > ring->mask, 0)) {
        int rc = ring_resize(ring, ring->slots == NULL ? RING_MIN : (ring->mask + 1) * 2);
        if (rc != 0)
            return rc;
    }
    ring->slots[tail & ring->mask] = (struct velo_task){fn, arg};
    counter_add(&ring->tail, 1);
    return 0;
}

/* Take the oldest. The ring is not empty. The slot may be overwritten by the callee's pushes. */
static inline struct velo_task ring_pop(struct ring *ring)
{
    struct velo_task task = ring->slots[counter_get(&ring->head) & ring->mask];
    counter_add(&ring->head, 1);
    return task;
}

/* Give a large array back if the ring is empty: a close may have ended its run early. */
static inline void ring_trim(struct ring *ring)
{
    if (ring->mask >= RING_KEEP && ring_is_empty(ring))
        ring_fini(ring);
}

#endif
