/* SPDX-License-Identifier: MIT */
/* The slab behind ops.h: taking, freeing, growing, and giving memory back. */
#include "common/parts/ops.h"

#include "common/parts/alloc.h"

#include <errno.h>

#define OWN_BATCH 64u
#define GIVE_BACK_MAX 64u

/* What chunk [chunk] takes. */
static size_t chunk_bytes(uint32_t chunk)
{
    return doubling_size(chunk) * sizeof(struct velo_op);
}

static void chunk_free(const struct ops *ops, uint32_t chunk, struct velo_op *records)
{
    alloc_free(ops->alloc, records, chunk_bytes(chunk), _Alignof(struct velo_op));
}

int ops_init(struct ops *ops)
{
    ops->own_free = OP_NIL;
    ops->give_back = OP_NIL;
    ops->shared_free = OP_NIL;
    ops->floor = 1; /* generation 0 is no id */
    return -pthread_mutex_init(&ops->lock, NULL);
}

void ops_fini(struct ops *ops)
{
    for (uint32_t i = 0; i < OPS_CHUNKS; i++) {
        /* (O2) relaxed: nobody else is left */
        chunk_free(ops, i, atomic_load_explicit(&ops->chunks[i], memory_order_relaxed));
        chunk_free(ops, i, ops->retired[i]);
    }
    pthread_mutex_destroy(&ops->lock);
}

/* Add the next chunk. Under the lock. */
static bool grow(struct ops *ops)
{
    uint32_t place, chunk = doubling_chunk(ops->capacity, &place); /* the first of the next */
    if (chunk == OPS_CHUNKS)
        return false;
    /* zeroed: an untouched record is FREE with generation 0, which no id has */
    struct velo_op *records =
        alloc_zeroed(ops->alloc, chunk_bytes(chunk), _Alignof(struct velo_op));
    if (records == NULL)
        return false;
    /* (O2) release: publishes the zeroed chunk; pairs with (O1) */
    atomic_store_explicit(&ops->chunks[chunk], records, memory_order_release);
    ops->capacity = doubling_start(chunk + 1);
    return true;
}

/* Give a never used record the generation that nobody has had before. */
static void open_record(const struct ops *ops, uint32_t index, uint64_t floor)
{
    op_publish(ops_at(ops, index), floor << OP_GEN_SHIFT);
}

static uint32_t pop(const struct ops *ops, uint32_t *list)
{
    uint32_t index = *list;
    *list = ops_at(ops, index)->next;
    return index;
}

/* The owner has nothing left: take a batch of fresh records, or all that others have freed. */
static bool refill_own(struct ops *ops)
{
    pthread_mutex_lock(&ops->lock);
    if (ops->fresh == ops->capacity && ops->shared_free == OP_NIL)
        grow(ops);
    if (ops->fresh < ops->capacity) {
        uint32_t left = ops->capacity - ops->fresh;
        ops->own_fresh = ops->fresh;
        ops->fresh += left < OWN_BATCH ? left : OWN_BATCH;
        ops->own_fresh_end = ops->fresh;
    } else {
        ops->own_free = ops->shared_free;
        ops->shared_free = OP_NIL;
    }
    pthread_mutex_unlock(&ops->lock);
    return ops->own_fresh < ops->own_fresh_end || ops->own_free != OP_NIL;
}

struct velo_op *ops_take_fresh(struct ops *ops, uint32_t *index)
{
    *index = OP_NIL;
    if (ops->own_fresh == ops->own_fresh_end && !refill_own(ops))
        return NULL;
    if (ops->own_free != OP_NIL)
        return ops_take_own(ops, index);
    ops->own_taken++;
    *index = ops->own_fresh++;
    open_record(ops, *index, ops->floor);
    return ops_at(ops, *index);
}

/* Under the lock. */
static uint32_t take_shared(struct ops *ops)
{
    uint32_t index = OP_NIL;
    if (ops->shared_free != OP_NIL) {
        index = pop(ops, &ops->shared_free);
    } else if (ops->fresh < ops->capacity || grow(ops)) {
        index = ops->fresh++;
        open_record(ops, index, ops->floor);
    }
    if (index != OP_NIL)
        ops->shared_taken++;
    return index;
}

uint32_t ops_take_foreign(struct ops *ops)
{
    pthread_mutex_lock(&ops->lock);
    uint32_t index = take_shared(ops);
    pthread_mutex_unlock(&ops->lock);
    return index;
}

