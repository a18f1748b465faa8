/* SPDX-License-Identifier: MIT */
/* test_weights.c - the profiles of the house, and how their weights are spread over the cells. */
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

static struct field field;

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_those_of_the_house),
        cmocka_unit_test(family_names_are_read_back),
        cmocka_unit_test(weights_spread_over_scenarios_then_points),
        cmocka_unit_test(shares_move_weight_inside_a_family),
    };
    return cmocka_run_group_tests_name("judge weights", tests, NULL, NULL);
}
