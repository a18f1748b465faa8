/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers that one thread publishes together and others read together: a sequence lock.
 *
 * The number [seq] is odd while the set is being written, or while nobody keeps it up to date. A
 * reader that found it even and the same before and after has read the numbers of one writing. The
 * numbers are atomics, so there is no data race in the language: a reader that meets a number of a
 * newer writing (acquire) also sees that writing's odd [seq], and tries again.
 *
 * The writer never waits. A reader that has tried in vain for some time says so in [hurry]; the
 * writer then leaves out what it can, until that reader has read.
 */
#ifndef VELO_PARTS_SNAPSHOT_H
#define VELO_PARTS_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAPSHOT_WORDS 80

struct snapshot {
    _Alignas(64) _Atomic uint64_t seq;                   /* the writer */
    _Atomic uint32_t hurry;                              /* readers that wait; any thread */
    _Alignas(64) _Atomic uint64_t words[SNAPSHOT_WORDS]; /* the writer */
};

/* Writer: from now on the set says nothing. So it begins, before it is shared. */
static inline void snapshot_close(struct snapshot *all)
{
    /* (N1) relaxed: one writer; release: a reader that saw the set ended has seen all of it */
    uint64_t seq = atomic_load_explicit(&all->seq, memory_order_relaxed);
    atomic_store_explicit(&all->seq, seq | 1, memory_order_release);
}

/* Writer: publish [count] numbers. */
static inline void snapshot_write(struct snapshot *all, const uint64_t *words, size_t count)
{
    /* (N1) relaxed: one writer; the words carry it to who sees one of them */
    uint64_t odd = atomic_load_explicit(&all->seq, memory_order_relaxed) | 1;
    atomic_store_explicit(&all->seq, odd, memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        /* (N2) release: who sees it sees the odd number; pairs with (N2) in snapshot_read() */
        atomic_store_explicit(&all->words[i], words[i], memory_order_release);
    }
    /* (N3) release: publishes the words; pairs with (N3) in snapshot_seq() */
    atomic_store_explicit(&all->seq, odd + 1, memory_order_release);
}

/* The number of the writing that is there; odd: none. Any thread. */
static inline uint64_t snapshot_seq(const struct snapshot *all)
{
    /* (N3) acquire: the words of that writing; pairs with (N3) in snapshot_write() */
    return atomic_load_explicit(&all->seq, memory_order_acquire);
}

/* Read [count] numbers of one writing; false: try again. Any thread. */
static inline bool snapshot_read(const struct snapshot *all, uint64_t *words, size_t count)
{
    uint64_t seq = snapshot_seq(all);
    if ((seq & 1) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        /* (N2) acquire: then the look at [seq] below comes after it; pairs with (N2) above */
        words[i] = atomic_load_explicit(&all->words[i], memory_order_acquire);
    }
    /* (N1) relaxed: ordered by the words */
    return atomic_load_explicit(&all->seq, memory_order_relaxed) == seq;
}

/* Reader: begin, and end, to be in a hurry. */
static inline void snapshot_hurry(struct snapshot *all, bool on)
{
    /* (N4) relaxed: a request; what is late is only later */
    atomic_fetch_add_explicit(&all->hurry, on ? 1 : UINT32_MAX, memory_order_relaxed);
}

/* Writer: does a reader ask for a pause? */
static inline bool snapshot_is_hurried(const struct snapshot *all)
{
    /* (N4) relaxed: as above */
    return atomic_load_explicit(&all->hurry, memory_order_relaxed) != 0;
}

#endif
