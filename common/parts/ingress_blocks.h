/* SPDX-License-Identifier: MIT */
/*
 * Ingress: many producers, one consumer, one global order, no lock; what is visible is complete.
 *
 * Idea: a producer writes its tasks into a block of its own, in the order of addresses, and makes
 * them visible with one compare-and-swap on the head of a list; the owner takes the whole list at
 * once and turns it round. After the stack of R. K. Treiber (1986). Since nothing is ever popped
 * singly, there is no ABA: a head that has the expected value is the expected list, whatever was
 * there in between.
 *
 * Runs. A node of the list is a run: tasks that stand side by side in one block, below them a link
 * to the run that was there before.
 *     word of a block:   link | fn arg | fn arg | fn arg | ...
 * The head names the newest run: address of its first task, number of tasks, and flags, in one
 * word. If the head is still the run that the producer has published last, nobody came in between,
 * and it makes that run one task longer instead of beginning another. So a flood of one
 * producer is a plain array, 16 bytes a task; turning round costs a step for each run and not for
 * each task. A batch is one run, or one in each block that it needs. The run that begins where only
 * the words of one task are left has its link [aside], in the head of the block: no word is lost,
 * but for a single one at the end, so the owner knows a used up block by counting words.
 *
 * Seats. A producer sits down for the time of its call: it marks a seat as busy by an exchange, on
 * a line that is its own as a rule, and uses the block that lies there. It prefers the seat where
 * it sat last, which is known by its thread's address and is advice only. So there is nothing to
 * clean up when a thread ends: its seat is free, with what is left of the block, and once all are
 * taken, other threads move in. Nothing here outlives the queue, either: no variable of a thread
 * points to it. Who finds no seat at once does not wait but makes do with a block for this one
 * call: this is a signal handler that has interrupted a submit (S9), or the 33rd thread at a time.
 *
 * A producer that stands still, wherever, keeps its seat: what it has made visible can be taken,
 * what it has not is not there. Nobody waits for it but who wants to free the queue. Until it goes
 * on, blocks_trim() gives nothing back; what there is serves the next flood.
 *
 * The way of a block: seat -> list -> owner -> [returned] of its seat -> seat. The last three steps
 * touch no line of another producer. [returned] is taken whole, and what is not needed put back: no
 * ABA. New blocks come from a pool (chunk_pool.h); with blocks that come back none is needed.
 *
 * Closing sets a bit in the head, which no push survives: its compare-and-swap fails. Each push is
 * before it, and accepted, or refused; and when the bit is there, the list is final (L4, L7).
 *
 * Wake protocol: the tag ARMED in the head, with the sleep word of wake.h.
 *   owner:    (a) announce in the sleep word   (b) EMPTY -> ARMED in each lane, or there are tasks
 *             (c) look at everything that is no task   (d) block
 *   producer: (e) any head -> its run, without the tag   (f) if that was ARMED: claim the sleep
 *             word; signal if the claim was won
 * Why no wake-up is lost: all these are read-modify-writes of one word, so they have an order. A
 * push before (b) makes (b) fail, for only the owner takes tasks away. The first push after (b)
 * finds ARMED; it acquires what (b) has released, so at (f) it sees the announcement of (a), or
 * what came after that: CLAIMED, then another thread wakes the owner; or AWAKE, then the owner is
 * up, and before it can sleep again, (b) fails. Later pushes find tasks and no tag: the first one's
 * wake-up is theirs. Only (c) needs the one order of wake.h's proof. At most one system call is
 * made for a sleep although there are two lanes, since the sleep word is claimed by one. While the
 * owner is awake producers do not even look at that word. The tag may stay when the owner wakes by
 * itself: then (f) finds AWAKE, and the next (b) renews it. It must renew it by a write: the tag of
 * somebody else's (b), see loop_expose(), does not release this (a).
 *
 * What TSan cannot see: nothing; there is no fence here.
 *
 * Freeing. A call touches the queue only while it is seated, or counted in [visitors]. To free it,
 * close it, then wait until no seat is busy: blocks_fini(). A producer that sits down later finds
 * it closed, for it marks its seat before it looks at the head (Dekker: B1, B5, B7), and goes.
 */
#ifndef VELO_PARTS_INGRESS_BLOCKS_H
#define VELO_PARTS_INGRESS_BLOCKS_H

#include "common/parts/chunk_pool.h"
#include "common/parts/counter.h"
#include "common/parts/lines.h"
#include "common/parts/point.h"
#include "common/parts/thread.h"
#include "common/parts/wake.h"
#include "velo.h"

#include <errno.h>

