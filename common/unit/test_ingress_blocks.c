/* SPDX-License-Identifier: MIT */
/*
 * The list of runs, one thread: order, batches in one piece, runs that grow, blocks that come back,
 * seats, closing, memory that runs out, the tag that asks for a wake-up.
 */
#include "common/unit/blocks_fixture.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* Blocks that the pool has handed out and that have not come back to it. */
static unsigned blocks_out(const struct blocks *in)
{
    unsigned count = 0;
    for (const struct region *region = chunk_pool_mark(&in->pool); region != NULL;
         region = region->older)
        count += atomic_load(&region->out) - atomic_load(&region->back);
    return count;
}

static void a_new_queue_is_empty(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    assert_int_equal(waiting(&in), 0);
    assert_false(blocks_has_tasks(&in));
    assert_int_equal(blocks_gather(&in, 0), 0);
    assert_false(blocks_pop(&in, 0, &task));
    blocks_trim(&in);
    queue_close(&in);
}

/*
 * S3: random pushes, batches, gathers, pops and trims; tasks are numbered in the order of
 * acceptance. Two of three batches are made without a seat, as in a signal handler.
 */
static void the_order_is_that_of_the_calls(void **state)
{
    (void)state;
    uint64_t random = unit_seed(), pushed = 0, popped = 0, gathered = 0;
    static struct blocks in;
    struct wake wake;
    struct velo_task task = {0}, batch[700];
    queue_open(&in, &wake);
    for (unsigned step = 0; step < unit_rounds(40000); step++) {
        uint64_t choice = unit_below(&random, 100);
        if (choice < 40) {
            assert_int_equal(push(&in, &wake, ++pushed), 0);
        } else if (choice < 45) {
            size_t count = 1 + unit_below(&random, 699);
            for (size_t i = 0; i < count; i++)
                batch[i] = (struct velo_task){nothing, number(++pushed)};
            int rc = count % 3 == 0 ? blocks_push_many(&in, seat_enter(&in), &wake, 0, batch, count)
                                    : blocks_push_loose(&in, &wake, 0, batch, count);
            assert_int_equal(rc, 0);
        } else if (choice < 60) {
            assert_int_equal(blocks_gather(&in, 0), pushed - popped);
            gathered = pushed;
        } else if (choice < 95) {
            for (uint64_t many = unit_below(&random, 100); many > 0; many--) {
                bool got = blocks_pop(&in, 0, &task);
                assert_int_equal(got, popped < gathered);
                if (got)
                    assert_int_equal((uintptr_t)task.arg, ++popped);
            }
        } else {
            blocks_trim(&in);
        }
        uint64_t left;
        assert_int_equal(blocks_count(&in, 0, &left), pushed);
        assert_int_equal(left, pushed - popped);
        assert_int_equal(blocks_has_tasks(&in), pushed > popped);
        assert_int_equal(blocks_lane_is_empty(&in, 0), pushed == popped);
    }
    queue_close(&in);
}

/* S4: every batch size up to three blocks, at an offset that moves with it, also onto the last
 * words of a block; beside the other lane, which shares the blocks. */
static void batches_of_every_size_stay_in_order(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task = {0}, batch[3 * BLOCK_TASKS + 1];
    uint64_t pushed = 0, popped = 0;
    queue_open(&in, &wake);
    for (size_t count = 1; count <= 3 * BLOCK_TASKS; count++) {
        for (size_t i = 0; i < count; i++)
            batch[i] = (struct velo_task){nothing, number(++pushed)};
        assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, 1, nothing, number(count)), 0);
        assert_int_equal(blocks_push_many(&in, seat_enter(&in), &wake, 0, batch, count), 0);
        while (pop(&in, &task))
            assert_int_equal((uintptr_t)task.arg, ++popped);
        assert_int_equal(popped, pushed);
        assert_int_equal(blocks_gather(&in, 1), 1);
        assert_true(blocks_pop(&in, 1, &task));
        assert_int_equal((uintptr_t)task.arg, count);
    }
    queue_close(&in);
}

/* A producer that nobody interrupts makes one run longer: two words a task; so does a block whose
 * last words have room for no link, or for nothing. */
