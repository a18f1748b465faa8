/* SPDX-License-Identifier: MIT */
/*
 * The cases of the timer store, for each of its bodies: test_timers_heap.c and test_timers_wheel.c
 * include one body and then this file. Time is a number here, nothing waits.
 *
 * The model is an array of {deadline, sequence} that is searched from end to end.
 */
#ifndef VELO_UNIT_TIMERS_CASES_H
#define VELO_UNIT_TIMERS_CASES_H

#include "common/parts/timers.h"
#include "common/unit/unit.h"

static uint32_t take_own(struct ops *ops)
{
    uint32_t index;
    return ops_take_own(ops, &index) == NULL ? OP_NIL : index;
}

#define MS UINT64_C(1000000)
#define HOUR (UINT64_C(3600) * 1000 * MS)
#define BLOCK (UINT64_C(1) << 52) /* 52 days: a high level of the wheel */

struct bench {
    struct ops ops;
    struct timers *timers;
    uint64_t now_ns;
    uint64_t seq;
};

static void bench_open(struct bench *bench, uint64_t now_ns)
{
    *bench = (struct bench){.now_ns = now_ns};
    assert_int_equal(ops_init(&bench->ops), 0);
    bench->timers = timers_create(&bench->ops, now_ns);
    assert_non_null(bench->timers);
} // NOLINT(clang-analyzer-unix.Malloc): bench_close() has it

static void bench_close(struct bench *bench)
{
    timers_destroy(bench->timers);
    ops_fini(&bench->ops);
}

static uint32_t bench_arm(struct bench *bench, uint64_t deadline_ns)
{
    uint32_t index = take_own(&bench->ops);
    assert_int_not_equal(index, OP_NIL);
    struct velo_op *op = ops_at(&bench->ops, index);
    op->deadline_ns = deadline_ns;
    bench->seq++;
    assert_int_equal(timers_insert(bench->timers, op, index), 0);
    assert_true(op->at >= OP_AT_HEAP);
    return index;
}

static void bench_drop(struct bench *bench, uint32_t index)
{
    timers_remove(bench->timers, ops_at(&bench->ops, index));
    assert_int_equal(ops_at(&bench->ops, index)->at, OP_AT_NOWHERE);
    ops_free(&bench->ops, ops_at(&bench->ops, index), index);
}

/* Pop one; its deadline, or UINT64_MAX when nothing is due. */
static uint64_t bench_pop(struct bench *bench)
{
    uint32_t index = timers_pop(bench->timers, bench->now_ns);
    if (index == OP_NIL)
        return UINT64_MAX;
    assert_int_equal(ops_at(&bench->ops, index)->at, OP_AT_NOWHERE);
    uint64_t deadline_ns = ops_at(&bench->ops, index)->deadline_ns;
    assert_true(deadline_ns <= bench->now_ns); /* T1: never early */
    ops_free(&bench->ops, ops_at(&bench->ops, index), index);
    return deadline_ns;
}

/* Let time pass to where the store wants to be looked at; how often until something is due? */
static unsigned bench_looks_until_due(struct bench *bench)
{
    for (unsigned looks = 1;; looks++) {
        uint64_t next_ns = timers_next_ns(bench->timers);
        assert_true(next_ns != UINT64_MAX);
        assert_true(looks < 20); /* else the loop would spin */
        if (next_ns > bench->now_ns)
            bench->now_ns = next_ns;
        if (bench_pop(bench) != UINT64_MAX)
            return looks;
    }
}

/* ---- small cases ---- */

static void an_empty_store_has_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, 5 * HOUR);
    assert_true(timers_next_ns(bench.timers) == UINT64_MAX);
    assert_true(timers_pop(bench.timers, UINT64_MAX - 1) == OP_NIL);
    assert_true(timers_take_any(bench.timers) == OP_NIL);
    bench_close(&bench);
}

