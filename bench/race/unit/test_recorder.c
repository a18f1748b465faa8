/* SPDX-License-Identifier: MIT */
/*
 * test_recorder.c - the histogram against sorted arrays: error bound, exact counts, merge,
 * extremes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../random.h"
#include "../recorder.h"

#define SAMPLES 100000

static struct recorder first, second, both;

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Log-uniform over 1 ns .. about 70 s: every octave is met. */
static uint64_t any_duration(struct random *random)
{
    return (uint64_t)exp2(random_unit(random) * 36.0);
}

static void buckets_tile_the_whole_range(void **state)
{
    (void)state;
    assert_int_equal(recorder_bucket_low(0), 0);
    for (size_t i = 0; i + 1 < RECORDER_BUCKETS; i++)
        assert_true(recorder_bucket_high(i) + 1 == recorder_bucket_low(i + 1));
    assert_true(recorder_bucket_high(RECORDER_BUCKETS - 1) == UINT64_MAX);
}

static void every_value_lands_in_its_own_bucket(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int64_t off = -2; off <= 2; off++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)off;
            size_t index = recorder_index(value);
            assert_in_range(index, 0, RECORDER_BUCKETS - 1);
            assert_true(value >= recorder_bucket_low(index));
            assert_true(value <= recorder_bucket_high(index));
        }
}

static void bucket_width_is_at_most_one_percent(void **state)
{
    (void)state;
    for (size_t i = 1; i < RECORDER_BUCKETS; i++) {
        double low = (double)recorder_bucket_low(i), high = (double)recorder_bucket_high(i);
        assert_true((high - low) / low <= 0.01);
    }
}

static void quantiles_are_within_one_percent_of_the_sorted_samples(void **state)
{
    (void)state;
    static uint64_t samples[SAMPLES];
    struct random random = {42};
    recorder_init(&first);
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = any_duration(&random);
        recorder_add(&first, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof samples[0], by_value);
    const double shares[] = {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        double value;
        size_t rank = (size_t)ceil(shares[i] * SAMPLES - 1e-9);
        double exact = (double)samples[rank == 0 ? 0 : rank - 1];
        assert_true(recorder_quantile(&first, shares[i], &value));
        assert_true(fabs(value - exact) <= 0.01 * exact);
    }
    assert_int_equal(first.min, samples[0]);
    assert_int_equal(first.max, samples[SAMPLES - 1]);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    recorder_init(&first);
    for (uint64_t v = 0; v < 2 * RECORDER_SUB; v++)
        recorder_add(&first, v);
    for (uint64_t v = 1; v < 2 * RECORDER_SUB - RECORDER_BEYOND_MIN; v++) {
        double value;
        assert_true(recorder_quantile(&first, (double)v / (2.0 * RECORDER_SUB), &value));
        assert_true(value == (double)(v - 1));
    }
}

static void counts_and_sum_are_exact(void **state)
{
    (void)state;
    struct random random = {7};
    uint64_t sum = 0, in_buckets = 0;
    recorder_init(&first);
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t value = any_duration(&random);
        sum += value;
        recorder_add(&first, value);
    }
    for (size_t i = 0; i < RECORDER_BUCKETS; i++)
        in_buckets += first.buckets[i];
    assert_int_equal(first.count, SAMPLES);
    assert_int_equal(in_buckets, SAMPLES);
    assert_int_equal(first.sum, sum);
}

static void merge_equals_one_recorder_that_saw_everything(void **state)
{
    (void)state;
    struct random random = {11};
    recorder_init(&first);
    recorder_init(&second);
    recorder_init(&both);
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t value = any_duration(&random);
        recorder_add(i % 3 == 0 ? &first : &second, value);
        recorder_add(&both, value);
    }
    recorder_merge(&first, &second);
    assert_memory_equal(&first, &both, sizeof both);
}

static void merging_an_empty_recorder_changes_nothing(void **state)
{
    (void)state;
    recorder_init(&first);
    recorder_add(&first, 5);
    both = first;
    recorder_init(&second);
    recorder_merge(&first, &second);
    assert_memory_equal(&first, &both, sizeof both);
}

static void extremes_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    recorder_init(&first);
    recorder_add(&first, 0);
    for (int i = 0; i < 40; i++)
        recorder_add(&first, UINT64_MAX);
    double value;
    assert_int_equal(first.min, 0);
    assert_true(first.max == UINT64_MAX);
    assert_true(first.sum == UINT64_MAX);
    assert_true(recorder_quantile(&first, 0.5, &value));
    assert_true(value >= 0.99 * (double)UINT64_MAX && value <= (double)UINT64_MAX);
}

static void a_percentile_needs_ten_samples_beyond_it(void **state)
{
    (void)state;
    double value;
    recorder_init(&first);
    assert_false(recorder_quantile(&first, 0.5, &value));
    for (uint64_t i = 1; i <= 999; i++)
        recorder_add(&first, i);
    assert_false(recorder_quantile(&first, 0.99, &value));
    recorder_add(&first, 1000);
    assert_true(recorder_quantile(&first, 0.99, &value));
    assert_true(fabs(value - 990) <= 9.9);
    assert_false(recorder_quantile(&first, 0.999, &value));
}

static void few_samples_have_no_median_until_there_are_twenty(void **state)
{
    (void)state;
    double value;
    recorder_init(&first);
    for (int n = 1; n < 20; n++) {
        recorder_add(&first, 100);
        assert_false(recorder_quantile(&first, 0.5, &value));
    }
    recorder_add(&first, 100);
    assert_true(recorder_quantile(&first, 0.5, &value));
    assert_true(value == 100);
}

static void the_curve_rises_and_ends_at_the_maximum(void **state)
{
    (void)state;
    struct recorder_point curve[128];
    struct random random = {3};
    recorder_init(&first);
    assert_int_equal(recorder_curve(&first, curve, 128), 0);
    for (size_t i = 0; i < SAMPLES; i++)
        recorder_add(&first, any_duration(&random));
    size_t count = recorder_curve(&first, curve, 128);
    assert_true(count > 30);
    for (size_t i = 1; i < count; i++) {
        assert_true(curve[i].share > curve[i - 1].share);
        assert_true(curve[i].value >= curve[i - 1].value);
    }
    assert_true(curve[count - 1].share == 1.0);
    assert_true(curve[count - 1].value == (double)first.max);
    assert_int_equal(recorder_curve(&first, curve, 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_tile_the_whole_range),
        cmocka_unit_test(every_value_lands_in_its_own_bucket),
        cmocka_unit_test(bucket_width_is_at_most_one_percent),
        cmocka_unit_test(quantiles_are_within_one_percent_of_the_sorted_samples),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(counts_and_sum_are_exact),
        cmocka_unit_test(merge_equals_one_recorder_that_saw_everything),
        cmocka_unit_test(merging_an_empty_recorder_changes_nothing),
        cmocka_unit_test(extremes_neither_overflow_nor_vanish),
        cmocka_unit_test(a_percentile_needs_ten_samples_beyond_it),
        cmocka_unit_test(few_samples_have_no_median_until_there_are_twenty),
        cmocka_unit_test(the_curve_rises_and_ends_at_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
