/* SPDX-License-Identifier: MIT */
/*
 * Operations: what a timer, an immediate, or a call from another thread leaves in the loop.
 *
 * A type-stable slab of 40-byte records, named by index + generation. One atomic word per record
 * holds its generation and state and nothing else decides who owns it: firing and cancelling are a
 * compare-and-swap on it, so a cancel from any thread is exact without waiting for the loop (T5).
 * Only the owner recycles a record, and the generation goes up each time, so that a stale id never
 * names a new one. Records of one loop live at stable addresses: chunk k holds 64 * 2^k of them.
 *
 * A million timers are bound by memory, so a record holds what every timer needs and no more.
 * Fields that are never needed at the same time share their place, and a periodic timer takes a
 * second record, its companion, which holds its callback and its period.
 *
 * Memory: the owner takes and frees without a lock, from a list of its own; other threads take
 * under a lock (a cold path: it only guards the free list) and their records go back to the shared
 * list.
 */
#ifndef VELO_PARTS_OPS_H
#define VELO_PARTS_OPS_H

#include "common/parts/doubling.h"
#include "common/parts/lines.h"
#include "velo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define OP_INDEX_BITS 26
#define OP_NIL ((UINT32_C(1) << OP_INDEX_BITS) - 1)
#define OPS_CHUNKS 20u /* 64 * (2^20 - 1) = 67 million records at most */

/*
 * What a record stands for. Timers, immediates and offloads have public ids, which carry the two
 * low bits of the kind (3 is that of descriptors); the others are calls of other threads, on their
 * way to the owner.
 */
enum op_kind {
    OP_TIMER = 1,
    OP_IMMEDIATE = 2,
    OP_RESTART = 3, /* arg: the id of the timer; deadline_ns: its new deadline */
    OP_OFFLOAD = 4,
    OP_TICK = 5,
    OP_MICROTASK = 6,
    OP_CLOSING = 7
};

/* The lane whose ledger a call of this kind belongs to. Not for OP_RESTART, which is in none. */
static inline enum velo_lane op_lane(enum op_kind kind)
{
    switch (kind) {
    case OP_TICK:
        return VELO_LANE_TICK;
    case OP_MICROTASK:
        return VELO_LANE_MICROTASK;
    case OP_IMMEDIATE:
        return VELO_LANE_IMMEDIATE;
    case OP_CLOSING:
        return VELO_LANE_CLOSE;
    case OP_OFFLOAD:
        return VELO_LANE_OFFLOAD;
    default:
        return VELO_LANE_TIMER;
    }
}

enum op_state {
    OP_FREE,
    OP_PENDING,   /* it will run */
    OP_FIRING,    /* claimed, by the owner or a worker; its callback runs (no immediates) */
    OP_CANCELLED, /* by another thread: on the reclaim list, which frees it; an offload: by any
                     thread, on its way to the owner, which tells its done_fn */
    OP_DEAD,      /* cancelled by the owner where it could not be freed at once; or discarded */
    OP_DONE       /* its work has ended; on its way to the owner (offloads only) */
};

/*
 * The word: generation (36 bits) | moves (16) | foreign | unref | periodic | kind (3) | state (3).
 * "moves" counts restarts by other threads that the owner has not seen: it may not fire meanwhile.
 */
#define OP_STATE(word) ((enum op_state)((word)&7u))
#define OP_KIND(word) ((enum op_kind)(((word) >> 3) & 7u))
#define OP_PERIODIC (UINT64_C(1) << 6)
#define OP_UNREF (UINT64_C(1) << 7)
#define OP_FOREIGN (UINT64_C(1) << 8) /* taken by a thread that was not the owner */
#define OP_MOVE (UINT64_C(1) << 9)
#define OP_MOVES_MASK (UINT64_C(0xffff) << 9)
#define OP_GEN_SHIFT 25
#define OP_GEN(word) ((word) >> OP_GEN_SHIFT)
#define OP_GEN_MAX ((UINT64_C(1) << 36) - 1)
#define OP_GEN_MASK (OP_GEN_MAX << OP_GEN_SHIFT)

/* Where the owner keeps a timer. The last two are places of the timer store. */
enum op_place {
    OP_AT_NOWHERE,
    OP_AT_INBOX,
    OP_AT_DEFERRED,
    OP_AT_HEAP, /* next: the place there */
    OP_AT_WHEEL
};

