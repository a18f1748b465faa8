/* SPDX-License-Identifier: MIT */
/*
 * test_level.c - what the judge must not say, over thousands of small tournaments (machine.h).
 *
 * Identical code must not be told apart more often than alpha, however the machine behaves and
 * although racing looks after every block. Two controls show that these machines do deceive: the
 * same costs in a fixed order, and the same signs under an ordinary test that is looked at often.
 */
#include "machine.h"

static struct field field;
static const double same[FIELD_ENTRIES] = {1, 1, 1, 1, 1, 1, 1, 1};

/* False winners, and how often anybody is said to lose, in [trials] races of [entries]. */
static size_t false_winners(struct machine *machine, size_t entries, size_t trials, size_t *loses)
{
    size_t winners = 0;
    *loses = 0;
    field_init(&field, entries, 1, 0);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result result;
        machine_race(machine, &field, same, 1, 60, &result);
        winners += result.winner >= 0 ? 1 : 0;
        bool lost = false;
        for (size_t e = 0; e < entries; e++)
            lost = lost || result.entries[e].word == JUDGE_WORD_LOSES;
        *loses += lost ? 1 : 0;
        judge_cell_fini(&result);
    }
    return winners;
}

static void level_is_kept(struct machine machine, size_t entries, size_t trials)
{
    size_t loses;
    trials = simulation_trials(trials);
    const size_t winners = false_winners(&machine, entries, trials, &loses);
    print_message("%zu winners, %zu with a loser, in %zu\n", winners, loses, trials);
    assert_in_range(winners, 0, at_most(0.05, trials));
    assert_in_range(loses, 0, at_most(0.05, trials));
}

static void two_identical_entries_keep_the_level(void **state)
{
    (void)state;
    level_is_kept(bad_machine(1, 0.1), 2, 600);
}

static void three_identical_entries_keep_the_level(void **state)
{
    (void)state;
    level_is_kept(bad_machine(2, 0.1), 3, 250);
}

static void six_identical_entries_keep_the_level(void **state)
{
    (void)state;
    level_is_kept(bad_machine(3, 0.1), 6, 60);
}

/* The control: on the same machine, but always in the same order, the first place decides. */
static void a_fixed_order_would_deceive(void **state)
{
    enum { TRIALS = 100 };
    struct machine machine = bad_machine(4, 0.02);
    size_t loses;
    (void)state;
    machine.fixed_order = true;
    assert_true(false_winners(&machine, 2, TRIALS, &loses) > TRIALS / 4);
}

/* Two identical entries, one of which somebody favours by a trick that has blocks done again. The
 * control forgets these attempts, as a judge of valid blocks alone would. */
static void trick_gains_nothing(struct machine machine, double deceived_at_least)
{
    const size_t trials = simulation_trials(300);
    struct machine forgetful = machine;
    size_t loses;
    const size_t held = false_winners(&machine, 2, trials, &loses);
    forgetful.forgets = true;
    const size_t deceived = false_winners(&forgetful, 2, trials, &loses);
    print_message(
        "%zu winners, %zu if what was redone is forgotten, in %zu\n", held, deceived, trials);
    assert_in_range(held, 0, at_most(0.05, trials));
    assert_true((double)deceived > deceived_at_least * (double)trials);
}

/* Somebody burns CPU time whenever the one he favours is about to lose the block. */
static void blocks_done_again_on_purpose_make_no_winner(void **state)
{
    struct machine machine = bad_machine(6, 0.1);
    (void)state;
    machine.on_purpose = true;
    trick_gains_nothing(machine, 0.1);
}

/* The first entry is late whenever it sees that it is about to lose the block, twice for each, as
 * only a machine that is never quiet would let it. */
static void who_is_late_on_purpose_does_not_win(void **state)
{
    struct machine machine = bad_machine(9, 0.1);
    (void)state;
    machine.late = true;
    trick_gains_nothing(machine, 0.5);
}

/* A machine that stands still meets whoever runs: identical code keeps the level, and nobody is
 * said to lose for it. */
static void stalls_that_meet_anybody_keep_the_level(void **state)
{
    struct machine machine = bad_machine(10, 0.1);
    (void)state;
    machine.stall = 0.1;
    level_is_kept(machine, 3, 250);
}