#define BLOCK_BYTES 4096u
#define BLOCK_WORDS ((BLOCK_BYTES - 64u) / 8u)
#define BLOCK_TASKS ((BLOCK_WORDS - 1u) / 2u) /* of one run that has the block for itself */
#define BLOCK_LANES 2
#define SEAT_BITS 5u
#define SEATS (1u << SEAT_BITS) /* the bits of [used] */
#define BLOCKS_KEPT 8u          /* of one seat, when all is quiet */
#define BLOCKS_TRIM 64u         /* so many come back before it is worth a look */

/* A run, or the head of a list, as one word: number of tasks, address of the first, flags. */
#define RUN_ONE (UINT64_C(1) << 56)
#define RUN_ADDRESS ((UINT64_C(1) << 48) - 8u)
#define RUN_ASIDE 1u   /* the link is in the head of the block */
#define LIST_CLOSED 2u /* of a head only, as the next */
#define LIST_ARMED 4u
#define RUN_NONE RUN_ASIDE /* alone: no head is that, not even an empty one */
#define RUN_BITS (~(uint64_t)(LIST_CLOSED | LIST_ARMED))

struct seat;

struct block {
    struct pooled pooled;
    struct block *below; /* of a stack; its holder */
    struct seat *seat;   /* whose it is; set before it is first used */
    uint64_t aside;      /* a link; the producer, then the owner */
    uint32_t eaten;      /* words that were used up; the owner */
    _Alignas(64) uint64_t words[BLOCK_WORDS];
};
_Static_assert(sizeof(struct block) == BLOCK_BYTES, "a block is found by the address of its words");
_Static_assert(BLOCK_TASKS < 256, "the length of a run has eight bits");

/* Where a producer writes next: the free words of its block; none at first. */
struct pen {
    uint64_t *next, *end;
};

struct seat {
    _Alignas(LINES_BYTES) _Atomic uint32_t busy;   /* somebody sits here */
    struct pen pen;                                /* who sits here, as the next two */
    uint64_t last;                                 /* the run before the pen, or RUN_NONE */
    struct counter accepted[BLOCK_LANES];          /* tasks, since ever */
    _Alignas(64) _Atomic(struct block *) returned; /* the owner puts, who sits here takes */
    struct counter gathered[BLOCK_LANES];          /* tasks that the owner has taken; owner */
};
_Static_assert(sizeof(struct seat) == 128, "one line of the producer's, one of the owner's");

/* What the owner has taken from a list, in order. */
struct runs {
    const uint64_t *next;      /* the next task of the present run */
    uint64_t left;             /* so many it has */
    uint64_t present;          /* its word */
    uint64_t first, last;      /* the runs after it, or first == 0 */
    _Atomic uint64_t gathered; /* tasks taken from the list since ever; the owner writes */
    struct counter seen;       /* what others may have counted when the last list was taken */
    struct counter begun;      /* of those gathered, handed out */
};

struct list {
    _Alignas(LINES_BYTES) _Atomic uint64_t head;
};

struct blocks {
    struct list lanes[BLOCK_LANES];
    /* who sat there last, thread_self(); advice */
    _Alignas(LINES_BYTES) _Atomic(const void *) users[SEATS];
    _Atomic uint32_t used; /* one bit for each seat where ever somebody sat */
    struct seat seats[SEATS];
    struct seat own;                            /* of the owner, for what callbacks submit */
    struct seat loose;                          /* no seat, but where their blocks return */
    struct shared_counter loosely[BLOCK_LANES]; /* tasks accepted without a seat */
    _Atomic uint32_t visitors;                  /* calls without a seat */
    struct chunk_pool pool;
    _Alignas(LINES_BYTES) struct runs runs[BLOCK_LANES]; /* owner; others read the counters */
    uint32_t came_back;                                  /* owner: blocks, since the last trim */
};
LINES_BEGIN(struct blocks, users);
LINES_BEGIN(struct blocks, runs);

/* [alloc] may be NULL, see alloc.h. Returns 0 or -ENOMEM. */
int blocks_init(struct blocks *in, const struct velo_allocator *alloc);

/* Closed before. Waits for the calls that are inside. */
void blocks_fini(struct blocks *in);

/* In a forked child, before blocks_fini(): calls that are inside do not exist here (L11). */
void blocks_forget(struct blocks *in);

/* Refuse all later pushes. Once, any thread. */
void blocks_close(struct blocks *in);

/* Seats as bits, those where ever somebody sat. */
static inline uint32_t blocks_seats_used(const struct blocks *in)
{
    /* (B8) seq_cst: before the look at the seats (B7); pairs with (B8) in seat_take() */
    return atomic_load_explicit(&in->used, memory_order_seq_cst);
}

/* The blocks that came back to [seat]; whoever sits there, or the owner. */
struct block *blocks_take_returned(struct seat *seat);

/* Put [list], which was taken from there or is new, where as a rule nothing is. */
void blocks_put_back(struct seat *seat, struct block *list);

/* ---- producers; slow paths in the .c file ---- */

