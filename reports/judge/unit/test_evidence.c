/* SPDX-License-Identifier: MIT */
/* test_evidence.c - E, thresholds, ranks, blocks and gaps against tabulated values. */
#include "../judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>

#define ALPHA 0.05
/* cmocka compares floats; these are doubles. */
#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

static double e(size_t n, size_t k)
{
    return exp(judge_log_e(n, k));
}

static void evidence_equals_tabulated_values(void **state)
{
    (void)state;
    assert_near(e(1, 1), 1, 1e-12);
    assert_near(e(7, 7), 26.8125, 1e-9);
    assert_near(e(10, 10), 180.4258, 5e-5);
    assert_near(e(10, 9), 9.4961, 5e-5);
    assert_near(e(20, 17), 39.0439, 5e-5);
    assert_near(e(30, 24), 46.7356, 5e-5);
}

/* The same formula by another library's Beta function, over six orders of magnitude. */
static void evidence_equals_the_beta_function_of_gsl(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 1000000; n = n < 60 ? n + 1 : n * 3 / 2)
        for (size_t i = 0; i <= 20; i++) {
            const size_t k = n * i / 20;
            const double a = (double)k + 0.5, b = (double)(n - k) + 0.5;
            const double expected =
                (double)n * M_LN2 + gsl_sf_lnbeta(a, b) - gsl_sf_lnbeta(0.5, 0.5);
            assert_near(judge_log_e(n, k), expected, 1e-9 * (1 + (double)n * M_LN2));
        }
}

/* E is what the mean bet over all coins wins, their chances drawn from Beta(1/2, 1/2). */
static void evidence_is_the_mean_likelihood_of_all_coins(void **state)
{
    enum { STEPS = 20000 };
    static const size_t nk[][2] = {{1, 1}, {7, 6}, {20, 13}, {40, 35}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        double sum = 0;
        for (int s = 0; s < STEPS; s++) {
            const double x = sin((s + 0.5) / STEPS * M_PI_2); /* x^2 is Beta(1/2, 1/2) */
            const double p = x * x;
            sum += gsl_ran_binomial_pdf((unsigned)nk[i][1], p, (unsigned)nk[i][0]) /
                   gsl_ran_binomial_pdf((unsigned)nk[i][1], 0.5, (unsigned)nk[i][0]);
        }
        assert_near(e(nk[i][0], nk[i][1]) / (sum / STEPS), 1, 1e-6);
    }
}

static void no_block_is_no_evidence(void **state)
{
    (void)state;
    assert_near(judge_log_e(0, 0), 0, 0);
    assert_near(judge_log_e(3, 4), 0, 0);
    assert_int_equal(judge_interval_rank(0, log(20)), 0);
}

static void evidence_is_symmetric_bit_for_bit(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n++)
        for (size_t k = 0; k <= n; k++)
            assert_true(judge_log_e(n, k) == judge_log_e(n, n - k));
}

static void steps_lead_to_the_closed_form(void **state)
{
    (void)state;
    double log_e = 0;
    size_t wins[2] = {0, 0};
    srand(7);
    for (size_t n = 0; n < 1000; n++) {
        const int side = rand() % 3 == 0;
        log_e = judge_log_e_step(log_e, n, wins[side]);
        wins[side]++;
        assert_near(log_e, judge_log_e(n + 1, wins[0]), 1e-9);
    }
}

/* A fair bet: over all sequences of n coins the mean of E is 1. */
static void evidence_is_a_fair_bet(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 40; n++) {
        double sum = 0;
        for (size_t k = 0; k <= n; k++)
            sum += exp(judge_log_e(n, k) + lgamma((double)n + 1) - lgamma((double)k + 1) -
                       lgamma((double)(n - k) + 1) - (double)n * M_LN2);
        assert_near(sum, 1, 1e-9);
    }
}

static void huge_n_stays_finite(void **state)
{
    (void)state;
    assert_true(isfinite(judge_log_e(100000000, 50000000)));
    assert_true(isfinite(judge_log_e(100000000, 0)));
    assert_true(judge_interval_rank(1000000, log(20)) > 490000);
}

static void thresholds_follow_the_number_of_contestants(void **state)
{
    (void)state;
    assert_near(exp(judge_log_threshold(1, ALPHA)), 20, 1e-9);
    assert_near(exp(judge_log_threshold(2, ALPHA)), 20, 1e-9);
    assert_near(exp(judge_log_threshold(3, ALPHA)), 60, 1e-9);
    assert_near(exp(judge_log_threshold(4, ALPHA)), 120, 1e-9);
    assert_near(exp(judge_log_threshold(6, ALPHA)), 300, 1e-9);
    assert_near(exp(judge_log_threshold_twin(8, ALPHA)), 160, 1e-9);
    assert_near(exp(judge_log_threshold_twin(0, ALPHA)), 20, 1e-9);
}

