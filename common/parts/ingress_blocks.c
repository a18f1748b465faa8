/* SPDX-License-Identifier: MIT */
/* See ingress_blocks.h: seats, the way of the blocks, batches, and the owner's side. */
#include "common/parts/ingress_blocks.h"

#include <sched.h>

int blocks_init(struct blocks *in, const struct velo_allocator *alloc)
{
    return chunk_pool_init(&in->pool, alloc, sizeof(struct block), BLOCK_BYTES);
}

/* Seats as bits, those where ever somebody sat. */
static uint32_t seats_used(const struct blocks *in)
{
    /* (B8) seq_cst: before the look at the seats (B7); pairs with (B8) in seat_take() */
    return atomic_load_explicit(&in->used, memory_order_seq_cst);
}

/* The next seat of the [seats] that are left, or NULL. */
static struct seat *seat_next(struct blocks *in, uint32_t *seats)
{
    if (*seats == 0)
        return NULL;
    struct seat *seat = &in->seats[__builtin_ctz(*seats)];
    *seats &= *seats - 1;
    return seat;
}

/* Has everybody left who came before the queue was closed, or before the mark of the pool? */
static bool nobody_is_inside(struct blocks *in)
{
    uint32_t seats = seats_used(in);
    for (struct seat *seat = seat_next(in, &seats); seat != NULL; seat = seat_next(in, &seats)) {
        /* (B7) seq_cst: who is not seen here, will see the head as it is; pairs with (B5), (B6) */
        if (atomic_load_explicit(&seat->busy, memory_order_seq_cst) != 0)
            return false;
    }
    /* (B10) seq_cst: as (B7) */
    return atomic_load_explicit(&in->visitors, memory_order_seq_cst) == 0;
}

void blocks_fini(struct blocks *in)
{
    while (!nobody_is_inside(in))
        sched_yield();
    chunk_pool_fini(&in->pool); /* with all blocks, wherever they are */
}

void blocks_forget(struct blocks *in)
{
    for (unsigned i = 0; i < SEATS; i++) {
        /* (B6) relaxed: alone */
        atomic_store_explicit(&in->seats[i].busy, 0, memory_order_relaxed);
    }
    /* (B10) relaxed: alone */
    atomic_store_explicit(&in->visitors, 0, memory_order_relaxed);
}

void blocks_close(struct blocks *in)
{
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        /* (B4) seq_cst: in one order with the pushes; before the look at the seats (B7) */
        atomic_fetch_or_explicit(&in->lanes[lane].head, LIST_CLOSED, memory_order_seq_cst);
    }
}

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

/* Sit down at a seat that [user] had; NULL: somebody sits there. */
static struct seat *seat_take(struct blocks *in, unsigned seat, const void *self)
{
    if (!seat_try(&in->seats[seat]))
        return NULL;
    if ((seats_used(in) & (UINT32_C(1) << seat)) == 0) {
        /* (B8) seq_cst: before the look at the head (B1), as (B5); pairs with (B8) above */
        atomic_fetch_or_explicit(&in->used, UINT32_C(1) << seat, memory_order_seq_cst);
    }
    /* (B11) relaxed: advice */
    atomic_store_explicit(&in->users[seat], self, memory_order_relaxed);
    return &in->seats[seat];
}

/*
 * The seat where this thread sat last, or one that was nobody's, or anybody's. NULL if its own seat
 * is busy, for then it is a signal handler inside a push; or if all are.
 */