/* Fair coins: E reaches 20 as often as the exact recursion says; the usual test far too often. */
static void looking_often_is_free_for_e_alone(void **state)
{
    enum { BLOCKS = 100 };
    const size_t trials = simulation_trials(4000);
    struct machine machine = quiet_machine(5, 0);
    size_t crossed = 0, naive = 0;
    (void)state;
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_pair pair;
        bool significant = false;
        judge_pair_init(&pair, log(20));
        for (size_t n = 1; n <= BLOCKS; n++) {
            judge_pair_update(&pair, field_random(&machine.seed) >> 63 ? 1 : -1, n, false);
            const double lead = fabs(2 * (double)pair.wins_a - (double)n);
            significant = significant || (n >= 6 && lead > 1.96 * sqrt((double)n));
        }
        crossed += pair.decided != 0;
        naive += significant;
    }
    const double expected = judge_power(BLOCKS, log(20), 0.5);
    print_message("E: %zu, looked at with p < .05: %zu of %zu\n", crossed, naive, trials);
    assert_true(expected <= 0.05);
    assert_true(fabs((double)crossed - expected * (double)trials) <=
                3 * sqrt((double)trials * expected * (1 - expected)));
    assert_true(naive > trials / 5);
}

/* The interval holds at all n at once, for noise as skewed as it likes to be. */
static void intervals_cover_the_true_ratio_at_every_look(void **state)
{
    enum { BLOCKS = 80 };
    const size_t trials = simulation_trials(400);
    struct machine machine = quiet_machine(8, 0);
    double d[BLOCKS], scratch[BLOCKS];
    size_t missed = 0;
    (void)state;
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_duel duel = {.a = 0, .b = 1};
        bool covered = true;
        judge_pair_init(&duel.pair, log(20));
        for (size_t n = 0; n < BLOCKS; n++) {
            const double z = field_normal(&machine.seed); /* median 0, a long tail to one side */
            d[n] = 0.2 + 0.1 * (exp(1.5 * z) - 1);
            judge_pair_update(&duel.pair, d[n], n, false);
            judge_duel_finish(&duel, d, NULL, scratch, 0.05);
            covered = covered && !(duel.low > 0.2 || duel.high < 0.2);
        }
        missed += !covered;
    }
    print_message("%zu of %zu missed at some look\n", missed, trials);
    assert_in_range(missed, 1, at_most(0.05, trials));
}

/* "Practically equal" is a claim too: a real gap beyond the margin is rarely called a tie. */
static void a_gap_beyond_the_margin_is_rarely_a_tie(void **state)
{
    const double slowdown[2] = {1, 1.032};
    const size_t trials = simulation_trials(300);
    struct machine machine = quiet_machine(9, 0.01);
    size_t ties = 0;
    (void)state;
    field_init(&field, 2, 1, 0);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result result;
        machine_race(&machine, &field, slowdown, 1, 60, &result);
        ties += result.entries[0].word == JUDGE_WORD_TIE ? 1 : 0;
        judge_cell_fini(&result);
    }
    assert_in_range(ties, 0, at_most(0.05, trials));
}

/* ---- many cells ---- */

enum { CELLS = 5, COMMON = 10, BUDGET = 90 };

/*
 * A tournament with a budget: the common rounds, then each block to the cell that promises most.
 * [slowdown] of each cell. The results of the cells are the caller's.
 */
static void
tournament(struct machine *machine, const double *const *slowdown, struct judge_cell_result *cells)
{
    static const double share[] = {1};
    bool out[CELLS][FIELD_ENTRIES] = {{false}};
    struct judge_offer offers[CELLS];
    for (size_t c = 0; c < CELLS; c++) {
        field.cells[c].block_count = 0;
        cells[c] = (struct judge_cell_result){0};
        offers[c] = (struct judge_offer){.open = true, .block_s = 1};
    }
    for (size_t block = 0; block < BUDGET; block++) {
        const int next = block < COMMON * CELLS ? (int)(block % CELLS)
                                                : judge_next(offers, CELLS, share, 1, 1e9);
        if (next < 0)
            return;
        machine_step(
            machine, &field, (size_t)next, slowdown[next], out[next], COMMON, &cells[next]);
        offers[next].verdicts_per_block = cells[next].verdicts_per_block;
        offers[next].blocks++;
        offers[next].open = !cells[next].decided;
    }
}

static void finish(struct judge_cell_result *cells)
{
    for (size_t c = 0; c < CELLS; c++)
        judge_cell_fini(&cells[c]);
}