static void pushes_of_one_producer_are_one_run(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    for (uint64_t i = 0; i < BLOCK_TASKS; i++) {
        assert_int_equal(push(&in, &wake, i), 0);
        assert_int_equal(run_count(blocks_head(&in, 0)), i + 1);
    }
    for (uint64_t i = 0; i < 3; i++) { /* in the next block */
        assert_int_equal(push(&in, &wake, BLOCK_TASKS + i), 0);
        assert_int_equal(run_count(blocks_head(&in, 0)), i + 1);
    }
    for (uint64_t i = 0; i < BLOCK_TASKS + 3; i++) {
        assert_true(pop(&in, &task));
        assert_int_equal((uintptr_t)task.arg, i);
    }
    /* lanes by turns: each push begins a run of three words; two words are left at the end, and
     * are used, for then the link is aside */
    const uint64_t runs = (BLOCK_WORDS - 1 - 3 * 2) / 3;
    for (uint64_t i = 0; i < runs; i++)
        assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, i % 2, nothing, number(i)), 0);
    unsigned before = blocks_out(&in);
    assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, runs % 2, nothing, number(runs)), 0);
    assert_true((blocks_head(&in, runs % 2) & RUN_ASIDE) != 0);
    assert_int_equal(pen_left(&in.seats[seat_home(thread_self())].pen), 0);
    for (int lane = 0; lane < 2; lane++) {
        assert_int_equal(blocks_gather(&in, lane), (runs + 2 - (uint64_t)lane) / 2);
        for (uint64_t i = (uint64_t)lane; i <= runs; i += 2) {
            assert_true(blocks_pop(&in, lane, &task));
            assert_int_equal((uintptr_t)task.arg, i);
        }
    }
    assert_int_equal(blocks_out(&in), before);
    queue_close(&in);
}

/* A queue that is kept short runs in the blocks it has: no memory per task, whatever the mix. */
static void a_short_queue_needs_no_new_blocks(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task, batch[5];
    uint64_t random = unit_seed();
    unsigned before = 0;
    for (unsigned i = 0; i < 5; i++)
        batch[i] = (struct velo_task){nothing, NULL};
    queue_open(&in, &wake);
    for (unsigned i = 0; i < 400 * BLOCK_TASKS; i++) {
        if (i == 100 * BLOCK_TASKS)
            before = blocks_out(&in);
        size_t count = 1 + unit_below(&random, 5);
        if (i % 7 == 0)
            assert_int_equal(blocks_push_loose(&in, &wake, 0, batch, count), 0);
        else
            assert_int_equal(blocks_push_many(&in, seat_enter(&in), &wake, 0, batch, count), 0);
        assert_int_equal(push(&in, &wake, i), 0);
        if (i % 5 == 0) {
            while (pop(&in, &task)) {
            }
        }
    }
    assert_int_equal(blocks_out(&in), before);
    queue_close(&in);
}

enum {
    FLOOD_BLOCKS = 1000,
    FULL_REGION = (REGION_CHUNKS_MAX + 1) * BLOCK_BYTES,
    KEPT = (REGIONS_STANDBY + 3) * FULL_REGION
};

/* After a flood trim frees all but the regions of the blocks in use and those on standby; the next
 * flood takes no more than the first. */
static void trim_frees_what_a_flood_has_left(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < FLOOD_BLOCKS * BLOCK_TASKS; i++)
            assert_int_equal(push(&in, &wake, i), 0);
        assert_in_range(atomic_load(&bytes_held), 0, FLOOD_BLOCKS * BLOCK_BYTES * 34 / 32 + KEPT);
        for (unsigned i = 0; i < FLOOD_BLOCKS * BLOCK_TASKS; i++)
            assert_true(pop(&in, &task));
        assert_true(blocks_has_surplus(&in));
        blocks_trim(&in);
        assert_false(blocks_has_surplus(&in));
        assert_in_range(atomic_load(&bytes_held), 0, KEPT);
    }
    queue_close(&in);
}

/* Beside a producer that stands still inside, nothing can be freed. So the surplus is kept for use:
 * it grows with no further flood, and is freed as soon as that producer has gone. */
static void what_cannot_be_trimmed_is_used_and_trimmed_later(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    unsigned other = (seat_home(thread_self()) + 1) % SEATS;
    atomic_fetch_or(&in.used, UINT32_C(1) << other);
    assert_true(seat_try(&in.seats[other]));
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < FLOOD_BLOCKS * BLOCK_TASKS; i++)
            assert_int_equal(push(&in, &wake, i), 0);
        for (unsigned i = 0; i < FLOOD_BLOCKS * BLOCK_TASKS; i++)
            assert_true(pop(&in, &task));
        blocks_trim(&in);
        assert_in_range(atomic_load(&bytes_held),
                        FLOOD_BLOCKS * BLOCK_BYTES,
                        FLOOD_BLOCKS * BLOCK_BYTES * 34 / 32 + KEPT);
        assert_true(blocks_has_surplus(&in));
    }
    seat_leave(&in.seats[other]);
    blocks_trim(&in);
    assert_in_range(atomic_load(&bytes_held), 0, KEPT);
    assert_false(blocks_has_surplus(&in));
    queue_close(&in);
}

