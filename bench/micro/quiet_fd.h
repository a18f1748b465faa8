/* SPDX-License-Identifier: MIT */
/* quiet_fd.h - a descriptor that is never ready, and whose callback must not run. One per process.
 */
#ifndef BENCH_MICRO_QUIET_FD_H
#define BENCH_MICRO_QUIET_FD_H

#include "micro.h"

/* Open it. False if the race has failed. */
bool quiet_fd_open(struct race *race);

/* velo_fd_watch() for READ. */
int quiet_fd_watch(struct velo_loop *loop, velo_id *id);

/* Close it; its callback fails the race if it ever ran. */
void quiet_fd_close(struct race *race);

#endif
