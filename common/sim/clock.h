/* SPDX-License-Identifier: MIT */
/*
 * The clock of tests. The library reads time through clock_now_ns() alone; the object of clock.c
 * stands before the archive on the link line, so its body replaces the default. Real time until
 * frozen. All functions may be called on any thread.
 */
#ifndef VELO_SIM_CLOCK_H
#define VELO_SIM_CLOCK_H

#include <stdint.h>

/* Stop the clock at [now_ns]; 0 = at the present time. Returns where it stands. */
uint64_t sim_clock_freeze(uint64_t now_ns);
/* Move a frozen clock forward. Returns where it stands. */
uint64_t sim_clock_advance(uint64_t ns);
/* [before] runs on the calling thread before each reading of the clock; NULL = none. */
void sim_clock_hook(void (*before)(void *ctx), void *ctx);
/* Go back to real time. */
void sim_clock_release(void);

#endif
