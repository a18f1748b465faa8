/* SPDX-License-Identifier: MIT */
/*
 * Timer store, body 2 of 2: a coarse wheel and a near heap.
 *
 * Up to HEAP_ONLY timers the heap holds all. Beyond that the heap holds what is due in the present
 * tick (2^20 ns), and a hierarchical wheel of 4 levels x 256 slots the rest (G. Varghese, A. Lauck,
 * SOSP 1987): adding and cancelling are a list operation, and only what is about to fire pays for
 * sorting. A timer's level is the highest digit (base 256) in which its tick differs from the
 * present one. Deadlines beyond 2^32 ticks (52 days) wait in a list of their own.
 *
 * Equal deadlines (T2). At any time a deadline has one slot, that of its tick: so those that are
 * equal stand in one list, in the order in which they came, and move on together, in that order.
 * The heap counts what it gets, and keeps that order too. The slot of a timer need not be
 * remembered either.
 *
 * Each slot remembers the least deadline it has held, so the loop sleeps until a deadline and not
 * until a slot begins; after a cancellation this may be early by one look.
 */
#ifndef VELO_PARTS_TIMERS_WHEEL_H
#define VELO_PARTS_TIMERS_WHEEL_H

#include "common/parts/heap4.h"
#include "common/parts/op_list.h"
#include "common/parts/timers.h"

#define WHEEL_TICK_BITS 20
#define WHEEL_LEVELS 4u
#define WHEEL_SLOTS 256u
#define WHEEL_FAR (WHEEL_LEVELS * WHEEL_SLOTS) /* the list of the far future */
#define WHEEL_LATE (WHEEL_FAR + 1)             /* due, but there was no memory in the heap */
#define WHEEL_HEAP_ONLY 1024u

struct wheel_slot {
    struct op_list list; /* in the order in which they came */
    uint64_t least_ns;   /* valid while the list is not empty */
};

