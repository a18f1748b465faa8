/* SPDX-License-Identifier: MIT */
/*
 * The memory of the lock-free queues: each chunk goes to one taker, regions go when all their
 * chunks are back and only before the mark, and a refusal changes nothing.
 */
#include "common/parts/chunk_pool.h"
#include "common/unit/unit.h"

#include <errno.h>

static atomic_bool refuse_memory;
static atomic_int regions_held;

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    void *memory = NULL;
    (void)ctx;
    (void)old_size;
    if (new_size == 0) {
        free(block);
        atomic_fetch_sub(&regions_held, 1);
    } else if (!atomic_load(&refuse_memory) && posix_memalign(&memory, alignment, new_size) == 0) {
        atomic_fetch_add(&regions_held, 1);
    }
    return memory;
}

static const struct velo_allocator counting = {.resize = resize};

/* As large as those of the ticket queue. */
struct chunk {
    struct pooled pooled;
    struct chunk *below;
    uint64_t index; /* 0 when it is given back, as all of it */
    _Alignas(64) uint64_t content[512];
};

static int pool_init(struct chunk_pool *pool, const struct velo_allocator *alloc)
{
    *pool = (struct chunk_pool){0};
    return chunk_pool_init(pool, alloc, sizeof(struct chunk), _Alignof(struct chunk));
}

static void pool_open(struct chunk_pool *pool, const struct velo_allocator *alloc)
{
    assert_int_equal(pool_init(pool, alloc), 0);
}

static void pool_close(struct chunk_pool *pool)
{
    chunk_pool_fini(pool);
    assert_int_equal(atomic_load(&regions_held), 0);
}

/* A chunk comes clean, whatever was in it before. */
static struct chunk *take(struct chunk_pool *pool)
{
    struct chunk *chunk = chunk_pool_take(pool);
    assert_non_null(chunk);
    assert_int_equal((uintptr_t)chunk % 64, 0);
    assert_true(chunk->index == 0);
    for (unsigned i = 0; i < 512; i++)
        assert_true(chunk->content[i] == 0);
    return chunk;
}

static void give(struct chunk_pool *pool, struct chunk *chunk)
{
    chunk->index = 0;
    chunk_pool_give(pool, chunk);
}

enum { MANY = 1000 };

static void chunks_are_distinct_and_come_back(void **state)
{
    (void)state;
    static struct chunk *chunks[MANY];
    const struct velo_allocator *const sources[] = {NULL, &counting};
    for (unsigned source = 0; source < 2; source++) {
        struct chunk_pool pool;
        pool_open(&pool, sources[source]);
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < MANY; i++) {
                chunks[i] = take(&pool);
                chunks[i]->index = round * MANY + i;
            }
            for (unsigned i = 0; i < MANY; i++)
                assert_int_equal(chunks[i]->index, round * MANY + i);
            for (unsigned i = 0; i < MANY; i++)
                give(&pool, chunks[i * 7 % MANY]);
            chunk_pool_tidy(&pool, chunk_pool_mark(&pool));
            assert_null(chunk_pool_mark(&pool)->older);
        }
        assert_in_range(atomic_load(&regions_held), 0, 1 + REGIONS_STANDBY);
        pool_close(&pool);
    }
}

/* One chunk that is out keeps its region; what is as new as the mark, or newer, stays. */
static void a_region_stays_for_its_last_chunk_and_from_the_mark_on(void **state)
{
    (void)state;
    static struct chunk *chunks[MANY];
    struct chunk_pool pool;
    pool_open(&pool, &counting);
    struct region *mark = chunk_pool_mark(&pool);
    for (unsigned i = 0; i < MANY; i++)
        chunks[i] = take(&pool);
    int before = atomic_load(&regions_held);
    for (unsigned i = 1; i < MANY; i++)
        give(&pool, chunks[i]);
    chunk_pool_tidy(&pool, mark);
    assert_int_equal(atomic_load(&regions_held), before);
    chunk_pool_tidy(&pool, chunk_pool_mark(&pool));
    assert_ptr_equal(chunk_pool_mark(&pool)->older, chunks[0]->pooled.home);
    assert_null(chunks[0]->pooled.home->older);
    give(&pool, chunks[0]);
    chunk_pool_tidy(&pool, chunk_pool_mark(&pool));
    assert_null(chunk_pool_mark(&pool)->older);
    pool_close(&pool);
}

static void a_refusal_changes_nothing(void **state)
{
    (void)state;
    struct chunk_pool pool;
    atomic_store(&refuse_memory, true);
    assert_int_equal(pool_init(&pool, &counting), -ENOMEM);
    atomic_store(&refuse_memory, false);
    pool_open(&pool, &counting);
    for (unsigned i = 0; i < REGION_CHUNKS_MIN; i++)
        take(&pool);
    atomic_store(&refuse_memory, true);
    for (unsigned i = 0; i < 3; i++)
        assert_null(chunk_pool_take(&pool));
    atomic_store(&refuse_memory, false);
    take(&pool);
    pool_close(&pool);
}

enum { TAKERS = 4, EACH = 2000 };

struct race {
    struct chunk_pool pool;
    struct chunk *taken[TAKERS][EACH];
};

static void take_many(void *arg, unsigned index)
{
    struct race *race = arg;
    for (unsigned i = 0; i < EACH; i++) {
        struct chunk *chunk = chunk_pool_take(&race->pool);
        if (chunk != NULL) /* else found missing below */
            chunk->below = (struct chunk *)&race->taken[index][i];
        race->taken[index][i] = chunk;
    }
}

/* Each taker gets chunks of its own, also when several find the region full at once. */
static void takers_share_nothing(void **state)
{
    (void)state;
    static struct race race;
    const struct velo_allocator *const sources[] = {NULL, &counting};
    for (unsigned round = 0; round < unit_rounds(20); round++) {
        struct unit_team team;
        pool_open(&race.pool, sources[round % 2]);
        unit_team_start(&team, TAKERS, take_many, &race);
        unit_team_join(&team);
        for (unsigned t = 0; t < TAKERS; t++) {
            for (unsigned i = 0; i < EACH; i++) {
                assert_non_null(race.taken[t][i]);
                assert_ptr_equal(race.taken[t][i]->below, &race.taken[t][i]);
                give(&race.pool, race.taken[t][i]);
            }
        }
        chunk_pool_tidy(&race.pool, chunk_pool_mark(&race.pool));
        assert_null(chunk_pool_mark(&race.pool)->older);
        pool_close(&race.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_distinct_and_come_back),
        cmocka_unit_test(a_region_stays_for_its_last_chunk_and_from_the_mark_on),
        cmocka_unit_test(a_refusal_changes_nothing),
        cmocka_unit_test(takers_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
