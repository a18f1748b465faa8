/* SPDX-License-Identifier: MIT */
/*
 * measured.h - a loop that measures, for cases under a clock that stands still.
 */
#ifndef CONF_MEASURED_H
#define CONF_MEASURED_H

#include "../sim/clock.h"
#include "conf.h"

static inline struct velo_options measuring(void)
{
    struct velo_options options = conf_options();
    options.metrics = true;
    options.spin_ns = -1; /* under a frozen clock a spin would not end */
    return options;
}

static inline struct velo_loop *measured_loop(void)
{
    struct velo_options options = measuring();
    return conf_create(&options);
}

/* For sim_sleep: a sleep lets the frozen clock go on, and takes no time itself. */
static inline void let_time_pass(void *ctx, int64_t timeout_ns)
{
    (void)ctx;
    if (timeout_ns > 0)
        sim_clock_advance((uint64_t)timeout_ns);
}

#endif
