/* SPDX-License-Identifier: MIT */
/*
 * A histogram of 64-bit values with a bounded relative error: each power of two is cut into 32
 * equal buckets, so a bucket's middle is at most 1.6 % away from any value in it; below 64 every
 * value has a bucket of its own. After HdrHistogram.
 *
 * One writer, any number of readers beside it. Adding is a shift and two stores. Quantiles are by
 * rank (the smallest value that enough values do not exceed), in one pass, and never above the
 * largest value, which is kept exactly: so p50 <= p90 <= p99 <= max, whatever a writer adds
 * meanwhile.
 */
#ifndef VELO_PARTS_HISTOGRAM_H
#define VELO_PARTS_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 5u
#define HISTOGRAM_PER_POWER (1u << HISTOGRAM_BITS)
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_BITS + 1u) * HISTOGRAM_PER_POWER)

struct histogram {
    _Atomic uint64_t max;                        /* the writer */
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* the writer */
};

/* The bucket of [value]; pure. */
static inline uint32_t histogram_bucket(uint64_t value)
{
    if (value < 2 * HISTOGRAM_PER_POWER)
        return (uint32_t)value;
    uint32_t shift = 63u - HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value);
    return shift * HISTOGRAM_PER_POWER + (uint32_t)(value >> shift);
}

/* The middle of a bucket; pure. */
static inline uint64_t histogram_middle(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_PER_POWER)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_PER_POWER - 1;
    uint64_t low = (uint64_t)(bucket - shift * HISTOGRAM_PER_POWER) << shift;
    return low + ((UINT64_C(1) << shift) >> 1);
}

/* Add [value] [times] over. The writer. */
static inline void histogram_add(struct histogram *all, uint64_t value, uint64_t times)
{
    _Atomic uint64_t *bucket = &all->buckets[histogram_bucket(value)];
    /* (H1) relaxed: one writer; published by the bucket */
    if (value > atomic_load_explicit(&all->max, memory_order_relaxed))
        atomic_store_explicit(&all->max, value, memory_order_relaxed); /* (H1) */
    /* (H2) release: who sees the value here sees the maximum; pairs with (H2) below */
    uint64_t count = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, count + times, memory_order_release);
}

static inline uint64_t histogram_max(const struct histogram *all)
{
    /* (H1) relaxed: after the buckets, which publish it */
    return atomic_load_explicit(&all->max, memory_order_relaxed);
}

static inline uint64_t histogram_count_at(const struct histogram *all, uint32_t bucket)
{
    /* (H2) acquire: pairs with (H2) in histogram_add() */
    return atomic_load_explicit(&all->buckets[bucket], memory_order_acquire);
}

/* The rank of quantile [permille] among [count] values, from 1. */
static inline uint64_t histogram_rank(uint64_t count, unsigned permille)
{
    uint64_t rank = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
    return rank == 0 ? 1 : rank;
}

/*
 * The quantiles [permille], which rise, into [out]; all 0 when there is no value. Returns how many
 * values there are.
 */
static inline uint64_t histogram_quantiles(const struct histogram *all,
                                           const unsigned *permille,
                                           size_t count,
                                           uint64_t *out)
{
    uint64_t total = 0, below = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        total += histogram_count_at(all, i);
    size_t found = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS && found < count && total > 0; i++) {
        below += histogram_count_at(all, i); /* at least what it was: counts only grow */
        while (found < count && below >= histogram_rank(total, permille[found]))
            out[found++] = histogram_middle(i);
    }
    uint64_t max = histogram_max(all);
    for (size_t i = 0; i < count; i++) {
        if (i >= found)
            out[i] = 0;
        else if (out[i] > max)
            out[i] = max;
    }
    return total;
}

#endif
