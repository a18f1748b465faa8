/* SPDX-License-Identifier: MIT */
/*
 * The ticket queue: order per producer and overall, batches in one piece, closing that splits the
 * claims exactly, chunks that come back, and memory that runs out.
 *
 * Most queues here get their memory from resize() below, which refuses and counts.
 */
#include "common/parts/ingress_tickets.h"
#include "common/unit/unit.h"

static atomic_bool refuse_memory;
static atomic_size_t bytes_held;

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    void *memory = NULL;
    (void)ctx;
    if (new_size == 0)
        free(block);
    else if (atomic_load(&refuse_memory) || posix_memalign(&memory, alignment, new_size) != 0)
        return NULL;
    atomic_fetch_add(&bytes_held, new_size - old_size);
    return memory;
}

static const struct velo_allocator counting = {.resize = resize};

/* Chunks that the pool has handed out and that have not come back. */
static unsigned chunks_out(const struct ingress *in)
{
    unsigned count = 0;
    for (const struct region *region = chunk_pool_mark(&in->pool); region != NULL;
         region = region->older)
        count += atomic_load(&region->out) - atomic_load(&region->back);
    return count;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void *number(uint64_t value)
{
    return (void *)(uintptr_t)value;
}

static void queue_open(struct ingress *in, struct wake *wake)
{
    *in = (struct ingress){0};
    *wake = (struct wake){.eventfd = -1};
    assert_int_equal(ingress_init(in, &counting), 0);
}

static void queue_close(struct ingress *in)
{
    ingress_fini(in);
    assert_int_equal(atomic_load(&bytes_held), 0);
}

/* ---- one thread ---- */

static void a_new_queue_is_empty(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    assert_int_equal(ingress_count(&in), 0);
    assert_false(ingress_is_ready(&in));
    assert_false(ingress_pop(&in, &task));
    ingress_trim(&in);
    queue_close(&in);
}

/* S3: random pushes, batches, pops and trims; tasks are numbered in the order of acceptance. */
static void the_order_is_that_of_the_calls(void **state)
{
    (void)state;
    uint64_t random = unit_seed(), pushed = 0, popped = 0;
    struct ingress in;
    struct wake wake;
    struct velo_task task, batch[700];
    queue_open(&in, &wake);
    for (unsigned step = 0; step < unit_rounds(40000); step++) {
        uint64_t choice = unit_below(&random, 100);
        if (choice < 40) {
            assert_int_equal(ingress_push(&in, &wake, nothing, number(++pushed)), 0);
        } else if (choice < 45) {
            size_t count = unit_below(&random, 700);
            for (size_t i = 0; i < count; i++)
                batch[i] = (struct velo_task){nothing, number(++pushed)};
            assert_int_equal(ingress_push_many(&in, &wake, batch, count), 0);
        } else if (choice < 95) {
            for (uint64_t many = unit_below(&random, 45); many > 0; many--) {
                bool got = ingress_pop(&in, &task);
                assert_int_equal(got, popped < pushed);
                if (got)
                    assert_int_equal((uintptr_t)task.arg, ++popped);
            }
        } else {
            ingress_trim(&in);
        }
        assert_int_equal(ingress_count(&in), pushed - popped);
        assert_int_equal(ingress_is_ready(&in), pushed > popped);
    }
    queue_close(&in);
}

/* S4: every batch size up to three chunks, at an offset that moves with it. */
static void batches_of_every_size_stay_in_order(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task, batch[3 * CHUNK_SLOTS + 1];
    uint64_t pushed = 0, popped = 0;
    queue_open(&in, &wake);
    for (size_t count = 0; count <= 3 * CHUNK_SLOTS; count++) {
        for (size_t i = 0; i < count; i++)
            batch[i] = (struct velo_task){nothing, number(++pushed)};
        assert_int_equal(ingress_push_many(&in, &wake, batch, count), 0);
        while (ingress_pop(&in, &task))
            assert_int_equal((uintptr_t)task.arg, ++popped);
        assert_int_equal(popped, pushed);
    }
    queue_close(&in);
}

/* A queue that is kept short runs in the chunks it has: no memory per task. */
static void a_short_queue_needs_no_new_chunks(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    for (unsigned i = 0; i < 4 * CHUNK_SLOTS; i++) {
        assert_int_equal(ingress_push(&in, &wake, nothing, number(i)), 0);
        assert_true(ingress_pop(&in, &task));
    }
    unsigned before = chunks_out(&in);
    for (unsigned i = 0; i < 100 * CHUNK_SLOTS; i++) {
        assert_int_equal(ingress_push(&in, &wake, nothing, number(i)), 0);
        assert_true(ingress_pop(&in, &task));
    }
    assert_int_equal(chunks_out(&in), before);
    queue_close(&in);
}

/*
 * Who installs a chunk that precedes its own claim may be late, so it brings one that was never
 * live, although there are spares: see the third point of ingress_tickets.h.
 */
static void an_installer_without_a_claim_there_takes_no_spare(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task;
    uint64_t ticket;
    queue_open(&in, &wake);
    for (unsigned i = 0; i < 4 * CHUNK_SLOTS; i++) {
        assert_int_equal(ingress_push(&in, &wake, nothing, number(i)), 0);
        assert_true(ingress_pop(&in, &task));
    }
    unsigned before = chunks_out(&in);
    assert_true(ingress_claim(&in, 3 * CHUNK_SLOTS, &ticket));
    ingress_find(&in, (ticket >> CHUNK_BITS) + 2);
    assert_int_equal(chunks_out(&in), before + 2);
    for (uint64_t t = ticket; t < ticket + 3 * CHUNK_SLOTS; t++) {
        struct chunk *chunk = ingress_chunk(&in, t);
        if (t % CHUNK_SLOTS == 0)
            ingress_install_next(&in, chunk, t >> CHUNK_BITS, NULL);
        slot_fill(&chunk->slots[t % CHUNK_SLOTS], nothing, number(t));
        assert_true(ingress_pop(&in, &task));
        assert_int_equal((uintptr_t)task.arg, t);
    }
    assert_int_equal(chunks_out(&in), before + 2);
    queue_close(&in);
}

enum {
    FLOOD_CHUNKS = 1000,
    FULL_REGION = REGION_CHUNKS_MAX * sizeof(struct chunk) + 64,
    KEPT = (REGIONS_STANDBY + 3) * FULL_REGION
};

/* After a flood trim frees all but the regions of the chunks in use and those on standby; the next
 * flood takes no more than the first. */
static void trim_frees_what_a_flood_has_left(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < FLOOD_CHUNKS * CHUNK_SLOTS; i++)
            assert_int_equal(ingress_push(&in, &wake, nothing, number(i)), 0);
        assert_in_range(atomic_load(&bytes_held), 0, FLOOD_CHUNKS * sizeof(struct chunk) + KEPT);
        for (unsigned i = 0; i < FLOOD_CHUNKS * CHUNK_SLOTS; i++)
            assert_true(ingress_pop(&in, &task));
        assert_true(ingress_has_surplus(&in));
        ingress_trim(&in);
        assert_false(ingress_has_surplus(&in));
        assert_in_range(atomic_load(&bytes_held), 0, KEPT);
    }
    queue_close(&in);
}

