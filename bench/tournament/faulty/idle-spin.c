/* SPDX-License-Identifier: MIT */
/* idle-spin.c - a contestant that burns a processor while it waits; see faulty.h. */
#include "faulty.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

int __real_poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns);
int __wrap_poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns);

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int __wrap_poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns)
{
    int64_t until_ns = now_ns() + timeout_ns;
    int rc;
    do
        rc = __real_poller_wait(epfd, events, max, 0);
    while (rc == 0 && (timeout_ns < 0 || now_ns() < until_ns));
    return rc;
}
