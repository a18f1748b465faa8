/* SPDX-License-Identifier: MIT */
/* test_standings.c - weights, the three views, stars, trust and the sentences. */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

static struct field field;
static struct judge_cell_result cells[FIELD_CELLS];
static struct judge_standing standing;
static char text[1024];

static const struct judge_profile flat = {.name = "flat", .weight = {1, 1, 1, 1, 1, 1, 1}};
static const struct judge_profile only_capacity = {.name = "capacity",
                                                   .weight = {0, 0, 1, 0, 0, 0, 0}};

static void clear(void)
{
    for (size_t c = 0; c < FIELD_CELLS; c++)
        judge_cell_fini(&cells[c]);
    judge_standing_fini(&standing);
}

static const char *judge(const struct judge_profile *profile)
{
    clear();
    for (size_t c = 0; c < field.in.cell_count; c++)
        assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
    judge_stars(&field.in, cells);
    assert_int_equal(judge_standing(&field.in, cells, profile, &standing), 0);
    judge_sentence(&field.in, &standing, 30, text, sizeof(text));
    return text;
}

/* Cell [c]: entry [e] costs [factor]; a wobble keeps costs from tying. */
static void set_cost(size_t c, size_t e, double factor)
{
    for (size_t b = 0; b < FIELD_BLOCKS; b++)
        field.cost[c][b][e] = factor * (1 + 1e-4 * (double)((b * 7 + e * 3) % 11));
}

static const struct judge_place *place_of(size_t entry)
{
    for (size_t i = 0; i < standing.place_count; i++)
        if (standing.places[i].entry == entry)
            return &standing.places[i];
    fail();
    return NULL;
}

static void profiles_are_those_of_the_house(void **state)
{
    static const char *const names[] = {"latency", "throughput", "efficiency", "balanced"};
    size_t count;
    const struct judge_profile *profiles = judge_profiles(&count);
    (void)state;
    assert_int_equal(count, 4);
    for (size_t p = 0; p < count; p++) {
        double sum = 0;
        for (int f = 0; f < JUDGE_FAMILIES; f++)
            sum += profiles[p].weight[f];
        assert_near(sum, 100, 1e-12);
        assert_string_equal(profiles[p].name, names[p]);
    }
    assert_near(profiles[0].weight[JUDGE_P99], 50, 0);
    assert_near(profiles[1].weight[JUDGE_CAP], 60, 0);
    assert_near(profiles[2].weight[JUDGE_CPU], 40, 0);
    assert_near(profiles[3].weight[JUDGE_START], 10, 0);
}

static void family_names_are_read_back(void **state)
{
    (void)state;
    for (int f = 0; f < JUDGE_FAMILIES; f++)
        assert_int_equal(judge_family_parse(judge_family_name((enum judge_family)f)), f);
    assert_int_equal(judge_family_parse("speed"), -1);
    assert_int_equal(judge_family_parse(""), -1);
}

/* A family's weight goes to its scenarios first and to their points then. */
static void weights_spread_over_scenarios_then_points(void **state)
{
    double w[4];
    const struct judge_profile profile = {.name = "x", .weight = {60, 0, 40, 0, 0, 0, 0}};
    (void)state;
    field_init(&field, 2, 4, 3);
    field.cells[0].family = JUDGE_P99;
    field.cells[1].family = field.cells[2].family = field.cells[3].family = JUDGE_CAP;
    field.cells[2].scenario = field.cells[1].scenario; /* two points of one scenario */
    field.cells[2].point = "n=2";
    assert_int_equal(judge_weights(&field.in, &profile, w), 4);
    assert_near(w[0], 0.6, 1e-12);
    assert_near(w[1], 0.1, 1e-12);
    assert_near(w[2], 0.1, 1e-12);
    assert_near(w[3], 0.2, 1e-12);
    field.cells[3].block_count = 0; /* nobody ran it: it weighs nothing */
    assert_int_equal(judge_weights(&field.in, &profile, w), 3);
    assert_near(w[1] + w[2], 0.4, 1e-12);
    assert_near(w[3], 0, 0);
    field.cells[0].block_count = 0; /* the whole family is missing: the rest makes up 1 */
    assert_int_equal(judge_weights(&field.in, &profile, w), 2);
    assert_near(w[1] + w[2], 1, 1e-12);
}

