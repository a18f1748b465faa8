/* SPDX-License-Identifier: MIT */
/* The slow paths of ingress_tickets.h: finding, installing, retiring and freeing chunks. */
#include "common/parts/ingress_tickets.h"

/* A chunk that was never live, or NULL. */
static struct chunk *chunk_new(struct ingress *in)
{
    struct chunk *chunk = chunk_pool_take(&in->pool);
    if (chunk != NULL) {
        /* (T6) relaxed: nobody else knows the chunk yet */
        atomic_store_explicit(&chunk->index, CHUNK_NIL, memory_order_relaxed);
    }
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

int ingress_init(struct ingress *in, const struct velo_allocator *alloc)
{
    int rc = chunk_pool_init(&in->pool, alloc, sizeof(struct chunk), _Alignof(struct chunk));
    if (rc != 0)
        return rc;
    struct chunk *first = chunk_new(in);
    struct chunk *reserve = chunk_new(in);
    chunk_first(in, first);
    /* (T13) relaxed: before the loop is published */
    atomic_store_explicit(&in->reserve, reserve, memory_order_relaxed);
    atomic_store_explicit(&in->final, INGRESS_OPEN, memory_order_relaxed); /* (T11) as above */
    return 0;
}

/* Before memory is sought without a claim: the pool's regions stay, and so does the queue. */
static void visit(struct ingress *in)
{
    /* (T16) seq_cst: before the look at the pool; pairs with (T16) in ingress_trim() */
    atomic_fetch_add_explicit(&in->visitors, 1, memory_order_seq_cst);
}

/* The last access of a visitor. */
static void visit_end(struct ingress *in)
{
    /* (T16) release: all that it did comes before; pairs with (T16) in has_visitors() */
    atomic_fetch_sub_explicit(&in->visitors, 1, memory_order_release);
}

static bool has_visitors(const struct ingress *in)
{
    /* (T16) seq_cst: after the mark; who comes later sees the pool as it was then, or newer */
    return atomic_load_explicit(&in->visitors, memory_order_seq_cst) != 0;
}

static void give_list(struct ingress *in, struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *below = chunk->below;
        chunk_pool_give(&in->pool, chunk);
        chunk = below;
    }
}

void ingress_forget(struct ingress *in)
{
    /* (T16) relaxed: alone */
    atomic_store_explicit(&in->visitors, 0, memory_order_relaxed);
}

void ingress_fini(struct ingress *in)
{
    while (has_visitors(in)) /* they find the queue closed and go */
        sched_yield();
    chunk_pool_fini(&in->pool); /* with all chunks, wherever they are */
}

static void spares_counted(struct ingress *in, int more)
{
    /* (T17) relaxed: advice */
    atomic_fetch_add_explicit(&in->spare_count, more, memory_order_relaxed);
}

/* Put the chunks from [first] down to [last], which nobody else holds, among the spares. */
static void spares_put(struct ingress *in, struct chunk *first, struct chunk *last)
{
    /* (T14) relaxed: a guess, checked by the CAS */
    last->below = atomic_load_explicit(&in->spares, memory_order_relaxed);
    /* (T14) release: the cleared slots and the links; pairs with (T14) in spares_take() */
    while (!atomic_compare_exchange_weak_explicit(
        &in->spares, &last->below, first, memory_order_release, memory_order_relaxed)) {
    }
}

/* Put a list back, as a rule where nothing is. */
static void spares_return(struct ingress *in, struct chunk *list)
{
    struct chunk *none = NULL;
    /* (T14) release: as in spares_put() */
    if (list == NULL || atomic_compare_exchange_strong_explicit(
                            &in->spares, &none, list, memory_order_release, memory_order_relaxed))
        return;
    struct chunk *last = list;
    while (last->below != NULL)
        last = last->below;
    spares_put(in, list, last);
}

static void spare_put(struct ingress *in, struct chunk *chunk)
{
    spares_put(in, chunk, chunk);
    spares_counted(in, 1);
}

static struct chunk *spares_take(struct ingress *in)
{
    /* (T14) relaxed: a look, to spare the exchange */
    if (atomic_load_explicit(&in->spares, memory_order_relaxed) == NULL)
        return NULL;
    /* (T14) acquire: pairs with (T14) in spares_put() */
    return atomic_exchange_explicit(&in->spares, NULL, memory_order_acquire);
}

static struct chunk *spare_take(struct ingress *in)
{
    struct chunk *chunk = spares_take(in);
    if (chunk == NULL)
        return NULL;
    spares_return(in, chunk->below);
    spares_counted(in, -1);
    return chunk;
}

static void say_short(struct ingress *in)
{
    /* (T8) relaxed: advice */
    atomic_store_explicit(&in->short_of_memory, 1, memory_order_relaxed);
}

/*
 * A chunk for an open claim: spare, new, or the reserve, after which submits are refused. Only who
 * is [pinned] to the place of installing may take a spare; the others were never live.
 */
