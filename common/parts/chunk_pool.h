/* SPDX-License-Identifier: MIT */
/*
 * Where the chunks of a lock-free queue come from: regions, each of which hands out its chunks
 * once. What a chunk is, its queue says: here it has a size, an alignment, and begins with struct
 * pooled.
 *
 * Why not malloc: a producer seeks a chunk in the midst of a submit, and that may be in a signal
 * handler which has interrupted anything, malloc included (S9). Here taking a chunk is a fetch-add,
 * or else mmap and a compare-and-swap. Whoever is interrupted in between holds up nobody, neither
 * another thread nor a handler on its own.
 *
 * Idea: [current] hands out chunks by counting up; a full region is followed by a new one. Chunks
 * come back in any order, and only counted. Once all of a region are back, the owner keeps it on
 * standby or returns it to the kernel. So there is no list of free chunks and no ABA: a chunk that
 * comes from here was never seen by anybody, or by nobody who is still there.
 *
 * Two rules make that true, and the queue keeps them:
 *  - a chunk is given back when nobody holds a pointer to it;
 *  - chunk_pool_tidy() is called when nobody is inside chunk_pool_take() who entered before
 *    chunk_pool_mark(). Only it frees regions, and only older ones than the mark, which later
 *    takers cannot see: [current] never goes back.
 * With an allocator of the user's the regions come from that, and what it may be called from, so
 * may a submit.
 */
#ifndef VELO_PARTS_CHUNK_POOL_H
#define VELO_PARTS_CHUNK_POOL_H

#include "common/parts/alloc.h"
#include "velo.h"

#include <stdatomic.h>
#include <stddef.h>

#define REGION_CHUNKS_MIN 3u  /* of the first region: what a queue needs with its first push */
#define REGION_CHUNKS_MAX 32u /* with chunks of 4 KiB, 132 KiB */
#define REGIONS_STANDBY 4u

/* What each chunk begins with. */
struct pooled {
    struct region *home; /* constant while the chunk is out */
};

struct region {
    struct region *older; /* its maker writes, then the owner */
    size_t bytes;         /* constant */
    bool mapped;          /* constant: from mmap */
    uint32_t count;       /* chunks; constant, as the next two */
    size_t first;         /* where they begin, from here */
    size_t chunk_bytes;   /* of each */
    _Atomic uint32_t out; /* handed out; a little beyond count when many have asked at once */
    _Atomic uint32_t back;
};

struct chunk_pool {
    const struct velo_allocator *alloc; /* constant, as the next two */
    size_t chunk_bytes;                 /* a multiple of [alignment] */
    size_t alignment;                   /* at least that of a region */
    _Atomic(struct region *) current;   /* takers set */
    _Atomic(struct region *) standby[REGIONS_STANDBY];
};

/*
 * With memory for REGION_CHUNKS_MIN chunks of [chunk_bytes]. [alloc]: see alloc.h. Returns 0 or
 * -ENOMEM.
 */
int chunk_pool_init(struct chunk_pool *pool,
                    const struct velo_allocator *alloc,
                    size_t chunk_bytes,
                    size_t alignment);

/*
 * A chunk, or NULL. Its content is zero, or what it was given back with. Any thread; also in a
 * signal handler.
 */
void *chunk_pool_take(struct chunk_pool *pool);

/* Give one back. Any thread; its last access to the chunk. */
void chunk_pool_give(struct chunk_pool *pool, void *chunk);

/* Owner: what takers use now. */
struct region *chunk_pool_mark(const struct chunk_pool *pool);

/* Owner: free the regions before [mark] that have all their chunks back. See above for when. */
void chunk_pool_tidy(struct chunk_pool *pool, struct region *mark);

/* Free everything, chunks that are out included; nobody else is left. */
void chunk_pool_fini(struct chunk_pool *pool);

#endif