/* A flood in which the queue is never empty: chunks that the owner has retired serve again. */
static void a_queue_that_is_never_empty_does_not_grow(void **state)
{
    (void)state;
    struct ingress in;
    struct wake wake;
    struct velo_task task;
    queue_open(&in, &wake);
    assert_int_equal(ingress_push(&in, &wake, nothing, NULL), 0);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 100 * CHUNK_SLOTS; i++)
            assert_int_equal(ingress_push(&in, &wake, nothing, NULL), 0);
        for (unsigned i = 0; i < 100 * CHUNK_SLOTS; i++) {
            assert_true(ingress_pop(&in, &task));
            if (i % 1000 == 0)
                ingress_trim(&in);
        }
        ingress_trim(&in);
    }
    assert_in_range(atomic_load(&bytes_held), 0, 100 * sizeof(struct chunk) + KEPT);
    queue_close(&in);
}

static void what_was_accepted_before_the_closing_is_there_after_it(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2 * CHUNK_SLOTS; before += 37) {
        struct ingress in;
        struct wake wake;
        struct velo_task task = {nothing, NULL};
        queue_open(&in, &wake);
        for (unsigned i = 0; i < before; i++)
            assert_int_equal(ingress_push(&in, &wake, nothing, number(i)), 0);
        assert_false(ingress_is_closed(&in));
        ingress_close(&in);
        ingress_close(&in);
        assert_true(ingress_is_closed(&in));
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(ingress_push(&in, &wake, nothing, NULL), -ESHUTDOWN);
            assert_int_equal(ingress_push_many(&in, &wake, &task, 1), -ESHUTDOWN);
        }
        assert_int_equal(ingress_count(&in), before);
        for (unsigned i = 0; i < before; i++) {
            assert_true(ingress_pop(&in, &task));
            assert_int_equal((uintptr_t)task.arg, i);
        }
        assert_false(ingress_pop(&in, &task));
        assert_int_equal(ingress_count(&in), 0);
        queue_close(&in);
    }
}