static struct chunk *chunk_get(struct ingress *in, bool pinned)
{
    struct chunk *chunk = pinned ? spare_take(in) : NULL;
    if (chunk == NULL)
        chunk = chunk_new(in);
    if (chunk == NULL) {
        say_short(in); /* first: a handler that comes in between must know */
        /* (T13) acquire: pairs with (T13) in relieve() */
        chunk = atomic_exchange_explicit(&in->reserve, NULL, memory_order_acquire);
        say_short(in); /* again: somebody may have found the reserve there and taken it back */
    }
    return chunk;
}

/* Memory ran short before: may a claim be made again? Returns 0 or -ENOMEM. A visitor's. */
static int relieve(struct ingress *in)
{
    struct chunk *chunk = chunk_new(in);
    if (chunk == NULL)
        return -ENOMEM;
    struct chunk *none = NULL;
    /* (T13) release: pairs with (T13) in chunk_get() */
    if (!atomic_compare_exchange_strong_explicit(
            &in->reserve, &none, chunk, memory_order_release, memory_order_relaxed))
        chunk_pool_give(&in->pool, chunk);
    /* (T8) relaxed: advice */
    atomic_store_explicit(&in->short_of_memory, 0, memory_order_relaxed);
    return 0;
}

/* As ingress_push(), after memory ran short. */
int ingress_push_short(struct ingress *in, struct wake *wake, velo_fn fn, void *arg)
{
    visit(in);
    int rc = relieve(in);
    if (rc == 0)
        rc = ingress_push_now(in, wake, fn, arg);
    visit_end(in);
    return rc;
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
    } else {
        spare_put(in, fresh);
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
 * Collect [count] chunks before a large batch claims. New ones only: what is left over may be given
 * back at once, which a chunk that has been live would not allow. A visitor's; 0 or -ENOMEM.
 */
static int batch_supply(struct ingress *in, size_t count, struct chunk **supply)
{
    *supply = NULL;
    for (size_t i = 0; i < count; i++) {
        struct chunk *chunk = chunk_new(in);
        if (chunk == NULL) {
            give_list(in, *supply);
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
    const struct ticket_slot *first = &chunk->slots[ticket & (CHUNK_SLOTS - 1)];
    lines_want_after((uintptr_t)first + count * sizeof(*first), count * sizeof(*first));
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

static int push_batch(struct ingress *in,
                      struct wake *wake,
                      const struct velo_task *tasks,
                      size_t count,
                      struct chunk **supply)
{
    uint64_t ticket;
    if (!ingress_claim(in, count, &ticket))
        return -ESHUTDOWN;
    VELO_POINT(PUT_CLAIMED);
    uint32_t claim = wake_claim(wake);
    fill_batch(in, ticket, tasks, count, supply);
    VELO_POINT(PUT_STORED);
    if (claim != WAKE_AWAKE)
        wake_signal(wake, claim);
    return 0;
}

int ingress_push_many(struct ingress *in,
                      struct wake *wake,
                      const struct velo_task *tasks,
                      size_t count)
{
    struct chunk *supply = NULL;
    bool needs_supply = ingress_needs_supply(count);
    bool is_short = ingress_is_short(in);
    if (!needs_supply && !is_short)
        return push_batch(in, wake, tasks, count, &supply);
    visit(in);
    int rc = is_short ? relieve(in) : 0;
    if (rc == 0 && needs_supply)
        rc = batch_supply(in, count / CHUNK_SLOTS + 2, &supply);
    if (rc == 0) {
        rc = push_batch(in, wake, tasks, count, &supply);
        give_list(in, supply);
    }
    visit_end(in);
    return rc;
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
    spare_put(in, old);
}

/* No claim is open: give back what of [list] is too much, or in an old region. Returns the rest. */
static struct chunk *thin(struct ingress *in, struct chunk *list, const struct region *mark)
{
    struct chunk *kept = NULL;
    int keep = CHUNK_SPARES;
    while (list != NULL) {
        struct chunk *chunk = list;
        list = chunk->below;
        if (chunk->pooled.home == mark && keep-- > 0) {
            chunk->below = kept;
            kept = chunk;
        } else {
            chunk_pool_give(&in->pool, chunk);
            spares_counted(in, -1);
        }
    }
    return kept;
}

void ingress_trim(struct ingress *in)
{
    uint64_t word = counter_get(&in->taken) * TICKET_ONE;
    /* (T9) relaxed: a look; the compare-and-swap below decides */
    if (atomic_load_explicit(&in->tickets, memory_order_relaxed) != word)
        return;
    struct region *mark = chunk_pool_mark(&in->pool);
    struct chunk *list = spares_take(in);
    /* (T9) seq_cst: no claim is open, and who claims after this sees the present hint, spares and
     * region: nobody can reach the chunks in the list; pairs with (T1) */
    bool quiet = atomic_compare_exchange_strong_explicit(
        &in->tickets, &word, word, memory_order_seq_cst, memory_order_relaxed);
    spares_return(in, quiet ? thin(in, list, mark) : list);
    if (quiet && !has_visitors(in))
        chunk_pool_tidy(&in->pool, mark);
}
