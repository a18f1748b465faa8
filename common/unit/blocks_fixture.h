/* SPDX-License-Identifier: MIT */
/* What the tests of ingress_blocks share: queues whose memory is refused and counted, shorthands.
 */
#ifndef VELO_UNIT_BLOCKS_FIXTURE_H
#define VELO_UNIT_BLOCKS_FIXTURE_H

#include "common/parts/ingress_blocks.h"
#include "common/unit/unit.h"

static atomic_bool refuse_memory;
static atomic_size_t bytes_held;

static inline void *
resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    void *memory = NULL;
    (void)ctx;
    if (new_size == 0)
        free(block);
    else if (atomic_load(&refuse_memory) || posix_memalign(&memory, alignment, new_size) != 0)
        return NULL;
    atomic_fetch_add(&bytes_held, new_size - old_size);
    return memory;
}

static const struct velo_allocator counting = {.resize = resize};

static inline void nothing(void *arg)
{
    (void)arg;
}

static inline void *number(uint64_t value)
{
    return (void *)(uintptr_t)value;
}

static inline void queue_open(struct blocks *in, struct wake *wake)
{
    *in = (struct blocks){0};
    *wake = (struct wake){.eventfd = -1};
    assert_int_equal(blocks_init(in, &counting), 0);
}

static inline void queue_close(struct blocks *in)
{
    blocks_close(in);
    blocks_fini(in);
    assert_int_equal(atomic_load(&bytes_held), 0);
}

/* The next task of lane 0, gathered first if need be. */
static inline bool pop(struct blocks *in, struct velo_task *task)
{
    return blocks_gather(in, 0) != 0 && blocks_pop(in, 0, task);
}

static inline uint64_t waiting(const struct blocks *in)
{
    uint64_t count;
    blocks_count(in, 0, &count);
    return count;
}

static inline int push(struct blocks *in, struct wake *wake, uint64_t value)
{
    return blocks_push(in, seat_enter(in), wake, 0, nothing, number(value));
}

#endif
