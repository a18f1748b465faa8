/* SPDX-License-Identifier: MIT */
/* test_standings.c - the three views and the sentences. */
#include "all_cells.h"

#include <stdio.h>

static struct judge_standing standing;
static char text[1024];

static const struct judge_profile flat = {.name = "flat", .weight = {1, 1, 1, 1, 1, 1, 1}};
static const struct judge_profile only_capacity = {.name = "capacity",
                                                   .weight = {0, 0, 1, 0, 0, 0, 0}};

static void clear(void)
{
    clear_cells(NULL);
    judge_standing_fini(&standing);
}

static const char *judge(const struct judge_profile *profile)
{
    clear();
    judge_cells();
    assert_int_equal(judge_standing(&field.in, cells, profile, &standing), 0);
    judge_sentence(&field.in, &standing, 30, text, sizeof(text));
    return text;
}

static void set_cost(size_t c, size_t e, double factor)
{
    field_set_cost(&field, c, e, factor);
}

static const struct judge_place *place_of(size_t entry)
{
    for (size_t i = 0; i < standing.place_count; i++)
        if (standing.places[i].entry == entry)
            return &standing.places[i];
    fail();
    return NULL;
}

static void the_best_everywhere_wins_every_view(void **state)
{
    (void)state;
    field_init(&field, 3, 3, 20);
    for (size_t c = 0; c < 3; c++) {
        set_cost(c, 1, 1.2);
        set_cost(c, 2, 2);
    }
    const char *sentence = judge(&flat);
    assert_int_equal(standing.winner, 0);
    assert_int_equal(standing.rounds, 20);
    assert_int_equal(standing.places[0].entry, 0);
    assert_int_equal(standing.places[2].entry, 2);
    assert_near(exp(standing.places[1].score), 1.2, 0.01);
    assert_near(standing.places[0].regret, 0, 0);
    assert_near(exp(standing.places[2].regret), 2, 0.01);
    assert_true(standing.places[0].dominates[1] && standing.places[0].dominates[2]);
    assert_true(standing.places[1].dominates[2] && !standing.places[1].dominates[0]);
    assert_true(standing.places[1].dominated && !standing.places[0].dominated);
    assert_non_null(strstr(sentence, "Take ant: wins 3 of 3 cells, nowhere behind"));
    assert_non_null(strstr(sentence, "that of bee"));
}

/* The geometric mean of ratios: equal weights, 2x here against 1/2 there is a draw. */
/* Dominance asks only where there is weight, and only of those who finished everywhere. */
static void dominance_is_asked_where_there_is_weight(void **state)
{
    (void)state;
    field_init(&field, 3, 3, 20);
    set_cost(0, 0, 1.5); /* ant loses where capacity has no weight, */
    set_cost(2, 1, 1.5); /* and wins where it has */
    set_cost(2, 2, 1.5);
    judge(&only_capacity);
    assert_true(place_of(0)->dominates[1] && place_of(0)->dominates[2]);
    field.status[2][2].state = JUDGE_DISQUALIFIED;
    judge(&only_capacity);
    assert_true(place_of(0)->dominates[1] && !place_of(0)->dominates[2]);
    assert_false(place_of(2)->dominated);
    set_cost(1, 2, 1.5);
    judge(&flat); /* slower in another cell, and not shown as dominated all the same */
    assert_true(cells[1].entries[2].word == JUDGE_WORD_LOSES);
    assert_false(place_of(2)->dominated);
}

/* A round counts where both have a cost in every cell; the rounds of a view are the fewest. */
static void rounds_are_those_that_all_have_run(void **state)
{
    (void)state;
    field_init(&field, 3, 2, 20);
    for (size_t b = 0; b < 5; b++)
        field.cost[1][b][2] = NAN;
    judge(&flat);
    assert_int_equal(standing.rounds, 15);
}

/* Of two cells in which one is as far behind, the first is named. */
static void regret_names_the_first_of_equal_cells(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 20);
    set_cost(1, 1, 1.5);
    set_cost(2, 1, 1.5);
    judge(&flat);
    assert_int_equal(place_of(1)->regret_cell, 1);
}

/* Below the floor of a cell there is no difference, in a round as in the cell. */
static void a_round_respects_the_floors(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    field.cells[0].floor = 10;
    set_cost(0, 1, 5);
    judge(&flat);
    assert_int_equal(standing.winner, -1);
    assert_int_equal(standing.duels[0].pair.ties, 20);
}

static void the_scarce_cell_is_one_that_weighs(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 20);
    field.cells[0].block_count = 3; /* of no weight */
    judge(&only_capacity);
    assert_int_equal(standing.rounds, 20);
    assert_int_equal(standing.scarce_cell, 2);
}

