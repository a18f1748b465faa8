/* SPDX-License-Identifier: MIT */
/*
 * The list of runs, many threads: order and conservation, closing that splits the pushes exactly,
 * freeing that waits, memory that nobody keeps.
 */
#include "common/unit/blocks_fixture.h"

#include <semaphore.h>

enum { PRODUCERS = 4, PRODUCER_SHIFT = 48 };

struct race {
    struct blocks in;
    struct wake wake;
    unsigned per_producer; /* 0: until refused */
    uint64_t accepted[PRODUCERS];
    atomic_uint running;
};

/* Singles and batches of up to 20, some without a seat; a task carries its producer and its number
 * there. */
static void produce(void *arg, unsigned index)
{
    struct race *race = arg;
    uint64_t sent = 0, random = index + 1;
    struct velo_task batch[20];
    while (race->per_producer == 0 || sent < race->per_producer) {
        uint64_t kind = unit_below(&random, 8);
        size_t count = kind < 2 ? 1 + unit_below(&random, 20) : 1;
        for (size_t i = 0; i < count; i++)
            batch[i] = (struct velo_task){
                nothing, number(((uint64_t)index << PRODUCER_SHIFT) | (sent + i + 1))};
        int rc =
            kind == 0 ? blocks_push_loose(&race->in, &race->wake, 0, batch, count)
            : kind == 1
                ? blocks_push_many(&race->in, seat_enter(&race->in), &race->wake, 0, batch, count)
                : blocks_push(
                      &race->in, seat_enter(&race->in), &race->wake, 0, nothing, batch[0].arg);
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
    if (!pop(&race->in, &task))
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
    uint64_t last_of[PRODUCERS] = {0}, left;
    struct unit_team team;
    queue_open(&race.in, &race.wake);
    race.per_producer = unit_rounds(100000);
    race.running = PRODUCERS;
    unit_team_start(&team, PRODUCERS, produce, &race);
    for (unsigned looks = 0; atomic_load(&race.running) > 0; looks++) {
        while (consume(&race, last_of)) {
        }
        blocks_trim(&race.in); /* beside producers that are inside */
        if (looks % 4 == 0)
            sched_yield();
    }
    unit_team_join(&team);
    while (consume(&race, last_of)) {
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < PRODUCERS; i++) {
        assert_int_equal(last_of[i], race.accepted[i]);
        sum += race.accepted[i];
    }
    assert_int_equal(blocks_count(&race.in, 0, &left), sum);
    assert_int_equal(left, 0);
    queue_close(&race.in);
}

/* L4, L7: closing beside producers: what was accepted is exactly what comes out, and it is all
 * there at once: nobody is waited for. */
static void closing_splits_the_pushes_exactly(void **state)
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
        blocks_close(&race.in);
        while (consume(&race, last_of)) {
        }
        unit_team_join(&team);
        assert_false(consume(&race, last_of));
        for (unsigned i = 0; i < PRODUCERS; i++)
            assert_int_equal(last_of[i], race.accepted[i]);
        queue_close(&race.in);
    }
}

/* L8: freeing waits for those who are inside; who comes in meanwhile is refused. */
static void produce_until_refused(void *arg, unsigned index)
{
    struct race *race = arg;
    while (blocks_push(
               &race->in, seat_enter(&race->in), &race->wake, (int)index % 2, nothing, NULL) == 0) {
    }
}

static void freeing_waits_for_who_is_inside(void **state)
{
    (void)state;
    for (unsigned round = 0; round < unit_rounds(200); round++) {
        static struct race race;
        struct unit_team team;
        queue_open(&race.in, &race.wake);
        unit_team_start(&team, PRODUCERS, produce_until_refused, &race);
        while (waiting(&race.in) < 10 + round) {
        }
        queue_close(&race.in); /* the words of the queue stay, its blocks are gone */
        unit_team_join(&team);
    }
}

/* ---- memory ---- */

enum {
    VISITORS = UNIT_TEAM_MAX,
    BEGUN = REGION_CHUNKS_MAX + 8, /* blocks that one fills before the last */
    FULL_REGION = (REGION_CHUNKS_MAX + 1) * BLOCK_BYTES
};

static struct race visits;

/* One after the other, so that each begins its last block in a region of its own. */
static void flood_in_turn(void *arg, unsigned index)
{
    sem_t *turns = arg;
    while (sem_wait(&turns[index]) != 0)
        continue; /* EINTR */
    for (unsigned i = 0; i < BEGUN * BLOCK_TASKS + 1; i++)
        if (push(&visits.in, &visits.wake, i) != 0)
            abort();
    sem_post(&turns[index + 1]);
}

/* Threads that have ended leave blocks that they have begun; these keep no memory after a trim. */
static void who_has_gone_keeps_no_region(void **state)
{
    (void)state;
    sem_t turns[VISITORS + 1];
    struct velo_task task;
    struct unit_team team;
    queue_open(&visits.in, &visits.wake);
    for (unsigned i = 0; i <= VISITORS; i++)
        sem_init(&turns[i], 0, i == 0);
    unit_team_start(&team, VISITORS, flood_in_turn, turns);
    unit_team_join(&team);
    while (pop(&visits.in, &task)) {
    }
    assert_true(blocks_has_surplus(&visits.in));
    blocks_trim(&visits.in);
    assert_in_range(atomic_load(&bytes_held), 0, (REGIONS_STANDBY + 1) * FULL_REGION);
    assert_int_equal(push(&visits.in, &visits.wake, 1), 0);
    assert_true(pop(&visits.in, &task));
    queue_close(&visits.in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(producers_keep_their_order_and_lose_nothing),
        cmocka_unit_test(closing_splits_the_pushes_exactly),
        cmocka_unit_test(freeing_waits_for_who_is_inside),
        cmocka_unit_test(who_has_gone_keeps_no_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
