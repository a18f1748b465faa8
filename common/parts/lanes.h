/* SPDX-License-Identifier: MIT */
/*
 * Two ticket queues, normal and priority, with one sleep word: what the lock-free contestants put
 * between producers and owner. See ingress_tickets.h and wake.h for the ideas and the proofs.
 */
#ifndef VELO_PARTS_LANES_H
#define VELO_PARTS_LANES_H

#include "common/parts/gate.h"
#include "common/parts/ingress_tickets.h"
#include "common/parts/lag.h"
#include "common/parts/limits.h"
#include "common/parts/lines.h"
#include "common/parts/wake.h"

enum { LANE_NORMAL = VELO_LANE_TASK, LANE_PRIORITY = VELO_LANE_PRIORITY, LANES };

#define NAP_MIN_NS 50000
#define NAP_MAX_NS 1000000
#define STALL_SPINS 200 /* looks at a claimed slot before giving up for this turn */

struct lanes {
    struct wake wake;
    struct ingress queue[LANES];
    _Alignas(LINES_BYTES) struct limits limits; /* producers look whether there are any */
    _Alignas(LINES_BYTES) struct lag lag;       /* owner */
    int64_t nap_ns; /* owner: how long to wait for a stalled producer; 0 = none */
};
LINES_BEGIN(struct lanes, queue);
LINES_BEGIN(struct lanes, limits);
LINES_BEGIN(struct lanes, lag);

/* Returns 0 or -ENOMEM with nothing held. */
int lanes_init(struct lanes *lanes, int eventfd, const struct velo_options *options);

/* Waits for wake-ups in flight (L9). */
void lanes_fini(struct lanes *lanes);

/* In a forked child: who was inside does not exist here (L11). */
void lanes_forget(struct lanes *lanes);

/*
 * Append tasks to a lane, all or none. The general path: batches, and any number with limits.
 * That goes through [gate], since giving back what they took comes after the queue's refusal; so
 * does a batch that seeks memory before its claim, for until then nothing else tells that it is
 * inside. Any thread. Returns 0, -ESHUTDOWN, -EAGAIN, -ENOMEM.
 */
int lanes_push_many(
    struct lanes *lanes, struct gate *gate, int lane, const struct velo_task *tasks, size_t count);

/* Append one task; the hot path. */
static inline int
lanes_push(struct lanes *lanes, struct gate *gate, int lane, velo_fn fn, void *arg)
{
    if (__builtin_expect(lanes->limits.any, 0)) {
        const struct velo_task task = {fn, arg};
        return lanes_push_many(lanes, gate, lane, &task, 1);
    }
    return ingress_push(&lanes->queue[lane], &lanes->wake, fn, arg);
}

void lanes_refuse(struct lanes *lanes);

/* Tasks claimed and not taken. Any thread; for the owner before a sleep it is the last look. */
static inline uint64_t lanes_count(const struct lanes *lanes)
{
    return ingress_count(&lanes->queue[LANE_NORMAL]) + ingress_count(&lanes->queue[LANE_PRIORITY]);
}

/* Owner, before it runs a lane. */
void lanes_lag(struct lanes *lanes);

/* Owner: give chunks back after a flood, once all is taken. */
static inline void lanes_trim(struct lanes *lanes)
{
    for (int lane = 0; lane < LANES; lane++) {
        if (__builtin_expect(ingress_has_surplus(&lanes->queue[lane]), 0))
            ingress_trim(&lanes->queue[lane]);
    }
}

/* Owner: a task was begun. */
static inline void lanes_begun(struct lanes *lanes)
{
    if (__builtin_expect(lanes->limits.any, 0))
        limits_begun(&lanes->limits, 1);
}

/* Owner: take the next task of a lane, waiting a moment for its producer. False: stalled, or none.
 */
bool lanes_pop_patiently(struct lanes *lanes, int lane, struct velo_task *task);

static inline bool lanes_pop(struct lanes *lanes, int lane, struct velo_task *task)
{
    if (__builtin_expect(!ingress_pop(&lanes->queue[lane], task), 0) &&
        !lanes_pop_patiently(lanes, lane, task))
        return false;
    lanes_begun(lanes);
    return true;
}

/*
 * Owner: how long the poll may wait, given [timeout_ns] of the core: not at all while tasks are
 * there, a growing nap while the next one is claimed but not filled.
 */
int64_t lanes_timeout_ns(struct lanes *lanes, int64_t timeout_ns);

#endif
