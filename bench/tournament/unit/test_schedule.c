/* SPDX-License-Identifier: MIT */
/*
 * test_schedule.c - the order inside a block: reproducible, independent of the input order,
 * uniform.
 *
 * The chi-square bounds are for a fixed seed: either they hold for ever or something was changed.
 */
#include "../schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const four[] = {"chunked", "fastpath", "mutex", "mutex~twin"};

static void same_key_gives_same_order(void **state)
{
    (void)state;
    struct schedule_key key = {.seed = 42, .cell = "race/burst/n=1", .block = 3, .attempt = 1};
    size_t first[4], second[4];
    schedule_order(&key, four, 4, first);
    schedule_order(&key, four, 4, second);
    assert_memory_equal(first, second, sizeof(first));
    assert_int_equal(schedule_run_seed(&key), schedule_run_seed(&key));
}

/* A reader with another SHA-256 must find the same: this pins the text that is hashed. */
static void order_is_that_of_the_description(void **state)
{
    (void)state;
    struct schedule_key key = {.seed = 42, .cell = "race/burst/n=1", .block = 3, .attempt = 1};
    size_t order[4];
    char text[64] = "";
    schedule_order(&key, four, 4, order);
    for (size_t i = 0; i < 4; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%zu", order[i]);
    assert_string_equal(text, "3201");
    assert_int_equal(schedule_run_seed(&key), UINT64_C(255299178677070));
    assert_int_equal(schedule_env_pad(&key, "mutex"), 917);
}

static void order_does_not_depend_on_how_survivors_are_listed(void **state)
{
    (void)state;
    static const char *const turned[] = {"mutex~twin", "mutex", "chunked", "fastpath"};
    for (unsigned block = 1; block < 50; block++) {
        struct schedule_key key = {.seed = 1, .cell = "c", .block = block};
        size_t a[4], b[4];
        schedule_order(&key, four, 4, a);
        schedule_order(&key, turned, 4, b);
        for (size_t i = 0; i < 4; i++)
            assert_string_equal(four[a[i]], turned[b[i]]);
    }
}

static void each_part_of_the_key_changes_the_draw(void **state)
{
    (void)state;
    struct schedule_key base = {.seed = 1, .cell = "c", .block = 1, .attempt = 0};
    struct schedule_key others[] = {base, base, base, base};
    others[0].seed = 2;
    others[1].cell = "d";
    others[2].block = 2;
    others[3].attempt = 1;
    for (size_t i = 0; i < 4; i++)
        assert_int_not_equal(schedule_run_seed(&base), schedule_run_seed(&others[i]));
}

/* 24 orders of four, 24 000 blocks: chi-square with 23 degrees of freedom, 0.1 % point 49.7. */
static void all_orders_are_equally_frequent(void **state)
{
    (void)state;
    enum { DRAWS = 24000, ORDERS = 24 };
    unsigned count[256] = {0};
    for (unsigned block = 0; block < DRAWS; block++) {
        struct schedule_key key = {.seed = 7, .cell = "race/uniform/x", .block = block};
        size_t order[4];
        schedule_order(&key, four, 4, order);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double expected = (double)DRAWS / ORDERS, chi = 0;
    unsigned seen = 0;
    for (size_t i = 0; i < 256; i++) {
        if (count[i] == 0)
            continue;
        seen++;
        chi += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
    }
    assert_int_equal(seen, ORDERS);
    assert_true(chi < 49.7);
}

/* Seven does not divide 2^64: position of the first of seven, 6 degrees of freedom, 0.1 %
 * point 22.5. */
static void first_place_is_uniform_among_seven(void **state)
{
    (void)state;
    enum { DRAWS = 14000, ENTRIES = 7 };
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    unsigned count[ENTRIES] = {0};
    for (unsigned block = 0; block < DRAWS; block++) {
        struct schedule_key key = {.seed = 99, .cell = "race/seven/x", .block = block};
        size_t order[ENTRIES];
        schedule_order(&key, names, ENTRIES, order);
        count[order[0]]++;
    }
    const double expected = (double)DRAWS / ENTRIES;
    double chi = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    assert_true(chi < 22.5);
}

static void padding_stays_in_its_range_and_uses_it(void **state)
{
    (void)state;
    unsigned least = SCHEDULE_PAD_MAX, most = 0;
    for (unsigned block = 0; block < 2000; block++) {
        struct schedule_key key = {.seed = 5, .cell = "c", .block = block};
        unsigned pad = schedule_env_pad(&key, "mutex");
        assert_true(pad <= SCHEDULE_PAD_MAX);
        least = pad < least ? pad : least;
        most = pad > most ? pad : most;
    }
    assert_true(least < 50 && most > SCHEDULE_PAD_MAX - 50);
}

static void none_and_one_survivor(void **state)
{
    (void)state;
    struct schedule_key key = {.seed = 1, .cell = "c"};
    size_t order[1] = {9};
    schedule_order(&key, four, 0, order);
    assert_int_equal(order[0], 9);
    schedule_order(&key, four, 1, order);
    assert_int_equal(order[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_key_gives_same_order),
        cmocka_unit_test(order_is_that_of_the_description),
        cmocka_unit_test(order_does_not_depend_on_how_survivors_are_listed),
        cmocka_unit_test(each_part_of_the_key_changes_the_draw),
        cmocka_unit_test(all_orders_are_equally_frequent),
        cmocka_unit_test(first_place_is_uniform_among_seven),
        cmocka_unit_test(padding_stays_in_its_range_and_uses_it),
        cmocka_unit_test(none_and_one_survivor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