static void words_of_cells_are_counted(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 40);
    set_cost(0, 1, 1.5);
    for (size_t b = 0; b < 40; b++) {
        field.cost[1][b][0] = b % 2 ? 1.00 : 1.01;
        field.cost[1][b][1] = b % 2 ? 1.01 : 1.00;
        field.cost[2][b][b % 2] = 2;
    }
    judge(&flat);
    const struct judge_place *ant = place_of(0), *bee = place_of(1);
    assert_true(ant->wins == 1 && ant->losses == 0 && ant->ties == 1 && ant->open == 1);
    assert_true(bee->wins == 0 && bee->losses == 1 && bee->ties == 1 && bee->open == 1);
}

/* The leader is equal to both others, but they are not to one another: no tie yet. */
static void a_tie_of_a_view_is_one_of_all_who_are_left(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 40);
    for (size_t b = 0; b < 40; b++) {
        field.cost[0][b][0] = 0.999;
        field.cost[0][b][1] = b % 2 ? 1.02 : 0.98;
        field.cost[0][b][2] = b % 2 ? 0.98 : 1.02;
    }
    judge(&flat);
    assert_int_equal(standing.leader, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(standing.duels[i].relation,
                         standing.duels[i].a == 0 ? JUDGE_EQUAL : JUDGE_OPEN);
    assert_false(standing.tie);
}

/* Equal everywhere: a tie, but not in a pipeline check. */
static void smoke_says_no_tie(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 40);
    for (size_t b = 0; b < 40; b++) {
        field.cost[0][b][0] = b % 2 ? 1.00 : 1.01;
        field.cost[0][b][1] = b % 2 ? 1.01 : 1.00;
    }
    judge(&flat);
    assert_true(standing.tie);
    field.in.smoke = true;
    judge(&flat);
    assert_false(standing.tie);
}

static void equal_weights_make_a_geometric_mean(void **state)
{
    (void)state;
    field_init(&field, 2, 2, 30);
    for (size_t b = 0; b < 30; b++) {
        field.cost[0][b][0] = 2;
        field.cost[1][b][1] = b % 2 ? 2.01 : 1.99;
    }
    judge(&flat);
    assert_near(exp(standing.duels[0].median), 1, 0.01);
    assert_int_equal(standing.winner, -1);
    assert_true(standing.tie);
    assert_non_null(strstr(text, "practically equal"));
    assert_false(place_of(0)->dominated || place_of(1)->dominated);
}

static void weights_decide_who_wins(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 20);
    set_cost(0, 0, 1.5); /* bee has the better tail */
    set_cost(2, 1, 1.1); /* ant has the better capacity */
    judge(&only_capacity);
    assert_int_equal(standing.winner, 0);
    assert_int_equal(standing.weighted_cells, 1);
    judge(&flat);
    assert_int_equal(standing.winner, 1);
}

static void a_smaller_worst_case_of_another_is_said(void **state)
{
    (void)state;
    field_init(&field, 2, 4, 20);
    for (size_t c = 0; c < 3; c++)
        set_cost(c, 1, 1.3);
    set_cost(3, 0, 1.6);
    judge(&flat);
    assert_int_equal(standing.winner, 0);
    assert_non_null(strstr(text, "at worst 60 % behind (s3 n=1)"));
    assert_non_null(strstr(text, "The smallest worst case has bee: at most 30 % behind."));
}

/* What was proven is kept; the interval is that of all rounds, and the sentence says how both can
 * stand side by side. */
static void a_kept_lead_beside_an_interval_over_one_is_explained(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 40);
    for (size_t b = 0; b < 40; b++)
        field.cost[0][b][1] = b < 10 || b % 2 == 0 ? 1.5 : 0.6;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
    assert_true(standing.duels[0].low < 0 && standing.duels[0].high > 0);
    assert_non_null(strstr(text, "proven in an earlier round, and what was proven is kept"));
    for (size_t b = 0; b < 40; b++)
        field.cost[0][b][1] = 1.5;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
    assert_null(strstr(text, "kept"));
}

static void the_disqualified_are_not_ranked_but_named(void **state)
{
    (void)state;
    field_init(&field, 3, 3, 20);
    for (size_t c = 0; c < 3; c++) {
        set_cost(c, 1, 1.2);
        set_cost(c, 2, 0.5);
    }
    field.status[1][2].state = JUDGE_DISQUALIFIED;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
    assert_false(place_of(2)->eligible);
    assert_true(isinf(place_of(2)->regret));
    assert_true(isnan(place_of(2)->score));
    assert_int_equal(place_of(2)->bad_cell, 1);
    assert_int_equal(standing.places[2].entry, 2);
    assert_non_null(strstr(text, "Not ranked: cat (disqualified in s1 n=1)."));
    judge(&only_capacity); /* there the fault has no weight */
    assert_int_equal(standing.winner, 2);
}

