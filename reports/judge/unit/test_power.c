/* SPDX-License-Identifier: MIT */
/*
 * test_power.c - what the judge must find, against the figures that plan and documents promise.
 *
 * The exact recursion gives the blocks that a gap needs; whole races (machine.h) give how often
 * racing finds the right winner and what it costs. sd(d) = 0.04 where nothing else is said.
 */
#include "machine.h"

#include <gsl/gsl_cdf.h>

static struct field field;

/* Blocks until [share] of the duels are decided, and their mean, by the exact recursion. */
static size_t blocks_until(double log_t, double p, double share, double *mean)
{
    size_t n = 0;
    double power = 0;
    for (*mean = 0; power < share; n++) {
        *mean += 1 - power;
        power = judge_power(n + 1, log_t, p);
    }
    const size_t answer = n;
    for (; power < 0.999 && n < 600; n += 8) { /* the tail of the mean, in steps */
        *mean += 8 * (1 - power);
        power = judge_power(n + 8, log_t, p);
    }
    return answer;
}

/* effect = ln(gap) / sd(d): the side wins with the chance that a normal deviate lies below it. */
static void blocks_needed_by_effect_equal_the_planning_table(void **state)
{
    static const double effect[] = {0.5, 0.75, 1.0, 1.5, 2.0};
    static const double threshold[] = {20, 120};
    static const double mean[2][5] = {{62, 29, 17, 10, 8}, {91, 41, 25, 14, 11}};
    static const double nine_in_ten[2][5] = {{121, 56, 32, 16, 12}, {161, 72, 42, 23, 15}};
    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < 5; i++) {
            double found;
            const double p = gsl_cdf_ugaussian_P(effect[i]);
            const size_t blocks = blocks_until(log(threshold[t]), p, 0.9, &found);
            print_message("T %g, effect %g: %.1f, %zu\n", threshold[t], effect[i], found, blocks);
            assert_true(fabs(found - mean[t][i]) <= 1 + 0.03 * mean[t][i]);
            assert_true(fabs((double)blocks - nine_in_ten[t][i]) <= 1 + 0.02 * nine_in_ten[t][i]);
        }
}

/* Every path of n coins walked one by one: the recursion of judge_power() may not differ. */
static void power_equals_the_sum_over_all_paths(void **state)
{
    enum { N = 14 };
    const double p = 0.8;
    double sum = 0;
    (void)state;
    for (unsigned path = 0; path < 1u << N; path++) {
        struct judge_pair pair;
        double chance = 1;
        judge_pair_init(&pair, log(20));
        for (unsigned b = 0; b < N; b++) {
            const bool won = path >> b & 1;
            chance *= won ? p : 1 - p;
            judge_pair_update(&pair, won ? -1 : 1, b, false);
        }
        sum += pair.decided != 0 ? chance : 0;
    }
    assert_true(fabs(judge_power(N, log(20), p) - sum) < 1e-12);
}

/* What a race of [entries] comes to, over [trials]. */
struct tally {
    double right, wrong, ties, runs, blocks; /* means */
};

static struct tally
races(struct machine *machine, size_t entries, const double *slowdown, size_t blocks, size_t trials)
{
    struct tally sum = {0};
    const double each = 1 / (double)trials;
    field_init(&field, entries, 1, 0);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result result;
        sum.runs += each * (double)machine_race(machine, &field, slowdown, 1, blocks, &result);
        sum.blocks += each * (double)field.cells[0].block_count;
        sum.right += result.winner == 0 ? each : 0;
        sum.wrong += result.winner > 0 ? each : 0;
        sum.ties += result.entries[0].word == JUDGE_WORD_TIE ? each : 0;
        judge_cell_fini(&result);
    }
    print_message("right %.3f, wrong %.3f, ties %.3f, %.0f runs in %.1f blocks\n",
                  sum.right,
                  sum.wrong,
                  sum.ties,
                  sum.runs,
                  sum.blocks);
    return sum;
}

