/* SPDX-License-Identifier: MIT */
/*
 * flow.h - one producer thread, one loop that runs at the same time and never sleeps.
 *
 * The loop is kept awake by an immediate that sets itself again each turn: it does not touch the
 * queue between the threads, which is what is measured. The producer stays at most FLOW_AHEAD tasks
 * ahead, so that memory stays in cache, and learns of the loop's progress once per MICRO_BATCH.
 */
#ifndef BENCH_MICRO_FLOW_H
#define BENCH_MICRO_FLOW_H

#include "micro.h"

/* Measure tasks handed over in groups of [group]: 1 by velo_submit, else by velo_submit_many. */
void flow_run(struct race *race, size_t group);

/* Primary cost, and wake-up system calls per task, which should be none. */
extern const struct metric_spec flow_metrics[];

#endif