static void a_cell_that_nobody_ran_excludes_nobody(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 20);
    field.cells[1].block_count = 0;
    set_cost(0, 1, 1.5);
    judge(&flat);
    assert_true(place_of(0)->eligible && place_of(1)->eligible);
    assert_int_equal(standing.weighted_cells, 2);
}

static void a_view_rests_on_complete_rounds(void **state)
{
    (void)state;
    field_init(&field, 2, 3, 20);
    for (size_t c = 0; c < 3; c++)
        set_cost(c, 1, 1.5);
    field.cells[1].block_count = 4;
    judge(&flat);
    assert_int_equal(standing.rounds, 4);
    assert_int_equal(standing.scarce_cell, 1);
    assert_int_equal(standing.winner, -1);
    assert_non_null(strstr(text, "No winner yet: ant and bee cannot be told apart"));
    assert_non_null(strstr(text, "after 4 complete rounds; about "));
    assert_non_null(strstr(text, "minutes) would settle it"));
}

/* Three have three duels: T is 60, and eight rounds won are not enough, nine are. */
static void the_threshold_of_a_view_is_that_of_the_field(void **state)
{
    (void)state;
    field_init(&field, 3, 1, 8);
    set_cost(0, 1, 1.5);
    set_cost(0, 2, 1.5);
    judge(&flat);
    assert_int_equal(standing.winner, -1);
    field.cells[0].block_count = 9;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
}

/* What was given up in any cell counts against whoever leads over all of them. */
static void what_was_given_up_in_a_cell_counts_in_its_round(void **state)
{
    (void)state;
    field_init(&field, 2, 2, 10);
    for (size_t c = 0; c < 2; c++)
        set_cost(c, 1, 1.5);
    field.blocks[1][3].given_up = 1;
    judge(&flat);
    assert_int_equal(standing.duels[0].pair.given_up, 1);
    assert_int_equal(standing.winner, -1);
    field.blocks[1][3].given_up = 0;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
}

static void a_merged_view_is_decided_by_all_its_rounds(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 40);
    set_cost(0, 1, 1.5);
    for (size_t b = 20; b < 40; b++)
        field.cost[0][b][1] = 0.6;
    judge(&flat);
    assert_int_equal(standing.winner, 0);
    field.in.merged = true;
    judge(&flat);
    assert_int_equal(standing.winner, -1);
}

/* Rounds that are ties have coins of their own, and decide nothing. */
static void tied_rounds_are_split_by_coins(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 60);
    judge(&flat);
    assert_int_equal(standing.duels[0].pair.ties, 60);
    assert_in_range(standing.duels[0].pair.wins_a, 15, 45);
    assert_int_equal(standing.winner, -1);
}

/* The interval of a place lies around its score, wherever the leader stands on the list. */
static void intervals_of_places_lie_around_their_scores(void **state)
{
    (void)state;
    for (size_t leader = 0; leader < 2; leader++) {
        field_init(&field, 2, 1, 20);
        for (size_t b = 0; b < 20; b++)
            field.cost[0][b][1 - leader] = 1.2 + 0.01 * (double)b;
        judge(&flat);
        assert_int_equal(standing.leader, leader);
        const struct judge_place *place = place_of(1 - leader);
        assert_true(place->low > 0 && place->low < place->score && place->score < place->high);
    }
}

static void too_few_rounds_and_smoke_name_nobody(void **state)
{
    (void)state;
    field_init(&field, 2, 2, 60);
    for (size_t c = 0; c < 2; c++)
        set_cost(c, 1, 3);
    field.in.smoke = true;
    judge(&flat);
    assert_int_equal(standing.winner, -1);
    assert_false(standing.tie);
    assert_non_null(strstr(text, "PIPELINE CHECK ONLY"));
    assert_false(place_of(0)->dominates[1] || place_of(1)->dominated);
}

/* Never in one block with the leader: the medians are compared, above the floor as well. */
static void regret_of_who_never_met_the_leader_respects_the_floor(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    field.cells[0].floor = 10;
    for (size_t b = 0; b < 20; b++) {
        field.cost[0][b][0] = b < 10 ? 0 : NAN;
        field.cost[0][b][1] = b < 10 ? NAN : 30;
    }
    judge(&flat);
    assert_near(exp(place_of(0)->regret), 1, 1e-12);
    assert_near(exp(place_of(1)->regret), 3, 1e-12);
    assert_true(isnan(place_of(standing.leader == 0 ? 1 : 0)->score));
}

