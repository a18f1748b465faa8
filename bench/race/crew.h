/* SPDX-License-Identifier: MIT */
/*
 * crew.h - threads that submit to one loop, each with books of its own: what the loads producers
 * and full_queue have in common. One crew per process.
 *
 * A task's argument is (thread, number), so that order and sum of each thread are checked to the
 * last task without an object per task. Producers beyond the second on two processors measure
 * oversubscription; the report says how many processors there were.
 */
#ifndef RACE_CREW_H
#define RACE_CREW_H

#include "stage.h"
#include "window.h"
#include "word.h"

#define CREW_MAX 16
#define CREW_SHIFT 48

/* Grouped by writer. NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct crew_lane {
    struct gauge executed;         /* written by the loop */
    uint64_t count, disorder, sum; /* loop thread */
    struct gauge accepted;         /* of [sent], for who asks; written by the producer */
    alignas(128) uint64_t sent;    /* producer's thread, like all that follows */
    uint64_t sent_sum;
    uint64_t refused;
    int index;
    int rc; /* what ended it; 0 is right */
    pthread_t thread;
};

struct crew {
    struct gauge stop;
    struct crew_lane lanes[CREW_MAX];
    struct stage stage;
    struct race *race;
    int threads;
    void (*produce)(struct crew_lane *lane);
};

extern struct crew crew;

/* The number of the next task as its argument. */
static inline void *crew_arg(const struct crew_lane *lane)
{
    return word_to_arg((uint64_t)lane->index << CREW_SHIFT | lane->sent);
}

/* That task was accepted, or will be unless the run fails. */
static inline void crew_sent(struct crew_lane *lane)
{
    lane->sent_sum += lane->sent++;
}

/* In the callback of a task: look at its number, and publish that it ran. */
static inline struct crew_lane *crew_receive(void *arg)
{
    uint64_t word = word_from_arg(arg);
    struct crew_lane *lane = &crew.lanes[word >> CREW_SHIFT];
    uint64_t number = word & ((UINT64_C(1) << CREW_SHIFT) - 1);
    lane->disorder += number != lane->count;
    lane->sum += number;
    gauge_set(&lane->executed, ++lane->count);
    return lane;
}

/* Tasks that ran, of all threads. */
uint64_t crew_delivered(void);

/* Open the loop and start [threads] of [produce], which runs until [stop] or its lane's [rc]. */
bool crew_open(struct race *race, int threads, void (*produce)(struct crew_lane *lane));

/* Measure: a lap watches what is delivered. */
bool crew_run(struct lap *total);

/* Stop and join the threads, wait for the last task, end the loop, verify all books. */
void crew_close(void);

/* Report ns_per_task, tasks_per_s, cpu_ns_per_task, unfairness and wakeups_per_task. */
void crew_report(const struct lap *total);

#endif
