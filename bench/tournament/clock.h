/* SPDX-License-Identifier: MIT */
/* clock.h - seconds on the clock that only goes forward. */
#ifndef VELO_TOURNAMENT_CLOCK_H
#define VELO_TOURNAMENT_CLOCK_H

#include <time.h>

static inline double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
