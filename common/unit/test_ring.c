/* SPDX-License-Identifier: MIT */
/* The growing ring of {fn, arg}: order, growth across the wrap, memory given back. */
#include "common/parts/ring.h"

#include "common/unit/unit.h"

static void nothing(void *arg)
{
    (void)arg;
}

static void push_number(struct ring *ring, uint64_t number)
{
    assert_int_equal(ring_push(ring, nothing, (void *)(uintptr_t)number), 0);
}

static void pop_number(struct ring *ring, uint64_t number)
{
    struct velo_task task = ring_pop(ring);
    assert_true(task.fn == nothing);
    assert_int_equal((uintptr_t)task.arg, number);
}

static void a_zeroed_ring_is_empty(void **state)
{
    (void)state;
    struct ring ring = {0};
    assert_true(ring_is_empty(&ring));
    assert_int_equal(ring_count(&ring), 0);
    ring_trim(&ring);
    ring_fini(&ring);
}

/* M3, R5: FIFO, whatever the fill level at which it grows and wherever head stands then. */
static void growth_keeps_the_order_from_any_offset(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset <= RING_MIN; offset++) {
        struct ring ring = {0};
        for (unsigned i = 0; i < offset; i++) {
            push_number(&ring, i);
            pop_number(&ring, i);
        }
        for (unsigned i = 0; i < 5 * RING_MIN; i++)
            push_number(&ring, i);
        assert_int_equal(ring_count(&ring), 5 * RING_MIN);
        for (unsigned i = 0; i < 5 * RING_MIN; i++)
            pop_number(&ring, i);
        assert_true(ring_is_empty(&ring));
        ring_fini(&ring);
    }
}

static void random_pushes_and_pops_keep_the_order(void **state)
{
    (void)state;
    uint64_t random = unit_seed();
    struct ring ring = {0};
    uint64_t pushed = 0, popped = 0;
    for (unsigned step = 0; step < 200000; step++) {
        bool filling = (step / 10000) % 2 == 0; /* tides, so that it grows and empties */
        bool push = unit_below(&random, 10) < (filling ? 7 : 3);
        if (push)
            push_number(&ring, ++pushed);
        else if (popped < pushed)
            pop_number(&ring, ++popped);
        assert_int_equal(ring_count(&ring), pushed - popped);
        if (ring_is_empty(&ring))
            ring_trim(&ring);
    }
    ring_fini(&ring);
}

static void a_large_array_is_given_back(void **state)
{
    (void)state;
    struct ring ring = {0};
    for (unsigned i = 0; i < 2 * RING_KEEP; i++)
        push_number(&ring, i);
    for (unsigned i = 0; i < 2 * RING_KEEP; i++)
        pop_number(&ring, i);
    ring_trim(&ring);
    assert_null(ring.slots);
    push_number(&ring, 7); /* and it can be used again; the totals go on */
    assert_int_equal(counter_get(&ring.tail), 2 * RING_KEEP + 1);
    pop_number(&ring, 7);
    ring_fini(&ring);
}

static void a_small_array_is_kept(void **state)
{
    (void)state;
    struct ring ring = {0};
    push_number(&ring, 1);
    pop_number(&ring, 1);
    ring_trim(&ring);
    assert_non_null(ring.slots);
    ring_fini(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_ring_is_empty),
        cmocka_unit_test(growth_keeps_the_order_from_any_offset),
        cmocka_unit_test(random_pushes_and_pops_keep_the_order),
        cmocka_unit_test(a_large_array_is_given_back),
        cmocka_unit_test(a_small_array_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
