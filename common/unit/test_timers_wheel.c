/* SPDX-License-Identifier: MIT */
/* The timer store with the wheel behind it; the cases are shared. And what only the wheel has: it
 * needs no memory, and takes in deadlines that lie before its present. */
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

static void drop_any(struct bench *bench, struct model *model, uint64_t *random)
{
    const unsigned at = (unsigned)unit_below(random, model->count);
    bench_drop(bench, model->timers[at].index);
    model_remove(model, at);
}

/* Due soon, or equal to one that is there, or due since before others that have fired. */
static void arm_any(struct bench *bench, struct model *model, uint64_t *random)
{
    uint64_t deadline_ns = bench->now_ns + unit_below(random, 40) * MS / 4;
    const uint64_t choice = unit_below(random, 8);
    if (choice == 0 && model->count > 0)
        deadline_ns = model->timers[unit_below(random, model->count)].deadline_ns;
    else if (choice == 1)
        deadline_ns = bench->timers->present_ns - unit_below(random, 40) * MS / 16;
    model_arm(bench, model, deadline_ns);
}

/* Thousands fall due at once, while memory is out: none is late, none is lost, equal ones stay in
 * order, and what came before the present is first. Returns how often one came so. */
static unsigned scarcity(uint64_t seed)
{
    enum { CROWD = 4000 };
    static struct model model;
    struct bench bench = {.now_ns = HOUR, .ops = {.alloc = &scarce}};
    uint64_t random = seed;
    unsigned before = 0;
    model.count = 0;
    is_out = false;
    assert_int_equal(ops_init(&bench.ops), 0);
    bench.timers = timers_create(&bench.ops, bench.now_ns);
    assert_non_null(bench.timers);
    uint32_t reserve[CROWD]; /* the records are memory, too */
    for (unsigned i = 0; i < CROWD; i++)
        reserve[i] = take_own(&bench.ops);
    for (unsigned i = 0; i < CROWD; i++)
        ops_free(&bench.ops, ops_at(&bench.ops, reserve[i]), reserve[i]);
    is_out = true;
    while (model.count < CROWD * 3 / 4)
        model_arm(&bench, &model, HOUR + 2 * MS + unit_below(&random, 40) * MS / 4);
    for (unsigned step = 0; step < 100; step++) {
        for (unsigned i = 0; i < 300 && model.count < CROWD; i++)
            arm_any(&bench, &model, &random);
        bench.now_ns += unit_below(&random, 8 * MS);
        for (unsigned i = 0; i < 100 && model_fire_one(&bench, &model); i++) {
            if (model.count > 0 && i % 4 == 0)
                drop_any(&bench, &model, &random);
            if (i % 4 == 1) {
                arm_any(&bench, &model, &random);
                before += model.timers[model.count - 1].deadline_ns < bench.timers->present_ns;
            }
        }
    }
    bench.now_ns += 100 * MS;
    model_fire(&bench, &model);
    assert_int_equal(model.count, 0);
    bench_close(&bench);
    return before;
}

static void without_memory_timers_fire_in_order(void **state)
{
    (void)state;
    const uint64_t seed = unit_seed();
    unsigned before = 0;
    for (unsigned round = 0; round < unit_rounds(20); round++)
        before += scarcity(seed + round);
    assert_true(before > 0); /* else this has shown less than it says */
}

/* The least of a slot was cancelled: among few the next look knows the new one, among many a look
 * is early at most once; in both the walk is not made again. */
static void a_slot_whose_least_was_cancelled(void **state)
{
    (void)state;
    for (unsigned others = 1; others <= 2 * WHEEL_FEW; others++) {
        struct bench bench;
        bench_open(&bench, HOUR);
        uint32_t least = bench_arm(&bench, HOUR + 1000 * MS);
        for (unsigned i = 0; i < others; i++)
            bench_arm(&bench, HOUR + 1001 * MS + others - i);
        bench_drop(&bench, least);
        if (others <= WHEEL_FEW)
            assert_true(timers_next_ns(bench.timers) == HOUR + 1001 * MS + 1);
        assert_true(bench_looks_until_due(&bench) <= (others <= WHEEL_FEW ? 1 : 2));
        assert_true(bench.now_ns == HOUR + 1001 * MS + 1);
        bench_close(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest own[] = {
        cmocka_unit_test(without_memory_timers_fire_in_order),
        cmocka_unit_test(a_slot_whose_least_was_cancelled),
    };
    const int failed = run_timer_cases();
    return failed + cmocka_run_group_tests(own, NULL, NULL);
}
