/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - a log-linear histogram of durations.
 *
 * The idea is that of HdrHistogram (Tene): values below 2 * RECORDER_SUB are counted exactly;
 * above, each power of two is cut into RECORDER_SUB buckets of equal width. A bucket is then never
 * wider than 1/128 of the values in it, and its middle is wrong by at most 0.4 %, over the whole
 * range of 64 bits and in 58 KiB. Recording is a count-leading-zeros, a shift and an increment.
 * Counts, the sum, the smallest and the largest value are exact.
 */
#ifndef RACE_RECORDER_H
#define RACE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDER_SUB_BITS 7
#define RECORDER_SUB (UINT64_C(1) << RECORDER_SUB_BITS)
#define RECORDER_BUCKETS ((size_t)(65 - RECORDER_SUB_BITS) << RECORDER_SUB_BITS)
#define RECORDER_BEYOND_MIN 10 /* a percentile needs so many samples beyond it */

struct recorder {
    uint64_t count;
    uint64_t sum; /* saturates */
    uint64_t min; /* UINT64_MAX while empty */
    uint64_t max;
    uint64_t buckets[RECORDER_BUCKETS]; /* their sum is [count] */
};

/* One point of a percentile curve: [share] of the samples are at most [value]. */
struct recorder_point {
    double share;
    double value;
};

void recorder_init(struct recorder *recorder);

static inline size_t recorder_index(uint64_t value)
{
    int top = 63 - __builtin_clzll(value | 1);
    int shift = top > RECORDER_SUB_BITS ? top - RECORDER_SUB_BITS : 0;
    return ((size_t)shift << RECORDER_SUB_BITS) + (size_t)(value >> shift);
}

static inline void recorder_add(struct recorder *recorder, uint64_t value)
{
    recorder->buckets[recorder_index(value)]++;
    recorder->count++;
    if (__builtin_add_overflow(recorder->sum, value, &recorder->sum))
        recorder->sum = UINT64_MAX;
    if (value < recorder->min)
        recorder->min = value;
    if (value > recorder->max)
        recorder->max = value;
}

/* Add all samples of [from]. The result equals one recorder that saw both sequences. */
void recorder_merge(struct recorder *into, const struct recorder *from);

/*
 * The value that [share] (0..1) of the samples do not exceed, in [*value].
 * Returns false, without a value, with fewer than RECORDER_BEYOND_MIN samples beyond it.
 */
bool recorder_quantile(const struct recorder *recorder, double share, double *value);

/* The smallest and the largest value of a bucket, both inclusive. */
uint64_t recorder_bucket_low(size_t index);
uint64_t recorder_bucket_high(size_t index);

/*
 * The percentile curve in equal steps of log(1/(1-share)), eight to the decade, as far as the
 * samples carry it, and at last the maximum at share 1. Returns the number of points, at most
 * [capacity].
 */
size_t recorder_curve(const struct recorder *recorder, struct recorder_point *out, size_t capacity);

#endif
