/* SPDX-License-Identifier: MIT */
/*
 * In a flood of tasks, hold back for a moment before they are taken.
 *
 * A loop that keeps up with its producers takes every cache line away from them while they fill it,
 * so each task costs several transfers; one that lags a little takes full lines. Whether holding
 * back pays is tried: if few tasks come meanwhile (a client waits for our answer), it is not tried
 * again for a growing number of turns, so a ping-pong pays for one probe in thousands. While tasks
 * come at ten millions a second it goes on, each time for longer: the looks cost producers, too.
 * A task has waited for 1024 pause instructions more then, at most.
 */
#ifndef VELO_PARTS_LAG_H
#define VELO_PARTS_LAG_H

#include <stdbool.h>
#include <stdint.h>

/* Owner only. All zero: ready. */
struct lag {
    uint32_t skip;    /* turns until holding back is tried again */
    uint32_t backoff; /* how many turns to skip after the next failure */
};

/* How many tasks wait in [queue]? */
typedef uint64_t (*lag_count_fn)(const void *queue);

void lag_try(struct lag *lag, lag_count_fn count, const void *queue);

/* Once a turn, before the tasks of [queue] are taken. */
static inline void lag_hold(struct lag *lag, lag_count_fn count, const void *queue)
{
    if (lag->skip > 0)
        lag->skip--;
    else
        lag_try(lag, count, queue);
}

#endif
