/* SPDX-License-Identifier: MIT */
/*
 * Ingress: many producers, one consumer, one global order, no lock.
 *
 * Idea: a producer takes a ticket with one fetch-add; the ticket names a slot of 16 bytes in a
 * chain of chunks; storing fn (release) publishes it. The owner takes the slots in ticket order.
 * After the unbounded queues of JCTools (MpscUnboundedXaddArrayQueue) and folly (UnboundedQueue).
 *
 * A claim pins its chunk: the owner cannot pass a slot that is not filled, so from the fetch-add to
 * the filling neither that chunk nor any later one is recycled. Everything below rests on that:
 *  - chunk.index names the chunk: NIL in a pool, 2k+1 while somebody tries to install it as chunk
 * k, 2k once it is chunk k. Only the last is trusted when the chunk was reached by the hint.
 *  - chunk.next is 2k+1 until chunk k+1 is installed by CAS, so an installer that comes too late
 *    meets another value even if the chunk was recycled: no ABA.
 *  - Who installs chunk k+1 without a claim in chunk k may come so late that it was installed and
 *    retired before. So it tries with a chunk that was never live: else its marks, 2k+1, might be
 *    seen by another latecomer who holds the former chunk k+1.
 *  - The producer of slot 0 of chunk k installs chunk k+1 before it fills its slot; hence the owner
 *    always finds a next chunk. Anybody who needs it earlier may install it too.
 *  - hint is stored only by a producer pinned in that chunk, and moved on by the owner before it
 *    retires the chunk: it always points to a live chunk. A loaded hint may be stale: see index.
 *
 * Filling the slot is a producer's last access here. So when no claim is open (tickets == taken) no
 * producer can hold a pointer to a retired chunk, and it may be given back: ingress_trim(). The
 * same moment serves the pool (chunk_pool.h), whose regions go when nobody is inside it: who takes
 * a chunk has an open claim or, when it seeks memory before its claim, counts itself in [visitors].
 * What the pool hands out was thus never live, as far as anybody can tell who is still there.
 *
 * In a signal handler (S9) a push meets the state that the interrupted one has left, perhaps
 * between its claim and its filling; but so do the pushes of other threads all the time. Nobody
 * here waits for somebody else's next step, but for want of memory (below), and each step is one
 * atomic access. If the interrupted push has claimed, the handler's ticket is the later one, and
 * its task runs after; otherwise before.
 *
 * Bit 0 of the ticket word closes the queue: a fetch-add that returns it is refused, all earlier
 * ones are accepted; there is nothing in between (L4, L7).
 *
 * Out of memory: a claim cannot be given back, so memory is sought before it. One chunk is held in
 * reserve; using it sets [short_of_memory], and from then on submits are refused until the pool has
 * refilled the reserve. A batch brings its chunks along. Claims that were under way when memory ran
 * out fit into the rest of the chunk and the reserve; beyond 256 of them they wait for memory.
 */
#ifndef VELO_PARTS_INGRESS_TICKETS_H
#define VELO_PARTS_INGRESS_TICKETS_H

#include "common/parts/chunk_pool.h"
#include "common/parts/counter.h"
#include "common/parts/lines.h"
#include "common/parts/point.h"
#include "common/parts/wake.h"

#define CHUNK_BITS 8u
#define CHUNK_SLOTS (1u << CHUNK_BITS)
#define CHUNK_NIL UINT64_MAX
#define TICKET_CLOSED 1u
#define TICKET_ONE 2u
#define CHUNK_SPARES 8 /* that stay when all is quiet */
#define INGRESS_OPEN UINT64_MAX

struct ticket_slot {
    _Atomic(velo_fn) fn; /* NULL = not filled; the producer stores, the owner clears */
    void *arg;           /* valid while fn is not NULL */
};

struct chunk {
    struct pooled pooled;
    _Atomic uint64_t index;
    _Atomic uintptr_t next;
    struct chunk *prev;  /* of the chain; valid as long as that chunk is live */
    struct chunk *below; /* of a list: retired, orphans, a batch's supply; its holder */
    _Alignas(64) struct ticket_slot slots[CHUNK_SLOTS]; /* cleared when it is nobody's */
};

