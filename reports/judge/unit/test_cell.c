/* SPDX-License-Identifier: MIT */
/* test_cell.c - the words of a cell: clean cases, odd data, and what may not make a difference. */
#include "one_cell.h"

#include <errno.h>
#include <stdio.h>

static void spread_costs(double a, double b, double c)
{
    set_cost(0, a);
    set_cost(1, b);
    set_cost(2, c);
}

static void the_fastest_of_three_wins_after_nine_blocks(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 8);
    spread_costs(1, 1.2, 1.5);
    judge();
    assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_false(result.decided);
    assert_float_equal(result.further_blocks, 1, 0);
    field.cells[0].block_count = 9;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(word(1), JUDGE_WORD_LOSES);
    assert_int_equal(word(2), JUDGE_WORD_LOSES);
    assert_int_equal(result.entries[2].loses_to, 0);
    assert_true(result.decided);
    assert_int_equal(result.winner, 0);
    assert_true(result.entries[0].racing);
    assert_false(result.entries[1].racing);
    assert_true(fabs(exp(result.entries[1].ratio) - 1.2) < 0.01);
    assert_int_equal(result.entries[2].runs, 9);
    assert_true(result.entries[2].p5 <= result.entries[2].median);
    assert_true(result.entries[2].p95 >= result.entries[2].median);
}

static void a_decision_is_kept_though_later_blocks_turn(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 30);
    set_cost(0, 1);
    set_cost(1, 1.1);
    for (size_t b = 8; b < 30; b++)
        field.cost[0][b][0] = 2;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(result.leader, 0); /* nobody leads who was beaten, whatever his median */
    assert_int_equal(result.duels[0].pair.decided_block, 6);
    assert_int_equal(result.duels[0].pair.decided_n, 7);
    assert_true(fabs(exp(result.duels[0].pair.decided_log_e) - 26.8125) < 1e-9);
    assert_true(result.duels[0].pair.log_e < result.duels[0].pair.decided_log_e);
}

static void equal_within_the_margin_is_a_tie(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 40);
    for (size_t b = 0; b < 40; b++) {
        field.cost[0][b][0] = b % 2 ? 1.00 : 1.01;
        field.cost[0][b][1] = b % 2 ? 1.01 : 1.00;
        field.cost[0][b][2] = b / 2 % 2 ? 1.005 : 1.0049;
    }
    judge();
    for (size_t e = 0; e < 3; e++)
        assert_int_equal(word(e), JUDGE_WORD_TIE);
    assert_true(result.decided);
    assert_int_equal(result.winner, -1);
    assert_float_equal(result.further_blocks, 0, 0);
    assert_false(result.duels[0].small); /* said of wins alone */
}

/* A clock that shows one block in ten as a tie may not call two equal. */
static void more_ties_than_one_in_twenty_are_no_tie(void **state)
{
    (void)state;
    for (size_t ties = 2; ties <= 4; ties += 2) {
        field_init(&field, 2, 1, 40);
        for (size_t b = 0; b < 40; b++) {
            field.cost[0][b][0] = b % 2 || b < ties ? 1.00 : 1.01;
            field.cost[0][b][1] = b % 2 && b >= ties ? 1.01 : 1.00;
        }
        judge();
        assert_int_equal(result.duels[0].pair.ties, ties);
        assert_int_equal(word(0), ties == 2 ? JUDGE_WORD_TIE : JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    }
}

/* A beaten third does not spoil the tie of the first two. */
static void two_may_tie_above_a_loser(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 40);
    for (size_t b = 0; b < 40; b++) {
        field.cost[0][b][0] = b % 2 ? 1.00 : 1.01;
        field.cost[0][b][1] = b % 2 ? 1.01 : 1.00;
        field.cost[0][b][2] = 1.3;
    }
    judge();
    assert_int_equal(word(0), JUDGE_WORD_TIE);
    assert_int_equal(word(1), JUDGE_WORD_TIE);
    assert_int_equal(word(2), JUDGE_WORD_LOSES);
    assert_true(result.decided);
}

static void no_difference_found_is_not_called_a_tie(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    for (size_t b = 0; b < 20; b++)
        field.cost[0][b][b % 2] = 1.5;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_int_equal(word(1), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_false(result.decided);
}

static void a_small_win_is_still_a_win(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 1);
    set_cost(1, 1.01);
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_true(result.duels[0].small);
}

static void only_ties_is_a_coarse_clock_and_no_tie(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 40);
    judge();
    assert_int_equal(result.duels[0].pair.ties, 40);
    assert_true(result.duels[0].coarse);
    for (size_t blocks = 1; blocks <= 40; blocks++) {
        field.cells[0].block_count = blocks;
        judge(); /* coins decide nothing, whichever way they fall */
        assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
        assert_int_equal(word(1), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
        assert_true(isinf(result.further_blocks));
    }
}

