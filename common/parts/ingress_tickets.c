/* SPDX-License-Identifier: MIT */
/* The slow paths of ingress_tickets.h: finding, installing, retiring and freeing chunks. */
#include "common/parts/ingress_tickets.h"

#include <string.h>

static struct chunk *chunk_new(void)
{
    struct chunk *chunk = aligned_alloc(64, sizeof(*chunk));
    if (chunk == NULL)
        return NULL;
    memset(chunk, 0, sizeof(*chunk));
    /* (T6) relaxed: nobody else knows the chunk yet */
    atomic_store_explicit(&chunk->index, CHUNK_NIL, memory_order_relaxed);
    return chunk;
}

/* Make [chunk] chunk 0 of the chain. */
static void chunk_first(struct ingress *in, struct chunk *chunk)
{
    /* (T6) relaxed: before the loop is published */
    atomic_store_explicit(&chunk->index, 0, memory_order_relaxed);
    atomic_store_explicit(&chunk->next, 1, memory_order_relaxed);  /* (T12) as above */
    atomic_store_explicit(&in->hint, chunk, memory_order_relaxed); /* (T4) as above */
    in->head = chunk;
}

int ingress_init(struct ingress *in)
{
    struct chunk *first = chunk_new();
    struct chunk *reserve = chunk_new();
    if (first == NULL || reserve == NULL) {
        free(first);
        free(reserve);
        return -ENOMEM;
    }
    chunk_first(in, first);
    /* (T13) relaxed: before the loop is published */
    atomic_store_explicit(&in->reserve, reserve, memory_order_relaxed);
    atomic_store_explicit(&in->final, INGRESS_OPEN, memory_order_relaxed); /* (T11) as above */
    return 0;
}

static void free_list(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *below = chunk->below;
        free(chunk);
        chunk = below;
    }
}

/*
 * A producer has a chunk too many and the pool is full. The chunk may have been live before, so a
 * stale hint may still point to it: only the owner may free it, when no claim is open.
 */
static void orphan_put(struct ingress *in, struct chunk *chunk)
{
    /* (T15) relaxed: a guess, checked by the CAS */
    chunk->below = atomic_load_explicit(&in->orphans, memory_order_relaxed);
    /* (T15) release: the link; pairs with (T15) in orphans_adopt() */
    while (!atomic_compare_exchange_weak_explicit(
        &in->orphans, &chunk->below, chunk, memory_order_release, memory_order_relaxed)) {
    }
}

/* Owner: take the orphans over into the retired list. */
static void orphans_adopt(struct ingress *in)
{
    /* (T15) acquire: pairs with (T15) in orphan_put() */
    struct chunk *chunk = atomic_exchange_explicit(&in->orphans, NULL, memory_order_acquire);
    while (chunk != NULL) {
        struct chunk *below = chunk->below;
        chunk->below = in->retired;
        in->retired = chunk;
        chunk = below;
    }
}

void ingress_fini(struct ingress *in)
{
    struct chunk *chunk = in->head;
    while (chunk != NULL) {
        /* (T12) relaxed: nobody else is left */
        uintptr_t next = atomic_load_explicit(&chunk->next, memory_order_relaxed);
        free(chunk);
        chunk = (next & 1) != 0 ? NULL : (struct chunk *)next; // NOLINT(performance-no-int-to-ptr)
    }
    orphans_adopt(in);
    free_list(in->retired);
    for (size_t i = 0; i < CHUNK_SPARES; i++)
        free(atomic_load_explicit(&in->spares[i], memory_order_relaxed)); /* (T14) as above */
    free(atomic_load_explicit(&in->reserve, memory_order_relaxed));       /* (T13) as above */
}

