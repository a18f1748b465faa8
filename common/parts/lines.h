/* SPDX-License-Identifier: MIT */
/*
 * What one thread writes all the time and another one reads or writes may not share a cache line:
 * it would move from one processor to the other at each access. Lines are counted in pairs, since
 * prefetchers fetch two.
 */
#ifndef VELO_PARTS_LINES_H
#define VELO_PARTS_LINES_H

#include <stddef.h>
#include <stdint.h>

#define LINES_BYTES 128
#define LINE_BYTES 64 /* one */

/* The build fails unless [member] of [type] begins a pair of lines: what stands before it, which
 * belongs to other threads, ends on another pair. */
#define LINES_BEGIN(type, member)                                                                  \
    _Static_assert(_Alignof(type) % LINES_BYTES == 0 && offsetof(type, member) % LINES_BYTES == 0, \
                   #member " may share a line with what stands before it")

/* Ask for the line of [address], to write there; any address will do. (__builtin_prefetch() asks to
 * read only, unless the compiler may use this instruction, which all x86-64 processors accept.) */
static inline void line_want(uintptr_t address)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address)); // NOLINT(*-no-int-to-ptr)
#else
    __builtin_prefetch((const void *)address, 1); // NOLINT(*-no-int-to-ptr)
#endif
}

/*
 * A producer writes [bytes] up to [end], and soon as much behind it: ask for the lines that begin
 * there, two lines on from [end]. A store asks for its line, too, but the locked instruction of the
 * next submit waits until all stores before it have theirs: so lines would come one by one, each
 * out of the cache of the other processor.
 */
static inline void lines_want_after(uintptr_t end, size_t bytes)
{
    const uintptr_t from = end + LINES_BYTES;
    const uintptr_t to = from + (bytes < LINES_BYTES ? bytes : LINES_BYTES);
    for (uintptr_t line = (from + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1); line < to;
         line += LINE_BYTES)
        line_want(line);
}

#endif