/* Six entries, at most 60 blocks: racing costs half or less of the 360 runs without it. */
static void racing_six_entries_finds_the_best_at_half_the_cost(void **state)
{
    static const double level[] = {1, 1, 1.05, 1.1, 1.2, 1.5};
    static const double near[] = {1, 1.03, 1.05, 1.1, 1.2, 1.5};
    static const double clear[] = {1, 1.05, 1.08, 1.1, 1.2, 1.5};
    struct machine machine = quiet_machine(21, 0.04 / M_SQRT2);
    const size_t trials = simulation_trials(60);
    (void)state;
    struct tally tally = races(&machine, 6, level, 60, trials);
    assert_true(tally.right + tally.wrong <= 0.05);
    assert_true(tally.runs < 200);
    tally = races(&machine, 6, near, 60, trials);
    assert_true(tally.right > 0.6 && tally.wrong <= 0.01);
    assert_true(tally.runs < 165);
    tally = races(&machine, 6, clear, 60, trials);
    assert_true(tally.right > 0.97 && tally.wrong <= 0.01);
    assert_true(tally.runs < 115);
}

/* Two entries and a margin of 3 %: the same is seen to be the same, 5 % is always found. */
static void two_entries_tie_or_are_told_apart(void **state)
{
    static const double same[] = {1, 1}, slower[] = {1, 1.05};
    struct machine machine = quiet_machine(22, 0.04 / M_SQRT2);
    const size_t trials = simulation_trials(200);
    (void)state;
    struct tally tally = races(&machine, 2, same, 100, trials);
    assert_true(tally.ties > 0.9 && tally.right + tally.wrong <= 0.06);
    assert_true(tally.blocks > 30 && tally.blocks < 55);
    tally = races(&machine, 2, slower, 100, trials);
    assert_true(tally.right > 0.98 && tally.wrong <= 0);
    assert_true(tally.blocks > 10 && tally.blocks < 16);
}

/* sd(d) = 0.054 as measured on a small guest; 18 blocks is what the standard preset has. */
static void ten_percent_are_found_within_the_standard_preset(void **state)
{
    static const double slowdown[3] = {1, 1.1, 1.1};
    struct machine machine = quiet_machine(23, 0.054 / M_SQRT2);
    (void)state;
    const struct tally tally = races(&machine, 3, slowdown, 18, simulation_trials(300));
    assert_true(tally.right >= 0.9 && tally.wrong <= 0);
}

/* A neighbour in a third of all attempts, half of whose runs he makes slower by 30 %: that the
 * attempts done again count in a second test costs some blocks and no winner. */
static void what_is_done_again_costs_some_blocks_alone(void **state)
{
    static const double slowdown[2] = {1, 1.1};
    const size_t trials = simulation_trials(300);
    (void)state;
    struct machine machine = quiet_machine(25, 0.054 / M_SQRT2);
    machine.neighbour = 0.33;
    const struct tally held = races(&machine, 2, slowdown, 60, trials);
    machine = quiet_machine(25, 0.054 / M_SQRT2);
    machine.neighbour = 0.33;
    machine.forgets = true;
    const struct tally before = races(&machine, 2, slowdown, 60, trials);
    assert_true(held.right >= 0.95 && held.wrong <= 0.01);
    assert_true(held.blocks <= 1.5 * before.blocks);
}

static void a_larger_gap_is_found_more_often(void **state)
{
    static const double gaps[] = {0, 0.03, 0.05, 0.10, 0.20};
    struct machine machine = quiet_machine(24, 0.054 / M_SQRT2);
    double before = 0;
    (void)state;
    for (size_t g = 0; g < 5; g++) {
        const double slowdown[2] = {1, 1 + gaps[g]};
        const struct tally tally = races(&machine, 2, slowdown, 18, simulation_trials(150));
        assert_true(tally.right >= before);
        before = tally.right;
    }
    assert_true(before >= 1 - 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_needed_by_effect_equal_the_planning_table),
        cmocka_unit_test(power_equals_the_sum_over_all_paths),
        cmocka_unit_test(racing_six_entries_finds_the_best_at_half_the_cost),
        cmocka_unit_test(two_entries_tie_or_are_told_apart),
        cmocka_unit_test(ten_percent_are_found_within_the_standard_preset),
        cmocka_unit_test(what_is_done_again_costs_some_blocks_alone),
        cmocka_unit_test(a_larger_gap_is_found_more_often),
    };
    return cmocka_run_group_tests_name("judge power", tests, NULL, NULL);
}
