/* SPDX-License-Identifier: MIT */
/*
 * A 4-ary min-heap of {deadline, sequence, record}, keys inline so that sifting touches no record
 * but to write its place (J. W. J. Williams 1964; d = 4 as in D. B. Johnson 1975).
 * Order is (deadline, sequence), strictly (T2). Owner thread only.
 */
#ifndef VELO_PARTS_HEAP4_H
#define VELO_PARTS_HEAP4_H

#include "common/parts/alloc.h"
#include "common/parts/ops.h"

#include <errno.h>

struct heap_entry {
    uint64_t deadline_ns;
    uint64_t seq;
    uint32_t index;
};

struct heap {
    struct heap_entry *entries; /* [capacity]; the record of entry i is OP_AT_HEAP, its next is i */
    uint64_t seq;               /* of the newest entry */
    uint32_t count;
    uint32_t capacity;
};

static inline bool heap_before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->deadline_ns < b->deadline_ns || (a->deadline_ns == b->deadline_ns && a->seq < b->seq);
}

static inline void
heap_put(struct heap *heap, const struct ops *ops, uint32_t at, struct heap_entry entry)
{
    heap->entries[at] = entry;
    ops_at(ops, entry.index)->next = at;
}

static inline void
heap_sift_up(struct heap *heap, const struct ops *ops, uint32_t at, struct heap_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (!heap_before(&entry, &heap->entries[parent]))
            break;
        heap_put(heap, ops, at, heap->entries[parent]);
        at = parent;
    }
    heap_put(heap, ops, at, entry);
}

static inline void
heap_sift_down(struct heap *heap, const struct ops *ops, uint32_t at, struct heap_entry entry)
{
    for (;;) {
        uint32_t first = 4 * at + 1;
        if (first >= heap->count)
            break;
        uint32_t end = first + 4 < heap->count ? first + 4 : heap->count;
        uint32_t least = first;
        for (uint32_t i = first + 1; i < end; i++) {
            if (heap_before(&heap->entries[i], &heap->entries[least]))
                least = i;
        }
        if (!heap_before(&heap->entries[least], &entry))
            break;
        heap_put(heap, ops, at, heap->entries[least]);
        at = least;
    }
    heap_put(heap, ops, at, entry);
}

static inline int heap_resize(struct heap *heap, const struct ops *ops, uint32_t capacity)
{
    const size_t one = sizeof(struct heap_entry);
    struct heap_entry *entries = alloc_resize(ops->alloc,
                                              heap->entries,
                                              heap->capacity * one,
                                              capacity * one,
                                              _Alignof(struct heap_entry));
    if (entries == NULL)
        return -ENOMEM;
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

/* Add the record by its deadline, behind all that have the same. Returns 0 or -ENOMEM. */
static inline int
heap_insert(struct heap *heap, const struct ops *ops, struct velo_op *op, uint32_t index)
{
    if (heap->count == heap->capacity) {
        int rc = heap_resize(heap, ops, heap->capacity == 0 ? 64 : heap->capacity * 2);
        if (rc != 0)
            return rc;
    }
    struct heap_entry entry = {op->deadline_ns, ++heap->seq, index};
    op->at = OP_AT_HEAP;
    heap_sift_up(heap, ops, heap->count++, entry);
    return 0;
}

/* Take out the entry at place [at]. */
static inline void heap_remove_at(struct heap *heap, const struct ops *ops, uint32_t at)
{
    ops_at(ops, heap->entries[at].index)->at = OP_AT_NOWHERE;
    struct heap_entry last = heap->entries[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && heap_before(&last, &heap->entries[(at - 1) / 4]))
        heap_sift_up(heap, ops, at, last);
    else
        heap_sift_down(heap, ops, at, last);
}

/* Give memory back after a flood; a resize that fails changes nothing. */
static inline void heap_trim(struct heap *heap, const struct ops *ops)
{
    if (heap->capacity > 4096 && heap->count < heap->capacity / 8)
        heap_resize(heap, ops, heap->capacity / 2);
}

static inline void heap_fini(struct heap *heap, const struct ops *ops)
{
    size_t size = heap->capacity * sizeof(*heap->entries);
    alloc_free(ops->alloc, heap->entries, size, _Alignof(struct heap_entry));
    heap->entries = NULL;
}

#endif
