/* SPDX-License-Identifier: MIT */
/*
 * What one thread writes all the time and another one reads or writes may not share a cache line:
 * it would move from one processor to the other at each access. Lines are counted in pairs, since
 * prefetchers fetch two.
 */
#ifndef VELO_PARTS_LINES_H
#define VELO_PARTS_LINES_H

#include <stddef.h>

#define LINES_BYTES 128

/* The build fails if members [a] and [b] of [type], each the first or last of a group, may share a
 * line. */
#define LINES_APART(type, a, b)                                                                    \
    _Static_assert(_Alignof(type) % LINES_BYTES == 0 &&                                            \
                       offsetof(type, a) / LINES_BYTES != offsetof(type, b) / LINES_BYTES,         \
                   #a " and " #b " belong to different threads and share a line")

#endif
