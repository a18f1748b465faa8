/* SPDX-License-Identifier: MIT */
/*
 * arrivals.h - what an open loop sends, coming through: counted, timed from its intended time, and
 * waited for to the last one. The books of every load that keeps a schedule; what an arrival is,
 * and whether the right one came, is the load's own.
 *
 * An arrival has come through when the loop's thread says so. Its latency is of the window if its
 * number is not below [record_from], so warm-up needs no pause before the window opens.
 */
#ifndef RACE_ARRIVALS_H
#define RACE_ARRIVALS_H

#include "open_loop.h"
#include "window.h"

struct arrivals {
    struct gauge record_from; /* number of the window's first arrival */
    struct gauge done;        /* arrivals that came through; the loop writes this and the next */
    struct gauge latency_sum; /* of all of them, for the cost of a lap */
    uint64_t count, sum_ns;   /* loop thread */
    struct recorder latency, uncorrected;
    const char *unit; /* "tasks", for messages */
    double opened_ns; /* schedule time at which the window opened */
    struct open_loop generator;
};

/* [send] is that of struct open_loop; its first argument is [arrivals]. */
void arrivals_init(struct arrivals *arrivals,
                   struct race *race,
                   bool (*send)(void *arrivals, uint64_t intended_ns, uint64_t now_ns));

/*
 * On the loop's thread: arrival [number] came through, [latency_ns] after its intended time and
 * [uncorrected_ns] after it was sent. True if it belongs to the window.
 */
static inline bool arrivals_deliver(struct arrivals *arrivals,
                                    uint64_t number,
                                    uint64_t latency_ns,
                                    uint64_t uncorrected_ns)
{
    bool recorded = number >= gauge_get(&arrivals->record_from);
    arrivals->sum_ns += latency_ns;
    if (recorded) {
        recorder_add(&arrivals->latency, latency_ns);
        recorder_add(&arrivals->uncorrected, uncorrected_ns);
    }
    gauge_set(&arrivals->latency_sum, arrivals->sum_ns);
    gauge_set(&arrivals->done, ++arrivals->count);
    return recorded;
}

/*
 * A ring of [slots] remembers what is under way: wait until the slot of the next arrival is free.
 * False (and failed) if nothing came through for 5 s.
 */
bool arrivals_wait_for_slot(struct arrivals *arrivals, uint64_t slots);

/* Into the result: the common rate, given or found by a pilot that keeps [credit] under way. */
bool arrivals_find_rate(struct arrivals *arrivals, uint64_t credit);

/*
 * Keep a schedule of [rate] per second for warm-up and window, then wait for the last arrival.
 * Total of the window in [*total]. False if the race has failed.
 */
bool arrivals_run(
    struct arrivals *arrivals, struct stage *stage, double rate, bool poisson, struct lap *total);

/* Arrivals of the window. */
uint64_t arrivals_in_window(struct arrivals *arrivals);

/* The distributions, and the metrics latency_p50_ns, latency_p99_ns and offered_per_s. */
void arrivals_report(struct arrivals *arrivals);

#endif