static void identical_code_rarely_wins_cells_standings_or_stars(void **state)
{
    size_t count, winners = 0, standings = 0, stars = 0;
    const struct judge_profile *profile = judge_profiles(&count) + 3;
    const double *slowdown[CELLS] = {same, same, same, same, same};
    const size_t trials = simulation_trials(80);
    struct machine machine = bad_machine(10, 0.1);
    (void)state;
    field_init(&field, 3, CELLS, 0);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result cells[CELLS];
        struct judge_standing standing;
        tournament(&machine, slowdown, cells);
        judge_stars(&field.in, cells);
        assert_int_equal(judge_standing(&field.in, cells, profile, &standing), 0);
        standings += standing.winner >= 0 ? 1 : 0;
        for (size_t c = 0; c < CELLS; c++) {
            winners += cells[c].winner >= 0 ? 1 : 0;
            stars += cells[c].star ? 1 : 0;
        }
        judge_standing_fini(&standing);
        finish(cells);
    }
    print_message(
        "%zu cells, %zu standings, %zu stars in %zu\n", winners, standings, stars, trials);
    assert_in_range(winners, 0, at_most(0.05, trials * CELLS));
    assert_in_range(standings, 0, at_most(0.05, trials));
    assert_in_range(stars, 0, at_most(0.05, trials));
}

/* Three cells hold a real gap, two hold none: of the stars, at most alpha are false on average. */
static void few_stars_are_false(void **state)
{
    static const double gap[] = {1, 1.3, 1.5};
    const double *slowdown[CELLS] = {gap, gap, gap, same, same};
    const size_t trials = simulation_trials(80);
    struct machine machine = bad_machine(11, 0.03);
    machine.burst = 0.01;
    double false_share = 0;
    size_t starred = 0;
    (void)state;
    field_init(&field, 3, CELLS, 0);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result cells[CELLS];
        size_t stars = 0, wrong = 0;
        tournament(&machine, slowdown, cells);
        judge_stars(&field.in, cells);
        for (size_t c = 0; c < CELLS; c++) {
            stars += cells[c].star ? 1 : 0;
            wrong += cells[c].star && (c >= 3 || cells[c].winner != 0) ? 1 : 0;
        }
        false_share += stars > 0 ? (double)wrong / (double)stars : 0;
        starred += stars;
        finish(cells);
    }
    print_message(
        "%zu stars in %zu, false share %.4f\n", starred, trials, false_share / (double)trials);
    assert_true(false_share <= (double)at_most(0.05, trials));
    assert_true(starred > trials * 2); /* and there are stars to speak of */
}

/* The tournament's own alarm: baseline against twin, over many cells at once. */
static void the_twin_rarely_raises_the_alarm(void **state)
{
    const size_t trials = simulation_trials(150);
    struct machine machine = bad_machine(12, 0.1);
    size_t alarms = 0;
    (void)state;
    field_init(&field, 3, CELLS, 0);
    field.entries[2].twin_of = 0;
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result cells[CELLS] = {{0}};
        struct judge_trust trust;
        for (size_t c = 0; c < CELLS; c++) {
            for (size_t b = 0; b < 40; b++)
                machine_block(&machine, 3, same, NULL, field.cost[c][b]);
            field.cells[c].block_count = 40;
            assert_int_equal(judge_cell(&field.in, c, &cells[c]), 0);
        }
        assert_int_equal(judge_trust(&field.in, cells, 0, &trust), 0);
        assert_true(trust.has_twin);
        assert_int_equal(trust.blocks, 40 * CELLS);
        assert_int_equal(trust.gap_blocks, 40);
        assert_true(trust.gap > 0.05 && trust.gap < 0.6);
        alarms += trust.differs ? 1 : 0;
        finish(cells);
    }
    assert_in_range(alarms, 0, at_most(0.05, trials));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_identical_entries_keep_the_level),
        cmocka_unit_test(three_identical_entries_keep_the_level),
        cmocka_unit_test(six_identical_entries_keep_the_level),
        cmocka_unit_test(a_fixed_order_would_deceive),
        cmocka_unit_test(blocks_done_again_on_purpose_make_no_winner),
        cmocka_unit_test(who_is_late_on_purpose_does_not_win),
        cmocka_unit_test(stalls_that_meet_anybody_keep_the_level),
        cmocka_unit_test(looking_often_is_free_for_e_alone),
        cmocka_unit_test(intervals_cover_the_true_ratio_at_every_look),
        cmocka_unit_test(a_gap_beyond_the_margin_is_rarely_a_tie),
        cmocka_unit_test(identical_code_rarely_wins_cells_standings_or_stars),
        cmocka_unit_test(few_stars_are_false),
        cmocka_unit_test(the_twin_rarely_raises_the_alarm),
    };
    return cmocka_run_group_tests_name("judge level", tests, NULL, NULL);
}