void blocks_wake(struct blocks *in, struct wake *wake);
struct seat *blocks_find_seat(struct blocks *in);
int blocks_push_loose(
    struct blocks *in, struct wake *wake, int lane, const struct velo_task *tasks, size_t count);

/* Seated, which ends here: whatever a push may meet; and what comes after one that took a tag. */
int seat_push_slowly(
    struct blocks *in, struct seat *seat, struct wake *wake, int lane, velo_fn fn, void *arg);
int seat_wake(struct blocks *in, struct seat *seat, struct wake *wake);

/* As blocks_push(), for who is not seated. */
int blocks_push_elsewhere(struct blocks *in, struct wake *wake, int lane, velo_fn fn, void *arg);

static inline unsigned seat_home(const void *thread)
{
    /* Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4) */
    return (unsigned)(((uint64_t)(uintptr_t)thread * UINT64_C(0x9e3779b97f4a7c15)) >>
                      (64 - SEAT_BITS));
}

static inline bool seat_try(struct seat *seat)
{
    /* (B5) seq_cst: before the look at the head (B1); acquires what was left here; pairs with (B6),
     * (B7) */
    return atomic_exchange_explicit(&seat->busy, 1, memory_order_seq_cst) == 0;
}

/* Sit down at home if this thread sat there last; NULL: it must look for a seat. */
static inline struct seat *seat_enter(struct blocks *in)
{
    const void *self = thread_self();
    unsigned home = seat_home(self);
    /* (B11) relaxed: advice */
    if (__builtin_expect(atomic_load_explicit(&in->users[home], memory_order_relaxed) == self, 1) &&
        __builtin_expect(seat_try(&in->seats[home]), 1))
        return &in->seats[home];
    return NULL;
}

/*
 * The owner's seat: nobody else sits there, and nobody frees the queue beside a callback, so only a
 * signal handler could be in the way: NULL then.
 */
static inline struct seat *seat_enter_own(struct blocks *in)
{
    /* (B12) relaxed: one thread; its signal handlers come between two instructions, or not at all
     */
    if (__builtin_expect(atomic_load_explicit(&in->own.busy, memory_order_relaxed) != 0, 0))
        return NULL;
    atomic_store_explicit(&in->own.busy, 1, memory_order_relaxed); /* (B12) as above */
    atomic_signal_fence(memory_order_seq_cst);                     /* busy; the pen */
    return &in->own;
}

/* The last access of a call. */
static inline void seat_leave(struct seat *seat)
{
    /* (B6) release: what was done here; pairs with (B5), (B7) */
    atomic_store_explicit(&seat->busy, 0, memory_order_release);
}

static inline uint64_t blocks_head(const struct blocks *in, int lane)
{
    /* (B1) seq_cst: after the seat was marked (B5); and a loop that has changed its state sees a
     * push that did not see the change. Acquire: what (B4) has released */
    return atomic_load_explicit(&in->lanes[lane].head, memory_order_seq_cst);
}

/* [was] -> [run]. False: [was] is renewed. */
static inline bool blocks_publish(struct blocks *in, int lane, uint64_t *was, uint64_t run)
{
    /* (B2) seq_cst: publishes the tasks and all that was done before (S7), acquires the
     * announcement if it takes a tag; pairs with (B3), (B4) */
    return atomic_compare_exchange_strong_explicit(
        &in->lanes[lane].head, was, run, memory_order_seq_cst, memory_order_relaxed);
}

static inline uint64_t run_word(const uint64_t *first, uint64_t count, unsigned flags)
{
    return (uint64_t)(uintptr_t)first | count * RUN_ONE | flags;
}

static inline uint64_t run_count(uint64_t run)
{
    return run / RUN_ONE;
}

static inline bool list_has_runs(uint64_t head)
{
    return (head & RUN_ADDRESS) != 0;
}

_Static_assert(sizeof(struct velo_task) == 2 * sizeof(uint64_t), "a task is two words");

static inline void words_fill(uint64_t *words, velo_fn fn, void *arg)
{
    words[0] = (uintptr_t)fn;
    words[1] = (uintptr_t)arg;
}

static inline struct block *block_of(const uint64_t *word)
{
    uintptr_t address = (uintptr_t)word & ~(uintptr_t)(BLOCK_BYTES - 1);
    return (struct block *)address; // NOLINT(performance-no-int-to-ptr)
}

/* How many words are left? */
static inline size_t pen_left(const struct pen *pen)
{
    return ((uintptr_t)pen->end - (uintptr_t)pen->next) / sizeof(*pen->next);
}

/* Can the run at [head] be made longer from [seat]? It is that run only, not one that is armed. */
static inline bool seat_continues(const struct seat *seat, uint64_t head)
{
    return head == seat->last && pen_left(&seat->pen) >= 2;
}