static void blocks_needed_equal_tabulated_values(void **state)
{
    static const size_t table[][4] = {{2, 7, 12, 16},
                                      {3, 9, 14, 18},
                                      {4, 10, 15, 19},
                                      {5, 11, 16, 20},
                                      {6, 11, 17, 21},
                                      {7, 12, 17, 21},
                                      {8, 12, 18, 22},
                                      {9, 13, 18, 22},
                                      {10, 13, 18, 23}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (size_t losses = 0; losses < 3; losses++)
            assert_int_equal(judge_blocks_needed(judge_log_threshold(table[i][0], ALPHA), losses),
                             table[i][losses + 1]);
    assert_int_equal(judge_blocks_needed(log(20), 10), 40); /* the winner is ahead in them */
}

static void absurd_thresholds_come_to_an_end(void **state)
{
    (void)state;
    assert_true(isfinite(judge_log_threshold(6, 5e-324)));
    assert_int_equal(judge_blocks_needed(INFINITY, 0), JUDGE_FORESIGHT);
    assert_true(isinf(judge_blocks_expected(10, 10, 0, INFINITY)));
    assert_int_equal(judge_interval_rank(1000, INFINITY), 0);
    assert_true(judge_power(50, INFINITY, 0.9) <= 0);
}

static void interval_ranks_equal_tabulated_values(void **state)
{
    static const size_t n[] = {10, 20, 30, 40, 60, 100};
    static const size_t at_20[] = {1, 4, 7, 11, 18, 34};
    static const size_t at_120[] = {1, 3, 6, 9, 16, 32};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(judge_interval_rank(n[i], log(20)), at_20[i]);
        assert_int_equal(judge_interval_rank(n[i], log(120)), at_120[i]);
    }
    assert_int_equal(judge_interval_rank(6, log(20)), 0); /* needs 7 */
}

/* The rank is found by bisection; here by the loop of its definition. */
static void interval_rank_is_the_smallest_undecided_count(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n++) {
        size_t rank = 0;
        while (judge_log_e(n, rank) >= log(60))
            rank++;
        assert_int_equal(judge_interval_rank(n, log(60)), rank);
    }
}

static void win_probabilities_equal_tabulated_values(void **state)
{
    static const size_t n[] = {10, 15, 20, 30, 60, 100};
    static const double p[] = {0.990, 0.962, 0.937, 0.882, 0.794, 0.734};
    (void)state;
    for (size_t i = 0; i < 6; i++)
        assert_near(judge_win_probability(n[i], log(120), 0.9), p[i], 6e-4);
    assert_true(isnan(judge_win_probability(6, log(20), 0.9)));
    assert_true(isnan(judge_win_probability(0, log(20), 0.9)));
}

/* Where only a unanimous score can decide, power is a binomial; later it is at least the tail. */
static void power_agrees_with_the_binomial_of_gsl(void **state)
{
    (void)state;
    for (int percent = 55; percent < 100; percent += 5) {
        const double p = percent / 100.0;
        assert_near(judge_power(7, log(20), p),
                    gsl_ran_binomial_pdf(7, p, 7) + gsl_ran_binomial_pdf(0, p, 7),
                    1e-12);
        for (unsigned n = 8; n < 200; n += 12) {
            const unsigned rank = (unsigned)judge_interval_rank(n, log(20));
            const double ends =
                gsl_cdf_binomial_P(rank - 1, p, n) + gsl_cdf_binomial_Q(n - rank, p, n);
            assert_true(judge_power(n, log(20), p) >= ends - 1e-12);
        }
    }
}

static void power_against_a_fair_coin_keeps_the_level(void **state)
{
    (void)state;
    assert_true(judge_power(500, log(20), 0.5) <= 0.05);
    assert_true(judge_power(500, log(20), 0.5) > 0.01);
    assert_near(judge_power(30, log(20), 1), 1, 1e-12);
}