struct timers {
    struct ops *ops;
    struct heap heap;
    uint64_t tick;     /* all deadlines of this tick or before are in the heap */
    uint32_t in_wheel; /* in its slots, the last two lists included */
    uint64_t filled[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit per slot that is not empty */
    struct wheel_slot slots[WHEEL_LATE + 1];
};

struct timers *timers_create(struct ops *ops, uint64_t now_ns)
{
    struct timers *timers = alloc_zeroed(ops->alloc, sizeof(*timers), _Alignof(struct timers));
    if (timers == NULL)
        return NULL;
    timers->ops = ops;
    timers->tick = now_ns >> WHEEL_TICK_BITS;
    for (uint32_t i = 0; i <= WHEEL_LATE; i++)
        timers->slots[i].list = (struct op_list){OP_NIL, OP_NIL};
    return timers;
}

void timers_destroy(struct timers *timers)
{
    if (timers == NULL)
        return;
    heap_fini(&timers->heap, timers->ops);
    alloc_free(timers->ops->alloc, timers, sizeof(*timers), _Alignof(struct timers));
}

/* The slot for [tick], which is after the present tick. */
static uint32_t wheel_slot(const struct timers *timers, uint64_t tick)
{
    uint64_t differ = tick ^ timers->tick;
    if (differ >> 32 != 0)
        return WHEEL_FAR;
    uint32_t level = (63u - (uint32_t)__builtin_clzll(differ)) / 8;
    return level * WHEEL_SLOTS + (uint32_t)((tick >> (8 * level)) & 255);
}

static void wheel_mark(struct timers *timers, uint32_t slot, bool filled)
{
    if (slot >= WHEEL_FAR)
        return;
    uint64_t *word = &timers->filled[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS / 64];
    uint64_t bit = UINT64_C(1) << (slot % 64);
    *word = filled ? *word | bit : *word & ~bit;
}

/* Put the record behind all others of the slot. */
static void wheel_link(struct timers *timers, uint32_t to, struct velo_op *op, uint32_t index)
{
    struct wheel_slot *slot = &timers->slots[to];
    op->at = to == WHEEL_LATE ? OP_AT_LATE : OP_AT_WHEEL;
    if (slot->list.first == OP_NIL)
        wheel_mark(timers, to, true);
    if (slot->list.first == OP_NIL || op->deadline_ns < slot->least_ns)
        slot->least_ns = op->deadline_ns;
    op_list_append(timers->ops, &slot->list, op, index);
    timers->in_wheel++;
}

static void wheel_unlink(struct timers *timers, uint32_t from, struct velo_op *op)
{
    struct wheel_slot *slot = &timers->slots[from];
    op_list_remove(timers->ops, &slot->list, op);
    if (slot->list.first == OP_NIL)
        wheel_mark(timers, from, false);
    op->at = OP_AT_NOWHERE;
    timers->in_wheel--;
}

static bool wheel_is_empty(const struct timers *timers, uint32_t slot)
{
    return timers->slots[slot].list.first == OP_NIL;
}

/* What was late before and now finds memory enters the heap, in its order. */
static void wheel_catch_up(struct timers *timers)
{
    struct op_list *late = &timers->slots[WHEEL_LATE].list;
    while (late->first != OP_NIL) {
        uint32_t index;
        struct velo_op *op = op_list_shift(timers->ops, late, &index);
        if (heap_insert(&timers->heap, timers->ops, op, index) != 0) {
            op_list_unshift(timers->ops, late, op, index);
            return;
        }
        timers->in_wheel--;
    }
}

int timers_insert(struct timers *timers, struct velo_op *op, uint32_t index)
{
    uint64_t tick = op->deadline_ns >> WHEEL_TICK_BITS;
    bool small = timers->in_wheel == 0 && timers->heap.count < WHEEL_HEAP_ONLY;
    if (!small && tick > timers->tick)
        wheel_link(timers, wheel_slot(timers, tick), op, index);
    else if (!wheel_is_empty(timers, WHEEL_LATE))
        wheel_link(timers, WHEEL_LATE, op, index); /* not past those that came before */
    else
        return heap_insert(&timers->heap, timers->ops, op, index);
    return 0;
}

void timers_remove(struct timers *timers, struct velo_op *op)
{
    if (op->at == OP_AT_HEAP) {
        heap_remove_at(&timers->heap, timers->ops, op->next);
        heap_trim(&timers->heap, timers->ops);
    } else if (op->at == OP_AT_LATE) {
        wheel_unlink(timers, WHEEL_LATE, op);
    } else {
        wheel_unlink(timers, wheel_slot(timers, op->deadline_ns >> WHEEL_TICK_BITS), op);
    }
}

/* Empty the slot, and move what was in it to where it belongs now, in its order. */
static void wheel_spill(struct timers *timers, uint32_t slot)
{
    uint32_t index = timers->slots[slot].list.first;
    timers->slots[slot].list = (struct op_list){OP_NIL, OP_NIL};
    wheel_mark(timers, slot, false);
    while (index != OP_NIL) {
        struct velo_op *op = ops_at(timers->ops, index);
        const uint32_t next = op->next;
        const uint64_t tick = op->deadline_ns >> WHEEL_TICK_BITS;
        timers->in_wheel--;
        if (tick > timers->tick)
            wheel_link(timers, wheel_slot(timers, tick), op, index);
        else if (!wheel_is_empty(timers, WHEEL_LATE) ||
                 heap_insert(&timers->heap, timers->ops, op, index) != 0)
            wheel_link(timers, WHEEL_LATE, op, index);
        index = next;
    }
}

/* Spill the slots from [first] to [last] of [level] that are not empty. */
static void wheel_spill_range(struct timers *timers, uint32_t level, uint32_t first, uint32_t last)
{
    for (uint32_t word = first / 64; word <= last / 64; word++) {
        uint64_t bits = timers->filled[level][word];
        while (bits != 0) {
            uint32_t digit = word * 64 + (uint32_t)__builtin_ctzll(bits);
            bits &= bits - 1;
            if (digit >= first && digit <= last)
                wheel_spill(timers, level * WHEEL_SLOTS + digit);
        }
    }
}

/* Let the present tick be [tick]: what is due goes to the heap, what came nearer goes down. */
static void wheel_advance(struct timers *timers, uint64_t tick)
{
    uint64_t before = timers->tick;
    timers->tick = tick;
    if (timers->in_wheel == 0)
        return;
    /* upwards, so that what comes down a level is not moved twice */
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        bool whole = (before ^ tick) >> (8 * (level + 1)) != 0;
        uint32_t last = whole ? WHEEL_SLOTS - 1 : (uint32_t)((tick >> (8 * level)) & 255);
        wheel_spill_range(timers, level, 0, last);
    }
    if ((before ^ tick) >> 32 != 0)
        wheel_spill(timers, WHEEL_FAR);
}

