/* SPDX-License-Identifier: MIT */
/*
 * Where a loop's memory comes from: the user's allocator, or malloc and its kin.
 *
 * Whoever allocates keeps a pointer to the allocator, told before init; none (NULL, or one without
 * resize) is the C library. So a zeroed struct works by itself, and programs that replace malloc,
 * as the tests do to make it fail, replace it here too. Who frees says how large the block is and
 * how it was aligned: the user's allocator need not keep books.
 */
#ifndef VELO_PARTS_ALLOC_H
#define VELO_PARTS_ALLOC_H

#include "velo.h"

#include <stdlib.h>
#include <string.h>

static inline bool alloc_is_own(const struct velo_allocator *from)
{
    return from == NULL || from->resize == NULL;
}

/* [size] bytes, not 0, uninitialised; NULL when memory is out. */
static inline void *alloc_new(const struct velo_allocator *from, size_t size, size_t alignment)
{
    if (!alloc_is_own(from))
        return from->resize(from->ctx, NULL, 0, size, alignment);
    if (alignment <= _Alignof(max_align_t))
        return malloc(size);
    return aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
}

/* The same, zeroed; large blocks of the C library are pages that nobody has touched yet. */
static inline void *alloc_zeroed(const struct velo_allocator *from, size_t size, size_t alignment)
{
    if (alloc_is_own(from) && alignment <= _Alignof(max_align_t))
        return calloc(1, size);
    void *block = alloc_new(from, size, alignment);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

/* As realloc, for blocks without a special alignment. Sizes are not 0, but the old one of NULL. */
static inline void *alloc_resize(const struct velo_allocator *from,
                                 void *block,
                                 size_t old_size,
                                 size_t new_size,
                                 size_t alignment)
{
    if (alloc_is_own(from))
        return realloc(block, new_size);
    return from->resize(from->ctx, block, old_size, new_size, alignment);
}

/* Give a block back, or do nothing with NULL. */
static inline void
alloc_free(const struct velo_allocator *from, void *block, size_t size, size_t alignment)
{
    if (block == NULL)
        return;
    if (alloc_is_own(from))
        free(block);
    else
        from->resize(from->ctx, block, size, 0, alignment);
}

#endif