static void what_was_accepted_before_the_closing_is_there_after_it(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2 * BLOCK_TASKS; before += 37) {
        static struct blocks in;
        struct wake wake;
        struct velo_task task = {nothing, NULL};
        queue_open(&in, &wake);
        for (unsigned i = 0; i < before; i++)
            assert_int_equal(push(&in, &wake, i), 0);
        assert_false(blocks_is_closed(&in));
        blocks_close(&in);
        blocks_close(&in);
        assert_true(blocks_is_closed(&in));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(push(&in, &wake, 0), -ESHUTDOWN);
            assert_int_equal(blocks_push_many(&in, seat_enter(&in), &wake, 0, &task, 1),
                             -ESHUTDOWN);
            assert_int_equal(blocks_push_loose(&in, &wake, 1, &task, 1), -ESHUTDOWN);
        }
        assert_int_equal(waiting(&in), before);
        for (unsigned i = 0; i < before; i++) {
            assert_true(pop(&in, &task));
            assert_int_equal((uintptr_t)task.arg, i);
        }
        assert_false(pop(&in, &task));
        assert_true(blocks_is_closed(&in)); /* taking all leaves the flag */
        assert_int_equal(push(&in, &wake, 0), -ESHUTDOWN);
        assert_int_equal(waiting(&in), 0);
        queue_close(&in);
    }
}

/* ---- the tag ---- */

/* S8: an armed list is empty; the first push signals, the others do not; in either lane. */
static void the_first_push_after_the_tag_wakes(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    queue_open(&in, &wake);
    wake.eventfd = eventfd(0, EFD_NONBLOCK);
    assert_int_not_equal(wake.eventfd, -1);
    for (int lane = 0; lane < 2; lane++) {
        uint64_t calls = shared_counter_get(&wake.calls);
        wake_announce(&wake, WAKE_EVENTFD);
        assert_true(blocks_arm(&in));
        assert_true(blocks_arm(&in)); /* again, over its own tag */
        assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, lane, nothing, NULL), 0);
        assert_int_equal(shared_counter_get(&wake.calls), calls + 1);
        assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, lane, nothing, NULL), 0);
        assert_int_equal(blocks_push(&in, seat_enter(&in), &wake, 1 - lane, nothing, NULL), 0);
        assert_int_equal(shared_counter_get(&wake.calls), calls + 1);
        assert_false(blocks_arm(&in));
        assert_true(wake_retract(&wake));
        struct velo_task task;
        for (int i = 0; i < 2; i++) {
            for (uint64_t left = blocks_gather(&in, i); left > 0; left--)
                assert_true(blocks_pop(&in, i, &task));
        }
    }
    close(wake.eventfd);
    queue_close(&in);
}

/* S8: when the wake-up cannot be made, the next push tries again, although there are tasks. */
static void a_push_after_a_failed_wakeup_tries_again(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    queue_open(&in, &wake); /* there is no descriptor */
    wake_announce(&wake, WAKE_EVENTFD);
    assert_true(blocks_arm(&in));
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(push(&in, &wake, i), 0);
        assert_int_equal(shared_counter_get(&wake.calls), i * WAKE_TRIES);
    }
    wake.eventfd = eventfd(0, EFD_NONBLOCK);
    assert_int_equal(push(&in, &wake, 4), 0);
    assert_int_equal(push(&in, &wake, 5), 0);
    assert_int_equal(shared_counter_get(&wake.calls), 3 * WAKE_TRIES + 1);
    assert_true(wake_retract(&wake));
    assert_int_equal(blocks_gather(&in, 0), 5);
    close(wake.eventfd);
    queue_close(&in);
}

/* ---- seats ---- */

/* What a thread finds when each seat is busy, or is somebody else's: it never waits. */
static void a_push_finds_a_way_when_all_seats_are_taken(void **state)
{
    (void)state;
    static struct blocks in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    assert_int_equal(push(&in, &wake, 1), 0);
    unsigned home = seat_home(thread_self());
    assert_true(seat_try(&in.seats[home])); /* as if this were a handler inside a push */
    assert_null(seat_enter(&in));
    assert_int_equal(push(&in, &wake, 2), 0);
    for (unsigned i = 0; i < SEATS; i++) {
        seat_try(&in.seats[i]);
        atomic_store(&in.users[i], &in);
    }
    const struct velo_task three = {nothing, number(3)};
    assert_null(seat_enter(&in));
    assert_int_equal(blocks_push_many(&in, seat_enter(&in), &wake, 0, &three, 1), 0);
    seat_leave(&in.seats[SEATS / 2]); /* one is left, of a thread that has ended perhaps */
    struct seat *seat = blocks_find_seat(&in);
    assert_ptr_equal(seat, &in.seats[SEATS / 2]);
    assert_ptr_equal(atomic_load(&in.users[SEATS / 2]), thread_self());
    seat_leave(seat);
    assert_int_equal(push(&in, &wake, 4), 0);
    for (unsigned i = 0; i < SEATS; i++)
        seat_leave(&in.seats[i]);
    seat = seat_enter_own(&in);
    assert_ptr_equal(seat, &in.own);
    assert_null(seat_enter_own(&in)); /* as in a handler */
    assert_int_equal(blocks_push(&in, seat, &wake, 0, nothing, number(5)), 0);
    for (uintptr_t i = 1; i <= 5; i++) {
        assert_true(pop(&in, &task));
        assert_ptr_equal(task.arg, number(i));
    }
    queue_close(&in);
}

