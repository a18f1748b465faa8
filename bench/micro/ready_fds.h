/* SPDX-License-Identifier: MIT */
/*
 * ready_fds.h - eventfds that are watched, some of which become ready: fd_dispatch and fd_edge.
 *
 * Up to 64 ready ones are all there are; more are spread over READY_FDS_MANY, the rest of which
 * stays idle. Each callback checks descriptor and events, and the counts are compared at the end.
 */
#ifndef BENCH_MICRO_READY_FDS_H
#define BENCH_MICRO_READY_FDS_H

#include "solo.h"

enum { READY_FDS_MANY = 10000, READY_FDS_ALONE = 64 };

/* One per process. */
struct ready_fds {
    struct solo solo;
    size_t count; /* that are watched */
    size_t ready; /* of these, each round */
};

extern struct ready_fds ready_fds;

/* The parameter n: how many become ready. */
extern const struct param_spec ready_fds_params[];

/* Open the loop and watch. False if the race has failed. */
bool ready_fds_open(struct race *race, size_t ready, unsigned events);

/* Write to all that are to be ready. */
void ready_fds_make_ready(void);

/* Events so far, of all. */
uint64_t ready_fds_events(void);

/* Verify that nobody was forgotten or called for nothing, unwatch, close, end the loop. */
void ready_fds_close(void);

#endif