/* Shares move weight inside a family, and inside a scenario; never between families. */
static void shares_move_weight_inside_a_family(void **state)
{
    double w[4];
    const struct judge_share shares[] = {
        {NULL, "s1", NULL, 3}, {"race", "s1", "n=2", 0.5}, {"micro", "s3", NULL, 9}};
    struct judge_profile profile = {
        .name = "x", .weight = {60, 0, 40, 0, 0, 0, 0}, .shares = shares, .share_count = 3};
    (void)state;
    field_init(&field, 2, 4, 3);
    field.cells[0].family = JUDGE_P99;
    field.cells[1].family = field.cells[2].family = field.cells[3].family = JUDGE_CAP;
    field.cells[2].scenario = field.cells[1].scenario;
    field.cells[2].point = "n=2";
    assert_int_equal(judge_weights(&field.in, &profile, w), 4);
    assert_near(w[0], 0.6, 1e-12);
    assert_near(w[1], 0.2, 1e-12); /* 0.4 * 3/4 * 1/1.5 */
    assert_near(w[2], 0.1, 1e-12);
    assert_near(w[3], 0.1, 1e-12); /* of another lane: the share does not name it */
    const struct judge_share out[] = {{NULL, "s1", NULL, 0}};
    profile.shares = out;
    profile.share_count = 1;
    assert_int_equal(judge_weights(&field.in, &profile, w), 2);
    assert_near(w[1] + w[2], 0, 0);
    assert_near(w[3], 0.4, 1e-12);
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

static void stars_need_more_than_one_cell_alone(void **state)
{
    (void)state;
    field_init(&field, 2, 8, 7);
    set_cost(0, 1, 1.5);
    judge(&flat);
    assert_int_equal(cells[0].winner, 0);
    assert_false(cells[0].star); /* E = 27, below 8/.05 */
    field.cells[0].block_count = 14;
    judge(&flat);
    assert_true(cells[0].star); /* E = 2434 at the end of the duel */
    for (size_t b = 10; b < 20; b++)
        field.cost[0][b][1] = 0.5;
    field.cells[0].block_count = 20;
    judge(&flat);
    assert_int_equal(cells[0].winner, 0); /* decided at block 7 and kept, */
    assert_false(cells[0].star);          /* but what came later counts against the star */
    field_init(&field, 2, 8, 7);
    for (size_t c = 0; c < 8; c++)
        set_cost(c, 1, 1.5);
    judge(&flat);
    for (size_t c = 0; c < 8; c++)
        assert_true(cells[c].star); /* two contestants have one duel: 27 >= 8/(8 * .05) */
    field_init(&field, 3, 8, 20);
    for (size_t c = 0; c < 8; c++) {
        set_cost(c, 1, 1.5);
        set_cost(c, 2, 1.5);
    }
    judge(&flat);
    for (size_t c = 0; c < 8; c++)
        assert_true(cells[c].star); /* 95/3 >= 8/(8 * .05) */
}

static double one_of_ten_is_overwhelming(const void *ctx, size_t i)
{
    return i % 10 == 0 ? *(const double *)ctx : 0;
}

static void stars_weigh_the_wins_and_do_not_count_them(void **state)
{
    double log_e = judge_log_e(60, 60);
    (void)state;
    assert_true(judge_e_bh(100, 0.05, one_of_ten_is_overwhelming, &log_e) <= log_e);
    log_e = log(39); /* the most that a first crossing can bring: below 100/(10 * .05) = 200 */
    assert_true(isinf(judge_e_bh(100, 0.05, one_of_ten_is_overwhelming, &log_e)));
    assert_true(isinf(judge_e_bh(0, 0.05, one_of_ten_is_overwhelming, &log_e)));
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

static void the_twin_told_apart_raises_the_alarm(void **state)
{
    struct judge_trust trust;
    (void)state;
    field_init(&field, 3, 2, 30);
    field.entries[2].twin_of = 0;
    judge(&flat);
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_true(trust.has_twin && !trust.differs);
    assert_int_equal(trust.blocks, 60);
    set_cost(1, 2, 1.2);
    judge(&flat);
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_true(trust.differs);
    assert_int_equal(trust.differs_cell, 1);
    field.in.entry_count = 2;
    judge(&flat);
    assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
    assert_false(trust.has_twin);
    assert_true(isnan(trust.ratio) && isnan(trust.gap));
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
        cmocka_unit_test(profiles_are_those_of_the_house),
        cmocka_unit_test(family_names_are_read_back),
        cmocka_unit_test(weights_spread_over_scenarios_then_points),
        cmocka_unit_test(shares_move_weight_inside_a_family),
        cmocka_unit_test(the_best_everywhere_wins_every_view),
        cmocka_unit_test(equal_weights_make_a_geometric_mean),
        cmocka_unit_test(weights_decide_who_wins),
        cmocka_unit_test(a_smaller_worst_case_of_another_is_said),
        cmocka_unit_test(a_kept_lead_beside_an_interval_over_one_is_explained),
        cmocka_unit_test(the_disqualified_are_not_ranked_but_named),
        cmocka_unit_test(a_cell_that_nobody_ran_excludes_nobody),
        cmocka_unit_test(a_view_rests_on_complete_rounds),
        cmocka_unit_test(too_few_rounds_and_smoke_name_nobody),
        cmocka_unit_test(regret_of_who_never_met_the_leader_respects_the_floor),
        cmocka_unit_test(empty_tournaments_have_words_too),
        cmocka_unit_test(stars_need_more_than_one_cell_alone),
        cmocka_unit_test(stars_weigh_the_wins_and_do_not_count_them),
        cmocka_unit_test(the_twin_is_not_listed),
        cmocka_unit_test(the_twin_told_apart_raises_the_alarm),
        cmocka_unit_test(order_of_list_and_cells_makes_no_difference),
    };
    return cmocka_run_group_tests_name("judge standings", tests, NULL, finish);
}