static void a_few_ties_do_not_hinder_a_win(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 1);
    set_cost(1, 1.2);
    field.cost[0][3][1] = field.cost[0][3][0];
    judge();
    assert_int_equal(result.duels[0].pair.ties, 1);
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(result.duels[0].pair.decided_n, 12); /* as if the tie had been a loss */
    set_cost(0, 1.2);
    set_cost(1, 1);
    field.cost[0][3][1] = field.cost[0][3][0];
    judge();
    assert_int_equal(word(1), JUDGE_WORD_WINNER);
    assert_int_equal(result.duels[0].pair.decided_n, 12); /* whoever it is that wins */
}

static void no_block_is_not_run_yet_everybody_may_race(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 0);
    judge();
    for (size_t e = 0; e < 3; e++) {
        assert_int_equal(word(e), JUDGE_WORD_NOT_RUN);
        assert_true(result.entries[e].racing);
        assert_true(isnan(result.entries[e].median));
    }
    assert_false(result.decided);
    assert_int_equal(result.leader, -1);
    assert_true(isinf(result.further_blocks));
    field.status[0][1].state = JUDGE_DISQUALIFIED;
    judge();
    assert_false(result.entries[1].racing);
}

/* Whoever was never raced stands in nobody's way. */
static void who_has_no_cost_does_not_compete(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 20);
    spread_costs(1, 1.2, NAN);
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(word(1), JUDGE_WORD_LOSES);
    assert_int_equal(word(2), JUDGE_WORD_NOT_RUN);
}

static void one_block_names_a_leader_and_no_winner(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 1);
    spread_costs(3, 1, 2);
    judge();
    assert_int_equal(result.leader, 1);
    assert_int_equal(result.winner, -1);
    for (size_t e = 0; e < 3; e++)
        assert_int_equal(word(e), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_false(result.duels[0].has_interval);
    assert_true(isnan(result.entries[0].low));
}

static void smoke_never_names_a_winner(void **state)
{
    char text[256];
    (void)state;
    field_init(&field, 2, 1, 100);
    set_cost(0, 1);
    set_cost(1, 9);
    field.in.smoke = true;
    judge();
    assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_int_equal(word(1), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_int_equal(result.winner, -1);
    assert_false(result.decided);
    assert_true(isinf(result.further_blocks));
    judge_reason(&field.in, 0, &result, 0, 1, text, sizeof(text));
    assert_non_null(strstr(text, "PIPELINE CHECK ONLY"));
}

static void nan_infinity_and_zero_are_absent_not_fast(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 1);
    set_cost(1, 1.2);
    field.cost[0][0][1] = NAN;
    field.cost[0][1][1] = INFINITY;
    field.cost[0][2][1] = -INFINITY;
    field.cost[0][3][1] = 0;
    field.cost[0][4][1] = -5;
    judge();
    assert_int_equal(result.entries[1].runs, 15);
    assert_int_equal(result.duels[0].pair.n, 15);
    assert_int_equal(result.duels[0].pair.wins_a, 15);
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
}

/* A floor makes nothing measurable; it does not make a negative cost the best one. */
static void a_negative_cost_is_absent_with_a_floor_too(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 2);
    set_cost(1, 4);
    field.cells[0].floor = 1;
    for (size_t b = 0; b < 5; b++)
        field.cost[0][b][1] = -3;
    field.cost[0][5][1] = -INFINITY;
    judge();
    assert_int_equal(result.entries[1].runs, 14);
    assert_int_equal(result.duels[0].pair.n, 14);
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
}

