/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time as the race program reads it: nanoseconds of CLOCK_MONOTONIC, the clock of the
 * API, which all threads share, so that a stamp of the generator and one of a callback can be
 * compared.
 */
#ifndef RACE_CLOCK_H
#define RACE_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_read_ns(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        return 0;
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

/* CPU time of the calling thread. */
static inline uint64_t clock_thread_cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Use the processor for so long. */
static inline void clock_burn(uint64_t duration_ns)
{
    uint64_t end_ns = duration_ns > 0 ? clock_now_ns() + duration_ns : 0;
    while (duration_ns > 0 && clock_now_ns() < end_ns)
        continue;
}

/* Sleep until that time, whatever signals come. */
static inline void clock_sleep_until(uint64_t time_ns)
{
    struct timespec time = {(time_t)(time_ns / NS_PER_S), (long)(time_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        continue;
}

#endif