/* ---- memory runs out ---- */

/* S1: refused pushes leave nothing, accepted ones are all there, and it recovers by itself. */
static void without_memory_pushes_are_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2 * CHUNK_SLOTS; before += 31) {
        struct ingress in;
        struct wake wake;
        struct velo_task task;
        static struct velo_task batch[2 * REGION_CHUNKS_MAX * CHUNK_SLOTS];
        const size_t count = sizeof(batch) / sizeof(batch[0]); /* more than a region holds */
        uint64_t accepted = 0;
        queue_open(&in, &wake);
        for (; accepted < before; accepted++)
            assert_int_equal(ingress_push(&in, &wake, nothing, number(accepted)), 0);
        for (unsigned i = 0; i < count; i++)
            batch[i] = (struct velo_task){nothing, NULL};
        atomic_store(&refuse_memory, true);
        assert_int_equal(ingress_push_many(&in, &wake, batch, count), -ENOMEM);
        assert_int_equal(ingress_count(&in), accepted);
        int rc = 0;
        while (accepted < before + count &&
               (rc = ingress_push(&in, &wake, nothing, number(accepted))) == 0)
            accepted++;
        assert_int_equal(rc, -ENOMEM);
        assert_int_equal(ingress_push(&in, &wake, nothing, NULL), -ENOMEM);
        assert_int_equal(ingress_count(&in), accepted);
        atomic_store(&refuse_memory, false);
        for (unsigned i = 0; i < 3 * CHUNK_SLOTS; i++, accepted++)
            assert_int_equal(ingress_push(&in, &wake, nothing, number(accepted)), 0);
        for (uint64_t i = 0; i < accepted; i++) {
            assert_true(ingress_pop(&in, &task));
            assert_int_equal((uintptr_t)task.arg, i);
        }
        queue_close(&in);
    }
}

static void creation_without_memory_fails_cleanly(void **state)
{
    (void)state;
    struct ingress in = {0};
    atomic_store(&refuse_memory, true);
    assert_int_equal(ingress_init(&in, &counting), -ENOMEM);
    atomic_store(&refuse_memory, false);
}

/* ---- many producers ---- */

enum { PRODUCERS = 4, PRODUCER_SHIFT = 48 };

struct race {
    struct ingress in;
    struct wake wake;
    unsigned per_producer; /* 0: until refused */
    uint64_t accepted[PRODUCERS];
    atomic_uint running;
};

