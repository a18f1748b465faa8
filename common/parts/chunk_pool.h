/* SPDX-License-Identifier: MIT */
/*
 * Where the chunks of a ticket queue come from: regions, each of which hands out its chunks once.
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

#define CHUNK_BITS 8u
#define CHUNK_SLOTS (1u << CHUNK_BITS)
#define CHUNK_NIL UINT64_MAX
#define REGION_CHUNKS_MIN 3u  /* of the first region: what a queue needs with its first push */
#define REGION_CHUNKS_MAX 32u /* 132 KiB */
#define REGIONS_STANDBY 4u

struct ticket_slot {
    _Atomic(velo_fn) fn; /* NULL = not filled; the producer stores, the owner clears */
    void *arg;           /* valid while fn is not NULL */
};

struct chunk {
    _Atomic uint64_t index;
    _Atomic uintptr_t next;
    struct chunk *prev;  /* of the chain; valid as long as that chunk is live */
    struct chunk *below; /* of a list: retired, orphans, a batch's supply; its holder */
    struct region *home; /* constant */
    _Alignas(64) struct ticket_slot slots[CHUNK_SLOTS];
};

struct region {
    struct region *older; /* its maker writes, then the owner */
    size_t bytes;         /* constant */
    bool mapped;          /* constant: from mmap */
    uint32_t count;       /* chunks; constant */
    _Atomic uint32_t out; /* handed out; a little beyond count when many have asked at once */
    _Atomic uint32_t back;
    _Alignas(64) struct chunk chunks[];
};

struct chunk_pool {
    const struct velo_allocator *alloc; /* constant */
    _Atomic(struct region *) current;   /* takers set */
    _Atomic(struct region *) standby[REGIONS_STANDBY];
};

/* With memory for REGION_CHUNKS_MIN chunks. [alloc]: see alloc.h. Returns 0 or -ENOMEM. */
int chunk_pool_init(struct chunk_pool *pool, const struct velo_allocator *alloc);

/* A chunk with cleared slots and index NIL, or NULL. Any thread; also in a signal handler. */
struct chunk *chunk_pool_take(struct chunk_pool *pool);

/* Give one back. Any thread; its last access to the chunk. */
void chunk_pool_give(struct chunk *chunk);

/* Owner: what takers use now. */
struct region *chunk_pool_mark(const struct chunk_pool *pool);

/* Owner: free the regions before [mark] that have all their chunks back. See above for when. */
void chunk_pool_tidy(struct chunk_pool *pool, struct region *mark);

/* Free everything, chunks that are out included; nobody else is left. */
void chunk_pool_fini(struct chunk_pool *pool);

#endif
