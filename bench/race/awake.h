/* SPDX-License-Identifier: MIT */
/*
 * awake.h - a loop kept awake, or met asleep, and the proof of either by the loop's own counters.
 *
 * Awake: one task keeps submitting itself, so the loop never has a reason to sleep. Asleep: the
 * client waits, outside the clock, until loop and kernel both say so (stage_wait_asleep).
 */
#ifndef RACE_AWAKE_H
#define RACE_AWAKE_H

#include "stage.h"

#define AWAKE_CHOICES "free|awake|parked"

enum awake_keep { KEEP_FREE, KEEP_AWAKE, KEEP_PARKED }; /* in the order of AWAKE_CHOICES */

/* Submit the task that keeps [stage] awake, if [keep] says so. One stage at a time. False: failed.
 */
bool awake_begin(struct stage *stage, enum awake_keep keep);

/* Let it end, and wait until it has; fails the race if it was lost, doubled or reordered. */
void awake_end(void);

/*
 * The claim against the counters of the window. KEEP_AWAKE fails if half of [rounds] saw a park (a
 * lock-free inbox may nap for a client that is preempted in the midst of its submit, so a single
 * park proves nothing); KEEP_PARKED fails without a park per round.
 */
void awake_check(struct race *race, enum awake_keep keep, uint64_t rounds);

#endif
