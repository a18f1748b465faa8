/* SPDX-License-Identifier: MIT */
/* The producers' side of ingress_blocks.h: waking, seats, blocks, batches. */
#include "common/parts/ingress_blocks.h"

#include <string.h>

/* ---- waking ---- */

/* Tag the heads, whatever they are. True: they are those that were [seen]. */
static bool tag_again(struct blocks *in, const uint64_t *seen)
{
    bool same = true;
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        /* (B4) acq_rel: as in blocks_arm(), and in one order with the pushes; pairs with (B2) */
        uint64_t was =
            atomic_fetch_or_explicit(&in->lanes[lane].head, LIST_ARMED, memory_order_acq_rel);
        same &= ((was ^ seen[lane]) & ~(uint64_t)LIST_ARMED) == 0;
    }
    return same;
}

/*
 * A tag was taken, or something was published that is no task: wake the owner if it sleeps. If that
 * cannot be done, the next push will try again; and one that came after the failure and before the
 * new tag has this call try for it.
 */
void blocks_wake(struct blocks *in, struct wake *wake)
{
    uint64_t seen[BLOCK_LANES];
    uint32_t claim;
    while ((claim = wake_claim(wake)) != WAKE_AWAKE) {
        for (int lane = 0; lane < BLOCK_LANES; lane++)
            seen[lane] = blocks_head(in, lane);
        if (!wake_signal(wake, claim) || tag_again(in, seen))
            return;
    }
}

/* ---- seats ---- */

static const void *seat_user(const struct blocks *in, unsigned seat)
{
    /* (B11) relaxed: advice */
    return atomic_load_explicit(&in->users[seat], memory_order_relaxed);
}

/* [self] sits down at the seat; NULL: somebody sits there. */
static struct seat *seat_take(struct blocks *in, unsigned seat, const void *self)
{
    if (!seat_try(&in->seats[seat]))
        return NULL;
    if ((blocks_seats_used(in) & (UINT32_C(1) << seat)) == 0) {
        /* (B8) seq_cst: before the look at the head (B1), as (B5); pairs with (B8) above */
        atomic_fetch_or_explicit(&in->used, UINT32_C(1) << seat, memory_order_seq_cst);
    }
    if (seat_user(in, seat) != self) { /* a line that all producers read */
        /* (B11) relaxed: advice */
        atomic_store_explicit(&in->users[seat], self, memory_order_relaxed);
    }
    return &in->seats[seat];
}

/*
 * The seat where this thread sat last, or one that was nobody's, or anybody's. NULL if its own seat
 * is busy, for then it is a signal handler inside a push; or if all are.
 */
struct seat *blocks_find_seat(struct blocks *in)
{
    const void *self = thread_self();
    unsigned home = seat_home(self);
    const void *const wanted[] = {self, NULL};
    for (unsigned kind = 0; kind < 2; kind++) {
        for (unsigned i = 0; i < SEATS; i++) {
            unsigned at = (home + i) % SEATS;
            if (seat_user(in, at) != wanted[kind])
                continue;
            struct seat *seat = seat_take(in, at, self);
            if (seat != NULL || kind == 0)
                return seat;
        }
    }
    for (unsigned i = 0; i < SEATS; i++) {
        struct seat *seat = seat_take(in, (home + i) % SEATS, self);
        if (seat != NULL)
            return seat;
    }
    return NULL;
}

/* ---- blocks ---- */

/* A block for whoever sits at [seat]: one that came back, or a new one; NULL: memory is out. */
static struct block *block_get(struct blocks *in, struct seat *seat)
{
    struct block *block = blocks_take_returned(seat);
    if (block != NULL) {
        blocks_put_back(seat, block->below);
        return block;
    }
    block = chunk_pool_take(&in->pool);
    if (block == NULL || (uintptr_t)(block + 1) > RUN_ADDRESS) /* no room for it in a head */
        return NULL;
    block->seat = seat;
    block->eaten = 0;
    return block;
}

static struct pen pen_on(struct block *block)
{
    return (struct pen){block->words, block->words + BLOCK_WORDS};
}

/* The block of the pen is used up: take another. False: memory is out, nothing has changed. */
static bool next_block(struct blocks *in, struct seat *seat)
{
    struct block *block = block_get(in, seat);
    if (block == NULL)
        return false;
    seat->pen = pen_on(block);
    seat->last = RUN_NONE;
    return true;
}

