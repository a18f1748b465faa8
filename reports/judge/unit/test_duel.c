/* SPDX-License-Identifier: MIT */
/*
 * test_duel.c - what a cell makes of its duels: attempts given up, merges, drift, the coins for
 * ties, and who is named as the one that beats a loser.
 */
#include "one_cell.h"

/* An attempt left half-way, by whichever block it came before, is a loss of whoever leads. */
static void what_was_given_up_delays_a_win(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 1);
    set_cost(1, 1.2);
    field.blocks[0][2].given_up = 1;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(result.duels[0].pair.given_up, 1);
    assert_int_equal(result.duels[0].pair.decided_n, 11);
}

static void a_merged_cell_is_decided_by_all_its_blocks(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 40);
    set_cost(0, 1);
    set_cost(1, 1.2);
    for (size_t b = 20; b < 40; b++)
        field.cost[0][b][0] = 1.5;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    field.in.merged = true;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_int_equal(word(1), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
}

/* Drift shows in the second half of the blocks. */
static void the_late_median_is_that_of_the_second_half(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 1.2);
    for (size_t b = 10; b < 20; b++)
        field.cost[0][b][0] = 1.5;
    judge();
    assert_true(fabs(exp(result.duels[0].median_late) - 1.5) < 1e-9);
}

/* Two have beaten cat. Named is who was not beaten himself, then the stronger evidence, then the
 * larger ratio; never who stands first on the list. */