/* Numbers that were never compared with anybody's lead nothing. */
static void who_met_nobody_does_not_lead(void **state)
{
    (void)state;
    for (size_t alone = 0; alone < 3; alone++) {
        field_init(&field, 3, 1, 20);
        spread_costs(1, 1.2, 1.4);
        for (size_t b = 0; b < 20; b++)
            for (size_t e = 0; e < 3; e++)
                if ((b < 5) != (e == alone))
                    field.cost[0][b][e] = NAN;
        judge();
        assert_int_equal(result.leader, alone == 0 ? 1 : 0);
        assert_true(isnan(result.entries[alone].ratio));
        assert_int_equal(word(alone), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    }
}

/* Who idles at next to nothing is as good as who idles at nothing; who does not, is not. */
static void costs_below_the_floor_are_equal(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    set_cost(0, 0);
    set_cost(1, 0.5);
    field.cells[0].floor = 1;
    judge();
    assert_int_equal(result.duels[0].pair.ties, 20);
    assert_int_equal(result.duels[0].floored, 20);
    assert_false(result.duels[0].coarse);
    assert_int_equal(word(0), JUDGE_WORD_TIE);
    assert_int_equal(word(1), JUDGE_WORD_TIE);
    assert_true(result.decided);
    set_cost(1, 4);
    judge();
    assert_int_equal(result.duels[0].floored, 0); /* one of two below it is no tie */
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_true(fabs(exp(result.entries[1].ratio) - 4) < 0.01);
    assert_float_equal(result.entries[0].median, 0, 0); /* shown as measured */
}

static void the_disqualified_neither_wins_nor_beats(void **state)
{
    char text[256];
    (void)state;
    field_init(&field, 3, 1, 20);
    spread_costs(0.5, 1, 1.2);
    field.status[0][0] =
        (struct judge_status){.state = JUDGE_DISQUALIFIED, .reason = "lost 3 of 1000 tasks"};
    judge();
    assert_int_equal(word(0), JUDGE_WORD_DISQUALIFIED);
    assert_int_equal(word(1), JUDGE_WORD_WINNER);
    assert_int_equal(word(2), JUDGE_WORD_LOSES);
    assert_int_equal(result.entries[2].loses_to, 1);
    assert_false(result.entries[0].racing);
    assert_true(fabs(exp(result.log_t) - 60) < 1e-9); /* k is not lowered */
    judge_reason(&field.in, 0, &result, 0, 1, text, sizeof(text));
    assert_string_equal(text, "lost 3 of 1000 tasks");
}

/* Beaten only by one that was disqualified later: back in the race. */
static void a_victim_of_the_disqualified_races_again(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 30);
    spread_costs(0.5, 1, 1.001);
    for (size_t b = 10; b < 30; b++)
        field.cost[0][b][1] = NAN; /* dropped after block 9 */
    field.status[0][0].state = JUDGE_DISQUALIFIED;
    judge();
    assert_true(result.entries[1].racing);
}

static void the_last_one_needs_a_win_of_its_own(void **state)
{
    char text[256];
    (void)state;
    field_init(&field, 2, 1, 30);
    set_cost(0, 0.5);
    field.status[0][0].state = JUDGE_DISQUALIFIED;
    judge();
    assert_int_equal(word(1), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_true(result.decided);
    judge_reason(&field.in, 0, &result, 1, 1, text, sizeof(text));
    assert_non_null(strstr(text, "nobody left"));
}

static void not_run_keeps_its_reason(void **state)
{
    char text[256];
    (void)state;
    field_init(&field, 3, 1, 20);
    spread_costs(1, 1.3, 1);
    field.status[0][2] = (struct judge_status){.state = JUDGE_NOT_RUN, .reason = "needs FDS"};
    judge();
    assert_int_equal(word(2), JUDGE_WORD_NOT_RUN);
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    judge_reason(&field.in, 0, &result, 2, 1, text, sizeof(text));
    assert_string_equal(text, "needs FDS");
}

static void a_cycle_is_printed_and_nobody_wins(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 30);
    for (size_t b = 0; b < 30; b++) {
        /* Pairs meet in blocks of their own, so that a circle can arise. */
        const size_t out = b % 3, first = (out + 1) % 3, second = (out + 2) % 3;
        field.cost[0][b][out] = NAN;
        field.cost[0][b][first] = 1;
        field.cost[0][b][second] = 1.2;
    }
    judge();
    assert_true(result.cycle);
    assert_int_equal(result.winner, -1);
    for (size_t e = 0; e < 3; e++)
        assert_int_equal(word(e), JUDGE_WORD_LOSES);
    assert_true(result.decided);
}

static void the_twin_puts_nobody_out(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 20);
    field.entries[2].twin_of = 0;
    spread_costs(1, 1.2, 0.9); /* even a twin that looks faster */
    judge();
    assert_int_equal(word(0), JUDGE_WORD_WINNER);
    assert_int_equal(word(1), JUDGE_WORD_LOSES);
    assert_int_equal(word(2), JUDGE_WORD_TWIN);
    assert_true(result.entries[2].racing);
    assert_int_equal(result.contestants, 2);
    assert_int_equal(result.duel_count, 1);
    assert_int_equal(result.twin_duel_count, 1);
    spread_costs(1.2, 1, 1.2);
    judge();
    assert_false(result.entries[0].racing);
    assert_false(result.entries[2].racing); /* leaves with its baseline */
}