/* Many samples: their own quantile. Few: the normal law. Both for noise of sd 0.054. */
static void smallest_gap_is_the_quantile_of_the_noise(void **state)
{
    enum { SAMPLES = 4001 };
    double d[SAMPLES], scratch[SAMPLES];
    (void)state;
    for (int i = 0; i < SAMPLES; i++)
        d[i] = gsl_cdf_gaussian_Pinv((i + 0.5) / SAMPLES, 0.054);
    const double many = judge_smallest_gap(20, log(120), d, SAMPLES, scratch);
    const double p = judge_win_probability(20, log(120), 0.9);
    assert_near(many, gsl_cdf_gaussian_Pinv(p, 0.054), 1e-4);
    double few[99];
    for (int i = 0; i < 99; i++)
        few[i] = d[i * (SAMPLES - 1) / 98];
    assert_near(judge_smallest_gap(20, log(120), few, 99, scratch), many, 0.004);
    assert_true(isnan(judge_smallest_gap(20, log(120), d, 0, scratch)));
    assert_true(isnan(judge_smallest_gap(5, log(120), d, SAMPLES, scratch)));
    few[3] = NAN;
    few[4] = INFINITY;
    assert_true(isfinite(judge_smallest_gap(20, log(120), few, 99, scratch)));
    assert_near(judge_spread(d, SAMPLES, scratch), 0.054, 0.001);
    assert_near(judge_gap_of_spread(20, log(120), 0.054), many, 0.003);
    assert_true(isnan(judge_spread(d, 0, scratch)));
    assert_true(isnan(judge_gap_of_spread(5, log(120), 0.054)));
    assert_true(isnan(judge_gap_of_spread(20, log(120), NAN)));
}

/* Ties say that the clock saw nothing; they may not be read as a machine without noise. */
static void ties_do_not_sharpen_the_sight(void **state)
{
    double d[300], scratch[300];
    (void)state;
    for (int i = 0; i < 300; i++)
        d[i] = i % 3 != 0 ? 0 : 0.01 * (i % 2 ? 1 : -1);
    assert_near(judge_smallest_gap(20, log(20), d, 300, scratch), 0.01, 1e-12);
    for (int i = 0; i < 300; i++)
        d[i] = 0;
    assert_true(isnan(judge_smallest_gap(20, log(20), d, 300, scratch)));
    assert_true(isnan(judge_smallest_gap(20, log(20), d, 20, scratch)));
}

static void expected_blocks_end_where_the_duel_is_decided(void **state)
{
    (void)state;
    assert_near(judge_blocks_expected(10, 10, 0, log(20)), 0, 0);
    assert_true(isinf(judge_blocks_expected(0, 0, 0, log(20))));
    assert_true(isinf(judge_blocks_expected(100, 50, 0, log(20))));
    const double more = judge_blocks_expected(10, 8, 0, log(20));
    assert_near(more, 20, 0);
    assert_near(judge_blocks_expected(1000, 530, 0, log(20)), 3105, 0);
    assert_true(isinf(judge_blocks_expected(1000, 510, 0, log(20)))); /* nobody waits for 41853 */
    assert_near(judge_blocks_expected(1000, 520, 0, log(20)), 8785, 0);
    assert_near(judge_blocks_expected(921, 478, 0, log(20)), 9999, 0);
    assert_true(isinf(judge_blocks_expected(385, 200, 0, log(20)))); /* for 10002 */
    assert_true(judge_blocks_expected(10, 8, 0, log(20)) ==
                judge_blocks_expected(10, 2, 0, log(20)));
}

/* Seven wins decide; after an attempt left half-way it takes what one loss would cost. */
static void what_was_given_up_counts_against_the_leader(void **state)
{
    struct judge_duel duel = {.a = 0, .b = 1};
    double d[12], scratch[12];
    (void)state;
    judge_pair_init(&duel.pair, log(20));
    judge_pair_give_up(&duel.pair, 1);
    for (size_t n = 0; n < 12; n++) {
        d[n] = -0.1 - 0.01 * (double)n;
        judge_pair_update(&duel.pair, d[n], n + 1, false);
        judge_duel_finish(&duel, d, NULL, scratch, 0.05);
        assert_int_equal(duel.has_interval, n + 1 >= 11); /* 12 blocks with one at either end */
        if (n + 1 == 11)
            assert_near(duel.high, -0.1, 1e-12);
    }
    assert_int_equal(duel.pair.decided, 1);
    assert_int_equal(duel.pair.decided_n, 11);
    assert_near(judge_pair_log_e_ahead(&duel.pair, true), judge_log_e(13, 12), 1e-9);
    assert_true(isinf(judge_pair_log_e_ahead(&duel.pair, false)));
}

/* A duel that a wins by a little more in each block, after an attempt that was done again. */
struct series {
    struct judge_duel duel;
    double d[16], all[20]; /* of the blocks that count; of all whole attempts */
};

static void series_begin(struct series *series, double redone)
{
    *series = (struct series){.duel = {.a = 0, .b = 1}, .all = {redone}};
    judge_pair_init(&series->duel.pair, log(20));
    judge_pair_redo(&series->duel.pair, redone);
}

