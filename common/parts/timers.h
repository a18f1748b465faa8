/* SPDX-License-Identifier: MIT */
/*
 * The timer store: pending timers by deadline, and among equal ones as they were inserted (T2). Two
 * bodies define these names: timers_heap.h and timers_wheel.h. A contestant gets the wheel from
 * libcommon.a unless a file of its own includes the other body: defaults by link order. Owner
 * thread only; the records belong to struct ops, whose deadline_ns is the key and whose at, next
 * and prev are the store's while a record is in it.
 */
#ifndef VELO_PARTS_TIMERS_H
#define VELO_PARTS_TIMERS_H

#include "common/parts/ops.h"

struct timers;

/* An empty store over [ops], or NULL when memory is out. [now_ns] is the clock now. */
struct timers *timers_create(struct ops *ops, uint64_t now_ns);
void timers_destroy(struct timers *timers);

/* Add the record by its key. Returns 0 or -ENOMEM with nothing changed. */
int timers_insert(struct timers *timers, struct velo_op *op, uint32_t index);

/* Take out a record that is in the store. */
void timers_remove(struct timers *timers, struct velo_op *op);

/* Take the first record whose deadline is at most [now_ns], or return OP_NIL. */
uint32_t timers_pop(struct timers *timers, uint64_t now_ns);

/* When to look again: the first deadline (a removal may leave it early), UINT64_MAX if empty. */
uint64_t timers_next_ns(struct timers *timers);

/* Take any record, for discarding all; OP_NIL when empty. */
uint32_t timers_take_any(struct timers *timers);

#endif
