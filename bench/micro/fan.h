/* SPDX-License-Identifier: MIT */
/*
 * fan.h - the owner adds callbacks of one kind and runs them: a leader adds MICRO_BATCH - 1 workers
 * and the next leader, and so on. The cost is that of adding, dispatching and calling one of them.
 */
#ifndef BENCH_MICRO_FAN_H
#define BENCH_MICRO_FAN_H

#include "solo.h"

/* One of the functions of the API that add a callback. */
typedef int (*fan_add)(struct velo_loop *loop, velo_fn fn, void *arg);

/* Measure [add] and verify count and order. */
void fan_run(struct race *race, fan_add add);

#endif