/* ---- single tasks ---- */

/* Write one task where the pen is, which has two words at least, as a run that may follow [head].
 * Returns that run, and moves the pen. */
static uint64_t pen_write(struct pen *pen, uint64_t head, velo_fn fn, void *arg)
{
    uint64_t run;
    if (pen_left(pen) > 2) {
        *pen->next++ = head & RUN_BITS;
        run = run_word(pen->next, 1, 0);
    } else {
        block_of(pen->next)->aside = head & RUN_BITS;
        run = run_word(pen->next, 1, RUN_ASIDE);
    }
    words_fill(pen->next, fn, arg);
    pen->next += 2;
    return run;
}

/* Never behind the seat's last run: who could do that did not come here, and a head that has
 * changed is never that run again. */
int seat_push_slowly(
    struct blocks *in, struct seat *seat, struct wake *wake, int lane, velo_fn fn, void *arg)
{
    uint64_t head = blocks_head(in, lane);
    uint64_t run;
    struct pen pen;
    int rc = 0;
    do {
        bool full = pen_left(&seat->pen) < 2;
        if ((head & LIST_CLOSED) != 0)
            rc = -ESHUTDOWN;
        else if (full && !next_block(in, seat))
            rc = -ENOMEM;
        if (rc != 0) {
            seat_leave(seat);
            return rc;
        }
        pen = seat->pen;
        run = pen_write(&pen, head, fn, arg);
        VELO_POINT(PUT_WRITTEN);
    } while (!blocks_publish(in, lane, &head, run));
    VELO_POINT(PUT_STORED);
    seat_published(seat, lane, run, pen.next, 1);
    if ((head & LIST_ARMED) != 0)
        blocks_wake(in, wake);
    seat_leave(seat);
    return 0;
}

int seat_wake(struct blocks *in, struct seat *seat, struct wake *wake)
{
    blocks_wake(in, wake);
    seat_leave(seat);
    return 0;
}

int blocks_push_elsewhere(struct blocks *in, struct wake *wake, int lane, velo_fn fn, void *arg)
{
    struct seat *seat = blocks_find_seat(in);
    if (seat != NULL)
        return seat_push(in, seat, wake, lane, fn, arg);
    const struct velo_task task = {fn, arg};
    return blocks_push_loose(in, wake, lane, &task, 1);
}

/* ---- batches ---- */

struct batch {
    struct pen pen;       /* after it */
    uint64_t *link;       /* of its first run, to what was there before */
    uint64_t run;         /* its last one */
    struct block *supply; /* blocks that it will need */
};

/* How many tasks of another run are there words for? */
static size_t pen_room(const struct pen *pen)
{
    size_t left = pen_left(pen);
    return left == 2 ? 1 : left == 0 ? 0 : (left - 1) / 2;
}

/* Collect the blocks for [count] tasks. 0, or -ENOMEM with nothing held. */
static int batch_supply(struct blocks *in, struct seat *seat, struct batch *batch, size_t count)
{
    for (size_t room = pen_room(&batch->pen); room < count; room += BLOCK_TASKS) {
        struct block *block = block_get(in, seat);
        if (block == NULL) {
            blocks_put_back(seat, batch->supply);
            return -ENOMEM;
        }
        block->below = batch->supply;
        batch->supply = block;
    }
    return 0;
}

/* Write as many of [tasks] as fit into the pen's block, as one run. Returns how many. */
static size_t batch_write_run(struct batch *batch, const struct velo_task *tasks, size_t count)
{
    struct pen *pen = &batch->pen;
    if (pen_left(pen) < 2) {
        struct block *block = batch->supply;
        batch->supply = block->below; // NOLINT(clang-analyzer-core.NullDereference) it has enough
        *pen = pen_on(block);
    }
    size_t room = pen_room(pen);
    size_t n = count < room ? count : room;
    bool aside = pen_left(pen) == 2;
    uint64_t *link = aside ? &block_of(pen->next)->aside : pen->next++;
    *link = batch->run;
    if (batch->link == NULL)
        batch->link = link;
    batch->run = run_word(pen->next, n, aside ? RUN_ASIDE : 0);
    for (size_t i = 0; i < n; i++, pen->next += 2)
        words_fill(pen->next, tasks[i].fn, tasks[i].arg);
    return n;
}

