/* SPDX-License-Identifier: MIT */
/*
 * timer_library.h - the timers of a guest's library, bare: what bench/micro/libraries/NAME.c
 * brings.
 *
 * All calls come from one thread. None of the timers fires, and the library's loop never runs.
 */
#ifndef BENCH_MICRO_TIMER_LIBRARY_H
#define BENCH_MICRO_TIMER_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

struct timer_library {
    /* Make a loop of the library and room for [count] timers. 0 or -errno. */
    int (*open)(size_t count);
    /* Arm timer [slot], which is not armed. 0 or -errno. */
    int (*start)(size_t slot, uint64_t delay_ns);
    /* Cancel timer [slot], which is armed. 0 or -errno. */
    int (*stop)(size_t slot);
    /* All are cancelled. */
    void (*close)(void);
};

/* NULL where no such file was linked. */
__attribute__((weak)) const struct timer_library *timer_library(void);

#endif