/* Block [n], from 0, and what the duel has come to by then. */
static void series_add(struct series *series, size_t n)
{
    struct judge_duel *duel = &series->duel;
    double copy[20], scratch[20];
    series->all[n + 1] = series->d[n] = -0.1 - 0.01 * (double)n;
    judge_pair_update(&duel->pair, series->d[n], n + 1, false);
    memcpy(copy, series->all, sizeof(copy));
    judge_duel_finish(duel, series->d, copy, scratch, 0.05);
    if (duel->relation == JUDGE_OPEN)
        assert_true(duel->further_blocks >= 1);
}

/* Seven wins decide; what was lost and done again before has to be made up for, too. */
static void what_was_done_again_counts_in_a_second_test(void **state)
{
    struct series series;
    const struct judge_duel *duel = &series.duel;
    (void)state;
    series_begin(&series, 0.5);
    for (size_t n = 0; n < 11; n++) {
        series_add(&series, n);
        assert_int_equal(duel->has_interval, n + 1 >= 7);
        if (n + 1 == 7) /* 8 attempts: the ends are the smallest and the largest of all */
            assert_near(duel->high, 0.5, 1e-12);
    }
    assert_int_equal(duel->pair.decided, 1);
    assert_int_equal(duel->pair.decided_n, 11); /* 11 of 12; 10 of 11 are not enough */
    assert_near(duel->high, -0.1, 1e-12);       /* and what decides leaves 1 out */
    assert_near(judge_pair_log_e_ahead(&duel->pair, true), judge_log_e(12, 11), 1e-9);
}

/* Late means lost: it keeps who was late from winning, and never gives the other one a win that the
 * blocks do not give. */
static void who_was_late_has_lost_that_attempt(void **state)
{
    struct judge_pair late, met, both;
    (void)state;
    judge_pair_init(&late, log(20));
    judge_pair_init(&met, log(20));
    judge_pair_init(&both, log(20));
    judge_pair_redo(&late, INFINITY); /* a was late, and wins all that counts */
    judge_pair_redo(&met, -INFINITY); /* b was */
    judge_pair_redo(&met, -INFINITY);
    judge_pair_redo(&both, INFINITY - INFINITY);
    for (size_t n = 0; n < 11; n++) {
        assert_int_equal(judge_pair_update(&late, -0.1, n + 1, false), n == 10);
        assert_int_equal(judge_pair_update(&met, -0.1, n + 1, false), n == 6);
        assert_int_equal(judge_pair_update(&both, -0.1, n + 1, false), n == 6);
    }
    assert_int_equal(met.all_n, 13);
    assert_int_equal(both.all_n, 11);
    assert_false(both.apart);
}

/* Where an end of the interval would be an attempt that somebody was late in, there is none. */
static void no_interval_ends_at_a_late_run(void **state)
{
    struct series series;
    const struct judge_duel *duel = &series.duel;
    (void)state;
    series_begin(&series, INFINITY);
    for (size_t n = 0; n < 11; n++) {
        series_add(&series, n);
        assert_int_equal(duel->has_interval, n + 1 >= 11);
        assert_true(isfinite(duel->low) == duel->has_interval);
        assert_true(isfinite(duel->high) == duel->has_interval);
    }
    assert_near(duel->high, -0.1, 1e-12);
}

/* A cost that is infinite is none, but in an attempt that was done again it is a late run. */
static void an_infinite_cost_is_late_only_where_it_may_be(void **state)
{
    (void)state;
    assert_true(isnan(judge_log_cost(INFINITY, 0)));
    assert_true(isinf(judge_log_cost_or_late(INFINITY, 0)));
    assert_true(isnan(judge_log_cost_or_late(NAN, 0)));
    assert_true(isnan(judge_log_cost_or_late(-INFINITY, 1)));
    assert_near(judge_log_cost_or_late(exp(2), 0), 2, 1e-12);
    assert_near(judge_log_cost_or_late(0, exp(1)), 1, 1e-12);
}

/* An attempt that was done again and says the same takes nothing away. */
static void what_was_done_again_and_agrees_costs_nothing(void **state)
{
    struct judge_pair pair;
    (void)state;
    judge_pair_init(&pair, log(20));
    judge_pair_redo(&pair, -0.2);
    judge_pair_redo(&pair, NAN);
    for (size_t n = 0; n < 7; n++)
        assert_int_equal(judge_pair_update(&pair, -0.1, n + 1, false), n == 6);
    assert_int_equal(pair.all_n, 8);
}

