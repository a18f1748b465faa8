/* SPDX-License-Identifier: MIT */
/* test_trust.c - baseline against its twin: the alarm, whichever of the two is the faster one, and
 * the blocks that count for it. */
#include "all_cells.h"

static void set_cost(size_t c, size_t e, double factor)
{
    field_set_cost(&field, c, e, factor);
}

static void the_twin_told_apart_raises_the_alarm(void **state)
{
    struct judge_trust trust;
    (void)state;
    field_init(&field, 3, 2, 30);
    field.entries[2].twin_of = 0;
    judge_cells();
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_true(trust.has_twin && !trust.differs);
    assert_int_equal(trust.blocks, 60);
    set_cost(1, 2, 1.2);
    judge_cells();
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_true(trust.differs);
    assert_int_equal(trust.differs_cell, 1);
    field.in.entry_count = 2;
    judge_cells();
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_false(trust.has_twin);
    assert_true(isnan(trust.ratio) && isnan(trust.gap));
}

static void a_faster_twin_is_as_bad_as_a_slower_one(void **state)
{
    struct judge_trust trust;
    (void)state;
    for (int slower = 0; slower < 2; slower++) {
        field_init(&field, 3, 1, 30);
        field.entries[2].twin_of = 0;
        set_cost(0, 2, slower == 1 ? 1.2 : 0.8);
        judge_cells();
        assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
        assert_true(trust.differs);
    }
}

/* Where original or twin is out, their earlier blocks say nothing any more. */
static void blocks_of_the_disqualified_do_not_count(void **state)
{
    struct judge_trust trust;
    (void)state;
    for (size_t who = 0; who < 3; who += 2) {
        field_init(&field, 3, 2, 30);
        field.entries[2].twin_of = 0;
        field.status[1][who].state = JUDGE_DISQUALIFIED;
        judge_cells();
        assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
        assert_int_equal(trust.blocks, 30);
    }
}

/* What can be seen is asked with the blocks of a typical cell and the threshold of the field. */
static void the_gap_is_that_of_a_typical_cell(void **state)
{
    struct judge_trust trust;
    uint64_t seed = 5;
    const double same[FIELD_ENTRIES] = {1, 1, 1, 1, 1, 1};
    double d[FIELD_CELLS * FIELD_BLOCKS], scratch[FIELD_CELLS * FIELD_BLOCKS];
    size_t n = 0;
    (void)state;
    field_init(&field, 6, 4, 60);
    field.entries[5].twin_of = 0;
    field.cells[2].block_count = field.cells[3].block_count = 0;
    for (size_t c = 0; c < 2; c++) {
        field_race(&field, c, same, 0.05, &seed);
        n += judge_twin_differences(&field.in, c, d + n);
    }
    judge_cells();
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_int_equal(trust.gap_blocks, 60);
    assert_int_equal(n, 120);
    assert_true(fabs(trust.gap -
                     judge_smallest_gap(60, judge_log_threshold(5, 0.05), d, n, scratch)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twin_told_apart_raises_the_alarm),
        cmocka_unit_test(a_faster_twin_is_as_bad_as_a_slower_one),
        cmocka_unit_test(blocks_of_the_disqualified_do_not_count),
        cmocka_unit_test(the_gap_is_that_of_a_typical_cell),
    };
    return cmocka_run_group_tests_name("judge trust", tests, NULL, clear_cells);
}
