/* SPDX-License-Identifier: MIT */
/* test_map.c - the answer under all weights: where it changes, and that it is that of standings. */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

static struct field field;
static struct judge_map map;

static const struct judge_profile flat = {.name = "flat", .weight = {1, 1, 1, 1, 1, 1, 1}};

static int clear(void **state)
{
    (void)state;
    judge_map_fini(&map);
    return 0;
}

static void draw(const struct judge_profile *profile)
{
    judge_map_fini(&map);
    assert_int_equal(judge_map(&field.in, profile, &map), 0);
}

/* Cell [c]: entry [e] costs [factor]; a wobble keeps costs from tying. */
static void set_cost(size_t c, size_t e, double factor)
{
    for (size_t b = 0; b < FIELD_BLOCKS; b++)
        field.cost[c][b][e] = factor * (1 + 1e-4 * (double)((b * 7 + e * 3) % 11));
}

static const struct judge_strip *strip_of(enum judge_family family)
{
    for (size_t i = 0; i < map.strip_count; i++)
        if (map.strips[i].family == family)
            return &map.strips[i];
    fail();
    return NULL;
}

static void check_gapless(const struct judge_strip *strip)
{
    assert_true(strip->count > 0);
    assert_near(strip->stretches[0].from, 0, 0);
    assert_near(strip->stretches[strip->count - 1].to, 1, 0);
    for (size_t i = 1; i < strip->count; i++)
        assert_true(strip->stretches[i].from == strip->stretches[i - 1].to &&
                    strip->stretches[i].to > strip->stretches[i].from);
}

/*
 * ant is 1.5 times better in family 0, bee 2 times in family 1: level where w ln 1.5 = (1-w) ln 2;
 * a tie where the two logs differ by less than the margin.
 */
static void the_winner_changes_where_the_logs_balance(void **state)
{
    const double level = log(2) / (log(2) + log(1.5)), band = log(1.03) / (log(2) + log(1.5));
    (void)state;
    field_init(&field, 2, 2, 30);
    set_cost(0, 0, 1);
    set_cost(0, 1, 1.5);
    set_cost(1, 0, 2);
    set_cost(1, 1, 1);
    draw(&flat);
    assert_int_equal(map.strip_count, 2);
    assert_int_equal(map.pair_count, 1);
    assert_int_equal(map.triple_count, 0);
    const struct judge_strip *strip = strip_of(JUDGE_P99);
    check_gapless(strip);
    assert_near(strip->base, 0.5, 1e-12);
    assert_int_equal(strip->stretches[0].view.winner, 1);
    assert_int_equal(strip->stretches[strip->count - 1].view.winner, 0);
    for (size_t i = 0; i + 1 < strip->count; i++)
        if (strip->stretches[i].view.leader == 1 && strip->stretches[i + 1].view.leader == 0)
            assert_near(strip->stretches[i].to, level, 0.002);
    assert_near(strip->stretches[strip->count - 1].from, level, band + 0.002);
    check_gapless(&map.pairs[0]);
    assert_true(isnan(map.pairs[0].base));
}

/* Too few rounds prove nobody: there is a leader everywhere and a winner nowhere. */
static void leader_and_winner_are_told_apart(void **state)
{
    (void)state;
    field_init(&field, 2, 2, 5);
    set_cost(0, 1, 1.5);
    set_cost(1, 0, 2);
    draw(&flat);
    const struct judge_strip *strip = strip_of(JUDGE_P99);
    assert_int_equal(strip->count, 2);
    assert_int_equal(strip->stretches[0].view.leader, 1);
    assert_int_equal(strip->stretches[1].view.leader, 0);
    for (size_t i = 0; i < 2; i++)
        assert_true(strip->stretches[i].view.winner == -1 && !strip->stretches[i].view.tie);
    field.in.smoke = true;
    field.cells[0].block_count = field.cells[1].block_count = 60;
    draw(&flat);
    for (size_t i = 0; i < map.strips[0].count; i++)
        assert_int_equal(map.strips[0].stretches[i].view.winner, -1);
}