struct velo_op {
    _Atomic uint64_t word; /* any thread, by CAS */
    union {
        uint64_t deadline_ns; /* timers and restarts: absolute; owner once published */
        velo_done_fn done;    /* offloads: may be NULL; who took the record, before publishing */
        uint64_t period_ns;   /* a companion's; likewise */
    };
    uint32_t next; /* inbox link by the pusher, then lists of the owner */
    /* Set [at] last: it is stored as a byte, and a read of both right after that would wait. */
    uint32_t prev : OP_INDEX_BITS;    /* lists of the owner */
    uint32_t at : 32 - OP_INDEX_BITS; /* enum op_place; owner once published */
    union {
        velo_fn fn; /* who took the record writes, before it is published */
        uint32_t
            reclaim; /* link of the reclaim list: the thread that cancelled has taken fn away */
    };
    union {
        void *arg;          /* as fn */
        uint32_t companion; /* periodic timers: the record that holds fn, arg and period_ns */
    };
};
_Static_assert(sizeof(struct velo_op) == 40, "what a timer takes: see above");

_Static_assert((UINT64_C(1) << OPS_CHUNKS) * DOUBLING_FIRST <= UINT64_C(1) << OP_INDEX_BITS,
               "indices fit, OP_NIL is none");

struct ops {
    const struct velo_allocator *alloc;           /* constant; set before ops_init() */
    _Atomic(struct velo_op *) chunks[OPS_CHUNKS]; /* set under lock, cleared by the owner */
    /* owner only */
    _Alignas(LINES_BYTES) uint32_t own_free; /* free records of the owner, by next */
    uint32_t own_fresh;                      /* never used records [own_fresh, own_fresh_end) */
    uint32_t own_fresh_end;
    uint32_t give_back; /* freed records of other threads, not yet on the shared list */
    uint32_t give_back_last;
    uint32_t give_back_count;
    uint64_t own_taken; /* taken minus freed, by the owner */
    bool any_retired;
    uint64_t gen_max;                    /* highest generation ever freed */
    struct velo_op *retired[OPS_CHUNKS]; /* chunks out of use, freed when nobody can see them */
    _Alignas(LINES_BYTES) pthread_mutex_t lock; /* guards what follows, and growth */
    uint32_t shared_free;
    uint32_t fresh; /* never used records [fresh, capacity) */
    uint32_t capacity;
    uint64_t shared_taken;
    uint64_t floor; /* generation that a never used record starts with */
};
LINES_BEGIN(struct ops, own_free); /* what stands before it others read at each cancel */
LINES_BEGIN(struct ops, lock);

int ops_init(struct ops *ops);
void ops_fini(struct ops *ops);

/* ops_take_own() when the owner has freed none: state FREE, generation set. */
struct velo_op *ops_take_fresh(struct ops *ops, uint32_t *index);

/* The same by another thread. Returns the index, or OP_NIL when memory is out. */
uint32_t ops_take_foreign(struct ops *ops);

/* Take two, the second as companion of the first; both or none. [foreign]: by another thread. */
uint32_t ops_take_periodic(struct ops *ops, bool foreign);

/* What ops_free() does rarely: a second record; a record of another thread, or at its end. */
void ops_free_companion(struct ops *ops, const struct velo_op *op);
void ops_free_other(struct ops *ops, struct velo_op *op, uint32_t index, uint64_t word);

/*
 * Hand freed records of other threads back; return memory when all are free. Owner, when idle.
 * [nobody_inside]: each gate was seen empty after the last call (seq_cst), so that no other thread
 * can still see a chunk that this call's predecessor took out of use.
 */
void ops_tidy(struct ops *ops, bool nobody_inside);

#define OPS_KEEP_CHUNKS 5u /* 64 * (2^5 - 1) records stay when all others are given back */

/* Is there anything for ops_tidy()? Owner. */
static inline bool ops_are_untidy(const struct ops *ops)
{
    /* (O2) relaxed: growth by others is seen at the latest next time */
    return ops->give_back != OP_NIL || ops->any_retired ||
           atomic_load_explicit(&ops->chunks[OPS_KEEP_CHUNKS], memory_order_relaxed) != NULL;
}

/* The chunk of the record [index], and its place there; NULL: there is none, or none any more. */
static inline struct velo_op *ops_chunk(const struct ops *ops, uint32_t index, uint32_t *place)
{
    uint32_t chunk = doubling_chunk(index, place);
    /* (O1) seq_cst: a chunk seen here is not freed before the gate is left; pairs with (O2) */
    return atomic_load_explicit(&ops->chunks[chunk], memory_order_seq_cst);
}

/* The record [index], which has been taken. Who needs it twice hands it on: this is dear. */
static inline struct velo_op *ops_at(const struct ops *ops, uint32_t index)
{
    uint32_t place;
    struct velo_op *chunk = ops_chunk(ops, index, &place);
    return &chunk[place];
}

