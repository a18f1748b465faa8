/* SPDX-License-Identifier: MIT */
/* The owner's side of ingress_blocks.h: its life, counting, taking, the way of the blocks. */
#include "common/parts/ingress_blocks.h"

#include <sched.h>

int blocks_init(struct blocks *in, const struct velo_allocator *alloc)
{
    return chunk_pool_init(&in->pool, alloc, sizeof(struct block), BLOCK_BYTES);
}

/* Has everybody left who came before the queue was closed, or before the mark of the pool? */
static bool nobody_is_inside(const struct blocks *in)
{
    for (uint32_t seats = blocks_seats_used(in); seats != 0; seats &= seats - 1) {
        const struct seat *seat = &in->seats[__builtin_ctz(seats)];
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
    /* (B12) relaxed: alone */
    atomic_store_explicit(&in->own.busy, 0, memory_order_relaxed);
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

/* ---- counting ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t runs_gathered(const struct runs *runs)
{
    /* (B13) acquire: the head that is looked at next is no older one; pairs with (B13) below */
    return atomic_load_explicit(&runs->gathered, memory_order_acquire);
}

static void runs_gathered_more(struct runs *runs, uint64_t count)
{
    /* (B13) release: after the list was taken; pairs with (B13) above. One writer */
    atomic_store_explicit(&runs->gathered, runs_gathered(runs) + count, memory_order_release);
}

/* The larger of what its users have counted and of what the owner has got from there: so a push in
 * progress is missing at most until it is taken. */
static uint64_t seat_count(const struct seat *seat, int lane)
{
    return larger(counter_get(&seat->accepted[lane]), counter_get(&seat->gathered[lane]));
}

/*
 * Seat by seat. What is in the list counts for one at least, for somebody may look only there; and
 * while the owner takes it, [seen] says so (B3).
 */
uint64_t blocks_count(const struct blocks *in, int lane, uint64_t *waiting)
{
    const struct runs *runs = &in->runs[lane];
    uint64_t begun = counter_get(&runs->begun);
    uint64_t least = runs_gathered(runs);
    least += list_has_runs(blocks_head(in, lane));
    least = larger(least, counter_get(&runs->seen)); /* after the head */
    uint64_t sum =
        larger(shared_counter_get(&in->loosely[lane]), counter_get(&in->loose.gathered[lane]));
    sum += seat_count(&in->own, lane);
    for (uint32_t seats = blocks_seats_used(in); seats != 0; seats &= seats - 1)
        sum += seat_count(&in->seats[__builtin_ctz(seats)], lane);
    sum = larger(sum, larger(least, begun));
    *waiting = sum - begun;
    return sum;
}

bool blocks_has_tasks(const struct blocks *in)
{
    for (int lane = 0; lane < BLOCK_LANES; lane++) {
        const struct runs *runs = &in->runs[lane];
        uint64_t begun = counter_get(&runs->begun);
        if (runs_gathered(runs) != begun || list_has_runs(blocks_head(in, lane)))
            return true;
    }
    return false;
}

/* ---- the owner ---- */

static uint64_t *run_tasks(uint64_t run)
{
    return (uint64_t *)(uintptr_t)(run & RUN_ADDRESS); // NOLINT(performance-no-int-to-ptr)
}

static struct block *run_block(uint64_t run)
{
    return block_of(run_tasks(run));
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
        counter_set(&runs->seen, runs_gathered(runs) + 1);
        /* (B3) acq_rel: acquires the tasks of all pushes, each a link in one release sequence, and
         * what was done before them (S7); releases [seen], to who finds the list empty (B1); pairs
         * with (B2). The flag of the closing stays */
        while (!atomic_compare_exchange_weak_explicit(&in->lanes[lane].head,
                                                      &head,
                                                      head & LIST_CLOSED,
                                                      memory_order_acq_rel,
                                                      memory_order_relaxed)) {
        }
        VELO_POINT(TASKS_TAKEN);
        uint64_t oldest = turn_round(head & RUN_BITS, lane, &count);
        if (runs->first == 0)
            runs->first = oldest;
        else
            *run_link(runs->last) = oldest;
        runs->last = head & RUN_BITS;
        runs_gathered_more(runs, count);
    }
    return runs_gathered(runs) - counter_get(&runs->begun);
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

/* ---- the way of the blocks ---- */

struct block *blocks_take_returned(struct seat *seat)
{
    /* (B9) relaxed: a look, to spare the exchange */
    if (atomic_load_explicit(&seat->returned, memory_order_relaxed) == NULL)
        return NULL;
    /* (B9) acquire: the links, and that the owner has read all; pairs with (B9) below */
    return atomic_exchange_explicit(&seat->returned, NULL, memory_order_acquire);
}

void blocks_put_back(struct seat *seat, struct block *list)
{
    while (list != NULL) {
        struct block *none = NULL;
        /* (B9) release: pairs with (B9) in blocks_take_returned() */
        if (atomic_compare_exchange_strong_explicit(
                &seat->returned, &none, list, memory_order_release, memory_order_relaxed))
            return;
        /* few: they came while we held the rest */
        struct block *newer = blocks_take_returned(seat);
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
    /* (B9) release: pairs with (B9) in blocks_take_returned() */
    while (!atomic_compare_exchange_weak_explicit(
        &seat->returned, &block->below, block, memory_order_release, memory_order_relaxed)) {
    }
    in->came_back++;
}

void blocks_end_run(struct blocks *in, const struct runs *runs)
{
    uint64_t run = runs->present;
    struct block *block = run_block(run);
    block->eaten += (uint32_t)run_count(run) * 2 + ((run & RUN_ASIDE) == 0);
    if (block->eaten > BLOCK_WORDS - 2)
        block_return(in, block);
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

/* A block that its producer has begun, perhaps long ago, keeps a whole region: it goes back, too,
 * if what was written in it is used up. Seated. */
static void pen_trim(struct blocks *in, struct seat *seat, const struct region *mark)
{
    if (pen_left(&seat->pen) < 2) /* it may be back already, and anybody's */
        return;
    struct block *block = block_of(seat->pen.next);
    if (block->pooled.home == mark || block->words + block->eaten != seat->pen.next)
        return;
    seat->pen = (struct pen){NULL, NULL};
    chunk_pool_give(&in->pool, block);
}

static void seat_trim(struct blocks *in, struct seat *seat, const struct region *mark)
{
    blocks_put_back(seat, thin(in, blocks_take_returned(seat), mark));
    if (seat_try(seat)) {
        pen_trim(in, seat, mark);
        seat_leave(seat);
    }
}

void blocks_trim(struct blocks *in)
{
    if (blocks_has_tasks(in))
        return;
    struct region *mark = chunk_pool_mark(&in->pool);
    if (!nobody_is_inside(in))
        return; /* the surplus stays, and so the next turn tries again */
    for (uint32_t seats = blocks_seats_used(in); seats != 0; seats &= seats - 1)
        seat_trim(in, &in->seats[__builtin_ctz(seats)], mark);
    seat_trim(in, &in->own, mark);
    seat_trim(in, &in->loose, mark);
    chunk_pool_tidy(&in->pool, mark);
    in->came_back = 0;
}
