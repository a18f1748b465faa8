/* SPDX-License-Identifier: MIT */
/* What a ring does rarely: its memory. Apart, so that a push and a pop need no frame of their own.
 */
#include "common/parts/ring.h"

#include "common/parts/alloc.h"

#include <errno.h>

void ring_fini(struct ring *ring)
{
    size_t bytes = ring->size * sizeof(*ring->slots);
    alloc_free(ring->alloc, ring->slots, bytes, _Alignof(struct velo_task));
    ring->slots = NULL;
    ring->size = 0;
}

int ring_resize(struct ring *ring, uint64_t size)
{
    struct velo_task *slots =
        alloc_new(ring->alloc, size * sizeof(*slots), _Alignof(struct velo_task));
    if (slots == NULL)
        return -ENOMEM;
    uint64_t tail = counter_get(&ring->tail);
    for (uint64_t i = counter_get(&ring->head); i != tail; i++)
        slots[i & (size - 1)] = ring->slots[i & (ring->size - 1)];
    ring_fini(ring);
    ring->slots = slots;
    ring->size = size;
    return 0;
}

int ring_push_grown(struct ring *ring, velo_fn fn, void *arg)
{
    int rc = ring_resize(ring, ring->size == 0 ? RING_MIN : ring->size * 2);
    return rc != 0 ? rc : ring_push(ring, fn, arg);
}
