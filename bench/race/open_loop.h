/* SPDX-License-Identifier: MIT */
/*
 * open_loop.h - arrivals on a schedule that does not care how the loop is doing.
 *
 * The gaps between arrivals are drawn before the window opens: 65,536 of them, scaled so that their
 * mean is exact, used round and round. The calling thread is the generator. It waits for each
 * intended time, sends, and never skips: what comes late is sent late, at once, and the load counts
 * its latency from the intended time (no coordinated omission). How late the generator itself was
 * is the slip.
 */
#ifndef RACE_OPEN_LOOP_H
#define RACE_OPEN_LOOP_H

#include "race.h"
#include "recorder.h"

/* Two laps of so many arrivals carry a 99th percentile. */
#define ARRIVALS_FOR_P99 600

#define GAPS ((size_t)1 << 16)

enum pacing {
    PACING_SPIN, /* sleep while there is much time, then spin (yield on a shared processor) */
    PACING_SLEEP /* only sleep: the generator costs next to nothing, and is less exact */
};

struct open_loop {
    struct race *race;
    void *load;
    /* Send one arrival. False ends the run; the race has then failed. */
    bool (*send)(void *load, uint64_t intended_ns, uint64_t now_ns);
    enum pacing pacing;
    uint64_t arrivals_min; /* of one call of open_loop_run, which then takes longer */
    double next_ns;        /* intended time of the next arrival */
    uint64_t stopped_ns;   /* when the last call of open_loop_run was done */
    uint64_t sent;
    struct recorder slip;
    double gaps_ns[GAPS];
};

/* Draw the schedule: [rate] arrivals per second, Poisson or at equal distances. */
void open_loop_schedule(struct open_loop *loop, double rate, bool poisson, uint64_t seed);

/* Start the schedule now. */
void open_loop_start(struct open_loop *loop);

/*
 * The harness did something else since open_loop_run: the schedule moves by just that time, so that
 * no arrival is late by it. What the generator itself was late, it stays.
 */
void open_loop_resume(struct open_loop *loop);

/* Send everything that is due within the next [duration_ns] of the schedule. */
void open_loop_run(struct open_loop *loop, uint64_t duration_ns);

/*
 * How much can this load take? Send without a schedule, at most [credit] ahead of what [done] says
 * has been delivered, for about 100 ms; returns deliveries per second, 0 after a failure.
 */
double open_loop_pilot(struct open_loop *loop, uint64_t (*done)(void *load), uint64_t credit);

#endif