struct ingress {
    _Alignas(LINES_BYTES) _Atomic uint64_t tickets; /* claimed * 2 | closed; any thread */
    _Alignas(LINES_BYTES) _Atomic(struct chunk *) hint;
    _Atomic uint32_t short_of_memory;
    _Atomic(struct chunk *) reserve;
    _Atomic(struct chunk *) spares; /* a stack by below, for use again; taken whole: no ABA */
    _Atomic int spare_count;        /* about how many */
    _Atomic uint32_t visitors;      /* calls that seek memory before they claim */
    struct chunk_pool pool;
    _Atomic uint64_t final; /* tickets claimed when it was closed; INGRESS_OPEN before */
    _Alignas(LINES_BYTES) struct counter taken; /* owner; others may read */
    struct chunk *head;                         /* owner: the chunk of ticket [taken] */
};
LINES_BEGIN(struct ingress, hint);
LINES_BEGIN(struct ingress, taken);

/* [alloc] may be NULL, see alloc.h. Returns 0 or -ENOMEM. */
int ingress_init(struct ingress *in, const struct velo_allocator *alloc);
void ingress_fini(struct ingress *in);

/* In a forked child, before ingress_fini(): calls that are inside do not exist here (L11). */
void ingress_forget(struct ingress *in);

/* Slow paths; see the .c file. */
struct chunk *ingress_find(struct ingress *in, uint64_t k);
struct chunk *
ingress_install_next(struct ingress *in, struct chunk *chunk, uint64_t k, struct chunk **supply);
struct chunk *ingress_enter(struct chunk *chunk, uint64_t k);
int ingress_push_short(struct ingress *in, struct wake *wake, velo_fn fn, void *arg);
void ingress_next_chunk(struct ingress *in);

/* Owner: are there more retired chunks than it is worth to keep? */
static inline bool ingress_has_surplus(const struct ingress *in)
{
    /* (T17) relaxed: advice */
    return atomic_load_explicit(&in->spare_count, memory_order_relaxed) > CHUNK_SPARES;
}

/* Owner, when idle: give retired chunks back if no claim is open. */
void ingress_trim(struct ingress *in);

/* The chunk of ticket [t], which the caller has claimed. */
static inline struct chunk *ingress_chunk(struct ingress *in, uint64_t t)
{
    /* (T3) acquire: the chunk's contents; pairs with (T4) in ingress_find() */
    struct chunk *chunk = atomic_load_explicit(&in->hint, memory_order_acquire);
    /* (T5) acquire: as (T3); pairs with (T6) in ingress_enter() */
    uint64_t index = atomic_load_explicit(&chunk->index, memory_order_acquire);
    if (__builtin_expect(index == (t >> CHUNK_BITS) * 2, 1))
        return chunk;
    return ingress_find(in, t >> CHUNK_BITS);
}

static inline void slot_fill(struct ticket_slot *slot, velo_fn fn, void *arg)
{
    slot->arg = arg;
    /* (T2) release: publishes arg and all that the producer did before (S7); pairs with (T7) */
    atomic_store_explicit(&slot->fn, fn, memory_order_release);
}

static inline bool ingress_is_short(const struct ingress *in)
{
    /* (T8) relaxed: advice; a claim that misses it is covered by the reserve */
    return atomic_load_explicit(&in->short_of_memory, memory_order_relaxed) != 0;
}

/* Claim [n] tickets; false: closed. */
static inline bool ingress_claim(struct ingress *in, uint64_t n, uint64_t *ticket)
{
    /* (T1) seq_cst: (1) of the wake proof; also sees the hint left by ingress_trim(); pairs with
     * (T9) and with the consumer's look before it sleeps (T10) */
    uint64_t old = atomic_fetch_add_explicit(&in->tickets, n * TICKET_ONE, memory_order_seq_cst);
    *ticket = old / TICKET_ONE;
    return (old & TICKET_CLOSED) == 0;
}

/* The push itself, when memory is not known to be short. */
static inline int ingress_push_now(struct ingress *in, struct wake *wake, velo_fn fn, void *arg)
{
    uint64_t ticket;
    if (__builtin_expect(!ingress_claim(in, 1, &ticket), 0))
        return -ESHUTDOWN;
    VELO_POINT(PUT_CLAIMED);
    uint32_t claim = wake_claim(wake); /* before the filling, which ends our stay (L8) */
    struct chunk *chunk = ingress_chunk(in, ticket);
    if (__builtin_expect((ticket & (CHUNK_SLOTS - 1)) == 0, 0))
        ingress_install_next(in, chunk, ticket >> CHUNK_BITS, NULL);
    struct ticket_slot *slot = &chunk->slots[ticket & (CHUNK_SLOTS - 1)];
    lines_want_after((uintptr_t)(slot + 1), sizeof(*slot));
    slot_fill(slot, fn, arg);
    VELO_POINT(PUT_STORED);
    if (__builtin_expect(claim != WAKE_AWAKE, 0))
        wake_signal(wake, claim);
    return 0;
}