/* Put a chunk that is in nobody's hands into the pool of spares; false: the pool is full. */
static bool spare_put(struct ingress *in, struct chunk *chunk)
{
    for (size_t i = 0; i < CHUNK_SPARES; i++) {
        struct chunk *none = NULL;
        /* (T14) release: the cleared slots; pairs with (T14) in spare_take() */
        if (atomic_compare_exchange_strong_explicit(
                &in->spares[i], &none, chunk, memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

static struct chunk *spare_take(struct ingress *in)
{
    for (size_t i = 0; i < CHUNK_SPARES; i++) {
        /* (T14) relaxed: a look, to spare the exchange */
        if (atomic_load_explicit(&in->spares[i], memory_order_relaxed) == NULL)
            continue;
        /* (T14) acquire: pairs with (T14) in spare_put() */
        struct chunk *chunk = atomic_exchange_explicit(&in->spares[i], NULL, memory_order_acquire);
        if (chunk != NULL)
            return chunk;
    }
    return NULL;
}

/*
 * A chunk for an open claim: spare, new, or the reserve, after which submits are refused. Only who
 * is [pinned] to the place of installing may take a spare; the others were never live.
 */
static struct chunk *chunk_get(struct ingress *in, bool pinned)
{
    struct chunk *chunk = pinned ? spare_take(in) : NULL;
    if (chunk == NULL)
        chunk = chunk_new();
    if (chunk == NULL) {
        /* (T13) acquire: pairs with (T13) in ingress_relieve() */
        chunk = atomic_exchange_explicit(&in->reserve, NULL, memory_order_acquire);
        /* (T8) relaxed: advice */
        atomic_store_explicit(&in->short_of_memory, 1, memory_order_relaxed);
    }
    return chunk;
}

/* Memory ran short before: may a claim be made again? Returns 0 or -ENOMEM. */
int ingress_relieve(struct ingress *in)
{
    struct chunk *chunk = chunk_new();
    if (chunk == NULL)
        return -ENOMEM;
    struct chunk *none = NULL;
    /* (T13) release: pairs with (T13) in chunk_get() */
    if (!atomic_compare_exchange_strong_explicit(
            &in->reserve, &none, chunk, memory_order_release, memory_order_relaxed))
        free(chunk);
    /* (T8) relaxed: advice */
    atomic_store_explicit(&in->short_of_memory, 0, memory_order_relaxed);
    return 0;
}

/* Say that [chunk], reached through the chain, is chunk [k] for good. Any thread; idempotent. */
struct chunk *ingress_enter(struct chunk *chunk, uint64_t k)
{
    uint64_t trial = k * 2 + 1;
    /* (T6) release: the chunk may be reached by the hint from now on; pairs with (T5). Fails when
     * somebody was faster, or when the chunk is another one by now: 2k+1 never comes again */
    atomic_compare_exchange_strong_explicit(
        &chunk->index, &trial, k * 2, memory_order_acq_rel, memory_order_acquire);
    return chunk;
}

/* As ingress_install_next(); NULL when [chunk] is no longer chunk k, which being [pinned] excludes.
 */
static struct chunk *install_next(
    struct ingress *in, struct chunk *chunk, uint64_t k, struct chunk **supply, bool pinned)
{
    uintptr_t unset = k * 2 + 1;
    struct chunk *fresh = NULL;
    for (;;) {
        /* (T12) acquire: the next chunk's contents; pairs with (T12) below */
        uintptr_t next = atomic_load_explicit(&chunk->next, memory_order_acquire);
        if (next != unset)
            return (next & 1) != 0 ? NULL : (struct chunk *)next; // NOLINT
        if (supply != NULL && *supply != NULL) {
            fresh = *supply;
            *supply = fresh->below;
        } else {
            fresh = chunk_get(in, pinned);
            supply = NULL;
        }
        if (fresh != NULL)
            break;
        sched_yield(); /* more than 256 claims met the end of memory: wait for some */
    }
    fresh->prev = chunk;
    /* (T12), (T6) relaxed: published by the CAS below */
    atomic_store_explicit(&fresh->next, (k + 1) * 2 + 1, memory_order_relaxed);
    atomic_store_explicit(&fresh->index, (k + 1) * 2 + 1, memory_order_relaxed); /* (T6) */
    uintptr_t expected = unset;
    /* (T12) acq_rel: publishes the chunk, or sees the winner's; pairs with (T12) above */
    if (atomic_compare_exchange_strong_explicit(
            &chunk->next, &expected, (uintptr_t)fresh, memory_order_acq_rel, memory_order_acquire))
        return ingress_enter(fresh, k + 1);
    /* (T6) relaxed: back to nobody; the pool releases it */
    atomic_store_explicit(&fresh->index, CHUNK_NIL, memory_order_relaxed);
    if (supply != NULL) {
        fresh->below = *supply;
        *supply = fresh;
    } else if (!spare_put(in, fresh)) {
        orphan_put(in, fresh);
    }
    return (expected & 1) != 0 ? NULL : (struct chunk *)expected; // NOLINT
}

/*
 * The chunk after [chunk], which is chunk [k], installed if need be. The caller has an open claim
 * in chunk k. [supply]: chunks brought along by a batch, or NULL.
 */
struct chunk *
ingress_install_next(struct ingress *in, struct chunk *chunk, uint64_t k, struct chunk **supply)
{
    return install_next(in, chunk, k, supply, true);
}

/* Walk from [chunk], believed to be chunk [j] < [k], to chunk k; NULL: it was recycled meanwhile.
 */
static struct chunk *walk_forward(struct ingress *in, struct chunk *chunk, uint64_t j, uint64_t k)
{
    while (j < k) {
        struct chunk *next = install_next(in, chunk, j, NULL, false);
        if (next == NULL)
            return NULL;
        /* (T5) acquire: was [chunk] still chunk j when its link was read? Else the link is
         * another's */
        if (atomic_load_explicit(&chunk->index, memory_order_acquire) != j * 2)
            return NULL;
        chunk = ingress_enter(next, ++j);
    }
    return chunk;
}

/* The chunk [k] of an open claim of the caller, when the hint does not name it. */
struct chunk *ingress_find(struct ingress *in, uint64_t k)
{
    for (;;) {
        /* (T3), (T5) acquire: see ingress_chunk() */
        struct chunk *chunk = atomic_load_explicit(&in->hint, memory_order_acquire);
        uint64_t index = atomic_load_explicit(&chunk->index, memory_order_acquire); /* (T5) */
        if (index == CHUNK_NIL || (index & 1) != 0)
            continue; /* stale: the owner has moved the hint on by now */
        uint64_t j = index / 2;
        if (j > k) { /* later than ours: pinned by our claim, and so is the way back */
            for (; j > k; j--)
                chunk = chunk->prev;
            return chunk;
        }
        chunk = walk_forward(in, chunk, j, k);
        if (chunk == NULL)
            continue;
        /* (T4) release: we are pinned in it, so it is live; pairs with (T3) */
        atomic_store_explicit(&in->hint, chunk, memory_order_release);
        return chunk;
    }
}

/*
 * Collect [count] chunks before a large batch claims. New ones only: what is left over is freed
 * without touching the loop, which a chunk that has been live would not allow.
 * Returns 0 or -ENOMEM.
 */
static int batch_supply(size_t count, struct chunk **supply)
{
    *supply = NULL;
    for (size_t i = 0; i < count; i++) {
        struct chunk *chunk = chunk_new();
        if (chunk == NULL) {
            free_list(*supply);
            return -ENOMEM;
        }
        chunk->below = *supply;
        *supply = chunk;
    }
    return 0;
}

static void fill_batch(struct ingress *in,
                       uint64_t ticket,
                       const struct velo_task *tasks,
                       size_t count,
                       struct chunk **supply)
{
    struct chunk *chunk = ingress_chunk(in, ticket);
    for (size_t i = 0; i < count; i++, ticket++) {
        uint64_t k = ticket >> CHUNK_BITS;
        uint64_t at = ticket & (CHUNK_SLOTS - 1);
        if (at == 0) {
            if (i > 0) /* our unfilled slot 0 pins chunk k, and so its neighbour's link is set */
                chunk = ingress_chunk(in, ticket);
            ingress_install_next(in, chunk, k, supply);
        }
        slot_fill(&chunk->slots[at], tasks[i].fn, tasks[i].arg);
    }
}

int ingress_push_many(struct ingress *in,
                      struct wake *wake,
                      const struct velo_task *tasks,
                      size_t count)
{
    struct chunk *supply = NULL;
    uint64_t ticket;
    if (ingress_is_short(in) && ingress_relieve(in) != 0)
        return -ENOMEM;
    if (ingress_needs_supply(count) && batch_supply(count / CHUNK_SLOTS + 2, &supply) != 0)
        return -ENOMEM;
    if (!ingress_claim(in, count, &ticket)) {
        free_list(supply);
        return -ESHUTDOWN;
    }
    uint32_t claim = wake_claim(wake);
    fill_batch(in, ticket, tasks, count, &supply);
    if (claim != WAKE_AWAKE)
        wake_signal(wake, claim);
    free_list(supply); /* not through the pool: filling was our last access to the loop */
    return 0;
}

/* Owner: the last slot of the head chunk was taken; go on to the next one and retire it. */
void ingress_next_chunk(struct ingress *in)
{
    struct chunk *old = in->head;
    /* (T12) acquire: set before slot 0 was filled, so it is there; pairs with (T12) */
    uintptr_t link = atomic_load_explicit(&old->next, memory_order_acquire);
    struct chunk *next = (struct chunk *)link; // NOLINT(performance-no-int-to-ptr)
    in->head = ingress_enter(next, counter_get(&in->taken) >> CHUNK_BITS);
    struct chunk *expected = old;
    /* (T4) release: nobody stores [old] any more, its claims are filled; pairs with (T3) */
    atomic_compare_exchange_strong_explicit(
        &in->hint, &expected, next, memory_order_release, memory_order_relaxed);
    /* (T6) release: who still holds a stale hint sees NIL, not chunk k; pairs with (T5) */
    atomic_store_explicit(&old->index, CHUNK_NIL, memory_order_release);
    if (!spare_put(in, old)) {
        old->below = in->retired;
        in->retired = old;
    }
}

void ingress_trim(struct ingress *in)
{
    orphans_adopt(in);
    uint64_t word = counter_get(&in->taken) * TICKET_ONE;
    /* (T9) acq_rel: no claim is open, and who claims after this sees the present hint: nobody can
     * reach a retired chunk; pairs with (T1) */
    if (atomic_compare_exchange_strong_explicit(
            &in->tickets, &word, word, memory_order_acq_rel, memory_order_relaxed)) {
        free_list(in->retired);
        in->retired = NULL;
    }
}
