/* SPDX-License-Identifier: MIT */
/*
 * How a loop ends (L4-L8). The first shutdown or close decides the mode; the owner inside run does
 * the work, or the first caller when nobody is inside run; all others wait for it.
 */
#ifndef VELO_TERMINATION_H
#define VELO_TERMINATION_H

#include "velo.h"

/* As velo_loop_shutdown() and velo_loop_close(), less the accounting of callers. */
int termination_shutdown(struct velo_loop *loop, int64_t timeout_ns);
int termination_close(struct velo_loop *loop);

/* The owner has seen the stop, or its poll failed: drain or discard. Returns what run returns. */
int termination_finish(struct velo_loop *loop);

/* The owner's poll failed with [error]: end the loop as a close would (L10). */
void termination_fail(struct velo_loop *loop, int error);

#endif
