/* SPDX-License-Identifier: MIT */
/* kernel.c - prices of the system calls that a loop makes, by one thread that never sleeps. */
#include "descriptors.h"
#include "limits.h"
#include "span.h"

#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALONE "one thread, 100 at a time, its CPU time"
#define SPREAD "10000 eventfds, every 97th of 256 ready; CPU time of the wait"

enum { BATCH = 100 };

/* An epoll instance and what it watches. */
struct pollset {
    int epoll;
    int *fds;
    int count;
};

static int fail(struct bench *bench, const char *what)
{
    int error = errno;
    snprintf(bench->reason, sizeof bench->reason, "%s: %s", what, strerror(error));
    return -error;
}

static double fail_once(struct bench *bench, const char *what)
{
    fail(bench, what);
    return NAN;
}

static double system_call(struct bench *bench)
{
    struct span span;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            syscall(SYS_getppid);
    return span_cpu_ns(&span);
}

static double futex_wake_nobody(struct bench *bench)
{
    struct span span;
    uint32_t word = 0;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return span_cpu_ns(&span);
}

static double yield(struct bench *bench)
{
    struct span span;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            sched_yield();
    return span_cpu_ns(&span);
}

/* ---- one eventfd in one epoll ---- */

static void pollset_close(struct bench *bench)
{
    struct pollset *set = bench->state;
    for (int i = 0; i < set->count; i++)
        close(set->fds[i]);
    close(set->epoll);
    free(set->fds);
    free(set);
}

/* [count] eventfds, all at rest. As many as fit if the descriptor limit is lower. */
static int pollset_open(struct bench *bench, int count, uint32_t events)
{
    struct pollset *set = calloc(1, sizeof *set);
    int *fds = calloc((size_t)count, sizeof *fds);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!set || !fds || epoll < 0) {
        int rc = fail(bench, "epoll instance");
        if (epoll >= 0)
            close(epoll);
        free(set);
        free(fds);
        return rc;
    }
    *set = (struct pollset){.epoll = epoll, .fds = fds};
    bench->state = set;
    for (; set->count < count; set->count++) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct epoll_event event = {.events = events, .data.fd = fd};
        if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            int rc = fail(bench, "watched eventfd");
            if (fd >= 0)
                close(fd);
            pollset_close(bench);
            return rc;
        }
        fds[set->count] = fd;
    }
    return 0;
}

static int open_one(struct bench *bench)
{
    return pollset_open(bench, 1, EPOLLIN);
}

/* Make the only eventfd ready, or not ready. */
static bool ring(const struct pollset *set)
{
    uint64_t one = 1;
    return write(set->fds[0], &one, sizeof one) == sizeof one;
}

static bool drain(int fd)
{
    uint64_t value;
    return read(fd, &value, sizeof value) == sizeof value;
}

static double write_only(struct bench *bench)
{
    struct span span;
    bool ok = true;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            ok &= ring(bench->state);
    return ok ? span_cpu_ns(&span) : fail_once(bench, "eventfd write");
}

static double write_and_read(struct bench *bench)
{
    const struct pollset *set = bench->state;
    struct span span;
    bool ok = true;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            ok &= ring(set) && drain(set->fds[0]);
    return ok ? span_cpu_ns(&span) : fail_once(bench, "eventfd write and read");
}

static double poll_expecting(struct bench *bench, int expected)
{
    const struct pollset *set = bench->state;
    struct epoll_event events[4];
    struct span span;
    bool ok = true;
    for (span_begin(&span, bench->rep_ns); span_more(&span, BATCH);)
        for (int i = 0; i < BATCH; i++)
            ok &= epoll_wait(set->epoll, events, 4, 0) == expected;
    return ok ? span_cpu_ns(&span) : fail_once(bench, "epoll_wait");
}

static double poll_empty(struct bench *bench)
{
    return poll_expecting(bench, 0);
}

static int open_one_ready(struct bench *bench)
{
    int rc = open_one(bench);
    if (rc == 0 && !ring(bench->state)) {
        rc = fail(bench, "eventfd write");
        pollset_close(bench);
    }
    return rc;
}

static double poll_ready(struct bench *bench)
{
    return poll_expecting(bench, 1);
}

/* ---- many descriptors, some ready ---- */

static int open_many(struct bench *bench, uint32_t events)
{
    int count = descriptor_room();
    if (count < DESCRIPTORS_READY)
        return descriptors_too_few(bench);
    int rc = pollset_open(bench, count, events);
    if (rc == 0)
        descriptors_remark(bench, count);
    return rc;
}

static int open_many_level(struct bench *bench)
{
    return open_many(bench, EPOLLIN);
}

static int open_many_edge(struct bench *bench)
{
    return open_many(bench, EPOLLIN | EPOLLET);
}

/* Make every 97th ready, time only the wait, and put them to rest. */
static double poll_many(struct bench *bench)
{
    const struct pollset *set = bench->state;
    static struct epoll_event events[DESCRIPTORS_READY];
    uint64_t spent_ns = 0;
    uint64_t delivered = 0;
    uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + bench->rep_ns;
    const uint64_t overhead_ns = clock_cost_ns(CLOCK_THREAD_CPUTIME_ID);
    bool ok = true;
    do {
        uint64_t one = 1;
        for (int i = 0; i < DESCRIPTORS_READY; i++)
            ok &= write(set->fds[i * DESCRIPTORS_STRIDE % set->count], &one, sizeof one) ==
                  sizeof one;
        uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        int ready = epoll_wait(set->epoll, events, DESCRIPTORS_READY, 0);
        spent_ns += past_ns(CLOCK_THREAD_CPUTIME_ID, begin_ns, overhead_ns);
        for (int i = 0; i < ready; i++)
            ok &= drain(events[i].data.fd);
        ok &= ready > 0;
        delivered += (uint64_t)ready;
    } while (ok && clock_ns(CLOCK_MONOTONIC) < end_ns);
    return ok ? (double)spent_ns / (double)delivered : fail_once(bench, "epoll_wait");
}

const struct limit limits_kernel[] = {
    {.id = "C11", .name = "system call (getppid)", .method = ALONE, .once = system_call},
    {.id = "C12",
     .name = "eventfd write, nobody waits",
     .method = ALONE,
     .setup = open_one,
     .once = write_only,
     .teardown = pollset_close},
    {.id = "C12r",
     .name = "eventfd write + read",
     .method = ALONE,
     .setup = open_one,
     .once = write_and_read,
     .teardown = pollset_close},
    {.id = "C13",
     .name = "epoll_wait(0), nothing ready",
     .method = ALONE,
     .setup = open_one,
     .once = poll_empty,
     .teardown = pollset_close},
    {.id = "C13r",
     .name = "epoll_wait(0), one ready",
     .method = ALONE,
     .setup = open_one_ready,
     .once = poll_ready,
     .teardown = pollset_close},
    {.id = "C14", .name = "futex wake, nobody waits", .method = ALONE, .once = futex_wake_nobody},
    {.id = "C14y", .name = "sched_yield, alone", .method = ALONE, .once = yield},
    {.id = "C21",
     .name = "epoll edge-triggered, per event",
     .method = SPREAD,
     .setup = open_many_edge,
     .once = poll_many,
     .teardown = pollset_close},
    {.id = "C21l",
     .name = "epoll level-triggered, per event",
     .method = SPREAD,
     .setup = open_many_level,
     .once = poll_many,
     .teardown = pollset_close},
    {.id = NULL},
};
