/* SPDX-License-Identifier: MIT */
/*
 * The limits of a queue: how many tasks may wait (credit.h) and how many may come (rate.h). One
 * flag tells whether there is any, so that producers without limits look at nothing else.
 */
#ifndef VELO_PARTS_LIMITS_H
#define VELO_PARTS_LIMITS_H

#include "common/parts/credit.h"
#include "common/parts/rate.h"
#include "velo.h"

#include <errno.h>

struct limits {
    bool any; /* constant: one of the two is set */
    struct credit credit;
    struct rate rate;
};

static inline void limits_init(struct limits *limits, const struct velo_options *options)
{
    limits->credit.max = options->max_pending;
    rate_init(&limits->rate, options->rate_per_sec, options->rate_burst);
    limits->any = options->max_pending != 0 || options->rate_per_sec != 0;
}

/* Tasks were begun, or not accepted after all: others may wait in their place. */
static inline void limits_begun(struct limits *limits, size_t n)
{
    if (limits->credit.max != 0)
        credit_give(&limits->credit, n);
}

/* May [n] tasks be accepted? All or none: 0, -EAGAIN too many wait, -EBUSY too many have come. */
static inline int limits_take(struct limits *limits, size_t n)
{
    if (limits->credit.max != 0 && !credit_take(&limits->credit, n))
        return -EAGAIN;
    if (!rate_is_limited(&limits->rate) || rate_take(&limits->rate, n))
        return 0;
    limits_begun(limits, n);
    return -EBUSY;
}

/* They were not accepted after all. */
static inline void limits_give(struct limits *limits, size_t n)
{
    limits_begun(limits, n);
    if (rate_is_limited(&limits->rate))
        rate_give(&limits->rate, n);
}

#endif