/* At the profile's own weights the map says what the standing says, for many random fields. */
static void the_map_agrees_with_the_standing(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int trial = 0; trial < 60; trial++) {
        struct judge_cell_result cells[6];
        struct judge_standing standing;
        struct judge_profile profile = {.name = "p", .weight = {3, 1, 2, 0.5, 2, 1, 1}};
        field_init(&field, 4, 6, 8 + (size_t)trial % 20);
        field.entries[3].twin_of = 0;
        for (size_t c = 0; c < 6; c++) {
            double slowdown[4];
            for (size_t e = 0; e < 4; e++)
                slowdown[e] = 1 + 0.2 * field_uniform(&seed);
            field_race(&field, c, slowdown, 0.1, &seed);
        }
        if (trial % 4 == 1)
            field.status[trial % 6][1].state = JUDGE_DISQUALIFIED;
        if (trial % 5 == 2)
            field.cost[1][3][2] = NAN;
        for (size_t c = 0; c < 6; c++)
            assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
        assert_int_equal(judge_standing(&field.in, cells, &profile, &standing), 0);
        draw(&profile);
        assert_int_equal(map.strip_count, 6);
        for (size_t i = 0; i < map.strip_count; i++) {
            const struct judge_strip *strip = &map.strips[i];
            bool found = false;
            check_gapless(strip);
            for (size_t s = 0; s < strip->count; s++) { /* a boundary is exact to 1/4096 */
                const struct judge_stretch *stretch = &strip->stretches[s];
                found =
                    found ||
                    (stretch->from <= strip->base + 0.0003 && stretch->to >= strip->base - 0.0003 &&
                     stretch->view.leader == standing.leader &&
                     stretch->view.winner == standing.winner && stretch->view.tie == standing.tie);
            }
            assert_true(found);
        }
        judge_standing_fini(&standing);
        for (size_t c = 0; c < 6; c++)
            judge_cell_fini(&cells[c]);
    }
}

/* Who is out in a family is out where that family counts, and only there. */
static void the_disqualified_lead_where_it_does_not_count(void **state)
{
    (void)state;
    field_init(&field, 3, 3, 20);
    for (size_t c = 0; c < 3; c++)
        set_cost(c, 1, 0.5);
    set_cost(0, 2, 1.1);
    field.status[0][1].state = JUDGE_DISQUALIFIED;
    draw(&flat);
    for (size_t i = 0; i < map.strip_count; i++)
        for (size_t s = 0; s < map.strips[i].count; s++)
            assert_true(map.strips[i].stretches[s].view.leader != 1);
    for (size_t i = 0; i < map.pair_count; i++) {
        const struct judge_strip *pair = &map.pairs[i];
        const bool counts = pair->family == JUDGE_P99 || pair->against == JUDGE_P99;
        for (size_t s = 0; s < pair->count; s++)
            assert_int_equal(pair->stretches[s].view.leader == 1, !counts);
    }
    assert_int_equal(map.triple_count, 1);
    assert_int_equal(map.triples[0].count, (JUDGE_MAP_STEPS + 1) * (JUDGE_MAP_STEPS + 2) / 2);
}

static void there_is_no_map_of_nothing(void **state)
{
    (void)state;
    field_init(&field, 2, 1, 20);
    draw(&flat); /* one family: nothing to weigh against */
    assert_int_equal(map.strip_count + map.pair_count + map.triple_count, 0);
    field_init(&field, 1, 3, 20);
    draw(&flat);
    assert_int_equal(map.strip_count, 0);
    field_init(&field, 2, 3, 0);
    draw(&flat);
    assert_int_equal(map.strip_count, 0);
    struct judge_profile narrow = {.name = "n", .weight = {1, 0, 0, 0, 0, 0, 0}};
    field_init(&field, 2, 3, 20);
    draw(&narrow); /* p99 cannot take from the others, which have nothing */
    assert_int_equal(map.strip_count, 2);
    assert_int_equal(map.pair_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_winner_changes_where_the_logs_balance),
        cmocka_unit_test(leader_and_winner_are_told_apart),
        cmocka_unit_test(the_map_agrees_with_the_standing),
        cmocka_unit_test(the_disqualified_lead_where_it_does_not_count),
        cmocka_unit_test(there_is_no_map_of_nothing),
    };
    return cmocka_run_group_tests_name("judge map", tests, NULL, clear);
}