/* Singles and batches of up to 20; a task carries its producer and its number there. */
static void produce(void *arg, unsigned index)
{
    struct race *race = arg;
    uint64_t sent = 0, random = index + 1;
    struct velo_task batch[20];
    while (race->per_producer == 0 || sent < race->per_producer) {
        size_t count = unit_below(&random, 4) == 0 ? 1 + unit_below(&random, 20) : 1;
        for (size_t i = 0; i < count; i++)
            batch[i] = (struct velo_task){
                nothing, number(((uint64_t)index << PRODUCER_SHIFT) | (sent + i + 1))};
        int rc = count == 1 ? ingress_push(&race->in, &race->wake, batch[0].fn, batch[0].arg)
                            : ingress_push_many(&race->in, &race->wake, batch, count);
        if (rc != 0)
            break;
        sent += count;
    }
    race->accepted[index] = sent;
    atomic_fetch_sub(&race->running, 1);
}

static bool consume(struct race *race, uint64_t *last_of)
{
    struct velo_task task;
    if (!ingress_pop(&race->in, &task))
        return false;
    uint64_t value = (uintptr_t)task.arg;
    unsigned producer = (unsigned)(value >> PRODUCER_SHIFT);
    assert_true(producer < PRODUCERS);
    assert_int_equal(value & ((UINT64_C(1) << PRODUCER_SHIFT) - 1), last_of[producer] + 1);
    last_of[producer]++;
    return true;
}

/* S3, L7: each producer's tasks, all of them, once, in its order. */
static void producers_keep_their_order_and_lose_nothing(void **state)
{
    (void)state;
    static struct race race;
    uint64_t last_of[PRODUCERS] = {0};
    struct unit_team team;
    queue_open(&race.in, &race.wake);
    race.per_producer = unit_rounds(100000);
    race.running = PRODUCERS;
    unit_team_start(&team, PRODUCERS, produce, &race);
    for (unsigned looks = 0; atomic_load(&race.running) > 0; looks++) {
        while (consume(&race, last_of)) {
        }
        ingress_trim(&race.in); /* beside producers that may hold stale hints */
        if (looks % 4 == 0)
            sched_yield();
    }
    unit_team_join(&team);
    while (consume(&race, last_of)) {
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(last_of[i], race.accepted[i]);
    assert_int_equal(ingress_count(&race.in), 0);
    queue_close(&race.in);
}

/* L4, L7: closing beside producers: what was accepted is exactly what comes out. */
static void closing_splits_the_claims_exactly(void **state)
{
    (void)state;
    static struct race race;
    for (unsigned round = 0; round < unit_rounds(200); round++) {
        uint64_t last_of[PRODUCERS] = {0};
        struct unit_team team;
        queue_open(&race.in, &race.wake);
        race.per_producer = 0;
        race.running = PRODUCERS;
        unit_team_start(&team, PRODUCERS, produce, &race);
        for (unsigned i = 0; i < 500 + 13 * round;)
            i += consume(&race, last_of);
        ingress_close(&race.in);
        uint64_t left = ingress_count(&race.in);
        for (uint64_t i = 0; i < left;) /* a claim may be a moment from being filled */
            i += consume(&race, last_of);
        unit_team_join(&team);
        assert_false(consume(&race, last_of));
        for (unsigned i = 0; i < PRODUCERS; i++)
            assert_int_equal(last_of[i], race.accepted[i]);
        queue_close(&race.in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_queue_is_empty),
        cmocka_unit_test(the_order_is_that_of_the_calls),
        cmocka_unit_test(batches_of_every_size_stay_in_order),
        cmocka_unit_test(a_short_queue_needs_no_new_chunks),
        cmocka_unit_test(an_installer_without_a_claim_there_takes_no_spare),
        cmocka_unit_test(trim_frees_what_a_flood_has_left),
        cmocka_unit_test(a_queue_that_is_never_empty_does_not_grow),
        cmocka_unit_test(what_was_accepted_before_the_closing_is_there_after_it),
        cmocka_unit_test(without_memory_pushes_are_refused_and_nothing_is_lost),
        cmocka_unit_test(creation_without_memory_fails_cleanly),
        cmocka_unit_test(producers_keep_their_order_and_lose_nothing),
        cmocka_unit_test(closing_splits_the_claims_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
