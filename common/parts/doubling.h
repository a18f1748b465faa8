/* SPDX-License-Identifier: MIT */
/*
 * Where an element stands in an array of chunks that double in size: such an array grows without
 * moving what it has, so that other threads may look at it meanwhile. The chunks are the user's.
 */
#ifndef VELO_PARTS_DOUBLING_H
#define VELO_PARTS_DOUBLING_H

#include <stdint.h>

#define DOUBLING_BITS 6u
#define DOUBLING_FIRST (1u << DOUBLING_BITS) /* elements of the first chunk */

/* How many elements has [chunk]? */
static inline uint32_t doubling_size(uint32_t chunk)
{
    return DOUBLING_FIRST << chunk;
}

/* The first element of [chunk]: so many are in all chunks before it. */
static inline uint32_t doubling_start(uint32_t chunk)
{
    return doubling_size(chunk) - DOUBLING_FIRST;
}

/* The chunk of element [index], and its place there. */
static inline uint32_t doubling_chunk(uint32_t index, uint32_t *place)
{
    uint32_t biased = index + DOUBLING_FIRST;
    uint32_t top = 31u ^ (uint32_t)__builtin_clz(biased); /* one instruction, unlike 31 - ... */
    *place = biased - (1u << top);
    return top - DOUBLING_BITS;
}

#endif