static inline uint64_t op_word(const struct velo_op *op)
{
    /* (O3) acquire: the fields written before the record was published; pairs with (O4) */
    return atomic_load_explicit(&op->word, memory_order_acquire);
}

/* Move the word from [*old] to [new]; on failure [*old] is what is there. */
static inline bool op_move(struct velo_op *op, uint64_t *old, uint64_t new)
{
    /* (O4) acq_rel: the winner owns the record's fields; pairs with (O3) and itself */
    return atomic_compare_exchange_strong_explicit(
        &op->word, old, new, memory_order_acq_rel, memory_order_acquire);
}

static inline void op_set_prev(struct velo_op *op, uint32_t index)
{
    op->prev = index & OP_NIL; /* indices are no larger */
}

/* The record that holds the callback of [op], whose word is [word]. */
static inline struct velo_op *op_holder(const struct ops *ops, struct velo_op *op, uint64_t word)
{
    return (word & OP_PERIODIC) == 0 ? op : ops_at(ops, op->companion);
}

static inline void op_publish(struct velo_op *op, uint64_t word)
{
    /* (O4) release: publishes the fields; pairs with (O3) */
    atomic_store_explicit(&op->word, word, memory_order_release);
}

static inline uint64_t op_with_state(uint64_t word, enum op_state state)
{
    return (word & ~UINT64_C(7)) | (uint64_t)state;
}

/* A fresh word of the same generation. */
static inline uint64_t op_word_make(uint64_t gen_word, enum op_kind kind, uint64_t flags)
{
    return (OP_GEN(gen_word) << OP_GEN_SHIFT) | flags | ((uint64_t)kind << 3) | OP_PENDING;
}

/* Take a record, and tell its index. Owner. NULL: memory is out. */
static inline struct velo_op *ops_take_own(struct ops *ops, uint32_t *index)
{
    *index = ops->own_free;
    if (__builtin_expect(*index == OP_NIL, 0))
        return ops_take_fresh(ops, index);
    struct velo_op *op = ops_at(ops, *index);
    ops->own_free = op->next;
    ops->own_taken++;
    return op;
}

/* What the word of a record that has [word] is when it is free: of the next generation. The last
 * one is retired for good, for its ids may not come again (T5). */
static inline uint64_t op_word_freed(uint64_t word)
{
    uint64_t gen = OP_GEN(word);
    return gen == OP_GEN_MAX ? op_with_state(word, OP_FREE) : (gen + 1) << OP_GEN_SHIFT;
}

/* Free a record, and its companion; owner only. Its generation goes up. */
static inline void ops_free(struct ops *ops, struct velo_op *op, uint32_t index)
{
    uint64_t word = op_word(op);
    uint64_t gen = OP_GEN(word);
    if (__builtin_expect((word & OP_PERIODIC) != 0, 0))
        ops_free_companion(ops, op);
    if (gen > ops->gen_max)
        ops->gen_max = gen;
    op->at = OP_AT_NOWHERE;
    op_publish(op, op_word_freed(word));
    if (__builtin_expect((word & OP_FOREIGN) != 0 || gen == OP_GEN_MAX, 0)) {
        ops_free_other(ops, op, index, word);
        return;
    }
    ops->own_taken--;
    op->next = ops->own_free;
    ops->own_free = index;
}

static inline uint64_t op_tag(enum op_kind kind)
{
    return (uint64_t)kind << 62; /* its two low bits */
}

static inline velo_id op_id(uint64_t word, uint32_t index)
{
    return op_tag(OP_KIND(word)) | (OP_GEN(word) << OP_INDEX_BITS) | index;
}

/* The record that [id] of [kind] names, or NULL; [*word] is its word, of the same generation. */
static inline struct velo_op *
ops_find(const struct ops *ops, velo_id id, enum op_kind kind, uint32_t *index, uint64_t *word)
{
    *index = (uint32_t)(id & ((1u << OP_INDEX_BITS) - 1));
    if ((id ^ op_tag(kind)) >> 62 != 0)
        return NULL;
    uint32_t place;
    struct velo_op *chunk = ops_chunk(ops, *index, &place);
    if (chunk == NULL)
        return NULL;
    struct velo_op *op = &chunk[place];
    *word = op_word(op);
    uint64_t generation = id >> (OP_INDEX_BITS - OP_GEN_SHIFT); /* where the word has it */
    bool same = ((*word ^ generation) & OP_GEN_MASK) == 0;
    return same && OP_KIND(*word) == kind && OP_STATE(*word) != OP_FREE ? op : NULL;
}

#endif