static void the_beater_is_the_strongest_one(void **state)
{
    (void)state;
    for (size_t strong = 0; strong < 2; strong++) {
        const size_t weak = 1 - strong;
        field_init(&field, 3, 1, 20);
        set_cost(strong, 1);
        set_cost(weak, 1.2);
        set_cost(2, 1.5);
        field.cost[0][0][strong] = 2; /* it needs 14 blocks, the beaten one 9 */
        field.cost[0][0][weak] = 1.4;
        judge();
        assert_int_equal(word(weak), JUDGE_WORD_LOSES);
        assert_int_equal(result.entries[2].loses_to, strong);
        assert_true(fabs(exp(result.entries[2].loses_log_e) - 90.69) < 0.05);
        for (size_t b = 0; b < 20; b++)
            field.cost[0][b][weak] = b % 2 ? 0.9 : 1.2;
        judge(); /* both are unbeaten now */
        assert_int_equal(word(weak), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
        assert_int_equal(result.entries[2].loses_to, weak);
        for (size_t b = 0; b < 20; b++) {
            field.cost[0][b][weak] = 1;
            field.cost[0][b][strong] = b % 5 < 2 ? 1.1 : 0.8;
        }
        judge(); /* both decided in the same block, strong by the larger ratio */
        assert_int_equal(result.entries[2].loses_to, strong);
    }
}

/* The coins themselves: fair, and the same however the pair is named. */
static void coins_for_ties_are_fair_and_repeatable(void **state)
{
    const struct judge_cell_input cell = {.lane = "race", .scenario = "burst", .point = "n=1"};
    size_t heads = 0;
    (void)state;
    for (size_t block = 0; block < 10000; block++) {
        const bool coin = judge_coin(9, &cell, block, "mutex", "chunked");
        assert_true(coin != judge_coin(9, &cell, block, "chunked", "mutex"));
        assert_true(coin == judge_coin(9, &cell, block, "mutex", "chunked"));
        heads += coin ? 1 : 0;
    }
    assert_in_range(heads, 4800, 5200);
}

/* Equal to one and open to another: unbeaten, and no tie. */
static void a_tie_is_one_with_all_who_are_left(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 40);
    for (size_t b = 0; b < 40; b++) {
        field.cost[0][b][0] = b % 2 ? 1.00 : 1.01;
        field.cost[0][b][1] = b % 2 ? 1.01 : 1.00;
        field.cost[0][b][2] = b / 2 % 2 ? 1.5 : 0.7;
    }
    judge();
    assert_int_equal(result.duels[0].relation, JUDGE_EQUAL);
    for (size_t e = 0; e < 3; e++)
        assert_int_equal(word(e), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_false(result.decided);
}

/* In a circle of medians the one leads who is least far behind anybody; how far it is ahead of the
 * others does not help. */
static void the_leader_has_the_smallest_worst_ratio(void **state)
{
    static const double cost[3][3] = {{1, 2, NAN}, {NAN, 1, 1.2}, {1.5, NAN, 1}};
    (void)state;
    field_init(&field, 3, 1, 9);
    for (size_t b = 0; b < 9; b++)
        for (size_t e = 0; e < 3; e++)
            field.cost[0][b][e] = cost[b % 3][e];
    judge();
    assert_int_equal(result.leader, 2);
}

/* A cell is decided when the longer of the leader's duels is. */
static void the_longest_duel_of_the_leader_says_how_long_it_takes(void **state)
{
    int sign;
    (void)state;
    for (size_t close = 1; close < 3; close++) {
        field_init(&field, 3, 1, 6);
        for (size_t b = 0; b < 6; b++) {
            field.cost[0][b][1] = b % 2 ? 1.3 : 1.2; /* these two would never be told apart */
            field.cost[0][b][2] = b % 2 ? 1.2 : 1.3;
        }
        field.cost[0][3][close] = 0.9;
        judge();
        assert_int_equal(result.leader, 0);
        const struct judge_duel *longer = judge_find_duel(&result, 0, close, &sign);
        const struct judge_duel *shorter = judge_find_duel(&result, 0, 3 - close, &sign);
        assert_true(longer->further_blocks > shorter->further_blocks);
        assert_true(result.further_blocks == longer->further_blocks);
    }
}

/* Two are left, the third is beaten by one of them: what is open between it and the other is no
 * longer of interest. Each of the three once is the beaten one. */
static void open_duels_of_the_beaten_promise_nothing(void **state)
{
    (void)state;
    for (size_t beaten = 0; beaten < 3; beaten++) {
        const size_t best = (beaten + 1) % 3, other = (beaten + 2) % 3;
        int sign;
        field_init(&field, 3, 1, 20);
        set_cost(best, 1);
        set_cost(beaten, 1.2);
        for (size_t b = 0; b < 20; b++)
            field.cost[0][b][other] = b % 3 ? 1.25 : 0.8;
        judge();
        assert_int_equal(word(beaten), JUDGE_WORD_LOSES);
        const struct judge_duel *open = judge_find_duel(&result, best, other, &sign);
        assert_int_equal(open->relation, JUDGE_OPEN);
        assert_int_equal(judge_find_duel(&result, beaten, other, &sign)->relation, JUDGE_OPEN);
        assert_true(isfinite(open->further_blocks) && open->further_blocks > 0);
        assert_true(fabs(result.verdicts_per_block * open->further_blocks - 1) < 1e-9);
        assert_true(result.further_blocks == open->further_blocks);
    }
}

/* Every word of the cell, and the seed, gives coins of its own. */
static void coins_of_one_cell_are_not_those_of_another(void **state)
{
    const struct judge_cell_input cell = {.lane = "race", .scenario = "burst", .point = "n=1"};
    struct judge_cell_input others[3] = {cell, cell, cell};
    size_t same[4] = {0};
    (void)state;
    others[0].lane = "micro";
    others[1].scenario = "bursts";
    others[2].point = "n=2";
    for (size_t block = 0; block < 10000; block++) {
        const bool coin = judge_coin(9, &cell, block, "mutex", "chunked");
        for (size_t i = 0; i < 3; i++)
            same[i] += coin == judge_coin(9, &others[i], block, "mutex", "chunked") ? 1 : 0;
        same[3] += coin == judge_coin(10, &cell, block, "mutex", "chunked") ? 1 : 0;
    }
    for (size_t i = 0; i < 4; i++)
        assert_in_range(same[i], 4800, 5200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_up_delays_a_win),
        cmocka_unit_test(a_merged_cell_is_decided_by_all_its_blocks),
        cmocka_unit_test(the_late_median_is_that_of_the_second_half),
        cmocka_unit_test(the_beater_is_the_strongest_one),
        cmocka_unit_test(a_tie_is_one_with_all_who_are_left),
        cmocka_unit_test(the_leader_has_the_smallest_worst_ratio),
        cmocka_unit_test(the_longest_duel_of_the_leader_says_how_long_it_takes),
        cmocka_unit_test(open_duels_of_the_beaten_promise_nothing),
        cmocka_unit_test(coins_for_ties_are_fair_and_repeatable),
        cmocka_unit_test(coins_of_one_cell_are_not_those_of_another),
    };
    return cmocka_run_group_tests_name("judge duel", tests, NULL, finish);
}
