/* SPDX-License-Identifier: MIT */
/*
 * Schedule points: moments between two steps of the library at which tests hold a thread while they
 * act, so that a race is forced and not waited for. VELO_POINT(name) is nothing unless the library
 * is built with -DVELO_POINTS, as the variants debug, asan, tsan and cov are.
 */
#ifndef VELO_PARTS_POINT_H
#define VELO_PARTS_POINT_H

enum point {
    POINT_SLEEP_CHECKED, /* owner: all was looked at after the announcement; not yet blocked */
    POINT_SLEEP_LEFT,    /* owner: it is awake; not yet announced */
    POINT_PUT_CLAIMED,   /* producer: its place is taken, not yet filled */
    POINT_PUT_WRITTEN,   /* producer: the task is complete, nobody can see it yet */
    POINT_PUT_STORED,    /* producer: the task is there, the owner not yet woken */
    POINT_TASKS_TAKEN,   /* owner: what there was is taken, and not yet counted one by one */
    POINT_MODE_READ,     /* owner: it has chosen in what to sleep; not yet announced */
    POINT_EXIT_DECIDED,  /* owner: the run is over, the loop not yet AWAKE */
    POINT_END_WON,       /* terminator: the state has moved, the inboxes are not yet closed */
    POINT_TIMER_CLAIMED, /* owner: the timer fires, its callback has not begun */
    POINT_FD_READ,       /* owner: it knows what to call for an event, and has not claimed it */
    POINT_FD_CLAIMED,    /* owner: the callback of a descriptor has not begun, but will */
    POINT_JOB_CLAIMED,   /* worker: likewise for a work function */
    POINT_JOB_DONE,      /* worker: the work function has returned, and nobody was told */
    POINTS
};

#ifdef VELO_POINTS
#include <stdatomic.h>
#include <stddef.h>

extern void (*_Atomic point_hook)(enum point point) __attribute__((visibility("hidden")));

static inline void point_reach(enum point point)
{
    /* (P1) acquire: what was set up before the hook was stored; pairs with the store of the tests
     */
    void (*hook)(enum point) = atomic_load_explicit(&point_hook, memory_order_acquire);
    if (hook != NULL)
        hook(point);
}
#define VELO_POINT(name) point_reach(POINT_##name)
#else
#define VELO_POINT(name) ((void)0)
#endif

#endif
