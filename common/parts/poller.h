/* SPDX-License-Identifier: MIT */
/* The one place where the library waits in epoll. A link seam, as clock.h. */
#ifndef VELO_PARTS_POLLER_H
#define VELO_PARTS_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>

/*
 * Harvest up to [max] events; waits at most [timeout_ns] (0 = not at all, -1 = for ever).
 * Owner. Returns their number, 0 also when interrupted by a signal, or -errno.
 */
int poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns);

/* Wait as above, but harvest nothing: for RUN_ONCE, which sleeps first and then runs one turn.
 * 1 = something is ready, the loop's own eventfd included. */
int poller_peek(int epfd, int64_t timeout_ns);

#endif
