/* SPDX-License-Identifier: MIT */
/*
 * Holding a thread of the library at a schedule point (parts/point.h) while the test acts. One
 * thread at each point at a time; all functions may be called on any thread, but not by one that is
 * held.
 */
#ifndef VELO_SIM_POINTS_H
#define VELO_SIM_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../parts/point.h"

/* Is the library built with schedule points? */
bool sim_has_points(void);
/* The next thread that comes to [point] stays there; later ones pass. */
void sim_hold(enum point point);
/* Wait until a thread is held there; false after [patience_ns]. */
bool sim_wait_held(enum point point, uint64_t patience_ns);
/* Let it go on, or hold nobody. */
void sim_let_go(enum point point);

#endif