/* Of the late ones the first to fire, OP_NIL without any. There are none but when memory is out. */
static uint32_t wheel_first_late(const struct timers *timers)
{
    uint32_t first = timers->slots[WHEEL_LATE].list.first;
    for (uint32_t index = first; index != OP_NIL; index = ops_at(timers->ops, index)->next) {
        if (ops_at(timers->ops, index)->deadline_ns < ops_at(timers->ops, first)->deadline_ns)
            first = index;
    }
    return first;
}

/* The one to fire next in heap and late list, OP_NIL without any. In the heap are the older ones.
 */
static uint32_t wheel_top(const struct timers *timers)
{
    const uint32_t late = wheel_first_late(timers);
    if (timers->heap.count == 0)
        return late;
    const struct heap_entry *top = &timers->heap.entries[0];
    return late != OP_NIL && ops_at(timers->ops, late)->deadline_ns < top->deadline_ns ? late
                                                                                       : top->index;
}

uint32_t timers_pop(struct timers *timers, uint64_t now_ns)
{
    const uint64_t tick = now_ns >> WHEEL_TICK_BITS;
    wheel_catch_up(timers);
    if (tick > timers->tick)
        wheel_advance(timers, tick);
    const uint32_t index = wheel_top(timers);
    if (index == OP_NIL || ops_at(timers->ops, index)->deadline_ns > now_ns)
        return OP_NIL;
    timers_remove(timers, ops_at(timers->ops, index));
    return index;
}

/* The first slot of [level] that is not empty, or WHEEL_SLOTS. */
static uint32_t wheel_first(const struct timers *timers, uint32_t level)
{
    for (uint32_t word = 0; word < WHEEL_SLOTS / 64; word++) {
        if (timers->filled[level][word] != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(timers->filled[level][word]);
    }
    return WHEEL_SLOTS;
}

uint64_t timers_next_ns(const struct timers *timers)
{
    uint64_t next = timers->heap.count == 0 ? UINT64_MAX : timers->heap.entries[0].deadline_ns;
    if (!wheel_is_empty(timers, WHEEL_LATE) && timers->slots[WHEEL_LATE].least_ns < next)
        return timers->slots[WHEEL_LATE].least_ns; /* nothing is earlier */
    for (uint32_t level = 0; level < WHEEL_LEVELS && timers->in_wheel > 0; level++) {
        uint32_t digit = wheel_first(timers, level);
        if (digit < WHEEL_SLOTS) { /* lower levels are always earlier than higher ones */
            uint64_t least = timers->slots[level * WHEEL_SLOTS + digit].least_ns;
            return least < next ? least : next;
        }
    }
    if (!wheel_is_empty(timers, WHEEL_FAR) && timers->slots[WHEEL_FAR].least_ns < next)
        next = timers->slots[WHEEL_FAR].least_ns;
    return next;
}

uint32_t timers_take_any(struct timers *timers)
{
    uint32_t index = OP_NIL;
    if (timers->heap.count > 0) {
        index = timers->heap.entries[0].index;
        heap_remove_at(&timers->heap, timers->ops, 0);
        return index;
    }
    for (uint32_t level = 0; level < WHEEL_LEVELS && index == OP_NIL; level++) {
        uint32_t digit = wheel_first(timers, level);
        if (digit < WHEEL_SLOTS)
            index = timers->slots[level * WHEEL_SLOTS + digit].list.first;
    }
    for (uint32_t list = WHEEL_FAR; list <= WHEEL_LATE && index == OP_NIL; list++)
        index = timers->slots[list].list.first;
    if (index != OP_NIL)
        timers_remove(timers, ops_at(timers->ops, index));
    return index;
}

#endif