/* T2: all orders of four deadlines out of three values, ties included. */
static void equal_deadlines_fire_in_arming_order(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 81; code++) {
        struct bench bench;
        bench_open(&bench, 1 * HOUR);
        uint64_t deadlines[4];
        uint32_t armed[4];
        for (unsigned i = 0, rest = code; i < 4; i++, rest /= 3) {
            deadlines[i] = 1 * HOUR + (rest % 3) * 2 * MS;
            armed[i] = bench_arm(&bench, deadlines[i]);
        }
        bench.now_ns += 10 * MS;
        for (uint64_t wanted = 0; wanted < 3; wanted++)
            for (unsigned i = 0; i < 4; i++)
                if (deadlines[i] == 1 * HOUR + wanted * 2 * MS)
                    assert_int_equal(timers_pop(bench.timers, bench.now_ns), armed[i]);
        assert_true(timers_pop(bench.timers, bench.now_ns) == OP_NIL);
        bench_close(&bench);
    }
}

/* T1, T8: one nanosecond before the deadline nothing is due, whatever the distance. */
static void nothing_is_early_at_any_distance(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 62; shift++) {
        struct bench bench;
        bench_open(&bench, 3 * HOUR + 12345);
        uint64_t deadline_ns = bench.now_ns + (UINT64_C(1) << shift);
        bench_arm(&bench, deadline_ns);
        assert_true(timers_next_ns(bench.timers) <= deadline_ns);
        bench.now_ns = deadline_ns - 1;
        assert_true(bench_pop(&bench) == UINT64_MAX);
        bench.now_ns = deadline_ns;
        assert_true(bench_pop(&bench) == deadline_ns);
        bench_close(&bench);
    }
}

/* The same with so many timers that a store with two regimes is in its second one. */
static void nothing_is_early_among_thousands(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 62; shift++) {
        struct bench bench;
        bench_open(&bench, 3 * HOUR + 12345);
        for (unsigned i = 0; i < 2000; i++)
            bench_arm(&bench, UINT64_MAX - 2000 + i);
        uint64_t deadline_ns = bench.now_ns + (UINT64_C(1) << shift);
        bench_arm(&bench, deadline_ns);
        assert_true(timers_next_ns(bench.timers) == deadline_ns);
        bench.now_ns = deadline_ns - 1;
        assert_true(bench_pop(&bench) == UINT64_MAX);
        bench.now_ns = deadline_ns;
        assert_true(bench_pop(&bench) == deadline_ns);
        bench_close(&bench);
    }
}

static void a_removed_timer_is_not_there(void **state)
{
    (void)state;
    for (unsigned removed = 0; removed < 5; removed++) {
        struct bench bench;
        bench_open(&bench, HOUR);
        uint32_t armed[5];
        for (unsigned i = 0; i < 5; i++)
            armed[i] = bench_arm(&bench, HOUR + (i + 1) * MS);
        bench_drop(&bench, armed[removed]);
        bench.now_ns += 10 * MS;
        for (unsigned i = 0; i < 5; i++)
            if (i != removed)
                assert_true(bench_pop(&bench) == HOUR + (i + 1) * MS);
        assert_true(bench_pop(&bench) == UINT64_MAX);
        bench_close(&bench);
    }
}

/* T1: also one that came after later ones had fired, if it is asked about a time before that. */
static void nothing_is_due_at_an_earlier_time(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, HOUR);
    bench_arm(&bench, HOUR + 10 * MS);
    bench.now_ns = HOUR + 20 * MS;
    assert_true(bench_pop(&bench) == HOUR + 10 * MS);
    assert_true(bench_pop(&bench) == UINT64_MAX);
    bench_arm(&bench, HOUR + 15 * MS);
    bench.now_ns = HOUR + 12 * MS;
    assert_true(bench_pop(&bench) == UINT64_MAX);
    bench.now_ns = HOUR + 15 * MS;
    assert_true(bench_pop(&bench) == HOUR + 15 * MS);
    bench_close(&bench);
}

