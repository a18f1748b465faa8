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

/* The build fails unless [member] of [type] begins a pair of lines: what stands before it, which
 * belongs to other threads, ends on another pair. */
#define LINES_BEGIN(type, member)                                                                  \
    _Static_assert(_Alignof(type) % LINES_BYTES == 0 && offsetof(type, member) % LINES_BYTES == 0, \
                   #member " may share a line with what stands before it")

#endif
