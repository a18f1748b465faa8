/* SPDX-License-Identifier: MIT */
/*
 * recorder.c - what is read out of a recorder after the window; recording itself is in the header.
 */
#include "recorder.h"

#include <math.h>
#include <string.h>

#define STEPS_PER_DECADE 8.0

void recorder_init(struct recorder *recorder)
{
    memset(recorder, 0, sizeof *recorder);
    recorder->min = UINT64_MAX;
}

void recorder_merge(struct recorder *into, const struct recorder *from)
{
    for (size_t i = 0; i < RECORDER_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->count += from->count;
    if (__builtin_add_overflow(into->sum, from->sum, &into->sum))
        into->sum = UINT64_MAX;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
}

static unsigned bucket_shift(size_t index)
{
    return index < 2 * RECORDER_SUB ? 0 : (unsigned)(index >> RECORDER_SUB_BITS) - 1;
}

uint64_t recorder_bucket_low(size_t index)
{
    unsigned shift = bucket_shift(index);
    return ((uint64_t)index - ((uint64_t)shift << RECORDER_SUB_BITS)) << shift;
}

uint64_t recorder_bucket_high(size_t index)
{
    return recorder_bucket_low(index) + ((UINT64_C(1) << bucket_shift(index)) - 1);
}

/* The middle of the bucket that holds the sample of this rank (1 = smallest), kept inside what was
 * really seen. */
static double value_at_rank(const struct recorder *recorder, uint64_t rank)
{
    size_t index = 0;
    uint64_t seen = recorder->buckets[0];
    while (seen < rank && index + 1 < RECORDER_BUCKETS)
        seen += recorder->buckets[++index];
    double low = (double)recorder_bucket_low(index);
    double middle = low + ((double)recorder_bucket_high(index) - low) / 2;
    return fmin(fmax(middle, (double)recorder->min), (double)recorder->max);
}

bool recorder_quantile(const struct recorder *recorder, double share, double *value)
{
    double rank = ceil(share * (double)recorder->count - 1e-9);
    if (rank < 1)
        rank = 1;
    if ((double)recorder->count - rank < RECORDER_BEYOND_MIN)
        return false;
    *value = value_at_rank(recorder, (uint64_t)rank);
    return true;
}

size_t recorder_curve(const struct recorder *recorder, struct recorder_point *out, size_t capacity)
{
    size_t count = 0;
    if (recorder->count == 0 || capacity == 0)
        return 0;
    for (size_t step = 0; count + 1 < capacity; step++) {
        double share = 1.0 - pow(10.0, -(double)step / STEPS_PER_DECADE);
        double value;
        if (!recorder_quantile(recorder, share, &value))
            break;
        out[count++] = (struct recorder_point){share, value};
    }
    out[count++] = (struct recorder_point){1.0, (double)recorder->max};
    return count;
}
