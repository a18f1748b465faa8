/* SPDX-License-Identifier: MIT */
/*
 * word.h - a number instead of a pointer as the argument of a task. What is measured is then the
 * loop, and not the cache misses of an object per task; order and sum can still be checked.
 */
#ifndef RACE_WORD_H
#define RACE_WORD_H

#include <stdint.h>

static inline void *word_to_arg(uint64_t word)
{
    return (void *)(uintptr_t)word; /* NOLINT(performance-no-int-to-ptr): never dereferenced */
}

static inline uint64_t word_from_arg(const void *arg)
{
    return (uint64_t)(uintptr_t)arg;
}

#endif