struct seat *blocks_find_seat(struct blocks *in, const void *self)
{
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

/* ---- the way of the blocks ---- */

static struct block *returned_take(struct seat *seat)
{
    /* (B9) relaxed: a look, to spare the exchange */
    if (atomic_load_explicit(&seat->returned, memory_order_relaxed) == NULL)
        return NULL;
    /* (B9) acquire: the links, and that the owner has read all; pairs with (B9) below */
    return atomic_exchange_explicit(&seat->returned, NULL, memory_order_acquire);
}

/* Put [list], which was taken from there or is new, where as a rule nothing is. */
static void returned_put_back(struct seat *seat, struct block *list)
{
    while (list != NULL) {
        struct block *none = NULL;
        /* (B9) release: pairs with (B9) in returned_take() */
        if (atomic_compare_exchange_strong_explicit(
                &seat->returned, &none, list, memory_order_release, memory_order_relaxed))
            return;
        struct block *newer = returned_take(seat); /* few: they came while we held the rest */
        struct block *last = newer;
        while (last != NULL && last->below != NULL)
            last = last->below;
        if (last != NULL) {
            last->below = list;
            list = newer;
        }
    }
}

/* Owner: all tasks of [block] have been taken. */
static void block_return(struct blocks *in, struct block *block)
{
    struct seat *seat = block->seat;
    block->eaten = 0;
    /* (B9) relaxed: a guess, checked by the CAS */
    block->below = atomic_load_explicit(&seat->returned, memory_order_relaxed);
    /* (B9) release: pairs with (B9) in returned_take() */
    while (!atomic_compare_exchange_weak_explicit(
        &seat->returned, &block->below, block, memory_order_release, memory_order_relaxed)) {
    }
    in->came_back++;
}

/* A block for whoever sits at [seat]: one that came back, or a new one; NULL: memory is out. */
static struct block *block_get(struct blocks *in, struct seat *seat)
{
    struct block *block = returned_take(seat);
    if (block != NULL) {
        returned_put_back(seat, block->below);
        return block;
    }
    block = chunk_pool_take(&in->pool);
    if (block == NULL)
        return NULL;
    if ((uintptr_t)(block + 1) > RUN_ADDRESS) { /* the head has no room for such addresses */
        chunk_pool_give(&in->pool, block);
        return NULL;
    }
    block->seat = seat;
    block->eaten = 0;
    return block;
}

/* The block of the pen is used up: take another. False: memory is out, nothing has changed. */
bool blocks_next_block(struct blocks *in, struct seat *seat)
{
    struct block *block = block_get(in, seat);
    if (block == NULL)
        return false;
    seat->pen = (struct pen){block, 0};
    return true;
}

/* ---- batches ---- */

struct batch {
    struct pen pen;       /* after it */
    uint64_t *link;       /* of its first run, to what was there before */
    uint64_t run;         /* its last one */
    struct block *supply; /* blocks that it will need */
};

static uint32_t pen_left(const struct pen *pen)
{
    return pen->block == NULL ? 0 : BLOCK_WORDS - pen->at;
}

/* How many tasks of another run are there words for? */
static size_t pen_room(const struct pen *pen)
{
    uint32_t left = pen_left(pen);
    return left == 2 ? 1 : left == 0 ? 0 : (left - 1) / 2;
}

/* Collect the blocks for [count] tasks. 0, or -ENOMEM with nothing held. */
static int batch_supply(struct blocks *in, struct seat *seat, struct batch *batch, size_t count)
{
    for (size_t room = pen_room(&batch->pen); room < count; room += BLOCK_TASKS) {
        struct block *block = block_get(in, seat);
        if (block == NULL) {
            returned_put_back(seat, batch->supply);
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
        batch->supply = block->below;
        *pen = (struct pen){block, 0};
    }
    size_t room = pen_room(pen);
    size_t n = count < room ? count : room;
    bool aside = pen_left(pen) == 2;
    uint64_t *words = pen->block->words + pen->at;
    uint64_t *link = aside ? &pen->block->aside : words++;
    for (size_t i = 0; i < n; i++)
        words_fill(words + 2 * i, tasks[i].fn, tasks[i].arg);
    *link = batch->run;
    if (batch->link == NULL)
        batch->link = link;
    batch->run = run_word(words, n, aside ? RUN_ASIDE : 0);
    pen->at += (uint32_t)(2 * n) + !aside;
    return n;
}

/* Link the batch to what is there, until nobody comes in between. [head]: what there was. */
static int batch_publish(struct blocks *in, int lane, const struct batch *batch, uint64_t *head)
{
    do {
        if ((*head & LIST_CLOSED) != 0)
            return -ESHUTDOWN;
        *batch->link = *head & RUN_BITS;
        VELO_POINT(PUT_WRITTEN);
    } while (!blocks_publish(in, lane, head, batch->run));
    VELO_POINT(PUT_STORED);
    return 0;
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
        batch.pen.block->eaten = pen_left(&batch.pen);
    rc = batch_publish(in, lane, &batch, head);
    if (rc == 0 && seat != &in->loose)
        seat->pen = batch.pen;
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

int blocks_push_many(
    struct blocks *in, struct wake *wake, int lane, const struct velo_task *tasks, size_t count)
{
    uint64_t head;
    struct seat *seat = seat_enter(in);
    if (seat == NULL)
        return blocks_push_loose(in, wake, lane, tasks, count);
    int rc = push_batch(in, seat, lane, tasks, count, &head);
    if (rc == 0) {
        counter_add(&seat->accepted[lane], count);
        if ((head & LIST_ARMED) != 0)
            blocks_wake(in, wake);
    }
    seat_leave(seat);
    return rc;
}

/* ---- counting ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/*
 * Seat by seat the larger of what its users have counted and of what the owner has got from there:
 * so a push in progress is missing at most until it is seen. What is in the list counts for one at
 * least, for somebody may have looked at the list just now.
 */
uint64_t blocks_count(const struct blocks *in, int lane, uint64_t *waiting)
{
    const struct runs *runs = &in->runs[lane];
    uint64_t begun = counter_get(&runs->begun); /* first: never a negative count */
    uint64_t least = counter_get(&runs->gathered);
    least += list_has_runs(blocks_head(in, lane));
    uint64_t sum =
        larger(shared_counter_get(&in->loosely[lane]), counter_get(&in->loose.gathered[lane]));
    uint32_t seats = seats_used(in);
    for (; seats != 0; seats &= seats - 1) {
        const struct seat *seat = &in->seats[__builtin_ctz(seats)];
        sum += larger(counter_get(&seat->accepted[lane]), counter_get(&seat->gathered[lane]));
    }
    sum = larger(sum, least);
    *waiting = sum - begun;
    return sum;
}

bool blocks_has_tasks(const struct blocks *in)
{
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        const struct runs *runs = &in->runs[lane];
        uint64_t begun = counter_get(&runs->begun);
        if (counter_get(&runs->gathered) != begun || list_has_runs(blocks_head(in, lane)))
            return true;
    }
    return false;
}

/* ---- the owner ---- */

static struct block *run_block(uint64_t run)
{
    return (struct block *)(uintptr_t)(run & RUN_ADDRESS & ~(uint64_t)(BLOCK_BYTES - 1)); // NOLINT
}

static uint64_t *run_tasks(uint64_t run)
{
    return (uint64_t *)(uintptr_t)(run & RUN_ADDRESS); // NOLINT(performance-no-int-to-ptr)
}

static uint64_t *run_link(uint64_t run)
{
    return (run & RUN_ASIDE) != 0 ? &run_block(run)->aside : run_tasks(run) - 1;
}

/* Turn the list round that begins with [run]: returns the oldest run, and counts the tasks. */
static uint64_t turn_round(uint64_t run, int lane, uint64_t *count)
{
    uint64_t newer = 0;
    while (run != 0) {
        uint64_t *link = run_link(run);
        uint64_t older = *link;
        *link = newer;
        counter_add(&run_block(run)->seat->gathered[lane], run_count(run));
        *count += run_count(run);
        newer = run;
        run = older;
    }
    return newer;
}

uint64_t blocks_gather(struct blocks *in, int lane)
{
    struct runs *runs = &in->runs[lane];
    uint64_t head = blocks_head(in, lane);
    uint64_t count = 0;
    if (list_has_runs(head)) {
        /* (B3) acquire: the tasks of all pushes, each a link in one release sequence, and what was
         * done before them (S7); pairs with (B2). The flag of the closing stays */
        while (!atomic_compare_exchange_weak_explicit(&in->lanes[lane].head,
                                                      &head,
                                                      head & LIST_CLOSED,
                                                      memory_order_acquire,
                                                      memory_order_relaxed)) {
        }
        uint64_t oldest = turn_round(head & RUN_BITS, lane, &count);
        if (runs->first == 0)
            runs->first = oldest;
        else
            *run_link(runs->last) = oldest;
        runs->last = head & RUN_BITS;
        counter_add(&runs->gathered, count);
    }
    return counter_get(&runs->gathered) - counter_get(&runs->begun);
}

bool blocks_next_run(struct runs *runs)
{
    if (runs->first == 0)
        return false;
    runs->present = runs->first;
    runs->next = run_tasks(runs->present);
    runs->left = run_count(runs->present);
    runs->first = *run_link(runs->present);
    return true;
}

void blocks_end_run(struct blocks *in, const struct runs *runs)
{
    uint64_t run = runs->present;
    struct block *block = run_block(run);
    block->eaten += (uint32_t)run_count(run) * 2 + ((run & RUN_ASIDE) == 0);
    if (block->eaten > BLOCK_WORDS - 2)
        block_return(in, block);
}

bool blocks_arm(struct blocks *in)
{
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        uint64_t head = blocks_head(in, lane);
        do {
            if (list_has_runs(head))
                return false;
            /* (B4) release: the announcement, to who takes the tag; also when there is a tag
             * already; pairs with (B2) */
        } while (!atomic_compare_exchange_weak_explicit(&in->lanes[lane].head,
                                                        &head,
                                                        head | LIST_ARMED,
                                                        memory_order_release,
                                                        memory_order_relaxed));
    }
    return true;
}

/* Of [list] keep what is worth it, and not in an old region; give the rest back. */
static struct block *thin(struct blocks *in, struct block *list, const struct region *mark)
{
    struct block *kept = NULL;
    unsigned keep = BLOCKS_KEPT;
    while (list != NULL) {
        struct block *block = list;
        list = block->below;
        if (block->pooled.home == mark && keep > 0) {
            keep--;
            block->below = kept;
            kept = block;
        } else {
            chunk_pool_give(&in->pool, block);
        }
    }
    return kept;
}

static void seat_trim(struct blocks *in, struct seat *seat, const struct region *mark)
{
    returned_put_back(seat, thin(in, returned_take(seat), mark));
}

void blocks_trim(struct blocks *in)
{
    if (blocks_has_tasks(in))
        return;
    struct region *mark = chunk_pool_mark(&in->pool);
    uint32_t seats = seats_used(in);
    for (struct seat *seat = seat_next(in, &seats); seat != NULL; seat = seat_next(in, &seats))
        seat_trim(in, seat, mark);
    seat_trim(in, &in->loose, mark);
    in->came_back = 0;
    if (nobody_is_inside(in))
        chunk_pool_tidy(&in->pool, mark);
}
