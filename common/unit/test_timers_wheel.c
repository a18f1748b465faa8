/* SPDX-License-Identifier: MIT */
/* The timer store with the wheel behind it; the cases are shared. And what only the wheel has: a
 * list of those that came due when the heap found no memory. */
#include "common/parts/timers_wheel.h"

#include "common/unit/timers_cases.h"

static bool is_out; /* of memory */

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    (void)ctx;
    (void)old_size;
    (void)alignment;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return is_out ? NULL : realloc(block, new_size);
}

static const struct velo_allocator scarce = {.resize = resize};

/* Arm one if there is memory for it. Those that are far away need none. */
static void arm_if_it_fits(struct bench *bench, struct model *model, uint64_t deadline_ns)
{
    const uint32_t index = ops_take_own(&bench->ops);
    assert_int_not_equal(index, OP_NIL);
    struct velo_op *op = ops_at(&bench->ops, index);
    op->deadline_ns = deadline_ns;
    if (timers_insert(bench->timers, op, index) != 0) {
        assert_true(is_out);
        assert_int_equal(op->at, OP_AT_NOWHERE);
        ops_free(&bench->ops, op, index);
        return;
    }
    model->timers[model->count++] = (struct model_timer){deadline_ns, ++bench->seq, index};
}

static void drop_any(struct bench *bench, struct model *model, uint64_t *random)
{
    const unsigned at = (unsigned)unit_below(random, model->count);
    bench_drop(bench, model->timers[at].index);
    model_remove(model, at);
}

/* Whole ticks fall due at once, with the heap as small as it can be and memory out: none is late
 * but for that, none is lost, equal ones stay in order, and what is late can be cancelled. Returns
 * how often one was late. */
static unsigned scarcity(uint64_t seed)
{
    enum { CROWD = 4000 };
    static struct model model;
    struct bench bench = {.now_ns = HOUR, .ops = {.alloc = &scarce}};
    uint64_t random = seed;
    unsigned late = 0;
    model.count = 0;
    is_out = false;
    assert_int_equal(ops_init(&bench.ops), 0);
    bench.timers = timers_create(&bench.ops, bench.now_ns);
    assert_non_null(bench.timers);
    uint32_t reserve[CROWD]; /* records come from the same memory */
    for (unsigned i = 0; i < CROWD; i++)
        reserve[i] = ops_take_own(&bench.ops);
    for (unsigned i = 0; i < CROWD; i++)
        ops_free(&bench.ops, ops_at(&bench.ops, reserve[i]), reserve[i]);
    while (model.count < CROWD * 3 / 4)
        arm_if_it_fits(&bench, &model, HOUR + 2 * MS + unit_below(&random, 40) * MS / 4);
    for (unsigned step = 0; step < 100; step++) {
        is_out = unit_below(&random, 4) != 0;
        for (unsigned i = 0; i < 300 && model.count < CROWD; i++)
            arm_if_it_fits(&bench, &model, bench.now_ns + unit_below(&random, 40) * MS / 4);
        bench.now_ns += unit_below(&random, 8 * MS);
        for (unsigned i = 0; i < 100 && model_fire_one(&bench, &model); i++) {
            late += !wheel_is_empty(bench.timers, WHEEL_LATE);
            if (model.count > 0 && i % 4 == 0)
                drop_any(&bench, &model, &random);
            if (model.count > 0 &&
                i % 4 == 1) /* one as late as one that waits for memory, perhaps */
                arm_if_it_fits(
                    &bench, &model, model.timers[unit_below(&random, model.count)].deadline_ns);
        }
    }
    bench.now_ns += 100 * MS;
    model_fire(&bench, &model);
    assert_int_equal(model.count, 0);
    is_out = false;
    bench_close(&bench);
    return late;
}

static void without_memory_timers_fire_in_order(void **state)
{
    (void)state;
    const uint64_t seed = unit_seed();
    unsigned late = 0;
    for (unsigned round = 0; round < unit_rounds(20); round++)
        late += scarcity(seed + round);
    assert_true(late > 0); /* else this has shown nothing */
}

int main(void)
{
    const struct CMUnitTest own[] = {cmocka_unit_test(without_memory_timers_fire_in_order)};
    const int failed = run_timer_cases();
    return failed + cmocka_run_group_tests(own, NULL, NULL);
}
