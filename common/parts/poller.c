/* SPDX-License-Identifier: MIT */
/* The real poller; see poller.h. Nanosecond time-outs by epoll_pwait2 (Linux 5.11), else rounded
 * up. */
#include "common/parts/poller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

static struct timespec to_timespec(int64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

/* Rounded up, so that a wait in whole milliseconds does not end early and spin (T8). */
static int to_ms(int64_t ns)
{
    if (ns < 0)
        return -1;
    int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int result(int rc)
{
    if (rc >= 0)
        return rc;
    return errno == EINTR ? 0 : -errno;
}

int poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return result(epoll_wait(epfd, events, max, timeout_ns == 0 ? 0 : -1));
    struct timespec timeout = to_timespec(timeout_ns);
    int rc = epoll_pwait2(epfd, events, max, &timeout, NULL);
    if (rc < 0 && errno == ENOSYS)
        rc = epoll_wait(epfd, events, max, to_ms(timeout_ns));
    return result(rc);
}

int poller_peek(int epfd, int64_t timeout_ns)
{
    struct pollfd one = {epfd, POLLIN, 0};
    struct timespec timeout = to_timespec(timeout_ns < 0 ? 0 : timeout_ns);
    return result(ppoll(&one, 1, timeout_ns < 0 ? NULL : &timeout, NULL));
}
