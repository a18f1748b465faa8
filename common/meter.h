/* SPDX-License-Identifier: MIT */
/*
 * What a loop measures when it is asked to (options metrics, cpu_accounting, watchdog); without
 * these a loop has no meter and reads no clock for it.
 *
 * Time. The owner's time inside run is cut in two at each wait: what it ran, what it waited. A turn
 * that does not wait is accounted for by the clock that it reads anyway, when the next one begins.
 *
 * Durations. Reading the clock around each callback would cost ten times what a task costs. So the
 * first 64 callbacks are measured, then one in 32 on average, at random distances, so that no
 * rhythm of the program can hide from it; each counts for those since the last one. When slow_ns or
 * cpu_accounting need the clock anyway, all are measured.
 *
 * Snapshot. With metrics the owner publishes all counters when a turn begins and before it sleeps
 * (parts/snapshot.h); what others count is read after what has ended, so that no item has ended
 * that was not accepted. While nobody is inside run the snapshot is closed, and who asks reads the
 * counters themselves.
 */
#ifndef VELO_METER_H
#define VELO_METER_H

#include "common/core.h"
#include "common/parts/histogram.h"
#include "common/parts/snapshot.h"
#include "common/parts/watchdog.h"

struct meter {
    struct watchdog watchdog;
    /* owner only */
    bool inside;         /* the owner's time is being counted */
    uint32_t waits;      /* it waits; nested */
    uint32_t weight;     /* for how many callbacks the next measured one stands */
    uint32_t one_by_one; /* so many more are measured without gaps */
    uint32_t random;
    uint64_t mark_ns;     /* all time up to here is accounted for */
    uint64_t turn_ns;     /* what this turn has run so far */
    uint64_t cpu_mark_ns; /* the owner's processor time, accounted for up to here */
    uint64_t cpu_at_ns;   /* when that was */
    /* owner; any thread reads */
    struct counter pending_max;
    struct counter measured;
    struct counter turn_max_ns;
    struct counter running_ns;
    struct counter polling_ns;
    struct counter cpu_ns;
    struct counter callback_cpu_ns;
    struct counter callback_cpu_max_ns;
    struct histogram durations;
    struct snapshot snapshot;
};

/* The counters themselves, each at its own moment, but ends before beginnings. Any thread. */
void meter_collect(const struct velo_loop *loop, struct velo_metrics *out);

/* Account for the owner's time until now; owner inside run. */
void meter_update(struct velo_core *core);

/* The quantiles of callback times. Any thread. */
void meter_quantiles(const struct meter *meter, struct velo_metrics *out);

/* All of struct velo_metrics but its size: numbers of 64 bits. */
#define METER_WORDS (sizeof(struct velo_metrics) / sizeof(uint64_t) - 1)
_Static_assert(offsetof(struct velo_metrics, accepted) == sizeof(uint64_t), "size comes first");
_Static_assert(METER_WORDS <= SNAPSHOT_WORDS, "the snapshot holds them");

#endif
