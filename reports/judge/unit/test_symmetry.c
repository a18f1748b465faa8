/* SPDX-License-Identifier: MIT */
/*
 * test_symmetry.c - what may not make a difference: the order of the list, names, units. The same
 * costs must give the same verdicts, bit for bit.
 */
#include "one_cell.h"

static void order_of_the_list_makes_no_difference(void **state)
{
    static struct field moved;
    static const size_t to[4] = {2, 0, 3, 1};
    const double slowdown[4] = {1, 1.02, 1.1, 1.3};
    uint64_t seed = 11;
    (void)state;
    field_init(&field, 4, 1, 60);
    for (int round = 0; round < 50; round++) {
        field_race(&field, 0, slowdown, 0.05, &seed);
        field.cost[0][3][1] = field.cost[0][3][2]; /* a tie, for the coin */
        field_init(&moved, 4, 1, 60);
        for (size_t e = 0; e < 4; e++) {
            moved.entries[to[e]] = field.entries[e];
            for (size_t b = 0; b < 60; b++)
                moved.cost[0][b][to[e]] = field.cost[0][b][e];
        }
        struct judge_cell_result other;
        judge();
        assert_int_equal(judge_cell(&moved.in, 0, &other), 0);
        assert_true(result.decided == other.decided);
        assert_true(result.further_blocks == other.further_blocks);
        for (size_t e = 0; e < 4; e++) {
            const struct judge_entry_result *a = &result.entries[e];
            const struct judge_entry_result *b = &other.entries[to[e]];
            assert_int_equal(a->word, b->word);
            assert_int_equal(a->racing, b->racing);
            assert_true(a->ratio == b->ratio && a->low == b->low && a->high == b->high);
            assert_true(a->median == b->median && a->p5 == b->p5);
            assert_true(a->loses_log_e == b->loses_log_e);
            if (a->loses_to >= 0)
                assert_int_equal((int)to[a->loses_to], b->loses_to);
        }
        judge_cell_fini(&other);
    }
}

static void names_make_no_difference(void **state)
{
    const double slowdown[3] = {1, 1.05, 1.1};
    uint64_t seed = 12;
    (void)state;
    field_init(&field, 3, 1, 40);
    for (int round = 0; round < 50; round++) {
        struct judge_cell_result other;
        field_race(&field, 0, slowdown, 0.05, &seed);
        judge();
        for (size_t e = 0; e < 3; e++)
            field.entries[e].name = e == 0 ? "zebra" : (e == 1 ? "yak" : "wolf");
        assert_int_equal(judge_cell(&field.in, 0, &other), 0);
        for (size_t e = 0; e < 3; e++) {
            assert_int_equal(result.entries[e].word, other.entries[e].word);
            assert_memory_equal(&result.entries[e].ratio, &other.entries[e].ratio, sizeof(double));
        }
        judge_cell_fini(&other);
    }
}

/* The unit of the cost cancels: nanoseconds or seconds, the same verdict. */
static void the_unit_makes_no_difference(void **state)
{
    const double slowdown[3] = {1, 1.05, 1.1};
    uint64_t seed = 13;
    (void)state;
    field_init(&field, 3, 1, 40);
    field_race(&field, 0, slowdown, 0.05, &seed);
    judge();
    enum judge_word words[3] = {word(0), word(1), word(2)};
    for (size_t b = 0; b < 40; b++)
        for (size_t e = 0; e < 3; e++)
            field.cost[0][b][e] *= 1024;
    judge();
    for (size_t e = 0; e < 3; e++)
        assert_int_equal(word(e), words[e]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_the_list_makes_no_difference),
        cmocka_unit_test(names_make_no_difference),
        cmocka_unit_test(the_unit_makes_no_difference),
    };
    return cmocka_run_group_tests_name("judge symmetry", tests, NULL, finish);
}
