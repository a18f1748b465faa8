/* SPDX-License-Identifier: MIT */
/* See chunk_pool.h. Under ASan the chunks that nobody has are poisoned. */
#include "common/parts/chunk_pool.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

/* Zeroed memory from the kernel, or NULL. All at once, as a flood is about to use it. */
static void *map(size_t bytes)
{
    int saved = errno; /* no part of the interface, and a handler may not change it */
    void *memory = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    errno = saved;
    return memory == MAP_FAILED ? NULL : memory;
}

/* A region of [count] unused chunks, or NULL. */
static struct region *region_new(const struct chunk_pool *pool, uint32_t count, bool mapped)
{
    size_t first = (sizeof(struct region) + pool->alignment - 1) & ~(pool->alignment - 1);
    size_t bytes = first + count * pool->chunk_bytes;
    struct region *region = mapped ? map(bytes) : alloc_zeroed(pool->alloc, bytes, pool->alignment);
    if (region == NULL)
        return NULL;
    region->bytes = bytes;
    region->count = count;
    region->mapped = mapped;
    region->first = first;
    region->chunk_bytes = pool->chunk_bytes;
    ASAN_POISON_MEMORY_REGION((char *)region + first, bytes - first);
    return region;
}

static void region_free(const struct chunk_pool *pool, struct region *region)
{
    ASAN_UNPOISON_MEMORY_REGION((char *)region + region->first, region->bytes - region->first);
    if (region->mapped)
        munmap(region, region->bytes);
    else
        alloc_free(pool->alloc, region, region->bytes, pool->alignment);
}

/* An unused region of its full size from those on standby, or NULL. */
static struct region *standby_take(struct chunk_pool *pool)
{
    for (size_t i = 0; i < REGIONS_STANDBY; i++) {
        /* (N3) acquire: the region's reset; pairs with (N3) in region_put() */
        struct region *region =
            atomic_exchange_explicit(&pool->standby[i], NULL, memory_order_acquire);
        if (region != NULL)
            return region;
    }
    return NULL;
}

/* Nobody but the caller knows [region], and all its chunks are unused: keep it for later, or not.
 */
static void region_put(struct chunk_pool *pool, struct region *region)
{
    /* (N1), (N2) relaxed: published by whoever hands the region on */
    atomic_store_explicit(&region->out, 0, memory_order_relaxed);
    atomic_store_explicit(&region->back, 0, memory_order_relaxed); /* (N2) */
    for (size_t i = 0; i < REGIONS_STANDBY && region->count == REGION_CHUNKS_MAX; i++) {
        struct region *none = NULL;
        /* (N3) release: the reset; pairs with (N3) in standby_take() */
        if (atomic_compare_exchange_strong_explicit(
                &pool->standby[i], &none, region, memory_order_release, memory_order_relaxed))
            return;
    }
    region_free(pool, region);
}

/* A region to follow [full], or NULL. */
static struct region *region_get(struct chunk_pool *pool, struct region *full)
{
    struct region *region = standby_take(pool);
    uint32_t twice = full->count * 2;
    uint32_t count = twice < REGION_CHUNKS_MAX ? twice : REGION_CHUNKS_MAX;
    if (region == NULL)
        region = region_new(pool, count, alloc_is_own(pool->alloc));
    if (region != NULL)
        region->older = full;
    return region;
}

/* The next chunk of [region], or NULL. */
static void *region_take(struct region *region)
{
    /* (N1) relaxed: a look, so that asking in vain does not count up without end */
    if (atomic_load_explicit(&region->out, memory_order_relaxed) >= region->count)
        return NULL;
    /* (N1) relaxed: only who gets what; the region was published by (N4) */
    uint32_t i = atomic_fetch_add_explicit(&region->out, 1, memory_order_relaxed);
    if (i >= region->count)
        return NULL;
    char *chunk = (char *)region + region->first + i * region->chunk_bytes;
    ASAN_UNPOISON_MEMORY_REGION(chunk, region->chunk_bytes);
    ((struct pooled *)(void *)chunk)->home = region;
    return chunk;
}

int chunk_pool_init(struct chunk_pool *pool,
                    const struct velo_allocator *alloc,
                    size_t chunk_bytes,
                    size_t alignment)
{
    pool->alloc = alloc;
    pool->chunk_bytes = chunk_bytes;
    pool->alignment = alignment > _Alignof(struct region) ? alignment : _Alignof(struct region);
    struct region *first = region_new(pool, REGION_CHUNKS_MIN, false); /* no handler yet: malloc */
    /* (N4) relaxed: before the pool is published */
    atomic_store_explicit(&pool->current, first, memory_order_relaxed);
    return first == NULL ? -ENOMEM : 0;
}

void *chunk_pool_take(struct chunk_pool *pool)
{
    for (;;) {
        /* (N4) seq_cst: the region's contents, and not one before the mark; pairs with (N4) below
         * and in chunk_pool_mark() */
        struct region *region = atomic_load_explicit(&pool->current, memory_order_seq_cst);
        void *chunk = region_take(region);
        if (chunk != NULL)
            return chunk;
        struct region *fresh = region_get(pool, region);
        if (fresh == NULL)
            return NULL;
        chunk = region_take(fresh); /* ours for sure: nobody starves */
        /* (N4) seq_cst: publishes the region; pairs with (N4) above */
        if (atomic_compare_exchange_strong_explicit(
                &pool->current, &region, fresh, memory_order_seq_cst, memory_order_relaxed))
            return chunk;
        ASAN_POISON_MEMORY_REGION(chunk, pool->chunk_bytes);
        region_put(pool, fresh); /* somebody was faster */
    }
}

void chunk_pool_give(struct chunk_pool *pool, void *chunk)
{
    struct region *home = ((struct pooled *)chunk)->home;
    ASAN_POISON_MEMORY_REGION(chunk, pool->chunk_bytes);
    /* (N2) release: all that was done with the chunk; pairs with (N2) in chunk_pool_tidy() */
    atomic_fetch_add_explicit(&home->back, 1, memory_order_release);
}

struct region *chunk_pool_mark(const struct chunk_pool *pool)
{
    /* (N4) seq_cst: before the owner finds nobody inside; pairs with (N4) in chunk_pool_take() */
    return atomic_load_explicit(&pool->current, memory_order_seq_cst);
}

void chunk_pool_tidy(struct chunk_pool *pool, struct region *mark)
{
    struct region *newer = mark;
    while (newer->older != NULL) {
        struct region *region = newer->older;
        /* (N2) acquire: what was done with its chunks is over; pairs with (N2) above */
        if (atomic_load_explicit(&region->back, memory_order_acquire) == region->count) {
            newer->older = region->older;
            region_put(pool, region);
        } else {
            newer = region;
        }
    }
}

void chunk_pool_fini(struct chunk_pool *pool)
{
    struct region *region = chunk_pool_mark(pool);
    while (region != NULL) {
        struct region *older = region->older;
        region_free(pool, region);
        region = older;
    }
    while ((region = standby_take(pool)) != NULL)
        region_free(pool, region);
}
