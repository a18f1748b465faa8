/* SPDX-License-Identifier: MIT */
/*
 * test_williams.c - squares: balanced, reproducible, and counted once. The real schedule and the
 * real judge over thousands of small tournaments, on a machine where each run leaves something
 * behind for the next one.
 */
#include "../../../reports/judge/unit/field.h"
#include "../schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const names[] = {"ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"};
static struct field field;

/* ---- the squares ---- */

static void each_follows_each_and_stands_everywhere_equally_often(void **state)
{
    (void)state;
    for (size_t count = 2; count <= 8; count++) {
        unsigned follows[8][8] = {{0}}, stands[8][8] = {{0}};
        const size_t rows = schedule_square_rows(count);
        const unsigned each = (unsigned)(rows / count);
        struct schedule_key key = {.seed = 3, .cell = "c", .block = 1};
        assert_int_equal(rows, count % 2 == 0 ? count : 2 * count);
        for (size_t row = 0; row < rows; row++) {
            size_t order[8];
            schedule_square_order(&key, names, count, row, order);
            for (size_t place = 0; place < count; place++) {
                stands[order[place]][place]++;
                if (place > 0)
                    follows[order[place - 1]][order[place]]++;
            }
        }
        for (size_t a = 0; a < count; a++)
            for (size_t b = 0; b < count; b++) {
                assert_int_equal(stands[a][b], each);
                assert_int_equal(follows[a][b], a == b ? 0 : each);
            }
    }
}

static void text_of_square(const struct schedule_key *key, size_t count, char *text, size_t size)
{
    static const char *const four[] = {"chunked", "fastpath", "mutex", "mutex~twin"};
    size_t used = 0;
    for (size_t row = 0; row < schedule_square_rows(count); row++) {
        size_t order[4];
        schedule_square_order(key, four, count, row, order);
        for (size_t i = 0; i < count; i++)
            used += (size_t)snprintf(text + used, size - used, "%zu", order[i]);
        used += (size_t)snprintf(text + used, size - used, " ");
    }
}

/* Another program, from the text in schedule.h, found the same: this pins what is hashed. */
static void squares_are_those_of_the_description(void **state)
{
    (void)state;
    char text[64];
    struct schedule_key key = {.seed = 42, .cell = "race/burst/n=1", .block = 5, .attempt = 2};
    text_of_square(&key, 4, text, sizeof(text));
    assert_string_equal(text, "2301 3120 1032 0213 ");
    text_of_square(&key, 3, text, sizeof(text));
    assert_string_equal(text, "201 012 120 102 210 021 ");
}

static void labels_are_drawn_anew_for_each_square_but_not_for_an_attempt(void **state)
{
    (void)state;
    unsigned first[5] = {0};
    size_t a[5], b[5];
    for (unsigned block = 1; block <= 2000; block++) {
        struct schedule_key key = {.seed = 8, .cell = "c", .block = block};
        schedule_square_order(&key, names, 5, 0, a);
        key.attempt = 1;
        schedule_square_order(&key, names, 5, 0, b);
        assert_memory_equal(a, b, sizeof(a));
        first[a[0]]++;
    }
    double chi = 0; /* 4 degrees of freedom, 0.1 % point 18.5 */
    for (size_t i = 0; i < 5; i++)
        chi += (first[i] - 400.0) * (first[i] - 400.0) / 400.0;
    assert_true(chi < 18.5);
}

static void one_or_nobody_needs_no_square(void **state)
{
    (void)state;
    struct schedule_key key = {.seed = 1, .cell = "c", .block = 1};
    size_t order[1] = {9};
    assert_int_equal(schedule_square_rows(0), 1);
    assert_int_equal(schedule_square_rows(1), 1);
    schedule_square_order(&key, names, 0, 0, order);
    assert_int_equal(order[0], 9);
    schedule_square_order(&key, names, 1, 0, order);
    assert_int_equal(order[0], 0);
}

static void the_two_designs_have_names(void **state)
{
    (void)state;
    enum schedule_design design = SCHEDULE_UNIFORM;
    assert_true(schedule_design_parse("williams", &design));
    assert_string_equal(schedule_design_name(design), "williams");
    assert_true(schedule_design_parse("uniform", &design));
    assert_int_equal(design, SCHEDULE_UNIFORM);
    assert_false(schedule_design_parse("latin", &design));
}

/* ---- a machine on which the order matters ---- */

enum machine { CARRY_OVER, SLOW_FIRST_PLACE, DISTURBED_IN_STEP };

/* Costs of all blocks of cell 0. With carry-over whoever runs after entry 2 is a third slower;
 * a disturbance in step meets the first place of one block and the second of the next. */
