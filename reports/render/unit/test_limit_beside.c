/* SPDX-License-Identifier: MIT */
/*
 * test_limit_beside.c - costs as multiples of the limit of their own block: what drifts is left
 * out, and where most of it drifted there is no multiple; no verdict hangs on it.
 */
#include "../limit_beside.h"
#include "folder.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static struct folder folder;
static struct run_dir dir;

enum { ANT, BEE };

static int set_up(void **state)
{
    (void)state;
    folder_init(&folder, "standard");
    folder_plan(&folder, "standard", "\"calibration\":{\"drift_limit\":0.2,\"rep_ms\":3},");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_dir_fini(&dir);
    folder_fini(&folder);
    return 0;
}

/* A block of ping_pong; [calibration] is what its line says, as JSON. */
static void block(size_t number, bool valid, double ant, double bee, const char *calibration)
{
    folder_run(&folder, 0, number, valid, 0, "ant", ant);
    folder_run(&folder, 0, number, valid, 1, "bee", bee);
    folder_event(&folder,
                 "block",
                 "\"cell\":0,\"block\":%zu,\"attempt\":%d,\"valid\":%s,\"foreign_share\":0,"
                 "\"entries\":[\"ant\",\"bee\"],\"reason\":\"\",\"calibration\":%s",
                 number,
                 valid,
                 valid ? "true" : "false",
                 calibration);
}

/* The same with L4 and C8 as given before and after. */
static void block_between(size_t number, double ant, double before, double after)
{
    char text[512];
    snprintf(text,
             sizeof(text),
             "{\"before\":[{\"id\":\"C8\",\"unit\":\"ns\",\"median\":%g},"
             "{\"id\":\"L4\",\"unit\":\"ns\",\"median\":%g}],"
             "\"after\":[{\"id\":\"C8\",\"unit\":\"ns\",\"median\":%g},"
             "{\"id\":\"L4\",\"unit\":\"ns\",\"median\":%g}]}",
             before,
             before,
             after,
             after);
    block(number, true, ant, 2 * ant, text);
}

static struct limit_times read_times(size_t cell, size_t entry)
{
    struct limit_times times;
    char err[512] = "";
    run_dir_fini(&dir);
    assert_int_equal(run_dir_read(folder.path, 0, &dir, err, sizeof(err)), 0);
    assert_int_equal(limit_times_of(&dir, cell, entry, &times), 0);
    return times;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) < 1e-9 * fabs(b);
}

/* The machine becomes twice as slow half way through, and cost and limit with it. */
static void each_block_has_its_own_limit(void **state)
{
    (void)state;
    for (size_t b = 0; b < 10; b++)
        block_between(b, b < 5 ? 200 : 400, b < 5 ? 100 : 200, b < 5 ? 100 : 200);
    struct limit_times ant = read_times(0, ANT);
    assert_string_equal(ant.rule->label, "L4");
    assert_true(ant.beside && !ant.dropped);
    assert_int_equal(ant.calibrated, 10);
    assert_int_equal(ant.drifted, 0);
    assert_true(close_to(ant.times, 2));
    assert_true(close_to(ant.low, 2) && close_to(ant.high, 2));
    assert_true(close_to(read_times(0, BEE).times, 4));
}

/* A planted drift: that block is left out, and the others are not. */
static void a_block_that_drifted_is_left_out(void **state)
{
    (void)state;
    for (size_t b = 0; b < 9; b++)
        block_between(b, 200, 100, 100);
    block_between(9, 2000, 100, 121);
    block_between(10, 200, 100, 119);
    struct limit_times ant = read_times(0, ANT);
    assert_int_equal(ant.calibrated, 11);
    assert_int_equal(ant.drifted, 1);
    assert_false(ant.dropped);
    assert_true(close_to(ant.times, 2));
    assert_true(ant.high < 2.1);
}

/* More than half of the blocks drifted: nobody knows the limit of the cell. */
static void a_cell_that_drifted_is_dropped(void **state)
{
    (void)state;
    for (size_t b = 0; b < 4; b++)
        block_between(b, 200, 100, 100);
    for (size_t b = 4; b < 8; b++)
        block_between(b, 200, 100, 70);
    assert_false(read_times(0, ANT).dropped);
    block_between(8, 200, 100, 70);
    struct limit_times ant = read_times(0, ANT);
    assert_int_equal(ant.drifted, 5);
    assert_true(ant.dropped);
    assert_true(isnan(ant.times));
    assert_true(isnan(ant.low) && isnan(ant.high));
}

