/* SPDX-License-Identifier: MIT */
/*
 * watchdog.h - a hang becomes a result. A sleeping thread ends the process with a line that says so
 * when the run takes far longer than it can; until then it costs nothing.
 */
#ifndef RACE_WATCHDOG_H
#define RACE_WATCHDOG_H

#include <stdint.h>

/* After [limit_ns] call [bark], from another thread, and then end the process with status 1. */
void watchdog_start(uint64_t limit_ns, void (*bark)(void *ctx), void *ctx);

#endif
