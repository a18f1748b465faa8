/* SPDX-License-Identifier: MIT */
/*
 * Timer store, body 2 of 2: a hierarchical wheel (G. Varghese, A. Lauck, SOSP 1987) that is exact
 * to the nanosecond, driven by its timers and not by a tick: a radix heap (R. K. Ahuja, K.
 * Mehlhorn, J. B. Orlin, R. E. Tarjan, JACM 1990).
 *
 * [present_ns] is a time at or before the first deadline. A timer's level is the highest digit
 * (base 64) in which its deadline differs from the present, its slot in that level the digit
 * itself. So what stands in a lower level is earlier than all of a higher one, and within a level
 * the slots are in order. When the first slot is due, the present moves to its least deadline, and
 * its timers go down to lower levels; those that are equal to the present go to the due list. A
 * timer goes down at most once per level, one alone in its slot goes down once at all. Adding and
 * cancelling are a list operation; nothing sorts, and nothing needs memory.
 *
 * Equal deadlines (T2). At any time a deadline has one place: so those that are equal stand in one
 * list, in the order in which they came, and move on together, in that order. The place of a timer
 * need not be remembered either.
 *
 * A deadline before the present is possible, of a call that another thread has begun long ago, one
 * for each such thread. It is inserted into the due list, which is sorted, from its end.
 *
 * Each slot remembers the least deadline it has held, so the loop sleeps until a deadline and not
 * until a slot begins. When that timer was cancelled, the next look at the slot finds the new least
 * one, if it is among few; else the loop will wake up early, once.
 */
#ifndef VELO_PARTS_TIMERS_WHEEL_H
#define VELO_PARTS_TIMERS_WHEEL_H

#include "common/parts/alloc.h"
#include "common/parts/op_list.h"
#include "common/parts/timers.h"

#define WHEEL_DIGIT_BITS 6u
#define WHEEL_SLOTS (1u << WHEEL_DIGIT_BITS)
#define WHEEL_LEVELS 11u /* 64 bits of nanoseconds in digits of 6 */
#define WHEEL_FEW 64u    /* so many are searched for the least one: no longer than a turn takes */

struct wheel_slot {
    struct op_list list; /* in the order in which they came */
    uint64_t least_ns;   /* valid while the list is not empty */
};