/* A sleeper that follows timers_next_ns() arrives at each timer after a few looks, not by spinning;
 * also when timers of the far future, and removed ones, are about. */
static void the_next_look_always_advances(void **state)
{
    (void)state;
    for (unsigned crowd = 0; crowd <= 2000; crowd += 2000) {
        struct bench bench;
        bench_open(&bench, HOUR);
        for (unsigned i = 0; i < crowd; i++)
            bench_arm(&bench, UINT64_MAX - 1);
        uint32_t removed = bench_arm(&bench, HOUR + 3 * MS);
        bench_arm(&bench, HOUR + 4 * MS);
        bench_arm(&bench, HOUR + BLOCK + 20 * HOUR);
        uint32_t far_removed = bench_arm(&bench, HOUR + BLOCK + 21 * HOUR);
        bench_arm(&bench, HOUR + 3 * BLOCK);
        bench_drop(&bench, removed);
        bench_drop(&bench, far_removed);
        for (unsigned i = 0; i < 3; i++)
            bench_looks_until_due(&bench);
        assert_true(bench.now_ns == HOUR + 3 * BLOCK);
        bench_close(&bench);
    }
}

/* ---- against the model ---- */

enum { MODEL_MAX = 6000 };

struct model {
    struct model_timer {
        uint64_t deadline_ns, seq;
        uint32_t index;
    } timers[MODEL_MAX];
    unsigned count;
};

static unsigned model_first(const struct model *model)
{
    unsigned first = 0;
    for (unsigned i = 1; i < model->count; i++) {
        const struct model_timer *a = &model->timers[i], *b = &model->timers[first];
        if (a->deadline_ns < b->deadline_ns ||
            (a->deadline_ns == b->deadline_ns && a->seq < b->seq))
            first = i;
    }
    return first;
}

static void model_remove(struct model *model, unsigned at)
{
    model->timers[at] = model->timers[--model->count];
}

/* A distance of a random magnitude: from nothing over nearly all wheel levels. */
static uint64_t random_distance(uint64_t *random)
{
    uint64_t bits = unit_below(random, 56);
    return unit_random(random) & ((UINT64_C(1) << bits) - 1);
}

static void model_arm(struct bench *bench, struct model *model, uint64_t deadline_ns)
{
    uint32_t index = bench_arm(bench, deadline_ns);
    model->timers[model->count++] = (struct model_timer){deadline_ns, bench->seq, index};
}

/* Pop what is due first and compare it with the model. False: nothing is due. */
static bool model_fire_one(struct bench *bench, struct model *model)
{
    uint32_t index = timers_pop(bench->timers, bench->now_ns);
    unsigned first = model->count == 0 ? 0 : model_first(model);
    bool due = model->count > 0 && model->timers[first].deadline_ns <= bench->now_ns;
    assert_int_equal(index != OP_NIL, due);
    if (!due)
        return false;
    assert_int_equal(index, model->timers[first].index);
    model_remove(model, first);
    ops_free(&bench->ops, ops_at(&bench->ops, index), index);
    return true;
}

static void model_fire(struct bench *bench, struct model *model)
{
    while (model_fire_one(bench, model))
        ;
}

/* A look may be early, never late, and never in the past once all that is due was taken. */
static void model_check_next(const struct bench *bench, const struct model *model)
{
    uint64_t next_ns = timers_next_ns(bench->timers);
    if (model->count == 0) {
        assert_true(next_ns == UINT64_MAX);
        return;
    }
    assert_true(next_ns <= model->timers[model_first(model)].deadline_ns);
    assert_true(next_ns > bench->now_ns);
}