/* E may have reached T long ago: as long as the duel is open, more blocks are wanted. */
static void an_open_duel_always_expects_a_block(void **state)
{
    struct judge_duel duel = {.a = 0, .b = 1};
    double d[8] = {0}, scratch[8];
    (void)state;
    judge_pair_init(&duel.pair, log(20));
    judge_pair_give_up(&duel.pair, 3);
    for (size_t n = 0; n < 8; n++) {
        d[n] = -0.2;
        judge_pair_update(&duel.pair, d[n], n + 1, false);
    }
    judge_duel_finish(&duel, d, NULL, scratch, 0.05);
    assert_true(duel.pair.log_e >= log(20));
    assert_int_equal(duel.relation, JUDGE_OPEN);
    assert_true(duel.further_blocks >= 1 && duel.further_blocks < 20);
}

/* Runs that contradict each other decide nothing together; runs that agree go on deciding. */
static void a_merge_takes_back_what_later_runs_refute(void **state)
{
    struct judge_pair pair;
    (void)state;
    judge_pair_init(&pair, log(20));
    for (size_t n = 0; n < 20; n++)
        judge_pair_update(&pair, -0.1, n + 1, false);
    judge_pair_take_back(&pair);
    assert_int_equal(pair.decided, 1);
    assert_int_equal(pair.decided_n, 7);
    for (size_t n = 20; n < 40; n++)
        judge_pair_update(&pair, 0.1, n + 1, false);
    assert_int_equal(pair.decided, 1); /* a race keeps it, */
    struct judge_pair merged = pair;
    judge_pair_take_back(&merged);
    assert_int_equal(merged.decided, 0); /* a merge does not */
    for (size_t n = 40; n < 100; n++)
        judge_pair_update(&pair, 0.1, n + 1, false);
    assert_true(pair.log_e > log(20)); /* overwhelming by now, but for the other side */
    judge_pair_take_back(&pair);
    assert_int_equal(pair.decided, 0);
}

/* Thirty ties that a coin gave to one side are no win of it, nor of the other one. */
static void ties_decide_nothing_wherever_they_fall(void **state)
{
    (void)state;
    for (int coin = 0; coin < 2; coin++) {
        struct judge_pair pair;
        judge_pair_init(&pair, log(20));
        for (size_t n = 0; n < 30; n++)
            assert_false(judge_pair_update(&pair, 0, n + 1, coin == 1));
        assert_true(pair.log_e > log(1000));
        assert_int_equal(pair.decided, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_equals_tabulated_values),
        cmocka_unit_test(evidence_equals_the_beta_function_of_gsl),
        cmocka_unit_test(evidence_is_the_mean_likelihood_of_all_coins),
        cmocka_unit_test(no_block_is_no_evidence),
        cmocka_unit_test(evidence_is_symmetric_bit_for_bit),
        cmocka_unit_test(steps_lead_to_the_closed_form),
        cmocka_unit_test(evidence_is_a_fair_bet),
        cmocka_unit_test(huge_n_stays_finite),
        cmocka_unit_test(thresholds_follow_the_number_of_contestants),
        cmocka_unit_test(blocks_needed_equal_tabulated_values),
        cmocka_unit_test(absurd_thresholds_come_to_an_end),
        cmocka_unit_test(interval_ranks_equal_tabulated_values),
        cmocka_unit_test(interval_rank_is_the_smallest_undecided_count),
        cmocka_unit_test(win_probabilities_equal_tabulated_values),
        cmocka_unit_test(power_agrees_with_the_binomial_of_gsl),
        cmocka_unit_test(power_against_a_fair_coin_keeps_the_level),
        cmocka_unit_test(smallest_gap_is_the_quantile_of_the_noise),
        cmocka_unit_test(ties_do_not_sharpen_the_sight),
        cmocka_unit_test(what_was_given_up_counts_against_the_leader),
        cmocka_unit_test(what_was_done_again_counts_in_a_second_test),
        cmocka_unit_test(what_was_done_again_and_agrees_costs_nothing),
        cmocka_unit_test(who_was_late_has_lost_that_attempt),
        cmocka_unit_test(no_interval_ends_at_a_late_run),
        cmocka_unit_test(an_infinite_cost_is_late_only_where_it_may_be),
        cmocka_unit_test(an_open_duel_always_expects_a_block),
        cmocka_unit_test(a_merge_takes_back_what_later_runs_refute),
        cmocka_unit_test(ties_decide_nothing_wherever_they_fall),
        cmocka_unit_test(expected_blocks_end_where_the_duel_is_decided),
    };
    return cmocka_run_group_tests_name("judge evidence", tests, NULL, NULL);
}