/* Link the batch to what is there, until nobody comes in between. [head]: what there was. */
static int batch_publish(struct blocks *in, int lane, const struct batch *batch, uint64_t *head)
{
    do {
        if ((*head & LIST_CLOSED) != 0)
            return -ESHUTDOWN;
        *batch->link = *head & RUN_BITS; // NOLINT(clang-analyzer-core.NullDereference) a run
        VELO_POINT(PUT_WRITTEN);
    } while (!blocks_publish(in, lane, head, batch->run));
    VELO_POINT(PUT_STORED);
    return 0;
}

/*
 * The usual batch: it fits the block at hand, as a run or as more of the last one, and nobody comes
 * in between. False: not so, and nothing has changed. [head] as in push_batch().
 */
static bool seat_push_run(struct blocks *in,
                          struct seat *seat,
                          int lane,
                          const struct velo_task *tasks,
                          size_t count,
                          uint64_t *head)
{
    *head = blocks_head(in, lane);
    uint64_t *next = seat->pen.next;
    uint64_t run = *head + count * RUN_ONE;
    if ((*head & LIST_CLOSED) != 0 || count >= (pen_left(&seat->pen) + 1) / 2)
        return false;
    if (*head != seat->last) {
        *next++ = *head & RUN_BITS;
        run = run_word(next, count, 0);
    }
    memcpy(next, tasks, count * sizeof(*tasks)); /* as words_fill() */
    lines_want_after((uintptr_t)(next + 2 * count), count * sizeof(*tasks));
    VELO_POINT(PUT_WRITTEN);
    if (!blocks_publish(in, lane, head, run))
        return false;
    VELO_POINT(PUT_STORED);
    seat_published(seat, lane, run, next + 2 * count, count);
    return true;
}

/*
 * Append a batch with the pen of [seat], or, if that is [loose], with blocks for this call alone:
 * what is left of the last one counts as used up. A batch that meets the closing here leaves its
 * blocks to blocks_fini(). Returns as blocks_push().
 */
static int push_batch(struct blocks *in,
                      struct seat *seat,
                      int lane,
                      const struct velo_task *tasks,
                      size_t count,
                      uint64_t *head)
{
    struct batch batch = {.pen = seat->pen};
    *head = blocks_head(in, lane);
    if ((*head & LIST_CLOSED) != 0)
        return -ESHUTDOWN;
    int rc = batch_supply(in, seat, &batch, count);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < count;)
        i += batch_write_run(&batch, tasks + i, count - i);
    if (seat == &in->loose)
        block_of(batch.pen.end - 1)->eaten = (uint32_t)pen_left(&batch.pen);
    rc = batch_publish(in, lane, &batch, head);
    if (rc == 0 && seat != &in->loose) {
        seat->pen.end = batch.pen.end;
        seat_published(seat, lane, batch.run, batch.pen.next, count);
    }
    return rc;
}

int blocks_push_loose(
    struct blocks *in, struct wake *wake, int lane, const struct velo_task *tasks, size_t count)
{
    uint64_t head;
    /* (B10) seq_cst: as (B5) */
    atomic_fetch_add_explicit(&in->visitors, 1, memory_order_seq_cst);
    int rc = push_batch(in, &in->loose, lane, tasks, count, &head);
    if (rc == 0) {
        shared_counter_add(&in->loosely[lane], count);
        if ((head & LIST_ARMED) != 0)
            blocks_wake(in, wake);
    }
    /* (B10) release: as (B6) */
    atomic_fetch_sub_explicit(&in->visitors, 1, memory_order_release);
    return rc;
}

int blocks_push_many(struct blocks *in,
                     struct seat *seat,
                     struct wake *wake,
                     int lane,
                     const struct velo_task *tasks,
                     size_t count)
{
    uint64_t head;
    if (seat == NULL)
        seat = blocks_find_seat(in);
    if (seat == NULL)
        return blocks_push_loose(in, wake, lane, tasks, count);
    int rc = 0;
    if (!seat_push_run(in, seat, lane, tasks, count, &head))
        rc = push_batch(in, seat, lane, tasks, count, &head);
    if (rc == 0 && (head & LIST_ARMED) != 0)
        blocks_wake(in, wake);
    seat_leave(seat);
    return rc;
}
