/* SPDX-License-Identifier: MIT */
/*
 * test_simulation.c - the promises of the judge, kept over thousands of small tournaments.
 *
 * Identical code must not be told apart more often than alpha, however the machine drifts and
 * although racing looks after every block; a real gap must be found, and never the wrong way round.
 * Seeds are fixed, so a failure is a change of the code and not of the weather.
 */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct field field;
static const double same[FIELD_ENTRIES] = {1, 1, 1, 1, 1, 1, 1, 1};

/* Bounds for a rate that should be at most [rate], seen in [trials]. */
static size_t at_most(double rate, size_t trials)
{
    const double n = (double)trials;
    return (size_t)(n * rate + 3 * sqrt(n * rate * (1 - rate)));
}

/* As a tournament would: after each block the beaten leave, and it ends when it is decided. */
static void race(const double *slowdown,
                 double sd,
                 size_t common,
                 size_t blocks,
                 uint64_t *seed,
                 struct judge_cell_result *result)
{
    field.cells[0].block_count = blocks;
    field_race(&field, 0, slowdown, sd, seed);
    *result = (struct judge_cell_result){0};
    bool out[FIELD_ENTRIES] = {false};
    for (size_t n = 1; n <= blocks; n++) {
        for (size_t e = 0; e < field.in.entry_count; e++)
            if (out[e])
                field.cost[0][n - 1][e] = NAN;
        field.cells[0].block_count = n;
        judge_cell_fini(result);
        assert_int_equal(judge_cell(&field.in, 0, result), 0);
        if (n < common)
            continue;
        for (size_t e = 0; e < field.in.entry_count; e++)
            out[e] = !result->entries[e].racing;
        if (result->decided)
            return;
    }
}

static void identical_code_rarely_yields_a_winner(size_t entries, uint64_t seed)
{
    enum { TRIALS = 3000 };
    size_t winners = 0, first_loses = 0;
    field_init(&field, entries, 1, 60);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result result;
        field_race(&field, 0, same, 0.1, &seed);
        assert_int_equal(judge_cell(&field.in, 0, &result), 0);
        winners += result.winner >= 0 ? 1 : 0;
        first_loses += result.entries[0].word == JUDGE_WORD_LOSES ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_in_range(winners, 0, at_most(0.05, TRIALS));
    assert_in_range(first_loses, 0, at_most(0.025, TRIALS));
    if (entries == 2)
        assert_true(winners > 0); /* the test can fail: two do cross now and then */
}

static void two_identical_entries_keep_the_level(void **state)
{
    (void)state;
    identical_code_rarely_yields_a_winner(2, 1);
}

static void three_identical_entries_keep_the_level(void **state)
{
    (void)state;
    identical_code_rarely_yields_a_winner(3, 2);
}

static void six_identical_entries_keep_the_level(void **state)
{
    (void)state;
    identical_code_rarely_yields_a_winner(6, 3);
}

static void racing_after_each_block_keeps_the_level(void **state)
{
    enum { TRIALS = 600 };
    uint64_t seed = 4;
    size_t winners = 0, ties = 0;
    (void)state;
    field_init(&field, 3, 1, 60);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result result;
        race(same, 0.02, 10, 60, &seed, &result);
        winners += result.winner >= 0 ? 1 : 0;
        ties += result.entries[0].word == JUDGE_WORD_TIE ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_in_range(winners, 0, at_most(0.05, TRIALS));
    assert_true(ties > TRIALS * 8 / 10); /* and sees that they are equal */
}

/* The machine slows down while the tournament runs, and has a slow mode of its own. */
static void drift_and_bursts_do_not_make_winners(void **state)
{
    enum { TRIALS = 1500 };
    uint64_t seed = 5;
    size_t winners = 0;
    (void)state;
    field_init(&field, 2, 1, 60);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result result;
        field_race(&field, 0, same, 0.02, &seed);
        for (size_t b = 0; b < 60; b++) {
            /* The coin of the plan decides who runs first and so suffers less from the drift. */
            const size_t first = field_random(&seed) >> 63;
            for (size_t e = 0; e < 2; e++) {
                const size_t position = e == first ? 0 : 1;
                field.cost[0][b][e] *= 1 + 0.003 * (double)(2 * b + position);
                field.cost[0][b][e] *= field_uniform(&seed) < 0.1 ? 2 : 1;
            }
        }
        assert_int_equal(judge_cell(&field.in, 0, &result), 0);
        winners += result.winner >= 0 ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_in_range(winners, 0, at_most(0.05, TRIALS));
}

