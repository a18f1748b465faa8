/* SPDX-License-Identifier: MIT */
/*
 * The owner's own queue: a ring of {fn, arg, stamp}, without atomics.
 *
 * The stamp is the number of tickets that other threads had claimed when the owner submitted. The
 * task runs once that many have been taken: after every submit that returned before, and before
 * every one that began after. So the two queues together keep one global order (S3).
 */
#ifndef FASTPATH_LOCAL_H
#define FASTPATH_LOCAL_H

#include "common/parts/alloc.h"
#include "common/parts/counter.h"

#include <errno.h>

#define LOCAL_MIN 64u
#define LOCAL_KEEP 4096u

struct local_task {
    velo_fn fn;
    void *arg;
    uint64_t stamp;
};

struct local {
    struct local_task *slots; /* [mask + 1], NULL until first use */
    uint64_t mask;
    const struct velo_allocator *alloc; /* constant */
    struct counter head;                /* taken since ever */
    struct counter tail;                /* queued since ever */
};

static inline uint64_t local_count(const struct local *local)
{
    uint64_t head = counter_get(&local->head); /* first: never a negative count */
    return counter_get(&local->tail) - head;
}

/* Give up the array, and what is in it. */
static inline void local_fini(struct local *local)
{
    size_t size = (local->mask + 1) * sizeof(*local->slots);
    alloc_free(local->alloc, local->slots, size, _Alignof(struct local_task));
    local->slots = NULL;
    local->mask = 0;
}

/* Room for [count] more. Returns 0 or -ENOMEM with nothing changed. */
static inline int local_reserve(struct local *local, size_t count)
{
    uint64_t queued = local_count(local);
    uint64_t size = local->slots == NULL ? LOCAL_MIN : local->mask + 1;
    if (local->slots != NULL && queued + count <= size)
        return 0;
    while (size < queued + count)
        size *= 2;
    struct local_task *slots =
        alloc_new(local->alloc, size * sizeof(*slots), _Alignof(struct local_task));
    if (slots == NULL)
        return -ENOMEM;
    for (uint64_t i = counter_get(&local->head); i != counter_get(&local->tail); i++)
        slots[i & (size - 1)] = local->slots[i & local->mask];
    local_fini(local);
    local->slots = slots;
    local->mask = size - 1;
    return 0;
}

/* Append one; room was reserved. */
static inline void local_push(struct local *local, velo_fn fn, void *arg, uint64_t stamp)
{
    uint64_t tail = counter_get(&local->tail);
    local->slots[tail & local->mask] = (struct local_task){fn, arg, stamp};
    counter_add(&local->tail, 1);
}

/* Is the oldest one next, when [taken] tickets of others have been taken? */
static inline bool local_is_next(const struct local *local, uint64_t taken)
{
    if (local_count(local) == 0)
        return false;
    return local->slots[counter_get(&local->head) & local->mask].stamp <= taken;
}

static inline struct velo_task local_pop(struct local *local)
{
    const struct local_task *slot = &local->slots[counter_get(&local->head) & local->mask];
    struct velo_task task = {slot->fn, slot->arg};
    counter_add(&local->head, 1);
    return task;
}

/* Give a large array back when it is empty. */
static inline void local_trim(struct local *local)
{
    if (local->mask >= LOCAL_KEEP && local_count(local) == 0)
        local_fini(local);
}

#endif