static void unsound_input_is_refused(void **state)
{
    struct judge_cell_result out;
    (void)state;
    field_init(&field, 2, 1, 5);
    assert_int_equal(judge_cell(&field.in, 1, &out), -EINVAL);
    field.in.alpha = 0;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field.in.alpha = NAN;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field.in.alpha = 0.05;
    field.in.margin = 0;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field.in.margin = INFINITY;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field.in.margin = 0.03;
    field.entries[1].twin_of = 7;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field.entries[1].twin_of = 1;
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
    field_init(&field, 3, 1, 5);
    field.entries[1].twin_of = 0;
    field.entries[2].twin_of = 1; /* the twin of a twin */
    assert_int_equal(judge_cell(&field.in, 0, &out), -EINVAL);
}

static void alone_on_the_list_is_nobodys_winner(void **state)
{
    (void)state;
    field_init(&field, 1, 1, 20);
    judge();
    assert_int_equal(word(0), JUDGE_WORD_NOT_ENOUGH_EVIDENCE);
    assert_true(result.decided);
    assert_int_equal(result.leader, 0);
}

static void reasons_give_ratio_interval_and_blocks(void **state)
{
    char text[256], tiny[8];
    (void)state;
    field_init(&field, 2, 1, 30);
    set_cost(0, 1);
    set_cost(1, 1.18);
    field.cost[0][29][1] = 0.9;
    judge();
    judge_reason(&field.in, 0, &result, 1, 2, text, sizeof(text));
    assert_non_null(strstr(text, "slower than ant: 1.18x ("));
    assert_non_null(strstr(text, "won 1 of 30 blocks"));
    judge_reason(&field.in, 0, &result, 0, 2, text, sizeof(text));
    assert_non_null(strstr(text, "the closest was bee: 0.847x"));
    judge_reason(&field.in, 0, &result, 0, 2, tiny, sizeof(tiny));
    assert_string_equal(tiny, "the clo");
    judge_reason(&field.in, 0, &result, 0, 2, tiny, 0);
    field.status[0][1] =
        (struct judge_status){.state = JUDGE_DISQUALIFIED, .reason = "12345\xe2\x9c\x95"};
    judge();
    judge_reason(&field.in, 0, &result, 1, 2, tiny, sizeof(tiny));
    assert_string_equal(tiny, "12345"); /* never half a character */
    field.status[0][1].state = JUDGE_RUNS;
    field.cells[0].block_count = 4;
    judge();
    judge_reason(&field.in, 0, &result, 0, 2.5, text, sizeof(text));
    assert_non_null(strstr(text, "not told from bee yet"));
    assert_non_null(strstr(text, "an interval needs 7 blocks"));
    assert_non_null(strstr(text, "would settle it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fastest_of_three_wins_after_nine_blocks),
        cmocka_unit_test(a_decision_is_kept_though_later_blocks_turn),
        cmocka_unit_test(equal_within_the_margin_is_a_tie),
        cmocka_unit_test(more_ties_than_one_in_twenty_are_no_tie),
        cmocka_unit_test(two_may_tie_above_a_loser),
        cmocka_unit_test(no_difference_found_is_not_called_a_tie),
        cmocka_unit_test(a_small_win_is_still_a_win),
        cmocka_unit_test(only_ties_is_a_coarse_clock_and_no_tie),
        cmocka_unit_test(a_few_ties_do_not_hinder_a_win),
        cmocka_unit_test(no_block_is_not_run_yet_everybody_may_race),
        cmocka_unit_test(who_has_no_cost_does_not_compete),
        cmocka_unit_test(one_block_names_a_leader_and_no_winner),
        cmocka_unit_test(smoke_never_names_a_winner),
        cmocka_unit_test(nan_infinity_and_zero_are_absent_not_fast),
        cmocka_unit_test(a_negative_cost_is_absent_with_a_floor_too),
        cmocka_unit_test(who_met_nobody_does_not_lead),
        cmocka_unit_test(costs_below_the_floor_are_equal),
        cmocka_unit_test(the_disqualified_neither_wins_nor_beats),
        cmocka_unit_test(a_victim_of_the_disqualified_races_again),
        cmocka_unit_test(the_last_one_needs_a_win_of_its_own),
        cmocka_unit_test(not_run_keeps_its_reason),
        cmocka_unit_test(a_cycle_is_printed_and_nobody_wins),
        cmocka_unit_test(the_twin_puts_nobody_out),
        cmocka_unit_test(unsound_input_is_refused),
        cmocka_unit_test(alone_on_the_list_is_nobodys_winner),
        cmocka_unit_test(reasons_give_ratio_interval_and_blocks),
    };
    return cmocka_run_group_tests_name("judge cell", tests, NULL, finish);
}