/* What is put back joins what has come back meanwhile: nothing is lost, nothing is there twice. */
static void what_is_put_back_joins_what_came_meanwhile(void **state)
{
    (void)state;
    struct seat seat = {0};
    static struct block blocks[7];
    bool seen[7] = {false};
    for (unsigned i = 0; i < 7; i++)
        blocks[i].below = i % 3 == 2 || i == 6 ? NULL : &blocks[i + 1];
    for (unsigned i = 0; i < 7; i += 3) /* lists of three, three and one */
        blocks_put_back(&seat, &blocks[i]);
    blocks_put_back(&seat, NULL);
    unsigned count = 0;
    for (struct block *block = blocks_take_returned(&seat); block != NULL; block = block->below) {
        assert_false(seen[block - blocks]);
        seen[block - blocks] = true;
        count++;
    }
    assert_int_equal(count, 7);
    assert_null(blocks_take_returned(&seat));
}

/* ---- memory runs out ---- */

/* S1: refused pushes leave nothing, accepted ones are all there, and it recovers by itself. */
static void without_memory_pushes_are_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2 * BLOCK_TASKS; before += 31) {
        static struct blocks in;
        struct wake wake;
        struct velo_task task;
        static struct velo_task batch[2 * REGION_CHUNKS_MAX * BLOCK_TASKS];
        const size_t count = sizeof(batch) / sizeof(batch[0]); /* more than a region holds */
        uint64_t accepted = 0;
        queue_open(&in, &wake);
        for (; accepted < before; accepted++)
            assert_int_equal(push(&in, &wake, accepted), 0);
        for (unsigned i = 0; i < count; i++)
            batch[i] = (struct velo_task){nothing, NULL};
        atomic_store(&refuse_memory, true);
        assert_int_equal(blocks_push_many(&in, seat_enter(&in), &wake, 0, batch, count), -ENOMEM);
        assert_int_equal(waiting(&in), accepted);
        int rc = 0;
        while (accepted < before + count && (rc = push(&in, &wake, accepted)) == 0)
            accepted++;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(blocks_push_loose(&in, &wake, 0, batch, count), -ENOMEM);
        assert_int_equal(waiting(&in), accepted);
        atomic_store(&refuse_memory, false);
        for (unsigned i = 0; i < 3 * BLOCK_TASKS; i++, accepted++)
            assert_int_equal(push(&in, &wake, accepted), 0);
        for (uint64_t i = 0; i < accepted; i++) {
            assert_true(pop(&in, &task));
            assert_int_equal((uintptr_t)task.arg, i);
        }
        queue_close(&in);
    }
}

static void creation_without_memory_fails_cleanly(void **state)
{
    (void)state;
    static struct blocks in;
    in = (struct blocks){0};
    atomic_store(&refuse_memory, true);
    assert_int_equal(blocks_init(&in, &counting), -ENOMEM);
    atomic_store(&refuse_memory, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_queue_is_empty),
        cmocka_unit_test(the_order_is_that_of_the_calls),
        cmocka_unit_test(batches_of_every_size_stay_in_order),
        cmocka_unit_test(pushes_of_one_producer_are_one_run),
        cmocka_unit_test(a_short_queue_needs_no_new_blocks),
        cmocka_unit_test(trim_frees_what_a_flood_has_left),
        cmocka_unit_test(what_cannot_be_trimmed_is_used_and_trimmed_later),
        cmocka_unit_test(what_was_accepted_before_the_closing_is_there_after_it),
        cmocka_unit_test(the_first_push_after_the_tag_wakes),
        cmocka_unit_test(a_push_after_a_failed_wakeup_tries_again),
        cmocka_unit_test(a_push_finds_a_way_when_all_seats_are_taken),
        cmocka_unit_test(what_is_put_back_joins_what_came_meanwhile),
        cmocka_unit_test(without_memory_pushes_are_refused_and_nothing_is_lost),
        cmocka_unit_test(creation_without_memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