/* [run] was published, and the pen goes on at [next]. */
static inline void
seat_published(struct seat *seat, int lane, uint64_t run, uint64_t *next, size_t count)
{
    seat->last = run;
    seat->pen.next = next;
    counter_add(&seat->accepted[lane], count);
}

/*
 * As blocks_push(), seated. Whatever is unusual goes another way, from the beginning: so all that
 * the usual way calls is called last, and it needs no stack.
 */
static inline int
seat_push(struct blocks *in, struct seat *seat, struct wake *wake, int lane, velo_fn fn, void *arg)
{
    uint64_t head = blocks_head(in, lane);
    uint64_t *next = seat->pen.next;
    uint64_t run = head + RUN_ONE;
    if (!seat_continues(seat, head)) {
        if (__builtin_expect((head & LIST_CLOSED) != 0 || pen_left(&seat->pen) < 3, 0))
            return seat_push_slowly(in, seat, wake, lane, fn, arg);
        *next++ = head & RUN_BITS;
        run = run_word(next, 1, 0);
    }
    words_fill(next, fn, arg);
    lines_want_after((uintptr_t)(next + 2), sizeof(struct velo_task));
    VELO_POINT(PUT_WRITTEN);
    if (__builtin_expect(!blocks_publish(in, lane, &head, run), 0))
        return seat_push_slowly(in, seat, wake, lane, fn, arg);
    VELO_POINT(PUT_STORED);
    seat_published(seat, lane, run, next + 2, 1);
    if (__builtin_expect((head & LIST_ARMED) != 0, 0))
        return seat_wake(in, seat, wake);
    seat_leave(seat);
    return 0;
}

/*
 * Append one task and wake the owner if it sleeps, from [seat]: seat_enter() or seat_enter_own(),
 * NULL included, which is left here. Returns 0, -ESHUTDOWN, -ENOMEM. Any thread; also in a signal
 * handler. Hot path: an exchange on a line of the thread's own, a compare-and-swap.
 */
static inline int blocks_push(
    struct blocks *in, struct seat *seat, struct wake *wake, int lane, velo_fn fn, void *arg)
{
    if (__builtin_expect(seat == NULL, 0))
        return blocks_push_elsewhere(in, wake, lane, fn, arg);
    return seat_push(in, seat, wake, lane, fn, arg);
}

/* Append [count] tasks, contiguous and in order (S4), all or none. As blocks_push(). */
int blocks_push_many(struct blocks *in,
                     struct seat *seat,
                     struct wake *wake,
                     int lane,
                     const struct velo_task *tasks,
                     size_t count);

/* ---- any thread ---- */

static inline bool blocks_is_closed(const struct blocks *in)
{
    return (blocks_head(in, 0) & LIST_CLOSED) != 0;
}

/*
 * How many tasks were accepted in [lane], and in [waiting] how many of them were not handed out:
 * none only if the list is empty. A push that has not returned may be missing; what was counted
 * once is counted ever after.
 */
uint64_t blocks_count(const struct blocks *in, int lane, uint64_t *waiting);

/* Is there a task? Exact on the owner. */
bool blocks_has_tasks(const struct blocks *in);

/* ---- the owner, but for blocks_arm() ---- */

/* Is there nothing in [lane], neither gathered nor in the list? The owner. */
static inline bool blocks_lane_is_empty(const struct blocks *in, int lane)
{
    const struct runs *runs = &in->runs[lane];
    return runs->left == 0 && runs->first == 0 && !list_has_runs(blocks_head(in, lane));
}

/* Take what is in the list now, behind what was taken before. Returns how many wait, in all. */
uint64_t blocks_gather(struct blocks *in, int lane);

/*
 * Ask the next push of each lane to claim the sleep word, which was announced or exposed before.
 * False: there are tasks, so no push may come. Any thread.
 */
bool blocks_arm(struct blocks *in);

/* Give blocks back after a flood. */
void blocks_trim(struct blocks *in);

static inline bool blocks_has_surplus(const struct blocks *in)
{
    return in->came_back >= BLOCKS_TRIM;
}

/* The tasks of a run are used up: its block may be, too. Another run is opened. False: none. */
bool blocks_next_run(struct runs *runs);
void blocks_end_run(struct blocks *in, const struct runs *runs);

/* The next task of those that were gathered; false: none. */
static inline bool blocks_pop(struct blocks *in, int lane, struct velo_task *task)
{
    struct runs *runs = &in->runs[lane];
    if (__builtin_expect(runs->left == 0, 0) && !blocks_next_run(runs))
        return false;
    task->fn = (velo_fn)(uintptr_t)runs->next[0];
    task->arg = (void *)(uintptr_t)runs->next[1]; // NOLINT(performance-no-int-to-ptr)
    runs->next += 2;
    counter_add(&runs->begun, 1);
    if (--runs->left == 0)
        blocks_end_run(in, runs);
    return true;
}

#endif
