/* SPDX-License-Identifier: MIT */
/*
 * Timer store, body 1 of 2: one 4-ary heap. The control: simple, exact, O(log n).
 * Included by exactly one source file of a contestant; see timers.h.
 */
#ifndef VELO_PARTS_TIMERS_HEAP_H
#define VELO_PARTS_TIMERS_HEAP_H

#include "common/parts/heap4.h"
#include "common/parts/timers.h"

struct timers {
    struct ops *ops;
    struct heap heap;
};

struct timers *timers_create(struct ops *ops, uint64_t now_ns)
{
    (void)now_ns;
    struct timers *timers = alloc_zeroed(ops->alloc, sizeof(*timers), _Alignof(struct timers));
    if (timers != NULL)
        timers->ops = ops;
    return timers;
}

void timers_destroy(struct timers *timers)
{
    if (timers == NULL)
        return;
    heap_fini(&timers->heap, timers->ops);
    alloc_free(timers->ops->alloc, timers, sizeof(*timers), _Alignof(struct timers));
}

int timers_insert(struct timers *timers, struct velo_op *op, uint32_t index)
{
    return heap_insert(&timers->heap, timers->ops, op, index);
}

void timers_remove(struct timers *timers, struct velo_op *op)
{
    heap_remove_at(&timers->heap, timers->ops, op->next);
    heap_trim(&timers->heap, timers->ops);
}

uint32_t timers_take_any(struct timers *timers)
{
    if (timers->heap.count == 0)
        return OP_NIL;
    uint32_t index = timers->heap.entries[0].index;
    heap_remove_at(&timers->heap, timers->ops, 0);
    return index;
}

uint32_t timers_pop(struct timers *timers, uint64_t now_ns)
{
    if (timers->heap.count == 0 || timers->heap.entries[0].deadline_ns > now_ns)
        return OP_NIL;
    uint32_t index = timers_take_any(timers);
    heap_trim(&timers->heap, timers->ops);
    return index;
}

uint64_t timers_next_ns(struct timers *timers)
{
    return timers->heap.count == 0 ? UINT64_MAX : timers->heap.entries[0].deadline_ns;
}

#endif