/*
 * Append one task and wake the owner if it sleeps. Returns 0, -ESHUTDOWN, -ENOMEM.
 * Hot path: one fetch-add, two loads of lines that rarely change, two stores.
 */
static inline int ingress_push(struct ingress *in, struct wake *wake, velo_fn fn, void *arg)
{
    if (__builtin_expect(ingress_is_short(in), 0))
        return ingress_push_short(in, wake, fn, arg);
    return ingress_push_now(in, wake, fn, arg);
}

/* Does a batch of [count] bring chunks along? It seeks them before it claims. */
static inline bool ingress_needs_supply(size_t count)
{
    return count > CHUNK_SLOTS / 2;
}

/* Append [count] tasks, contiguous and in order (S4). Returns as ingress_push(). */
int ingress_push_many(struct ingress *in,
                      struct wake *wake,
                      const struct velo_task *tasks,
                      size_t count);

/* Tickets claimed; exact order with claims when seq_cst matters to the caller. Any thread. */
static inline uint64_t ingress_claimed(const struct ingress *in)
{
    /* (T10) seq_cst: (4) of the wake proof; pairs with (T1) */
    uint64_t word = atomic_load_explicit(&in->tickets, memory_order_seq_cst);
    if ((word & TICKET_CLOSED) == 0)
        return word / TICKET_ONE;
    /* (T11) acquire: set right after the closing; pairs with (T11) in ingress_close() */
    uint64_t final = atomic_load_explicit(&in->final, memory_order_acquire);
    return final != INGRESS_OPEN ? final : counter_get(&in->taken);
}

static inline bool ingress_is_closed(const struct ingress *in)
{
    /* (T10) relaxed: a hint for the order of errors; the claim itself decides */
    return (atomic_load_explicit(&in->tickets, memory_order_relaxed) & TICKET_CLOSED) != 0;
}

/* How many are claimed, and not yet taken, at one moment. Any thread; exact on the owner. */
static inline uint64_t ingress_look(const struct ingress *in, uint64_t *claimed)
{
    uint64_t taken = counter_get(&in->taken);
    *claimed = ingress_claimed(in);
    return *claimed > taken ? *claimed - taken : 0;
}

/* Claimed and not yet taken. Any thread; exact on the owner. */
static inline uint64_t ingress_count(const struct ingress *in)
{
    uint64_t claimed;
    return ingress_look(in, &claimed);
}

/* Has the owner's next slot been filled? Looks at the slot, not at the ticket word. */
static inline bool ingress_is_ready(const struct ingress *in)
{
    uint64_t taken = counter_get(&in->taken);
    const struct ticket_slot *slot = &in->head->slots[taken & (CHUNK_SLOTS - 1)];
    /* (T7) relaxed: only a look */
    return atomic_load_explicit(&slot->fn, memory_order_relaxed) != NULL;
}

/* Owner: take the next task; false: nothing there, or a claim that is not filled yet. */
static inline bool ingress_pop(struct ingress *in, struct velo_task *task)
{
    uint64_t taken = counter_get(&in->taken);
    struct ticket_slot *slot = &in->head->slots[taken & (CHUNK_SLOTS - 1)];
    /* (T7) acquire: what the producer wrote before (S7); pairs with (T2) */
    task->fn = atomic_load_explicit(&slot->fn, memory_order_acquire);
    if (task->fn == NULL)
        return false;
    task->arg = slot->arg;
    /* (T7) relaxed: the next user of the chunk gets it through a release in a pool */
    atomic_store_explicit(&slot->fn, (velo_fn)NULL, memory_order_relaxed);
    counter_add(&in->taken, 1);
    if (__builtin_expect((taken & (CHUNK_SLOTS - 1)) == CHUNK_SLOTS - 1, 0))
        ingress_next_chunk(in);
    return true;
}

/* Refuse all later claims. Once, under the lifecycle lock. */
static inline void ingress_close(struct ingress *in)
{
    /* (T1) seq_cst: in one order with the claims */
    uint64_t old = atomic_fetch_or_explicit(&in->tickets, TICKET_CLOSED, memory_order_seq_cst);
    if ((old & TICKET_CLOSED) == 0) {
        /* (T11) release: pairs with (T11) in ingress_claimed() */
        atomic_store_explicit(&in->final, old / TICKET_ONE, memory_order_release);
    }
}

#endif
