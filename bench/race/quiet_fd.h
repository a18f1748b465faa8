/* SPDX-License-Identifier: MIT */
/* quiet_fd.h - a descriptor that is never ready, and whose callback must not run. One per process.
 */
#ifndef RACE_QUIET_FD_H
#define RACE_QUIET_FD_H

#include "race.h"

/* Open it. False if the race has failed. */
bool quiet_fd_open(struct race *race);

/* velo_fd_watch() for READ. */
int quiet_fd_watch(struct velo_loop *loop, velo_id *id);

/* When the loop has ended: close it, and fail the race if its callback ever ran. */
void quiet_fd_close(struct race *race);

#endif