static void empty_tournaments_have_words_too(void **state)
{
    (void)state;
    field_init(&field, 2, 2, 0);
    assert_non_null(strstr(judge(&flat), "No verdict: no cell that counts"));
    assert_int_equal(standing.leader, -1);
    field_init(&field, 2, 2, 10);
    field.status[0][0].state = JUDGE_DISQUALIFIED;
    field.status[1][1].state = JUDGE_DISQUALIFIED;
    assert_non_null(strstr(judge(&flat), "No verdict: no contestant finished every cell."));
    field_init(&field, 1, 2, 10);
    assert_non_null(strstr(judge(&flat), "No comparison: only ant finished every cell."));
    field_init(&field, 2, 2, 10);
    for (size_t b = 0; b < 10; b++)
        field.cost[0][b][b < 5] = NAN; /* both ran, never in the same round */
    judge(&flat);
    assert_int_equal(standing.winner, -1);
    assert_non_null(strstr(text, "No winner yet: ant and bee have not met in a complete round"));
}

static void the_twin_is_not_listed(void **state)
{
    (void)state;
    field_init(&field, 3, 2, 20);
    field.entries[2].twin_of = 0;
    for (size_t c = 0; c < 2; c++)
        set_cost(c, 1, 1.5);
    judge(&flat);
    assert_int_equal(standing.place_count, 2);
    assert_int_equal(standing.winner, 0);
}

static void order_of_list_and_cells_makes_no_difference(void **state)
{
    static struct field moved;
    static const size_t to[3] = {2, 0, 1};
    const double slowdown[3] = {1, 1.05, 1.1};
    uint64_t seed = 21;
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct judge_cell_result other_cells[4];
        struct judge_standing other;
        field_init(&field, 3, 4, 30);
        field_init(&moved, 3, 4, 30);
        for (size_t c = 0; c < 4; c++)
            field_race(&field, c, slowdown, 0.05, &seed);
        for (size_t e = 0; e < 3; e++)
            moved.entries[to[e]] = field.entries[e];
        for (size_t c = 0; c < 4; c++)
            for (size_t b = 0; b < 30; b++)
                for (size_t e = 0; e < 3; e++)
                    moved.cost[c][b][to[e]] = field.cost[c][b][e];
        judge(&flat);
        for (size_t c = 0; c < 4; c++)
            assert_int_equal(judge_cell(&moved.in, c, &other_cells[c]), 0);
        assert_int_equal(judge_standing(&moved.in, other_cells, &flat, &other), 0);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(to[standing.places[i].entry], other.places[i].entry);
            assert_true(standing.places[i].score == other.places[i].score);
            assert_true(standing.places[i].regret == other.places[i].regret);
        }
        assert_int_equal(standing.winner < 0 ? -1 : (int)to[standing.winner], other.winner);
        judge_standing_fini(&other);
        for (size_t c = 0; c < 4; c++)
            judge_cell_fini(&other_cells[c]);
    }
}

static int finish(void **state)
{
    (void)state;
    clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_everywhere_wins_every_view),
        cmocka_unit_test(dominance_is_asked_where_there_is_weight),
        cmocka_unit_test(rounds_are_those_that_all_have_run),
        cmocka_unit_test(regret_names_the_first_of_equal_cells),
        cmocka_unit_test(a_round_respects_the_floors),
        cmocka_unit_test(the_scarce_cell_is_one_that_weighs),
        cmocka_unit_test(words_of_cells_are_counted),
        cmocka_unit_test(a_tie_of_a_view_is_one_of_all_who_are_left),
        cmocka_unit_test(smoke_says_no_tie),
        cmocka_unit_test(equal_weights_make_a_geometric_mean),
        cmocka_unit_test(weights_decide_who_wins),
        cmocka_unit_test(a_smaller_worst_case_of_another_is_said),
        cmocka_unit_test(a_kept_lead_beside_an_interval_over_one_is_explained),
        cmocka_unit_test(the_disqualified_are_not_ranked_but_named),
        cmocka_unit_test(a_cell_that_nobody_ran_excludes_nobody),
        cmocka_unit_test(a_view_rests_on_complete_rounds),
        cmocka_unit_test(the_threshold_of_a_view_is_that_of_the_field),
        cmocka_unit_test(what_was_given_up_in_a_cell_counts_in_its_round),
        cmocka_unit_test(a_merged_view_is_decided_by_all_its_rounds),
        cmocka_unit_test(tied_rounds_are_split_by_coins),
        cmocka_unit_test(intervals_of_places_lie_around_their_scores),
        cmocka_unit_test(too_few_rounds_and_smoke_name_nobody),
        cmocka_unit_test(regret_of_who_never_met_the_leader_respects_the_floor),
        cmocka_unit_test(empty_tournaments_have_words_too),
        cmocka_unit_test(the_twin_is_not_listed),
        cmocka_unit_test(order_of_list_and_cells_makes_no_difference),
    };
    return cmocka_run_group_tests_name("judge standings", tests, NULL, finish);
}