/* Any price of the calibration counts, not only that of the limit: C8 tells of the place of the
 * threads. The share is that of the plan. */
static void every_price_counts_and_the_plan_says_how_much(void **state)
{
    (void)state;
    static const char moved[] = "{\"before\":[{\"id\":\"C8\",\"unit\":\"ns\",\"median\":100},"
                                "{\"id\":\"L4\",\"unit\":\"ns\",\"median\":50}],"
                                "\"after\":[{\"id\":\"L4\",\"unit\":\"ns\",\"median\":50},"
                                "{\"id\":\"C8\",\"unit\":\"ns\",\"median\":125}]}";
    json_t *calibration = json_loads(moved, 0, NULL);
    assert_true(close_to(limit_drift(calibration), 0.25));
    json_decref(calibration);
    block(0, true, 100, 200, moved);
    assert_int_equal(read_times(0, ANT).drifted, 1);
    folder_fini(&folder);
    folder_init(&folder, "standard");
    folder_plan(&folder, "standard", "\"calibration\":{\"drift_limit\":0.3,\"rep_ms\":3},");
    block(0, true, 100, 200, moved);
    assert_int_equal(read_times(0, ANT).drifted, 0);
    assert_true(close_to(read_times(0, ANT).times, 2));
}

/* Attempts that were done again and blocks whose second measurement is missing have no limit. */
static void what_was_not_measured_is_not_made_up(void **state)
{
    (void)state;
    static const char half[] =
        "{\"before\":[{\"id\":\"L4\",\"unit\":\"ns\",\"median\":100}],\"after\":null}";
    static const char other_unit[] =
        "{\"before\":[{\"id\":\"L4\",\"unit\":\"bytes\",\"median\":100}],"
        "\"after\":[{\"id\":\"L4\",\"unit\":\"bytes\",\"median\":100}]}";
    block(0, true, 100, 200, half);
    block(1, true, 100, 200, "null");
    block(2, true, 100, 200, other_unit);
    struct limit_times ant = read_times(0, ANT);
    assert_int_equal(ant.calibrated, 0);
    assert_false(ant.beside);
    assert_true(isnan(ant.times));
    assert_true(isnan(limit_drift(NULL)));
}

/* Without a limit that makes sense, and without calibrations: as before the first block. */
static void without_calibration_the_start_counts(void **state)
{
    (void)state;
    folder_write(
        &folder, "limits.json", "{\"limits\":[{\"id\":\"L4\",\"unit\":\"ns\",\"median\":100}]}");
    folder_rounds(&folder, 3, 2);
    struct limit_times ant = read_times(0, ANT);
    assert_false(ant.beside);
    assert_true(close_to(ant.limit, 100));
    assert_true(ant.times > 9.9 && ant.times < 10.5);
    assert_true(isnan(ant.low));
    assert_null(read_times(1, ANT).rule);
}

/* Every row of the table can be measured: what stands beside contains the limit itself. */
static void the_table_asks_for_what_it_divides_by(void **state)
{
    (void)state;
    static const char *const cells[][3] = {
        {"race", "ping_pong", "parked"},
        {"race", "ping_pong", "closed,cross-core"},
        {"race", "producers", "threads=4,batch=64"},
        {"micro", "microtask", "-"},
        {"micro", "fd_dispatch", "n=64"},
    };
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        const struct limit_rule *rule = limit_rule_of(cells[i][0], cells[i][1], cells[i][2]);
        assert_non_null(rule);
        assert_non_null(strstr(rule->beside, rule->limit));
    }
    assert_null(limit_rule_of("race", "burst", "n=1"));
    assert_null(limit_rule_of("race", "no such", ""));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_block_has_its_own_limit),
        CASE(a_block_that_drifted_is_left_out),
        CASE(a_cell_that_drifted_is_dropped),
        CASE(every_price_counts_and_the_plan_says_how_much),
        CASE(what_was_not_measured_is_not_made_up),
        CASE(without_calibration_the_start_counts),
        CASE(the_table_asks_for_what_it_divides_by),
    };
    return cmocka_run_group_tests_name("limit_beside", tests, NULL, NULL);
}
