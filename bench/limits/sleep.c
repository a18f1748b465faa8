/* SPDX-License-Identifier: MIT */
/*
 * sleep.c - how much later than asked a sleeping thread is back: 200 us ahead, over and over.
 *
 * The kernel may serve a sleep later by the slack of the thread, so as to wake once for several;
 * 50 us is what every thread begins with. With 1 ns what is left is the timer interrupt and the way
 * out of the idle state.
 */
#include "limits.h"
#include "span.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { AHEAD_NS = 200000, SAMPLES_MAX = 1024, SLACK_USUAL_NS = 50000, SLACK_LEAST_NS = 1 };

static int sleep_once(double *late_ns)
{
    uint64_t due_ns = clock_ns(CLOCK_MONOTONIC) + AHEAD_NS;
    const struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000U),
                                 .tv_nsec = (long)(due_ns % 1000000000U)};
    int rc;
    while ((rc = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL)) == EINTR)
        continue;
    *late_ns = (double)(clock_ns(CLOCK_MONOTONIC) - due_ns);
    return rc;
}

/* The median of a repetition: a single late one would hide what is usual. */
static double overshoot(struct bench *bench, unsigned long slack_ns)
{
    static double late_ns[SAMPLES_MAX];
    size_t count = 0;
    int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + bench->rep_ns;
    int rc = prctl(PR_SET_TIMERSLACK, slack_ns, 0, 0, 0) == 0 ? 0 : errno;
    do {
        if (rc == 0)
            rc = sleep_once(&late_ns[count]);
    } while (rc == 0 && ++count < SAMPLES_MAX && clock_ns(CLOCK_MONOTONIC) < end_ns);
    if (before > 0)
        prctl(PR_SET_TIMERSLACK, (unsigned long)before, 0, 0, 0);
    if (rc == 0)
        return limit_median(late_ns, count);
    snprintf(bench->reason, sizeof bench->reason, "sleep: %s", strerror(rc));
    return NAN;
}

static double overshoot_usual(struct bench *bench)
{
    return overshoot(bench, SLACK_USUAL_NS);
}

static double overshoot_least(struct bench *bench)
{
    return overshoot(bench, SLACK_LEAST_NS);
}

#define MEDIAN "absolute sleep of 200 us; median over a repetition"

const struct limit limits_sleep[] = {
    {.id = "C23",
     .name = "sleep too long by, slack 50 us",
     .method = MEDIAN,
     .once = overshoot_usual},
    {.id = "C23s",
     .name = "sleep too long by, slack 1 ns",
     .method = MEDIAN,
     .once = overshoot_least},
    {.id = NULL},
};
