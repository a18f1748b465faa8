/* SPDX-License-Identifier: MIT */
/*
 * The one place where the library reads time. A link seam: an object that defines
 * clock_now_ns() and precedes libcommon.a replaces it, as the fake clock of the tests does.
 */
#ifndef VELO_PARTS_CLOCK_H
#define VELO_PARTS_CLOCK_H

#include <stdint.h>

/* Nanoseconds on CLOCK_MONOTONIC. Any thread. */
uint64_t clock_now_ns(void);

/* a + b, or UINT64_MAX when that overflows (T8). */
static inline uint64_t clock_add_ns(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
