/* SPDX-License-Identifier: MIT */
/*
 * stream.h - numbered tasks on a schedule, each with its intended and its real time: what the loads
 * open_loop, slow_callback and mode_flip have in common. One stream per process.
 *
 * A slot per task carries its times; the ring of slots also bounds how far the loop may fall
 * behind: a full ring stops the generator, which the latency then contains.
 */
#ifndef RACE_STREAM_H
#define RACE_STREAM_H

#include "arrivals.h"
#include "stage.h"

struct stream {
    struct stage stage;
    struct race *race;
    uint64_t disorder; /* loop thread */
    struct arrivals arrivals;
    /* In the callback of each task, after its latency was taken; NULL = nothing. */
    void (*work)(uint64_t number);
    struct {
        uint64_t intended_ns, sent_ns;
    } slots[1 << 17];
};

extern struct stream stream;

/* Set up books and loop. [work] as above. False: the race has failed. */
bool stream_open(struct race *race, void (*work)(uint64_t number));

/* The callback of the tasks, for who is told of one. */
void stream_task(void *arg);

/* Submit the next task: a send function of struct open_loop, and the default one. */
bool stream_send(void *arrivals, uint64_t intended_ns, uint64_t now_ns);

/*
 * arrivals_run(); and if it was late, was a task lost? Total of the window in [*total]. False if
 * the race has failed.
 */
bool stream_run(double rate, bool poisson, struct lap *total);

/* The loop's end, then: every task once, in order. */
void stream_close(void);

/* Report what arrivals_report() does, and cpu_ns_per_task and wakeups_per_task. */
void stream_report(void);

/* The rate that [percent] of the common rate is; 0 after a failure. Runs a pilot if it must. */
double stream_common_rate(double percent);

#endif