/* sd(d) = 0.054 as measured on a small guest; 18 blocks is what the standard preset has. */
static void ten_percent_are_found_within_the_standard_preset(void **state)
{
    enum { TRIALS = 400 };
    const double slowdown[3] = {1, 1.1, 1.1};
    uint64_t seed = 6;
    size_t found = 0, wrong = 0;
    (void)state;
    field_init(&field, 3, 1, 18);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result result;
        race(slowdown, 0.054 / M_SQRT2, 10, 18, &seed, &result);
        found += result.winner == 0 ? 1 : 0;
        wrong += result.winner > 0 || result.entries[0].word == JUDGE_WORD_LOSES ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_true(found >= TRIALS * 9 / 10);
    assert_int_equal(wrong, 0);
}

static void a_larger_gap_is_found_more_often(void **state)
{
    enum { TRIALS = 150 };
    static const double gaps[] = {0, 0.03, 0.05, 0.10, 0.20};
    uint64_t seed = 7;
    size_t before = 0;
    (void)state;
    field_init(&field, 2, 1, 18);
    for (size_t g = 0; g < 5; g++) {
        const double slowdown[2] = {1, 1 + gaps[g]};
        size_t found = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            struct judge_cell_result result;
            race(slowdown, 0.054 / M_SQRT2, 10, 18, &seed, &result);
            found += result.winner == 0 ? 1 : 0;
            judge_cell_fini(&result);
        }
        assert_true(found >= before);
        before = found;
    }
    assert_int_equal(before, TRIALS);
}

/* The interval is valid at all n at once; here it is checked at one of them. */
static void intervals_cover_the_true_ratio(void **state)
{
    enum { TRIALS = 2000 };
    const double slowdown[2] = {1.25, 1};
    uint64_t seed = 8;
    size_t missed = 0;
    (void)state;
    field_init(&field, 2, 1, 25);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result result;
        field_race(&field, 0, slowdown, 0.2, &seed);
        assert_int_equal(judge_cell(&field.in, 0, &result), 0);
        const struct judge_duel *duel = &result.duels[0];
        missed += duel->low > log(1.25) || duel->high < log(1.25) ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_in_range(missed, 0, at_most(0.05, TRIALS));
}

static void identical_code_rarely_wins_a_whole_standing(void **state)
{
    enum { TRIALS = 400, CELLS = 5 };
    size_t count, winners = 0, dominated = 0;
    const struct judge_profile *profile = judge_profiles(&count) + 3;
    uint64_t seed = 9;
    (void)state;
    field_init(&field, 3, CELLS, 40);
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result cells[CELLS];
        struct judge_standing standing;
        for (size_t c = 0; c < CELLS; c++) {
            field_race(&field, c, same, 0.1, &seed);
            assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
        }
        assert_int_equal(judge_standing(&field.in, cells, profile, &standing), 0);
        winners += standing.winner >= 0 ? 1 : 0;
        for (size_t i = 0; i < 3; i++)
            dominated += standing.places[i].dominated ? 1 : 0;
        judge_standing_fini(&standing);
        for (size_t c = 0; c < CELLS; c++)
            judge_cell_fini(&cells[c]);
    }
    assert_in_range(winners, 0, at_most(0.05, TRIALS));
    assert_true(dominated < TRIALS / 4);
}

/* The tournament's own alarm: baseline against twin, over many cells at once. */
static void the_twin_rarely_raises_the_alarm(void **state)
{
    enum { TRIALS = 400, CELLS = 8 };
    size_t alarms = 0;
    uint64_t seed = 10;
    (void)state;
    field_init(&field, 3, CELLS, 40);
    field.entries[2].twin_of = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct judge_cell_result cells[CELLS];
        struct judge_trust trust;
        for (size_t c = 0; c < CELLS; c++) {
            field_race(&field, c, same, 0.1, &seed);
            assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
        }
        assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
        assert_true(trust.has_twin);
        assert_int_equal(trust.blocks, 40 * CELLS);
        assert_int_equal(trust.gap_blocks, 40);
        assert_true(trust.gap > 0.05 && trust.gap < 0.5);
        alarms += trust.differs ? 1 : 0;
        for (size_t c = 0; c < CELLS; c++)
            judge_cell_fini(&cells[c]);
    }
    assert_in_range(alarms, 0, at_most(0.05, TRIALS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_identical_entries_keep_the_level),
        cmocka_unit_test(three_identical_entries_keep_the_level),
        cmocka_unit_test(six_identical_entries_keep_the_level),
        cmocka_unit_test(racing_after_each_block_keeps_the_level),
        cmocka_unit_test(drift_and_bursts_do_not_make_winners),
        cmocka_unit_test(ten_percent_are_found_within_the_standard_preset),
        cmocka_unit_test(a_larger_gap_is_found_more_often),
        cmocka_unit_test(intervals_cover_the_true_ratio),
        cmocka_unit_test(identical_code_rarely_wins_a_whole_standing),
        cmocka_unit_test(the_twin_rarely_raises_the_alarm),
    };
    return cmocka_run_group_tests_name("judge simulation", tests, NULL, NULL);
}