struct timers {
    struct ops *ops;
    uint64_t present_ns;           /* no timer in a slot is due before */
    struct op_list due;            /* by deadline; all are at the present or before */
    uint32_t levels;               /* a bit per level that is not empty */
    uint64_t filled[WHEEL_LEVELS]; /* a bit per slot that is not empty */
    uint64_t stale[WHEEL_LEVELS]; /* a bit per slot whose least one was cancelled; of filled ones */
    struct wheel_slot slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

struct timers *timers_create(struct ops *ops, uint64_t now_ns)
{
    struct timers *timers = alloc_zeroed(ops->alloc, sizeof(*timers), _Alignof(struct timers));
    if (timers == NULL)
        return NULL;
    timers->ops = ops;
    timers->present_ns = now_ns;
    timers->due = (struct op_list){OP_NIL, OP_NIL};
    return timers;
}

void timers_destroy(struct timers *timers)
{
    if (timers == NULL)
        return;
    alloc_free(timers->ops->alloc, timers, sizeof(*timers), _Alignof(struct timers));
}

/* The level of a deadline after the present. */
static inline uint32_t wheel_level(const struct timers *timers, uint64_t deadline_ns)
{
    return (63u - (uint32_t)__builtin_clzll(deadline_ns ^ timers->present_ns)) / WHEEL_DIGIT_BITS;
}

static inline uint32_t wheel_digit(uint64_t deadline_ns, uint32_t level)
{
    return (uint32_t)(deadline_ns >> (level * WHEEL_DIGIT_BITS)) % WHEEL_SLOTS;
}

/* Put the record into its slot, behind all others there. Its deadline is after the present. */
static inline void wheel_link(struct timers *timers, struct velo_op *op, uint32_t index)
{
    const uint32_t level = wheel_level(timers, op->deadline_ns);
    const uint32_t digit = wheel_digit(op->deadline_ns, level);
    struct wheel_slot *slot = &timers->slots[level][digit];
    if ((timers->filled[level] >> digit & 1) == 0) {
        timers->filled[level] |= UINT64_C(1) << digit;
        timers->levels |= 1u << level;
        slot->list = (struct op_list){OP_NIL, OP_NIL};
        slot->least_ns = op->deadline_ns;
    } else if (op->deadline_ns < slot->least_ns) {
        slot->least_ns = op->deadline_ns;
    }
    op_list_append(timers->ops, &slot->list, op, index);
}

/* The slot has become empty. */
static inline void wheel_clear(struct timers *timers, uint32_t level, uint32_t digit)
{
    timers->filled[level] &= ~(UINT64_C(1) << digit);
    timers->stale[level] &= ~(UINT64_C(1) << digit);
    if (timers->filled[level] == 0)
        timers->levels &= ~(1u << level);
}

/* Put the record into the due list, behind all that are not after it: at the end, as a rule. */
static void wheel_join_due(struct timers *timers, struct velo_op *op, uint32_t index)
{
    uint32_t before = timers->due.last;
    while (before != OP_NIL && ops_at(timers->ops, before)->deadline_ns > op->deadline_ns)
        before = ops_at(timers->ops, before)->prev;
    op_list_insert(timers->ops, &timers->due, before, op, index);
}

static inline void wheel_place(struct timers *timers, struct velo_op *op, uint32_t index)
{
    if (op->deadline_ns > timers->present_ns)
        wheel_link(timers, op, index);
    else
        wheel_join_due(timers, op, index);
}

int timers_insert(struct timers *timers, struct velo_op *op, uint32_t index)
{
    wheel_place(timers, op, index);
    op->at = OP_AT_WHEEL;
    return 0;
}

/* Take the record out of its slot. */
static inline void wheel_unlink(struct timers *timers, const struct velo_op *op)
{
    const uint32_t level = wheel_level(timers, op->deadline_ns);
    const uint32_t digit = wheel_digit(op->deadline_ns, level);
    struct wheel_slot *slot = &timers->slots[level][digit];
    op_list_remove(timers->ops, &slot->list, op);
    if (slot->list.first == OP_NIL)
        wheel_clear(timers, level, digit);
    else if (slot->least_ns == op->deadline_ns)
        timers->stale[level] |= UINT64_C(1) << digit;
}

void timers_remove(struct timers *timers, struct velo_op *op)
{
    if (op->deadline_ns > timers->present_ns)
        wheel_unlink(timers, op);
    else
        op_list_remove(timers->ops, &timers->due, op);
    op->at = OP_AT_NOWHERE;
}

/* The slot with the first deadline; there is one. */
static inline uint32_t wheel_first(const struct timers *timers, uint32_t *level)
{
    *level = (uint32_t)__builtin_ctz(timers->levels);
    return (uint32_t)__builtin_ctzll(timers->filled[*level]);
}

/* Let the present be the least deadline of the first slot, and move on what was in it, in order. */
static void wheel_spill(struct timers *timers, uint32_t level, uint32_t digit)
{
    struct wheel_slot *slot = &timers->slots[level][digit];
    uint32_t index = slot->list.first;
    wheel_clear(timers, level, digit);
    timers->present_ns = slot->least_ns;
    while (index != OP_NIL) {
        struct velo_op *op = ops_at(timers->ops, index);
        const uint32_t next = op->next;
        wheel_place(timers, op, index);
        index = next;
    }
}

/* Take the first of the due list, if it is due. */
static uint32_t wheel_pop_due(struct timers *timers, uint64_t now_ns)
{
    uint32_t index;
    if (ops_at(timers->ops, timers->due.first)->deadline_ns > now_ns)
        return OP_NIL;
    op_list_shift(timers->ops, &timers->due, &index)->at = OP_AT_NOWHERE;
    return index;
}

/* Take the one timer of the first slot, if it is due: as if it were spilled, but at once. */
static uint32_t
wheel_pop_alone(struct timers *timers, uint32_t level, uint32_t digit, uint64_t now_ns)
{
    struct wheel_slot *slot = &timers->slots[level][digit];
    const uint32_t index = slot->list.first;
    struct velo_op *op = ops_at(timers->ops, index);
    slot->least_ns = op->deadline_ns; /* it was less if another one was cancelled */
    if (slot->least_ns > now_ns)
        return OP_NIL;
    timers->present_ns = slot->least_ns;
    wheel_clear(timers, level, digit);
    op->at = OP_AT_NOWHERE;
    return index;
}

/* Nothing is pending. What comes next is not before now: the nearer, the lower it goes in. */
static void wheel_rest(struct timers *timers, uint64_t now_ns)
{
    if (now_ns > timers->present_ns)
        timers->present_ns = now_ns;
}

uint32_t timers_pop(struct timers *timers, uint64_t now_ns)
{
    while (timers->due.first == OP_NIL) {
        uint32_t level;
        if (timers->levels == 0) {
            wheel_rest(timers, now_ns);
            return OP_NIL;
        }
        const uint32_t digit = wheel_first(timers, &level);
        const struct wheel_slot *slot = &timers->slots[level][digit];
        if (slot->least_ns > now_ns)
            return OP_NIL;
        if (slot->list.first == slot->list.last)
            return wheel_pop_alone(timers, level, digit, now_ns);
        wheel_spill(timers, level, digit);
    }
    return wheel_pop_due(timers, now_ns);
}

/* The least one of the slot was cancelled: look for the next, unless there are many. */
static void wheel_search(const struct timers *timers, struct wheel_slot *slot)
{
    uint64_t least_ns = UINT64_MAX;
    uint32_t index = slot->list.first;
    for (uint32_t seen = 0; index != OP_NIL; seen++) {
        const struct velo_op *op = ops_at(timers->ops, index);
        if (seen == WHEEL_FEW)
            return;
        if (op->deadline_ns < least_ns)
            least_ns = op->deadline_ns;
        index = op->next;
    }
    slot->least_ns = least_ns;
}

uint64_t timers_next_ns(struct timers *timers)
{
    uint32_t level;
    if (timers->due.first != OP_NIL)
        return ops_at(timers->ops, timers->due.first)->deadline_ns;
    if (timers->levels == 0)
        return UINT64_MAX;
    const uint32_t digit = wheel_first(timers, &level);
    struct wheel_slot *slot = &timers->slots[level][digit];
    if ((timers->stale[level] >> digit & 1) != 0) {
        wheel_search(timers, slot);
        timers->stale[level] &= ~(UINT64_C(1) << digit);
    }
    return slot->least_ns;
}

uint32_t timers_take_any(struct timers *timers)
{
    uint32_t index = timers->due.first;
    if (index == OP_NIL && timers->levels != 0) {
        uint32_t level;
        const uint32_t digit = wheel_first(timers, &level);
        index = timers->slots[level][digit].list.first;
    }
    if (index != OP_NIL)
        timers_remove(timers, ops_at(timers->ops, index));
    return index;
}

#endif