static void random_step(struct bench *bench, struct model *model, uint64_t *random, unsigned size)
{
    uint64_t choice = unit_below(random, 100);
    if (choice < 55 && model->count < size) {
        uint64_t deadline_ns = bench->now_ns + random_distance(random);
        bool tie = model->count > 0 && unit_below(random, 8) == 0;
        if (tie)
            deadline_ns = model->timers[unit_below(random, model->count)].deadline_ns;
        model_arm(bench, model, deadline_ns);
    } else if (choice < 80 && model->count > 0) {
        unsigned at = (unsigned)unit_below(random, model->count);
        bench_drop(bench, model->timers[at].index);
        model_remove(model, at);
    } else if (choice < 97) {
        uint64_t next_ns = timers_next_ns(bench->timers);
        bool follow = next_ns != UINT64_MAX && next_ns > bench->now_ns && choice < 90;
        bench->now_ns = follow ? next_ns : bench->now_ns + random_distance(random) / 64;
        model_fire(bench, model);
        model_check_next(bench, model);
    }
}

static void random_walk(uint64_t seed, unsigned size, unsigned steps)
{
    static struct model model;
    struct bench bench;
    uint64_t random = seed;
    model.count = 0;
    bench_open(&bench, unit_below(&random, BLOCK));
    while (model.count < size / 2) /* a crowd from the start */
        model_arm(&bench, &model, bench.now_ns + random_distance(&random));
    for (unsigned i = 0; i < steps; i++)
        random_step(&bench, &model, &random, size);
    unsigned left = 0;
    while (timers_take_any(bench.timers) != OP_NIL)
        left++;
    assert_int_equal(left, model.count);
    assert_true(timers_next_ns(bench.timers) == UINT64_MAX);
    bench_close(&bench);
}

static void few_timers_behave_as_the_model(void **state)
{
    (void)state;
    uint64_t seed = unit_seed();
    for (unsigned round = 0; round < unit_rounds(200); round++)
        random_walk(seed + round, 12, 400);
}

static void many_timers_behave_as_the_model(void **state)
{
    (void)state;
    uint64_t seed = unit_seed();
    for (unsigned round = 0; round < unit_rounds(60); round++)
        random_walk(seed + round, MODEL_MAX - 1, 3000);
}

/* T9: a million live timers, cancelled in another order; the store is empty afterwards. */
static void a_flood_comes_and_goes(void **state)
{
    (void)state;
    enum { FLOOD = 200000 };
    struct bench bench;
    uint64_t random = unit_seed();
    bench_open(&bench, HOUR);
    uint32_t *armed = malloc(FLOOD * sizeof *armed);
    assert_non_null(armed);
    for (unsigned i = 0; i < FLOOD; i++)
        armed[i] = bench_arm(&bench, HOUR + 1 + random_distance(&random));
    for (unsigned i = FLOOD; i > 1; i--) { /* shuffle */
        unsigned other = (unsigned)unit_below(&random, i);
        uint32_t kept = armed[i - 1];
        armed[i - 1] = armed[other];
        armed[other] = kept;
    }
    for (unsigned i = 0; i < FLOOD / 2; i++)
        bench_drop(&bench, armed[i]);
    uint64_t last_ns = 0;
    bench.now_ns = HOUR + (UINT64_C(1) << 56);
    for (unsigned i = FLOOD / 2; i < FLOOD; i++) {
        uint64_t deadline_ns = bench_pop(&bench);
        assert_true(deadline_ns != UINT64_MAX && deadline_ns >= last_ns);
        last_ns = deadline_ns;
    }
    assert_true(bench_pop(&bench) == UINT64_MAX);
    assert_true(timers_next_ns(bench.timers) == UINT64_MAX);
    free(armed);
    bench_close(&bench);
}

static int run_timer_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_store_has_nothing),
        cmocka_unit_test(equal_deadlines_fire_in_arming_order),
        cmocka_unit_test(nothing_is_early_at_any_distance),
        cmocka_unit_test(nothing_is_early_among_thousands),
        cmocka_unit_test(a_removed_timer_is_not_there),
        cmocka_unit_test(nothing_is_due_at_an_earlier_time),
        cmocka_unit_test(the_next_look_always_advances),
        cmocka_unit_test(few_timers_behave_as_the_model),
        cmocka_unit_test(many_timers_behave_as_the_model),
        cmocka_unit_test(a_flood_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
