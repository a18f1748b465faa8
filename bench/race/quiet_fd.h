/* SPDX-License-Identifier: MIT */
/* quiet_fd.h - a descriptor that is not ready unless it is fed, and whose callback must not run
 * before. One per process. */
#ifndef RACE_QUIET_FD_H
#define RACE_QUIET_FD_H

#include "race.h"

/* Open it. False if the race has failed. */
bool quiet_fd_open(struct race *race);

/* velo_fd_watch() for READ. */
int quiet_fd_watch(struct velo_loop *loop, velo_id *id);

/* Make it ready for good. False if the race has failed, as it does if the callback ran before. */
bool quiet_fd_feed(struct race *race);

/* How often has the callback run since the last time? */
uint64_t quiet_fd_take(void);

/* When the loop has ended: close it, and fail the race if the callback ran and was not taken. */
void quiet_fd_close(struct race *race);

#endif