static void
race(enum schedule_design design, enum machine machine, bool by_square, uint64_t *random)
{
    const size_t count = field.in.entry_count, rows = schedule_square_rows(count);
    struct schedule_key key = {.seed = *random, .cell = "c"};
    size_t last = count;
    for (size_t b = 0; b < field.cells[0].block_count; b++) {
        size_t order[FIELD_ENTRIES];
        key.block = (unsigned)b;
        if (design == SCHEDULE_UNIFORM) {
            schedule_order(&key, names, count, order);
        } else {
            key.block = (unsigned)(b - b % rows);
            schedule_square_order(&key, names, count, b % rows, order);
        }
        field.blocks[0][b].row = by_square ? b % rows : 0;
        field.blocks[0][b].rows = by_square ? rows : 0;
        for (size_t place = 0; place < count; place++) {
            double log_cost = 0.02 * field_normal(random);
            if (machine == CARRY_OVER && last == 2)
                log_cost += 0.3;
            if (machine == SLOW_FIRST_PLACE && place == 0)
                log_cost += 0.015;
            if (machine == DISTURBED_IN_STEP && place == b % 2)
                log_cost += 0.2;
            field.cost[0][b][order[place]] = exp(log_cost);
            last = order[place];
        }
    }
}

/* How often entry 0 and 1, the same code, are told apart in [trials]; *spread is the sd of d. */
static size_t told_apart(enum schedule_design design,
                         enum machine machine,
                         size_t entries,
                         bool by_square,
                         size_t trials,
                         double *spread)
{
    uint64_t random = 11;
    size_t apart = 0, n = 0;
    double squares = 0;
    const size_t rows = schedule_square_rows(entries);
    field_init(&field, entries, 1, 15 * rows);
    for (size_t trial = 0; trial < trials; trial++) {
        struct judge_cell_result result;
        race(design, machine, by_square, &random);
        assert_int_equal(judge_cell(&field.in, 0, &result), 0);
        apart += result.duels[0].pair.decided != 0;
        judge_cell_fini(&result);
        for (size_t first = 0; first < field.cells[0].block_count; first += rows, n++) {
            double d = 0;
            for (size_t r = 0; r < rows; r++)
                d += log(field.cost[0][first + r][0]) - log(field.cost[0][first + r][1]);
            squares += d * d / (double)(rows * rows);
        }
    }
    *spread = sqrt(squares / (double)n);
    return apart;
}

static size_t at_most(double rate, size_t trials)
{
    const double n = (double)trials;
    return (size_t)(n * rate + 3 * sqrt(n * rate * (1 - rate)));
}

/* Two entries decide at 1/alpha; with three, one given pair may err at alpha / 3. */
static void squares_keep_the_level_whatever_the_machine_does(void **state)
{
    enum { TRIALS = 1500 };
    static const enum machine machines[] = {CARRY_OVER, SLOW_FIRST_PLACE, DISTURBED_IN_STEP};
    (void)state;
    for (size_t m = 0; m < 3; m++) {
        double spread;
        assert_in_range(told_apart(SCHEDULE_WILLIAMS, machines[m], 2, true, TRIALS, &spread),
                        0,
                        at_most(0.05, TRIALS));
        assert_in_range(told_apart(SCHEDULE_WILLIAMS, machines[m], 3, true, TRIALS, &spread),
                        0,
                        at_most(0.05 / 3, TRIALS));
    }
}

/* What the rule is for: the same squares, each block taken for a coin of its own. */
static void squares_counted_by_block_break_the_promise(void **state)
{
    enum { TRIALS = 500 };
    double spread;
    (void)state;
    size_t apart = told_apart(SCHEDULE_WILLIAMS, DISTURBED_IN_STEP, 2, false, TRIALS, &spread);
    assert_true(apart > 2 * at_most(0.05, TRIALS));
    assert_in_range(told_apart(SCHEDULE_UNIFORM, DISTURBED_IN_STEP, 2, false, TRIALS, &spread),
                    0,
                    at_most(0.05, TRIALS));
}

/* What squares are good for: what the neighbour leaves behind falls on all alike. */
static void squares_cancel_most_of_the_carry_over(void **state)
{
    double balanced, random;
    (void)state;
    told_apart(SCHEDULE_WILLIAMS, CARRY_OVER, 4, true, 200, &balanced);
    told_apart(SCHEDULE_UNIFORM, CARRY_OVER, 4, false, 200, &random);
    assert_true(balanced < 0.75 * random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_follows_each_and_stands_everywhere_equally_often),
        cmocka_unit_test(squares_are_those_of_the_description),
        cmocka_unit_test(labels_are_drawn_anew_for_each_square_but_not_for_an_attempt),
        cmocka_unit_test(one_or_nobody_needs_no_square),
        cmocka_unit_test(the_two_designs_have_names),
        cmocka_unit_test(squares_keep_the_level_whatever_the_machine_does),
        cmocka_unit_test(squares_counted_by_block_break_the_promise),
        cmocka_unit_test(squares_cancel_most_of_the_carry_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