static uint32_t take_pair_own(struct ops *ops, uint32_t *companion)
{
    uint32_t index;
    struct velo_op *op = ops_take_own(ops, &index);
    if (op == NULL || ops_take_own(ops, companion) != NULL)
        return index;
    ops_free(ops, op, index);
    return OP_NIL;
}

static uint32_t take_pair_shared(struct ops *ops, uint32_t *companion)
{
    pthread_mutex_lock(&ops->lock);
    uint32_t index = take_shared(ops);
    *companion = index == OP_NIL ? OP_NIL : take_shared(ops);
    if (index != OP_NIL && *companion == OP_NIL) { /* nobody has seen it: it goes back as it came */
        ops_at(ops, index)->next = ops->shared_free;
        ops->shared_free = index;
        ops->shared_taken--;
        index = OP_NIL;
    }
    pthread_mutex_unlock(&ops->lock);
    return index;
}

uint32_t ops_take_periodic(struct ops *ops, bool foreign)
{
    uint32_t companion = OP_NIL;
    uint32_t index = foreign ? take_pair_shared(ops, &companion) : take_pair_own(ops, &companion);
    if (index == OP_NIL)
        return OP_NIL;
    struct velo_op *op = ops_at(ops, companion);
    if (foreign)
        op_publish(op, op_word(op) | OP_FOREIGN); /* still FREE: no id names it */
    ops_at(ops, index)->companion = companion;
    return index;
}

static void flush_give_back(struct ops *ops)
{
    if (ops->give_back == OP_NIL)
        return;
    pthread_mutex_lock(&ops->lock);
    ops_at(ops, ops->give_back_last)->next = ops->shared_free;
    ops->shared_free = ops->give_back;
    ops->shared_taken -= ops->give_back_count;
    pthread_mutex_unlock(&ops->lock);
    ops->give_back = OP_NIL;
    ops->give_back_count = 0;
}

void ops_free_companion(struct ops *ops, const struct velo_op *op)
{
    ops_free(ops, ops_at(ops, op->companion), op->companion);
}

void ops_free_other(struct ops *ops, struct velo_op *op, uint32_t index, uint64_t word)
{
    if (OP_GEN(word) == OP_GEN_MAX)
        return;
    if (ops->give_back == OP_NIL)
        ops->give_back_last = index;
    op->next = ops->give_back;
    ops->give_back = index;
    if (++ops->give_back_count >= GIVE_BACK_MAX)
        flush_give_back(ops);
}

/* All records are free: forget the large chunks. Readers may still look at them (O1). */
static void retire_chunks(struct ops *ops)
{
    pthread_mutex_lock(&ops->lock);
    if (ops->shared_taken == 0) {
        for (uint32_t i = OPS_KEEP_CHUNKS; i < OPS_CHUNKS; i++) {
            /* (O2) seq_cst: whoever enters the gate after this sees no chunk; pairs with (O1) */
            ops->retired[i] = atomic_exchange_explicit(&ops->chunks[i], NULL, memory_order_seq_cst);
        }
        ops->any_retired = true;
        ops->floor = ops->gen_max + 1;
        ops->capacity = doubling_start(OPS_KEEP_CHUNKS);
        ops->fresh = 0;
        ops->shared_free = OP_NIL;
        ops->own_free = OP_NIL;
        ops->own_fresh = ops->own_fresh_end = 0;
    }
    pthread_mutex_unlock(&ops->lock);
}

/* Free what was retired; no thread is inside that may have seen it. */
static void free_retired(struct ops *ops)
{
    for (uint32_t i = OPS_KEEP_CHUNKS; i < OPS_CHUNKS; i++) {
        chunk_free(ops, i, ops->retired[i]);
        ops->retired[i] = NULL;
    }
    ops->any_retired = false;
}

void ops_tidy(struct ops *ops, bool nobody_inside)
{
    flush_give_back(ops);
    if (ops->any_retired && nobody_inside)
        free_retired(ops);
    /* (O2) relaxed: only the owner clears it */
    bool large = atomic_load_explicit(&ops->chunks[OPS_KEEP_CHUNKS], memory_order_relaxed) != NULL;
    if (!ops->any_retired && large && ops->own_taken == 0 && ops->gen_max < OP_GEN_MAX - 1)
        retire_chunks(ops);
}
