/* SPDX-License-Identifier: MIT */
/* The histogram: its buckets, its quantiles beside those of a sorted array, readers beside it. */
#include "common/parts/histogram.h"

#include "common/unit/unit.h"

#include <stdatomic.h>

static const unsigned quantiles[] = {500, 900, 990};

/* |value - expected| is at most 1.6 % of expected. */
static void assert_close(uint64_t value, uint64_t expected)
{
    uint64_t off = value > expected ? value - expected : expected - value;
    if (off > expected / 64 + 1 && off / 2 > expected / 128)
        fail_msg("%" PRIu64 " is not close to %" PRIu64, value, expected);
}

/* Each value lies in its bucket, buckets rise without a gap, the middle is within 1.6 %. */
static void buckets_are_narrow_and_in_order(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket(0), 0);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(histogram_bucket(histogram_middle(i)), i);
    for (unsigned power = 0; power < 64; power++) {
        uint64_t value = UINT64_C(1) << power;
        assert_close(histogram_middle(histogram_bucket(value)), value);
        if (power > 5)
            assert_int_equal(histogram_bucket(value), histogram_bucket(value - 1) + 1);
    }
}

static void nothing_measured_is_all_zero(void **state)
{
    (void)state;
    struct histogram *all = calloc(1, sizeof *all);
    uint64_t value[3] = {7, 7, 7};
    assert_int_equal(histogram_quantiles(all, quantiles, 3, value), 0);
    assert_true(value[0] == 0 && value[1] == 0 && value[2] == 0);
    assert_int_equal(histogram_max(all), 0);
    free(all);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank, by the book. */
static uint64_t exact(const uint64_t *sorted, unsigned count, unsigned permille)
{
    unsigned rank = (count * permille + 999) / 1000;
    return sorted[rank == 0 ? 0 : rank - 1];
}

static void check(const struct histogram *all, uint64_t *values, unsigned count)
{
    uint64_t found[3];
    assert_int_equal(histogram_quantiles(all, quantiles, 3, found), count);
    qsort(values, count, sizeof *values, compare);
    for (unsigned i = 0; i < 3; i++)
        assert_close(found[i], exact(values, count, quantiles[i]));
    assert_int_equal(histogram_max(all), values[count - 1]);
    assert_true(found[0] <= found[1] && found[1] <= found[2] && found[2] <= values[count - 1]);
}

/* Trap X1: few values, where a rank that is off by one shows. */
static void few_values_are_exact_within_a_bucket(void **state)
{
    (void)state;
    uint64_t seed = unit_seed();
    for (unsigned round = 0; round < 200; round++) {
        uint64_t values[5];
        struct histogram *all = calloc(1, sizeof *all);
        for (unsigned count = 1; count <= 5; count++) {
            values[count - 1] = unit_random(&seed) >> unit_below(&seed, 64);
            histogram_add(all, values[count - 1], 1);
            check(all, values, count);
        }
        free(all);
    }
}

static void many_values_of_all_sizes(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    uint64_t seed = unit_seed();
    uint64_t *values = calloc(MANY, sizeof *values);
    struct histogram *all = calloc(1, sizeof *all);
    for (unsigned i = 0; i < MANY; i++) {
        values[i] = unit_random(&seed) >> unit_below(&seed, 64);
        histogram_add(all, values[i], 1);
    }
    check(all, values, MANY);
    free(all);
    free(values);
}

/* A value that stands for many counts so many times. */
static void weights_count(void **state)
{
    (void)state;
    struct histogram *all = calloc(1, sizeof *all);
    uint64_t value[3];
    histogram_add(all, 10, 89);
    histogram_add(all, 20, 10);
    histogram_add(all, 30, 1);
    assert_int_equal(histogram_quantiles(all, quantiles, 3, value), 100);
    assert_true(value[0] == 10 && value[1] == 20 && value[2] == 20);
    assert_int_equal(histogram_max(all), 30);
    free(all);
}

/* Ranks do not overflow, however often something was counted. */
static void ranks_of_huge_counts(void **state)
{
    (void)state;
    assert_int_equal(histogram_rank(1, 500), 1);
    assert_int_equal(histogram_rank(1000, 990), 990);
    assert_int_equal(histogram_rank(1001, 990), 991);
    assert_true(histogram_rank(UINT64_MAX, 990) <= UINT64_MAX / 100 * 99 + 1000);
    assert_true(histogram_rank(UINT64_MAX, 990) >= UINT64_MAX / 100 * 99);
}

struct reading {
    struct histogram *all;
    atomic_bool stop;
    unsigned wrong;
};

static void read_beside(void *arg, unsigned index)
{
    struct reading *test = arg;
    uint64_t last = 0;
    (void)index;
    while (!atomic_load(&test->stop)) {
        uint64_t value[3];
        uint64_t count = histogram_quantiles(test->all, quantiles, 3, value);
        uint64_t max = histogram_max(test->all);
        bool ordered = value[0] <= value[1] && value[1] <= value[2] && value[2] <= max;
        test->wrong += !ordered || count < last || (count > 0 && value[0] == 0);
        last = count;
    }
}

/* Trap X1: in order also for a reader beside the writer; no count is lost (trap X2). */
static void readers_see_quantiles_in_order(void **state)
{
    (void)state;
    uint64_t seed = unit_seed();
    struct reading test = {.all = calloc(1, sizeof(struct histogram))};
    struct unit_team team;
    unsigned rounds = unit_rounds(200000);
    uint64_t value[3];
    unit_team_start(&team, 1, read_beside, &test);
    for (unsigned i = 0; i < rounds; i++)
        histogram_add(test.all, 64 + (unit_random(&seed) >> 20 >> unit_below(&seed, 40)), 1);
    atomic_store(&test.stop, true);
    unit_team_join(&team);
    assert_int_equal(test.wrong, 0);
    assert_int_equal(histogram_quantiles(test.all, quantiles, 3, value), rounds);
    free(test.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_narrow_and_in_order),
        cmocka_unit_test(nothing_measured_is_all_zero),
        cmocka_unit_test(few_values_are_exact_within_a_bucket),
        cmocka_unit_test(many_values_of_all_sizes),
        cmocka_unit_test(weights_count),
        cmocka_unit_test(ranks_of_huge_counts),
        cmocka_unit_test(readers_see_quantiles_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
