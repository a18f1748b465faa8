/* SPDX-License-Identifier: MIT */
/*
 * test_targets.c - the answers to the targets, from runs made by hand: met, missed and open; who is
 * best, which guest comes closest; limits beside blocks and their drift; what is not there is said.
 */
#include "../targets.h"

#include "../../render/unit/folder.h"

#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

enum { FAST, CHUNKED, MUTEX, UV, EV, ENTRIES };
enum { PRODUCERS, PARKED, CANCEL, CANCEL_FEW, MICROTASK, IDLE };

static const char *const names[ENTRIES] = {"fastpath", "chunked", "mutex", "libuv", "libev"};
static struct folder folder;
static struct target_results results;
static char err[1024];

/* The metric of a run that is no primary cost; "" for none. */
static char more[256];

static void write_plan(const char *kind_of_guests, const char *order)
{
    static const char *const cells[][3] = {
        {"race", "producers", "threads=1,batch=1"},
        {"race", "ping_pong", "parked"},
        {"micro", "timer_library", "n=1000000"},
        {"micro", "timer_library", "n=1000"},
        {"micro", "microtask", "-"},
        {"race", "idle", "empty"},
    };
    char text[4096];
    size_t used = (size_t)snprintf(
        text,
        sizeof(text),
        "{\"schema\":1,\"preset\":\"targets\",\"seed\":\"1\",\"alpha\":0.05,\"order\":\"%s\","
        "\"margin\":0.05,\"blocks_common\":12,\"blocks_max\":12,"
        "\"calibration\":{\"drift_limit\":0.2},\"entries\":[",
        order);
    for (size_t e = 0; e < ENTRIES; e++)
        used += (size_t)snprintf(text + used,
                                 sizeof(text) - used,
                                 "%s{\"name\":\"%s\",\"contestant\":\"%s\",\"variant\":\"\","
                                 "\"kind\":\"%s\"}",
                                 e > 0 ? "," : "",
                                 names[e],
                                 names[e],
                                 e < UV ? "native" : kind_of_guests);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "],\"cells\":[");
    for (size_t c = 0; c < sizeof(cells) / sizeof(cells[0]); c++)
        used += (size_t)snprintf(text + used,
                                 sizeof(text) - used,
                                 "%s{\"lane\":\"%s\",\"scenario\":\"%s\",\"point\":\"%s\","
                                 "\"params\":{},\"metric\":\"cost\",\"unit\":\"ns\","
                                 "\"family\":\"med\"}",
                                 c > 0 ? "," : "",
                                 cells[c][0],
                                 cells[c][1],
                                 cells[c][2]);
    snprintf(text + used, sizeof(text) - used, "]}\n");
    folder_write(&folder, "plan.json", text);
    run_dir_sha256(text, strlen(text), folder.plan);
}

static int set_up(void **state)
{
    (void)state;
    folder_init(&folder, "standard");
    write_plan("guest", "uniform");
    more[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    targets_free(&results);
    folder_fini(&folder);
    return 0;
}

/* One block of [cell]; a cost of 0 is an entry that did not run. */
static void block_beside(size_t cell, size_t number, const double *costs, const char *calibration)
{
    char list[256] = "";
    for (size_t e = 0, place = 0; e < ENTRIES; e++) {
        if (!(costs[e] > 0))
            continue;
        folder_event(&folder,
                     "run",
                     "\"cell\":%zu,\"block\":%zu,\"attempt\":0,\"position\":%zu,\"entry\":\"%s\","
                     "\"status\":\"ok\",\"reason\":\"\",\"cost\":%.17g,\"wall_ms\":1,"
                     "\"run\":{\"metrics\":{\"cost\":{\"value\":%.17g}%s}}",
                     cell,
                     number,
                     place,
                     names[e],
                     costs[e],
                     costs[e],
                     more);
        snprintf(list + strlen(list),
                 sizeof(list) - strlen(list),
                 "%s\"%s\"",
                 place++ > 0 ? "," : "",
                 names[e]);
    }
    folder_event(&folder,
                 "block",
                 "\"cell\":%zu,\"block\":%zu,\"attempt\":0,\"valid\":true,\"foreign_share\":0,"
                 "\"entries\":[%s],\"reason\":\"\",\"calibration\":%s",
                 cell,
                 number,
                 list,
                 calibration);
}

static void blocks(size_t cell, size_t count, const double *costs)
{
    for (size_t b = 0; b < count; b++)
        block_beside(cell, b, costs, "null");
}

static void ask(void)
{
    targets_free(&results);
    if (targets_write(folder.path, &results, err, sizeof(err)) != 0)
        fail_msg("%s", err);
}

/* The answer of [who] to the question [what] that is held against [against]. */
static const struct target_result *
answer(const char *what, const char *who, enum target_against against)
{
    for (size_t i = 0; i < results.count; i++) {
        const struct target_result *one = &results.items[i];
        if (strcmp(one->target->what, what) == 0 && one->target->against == against &&
            (who[0] == '\0' || strcmp(one->who, who) == 0))
            return one;
    }
    fail_msg("no answer of %s to %s", who, what);
    return NULL;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) < 1e-9 * fabs(b);
}

#define ONE "submit one by one, 1 producer"

static void the_best_native_against_the_closest_guest(void **state)
{
    (void)state;
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 50, 30});
    ask();
    const struct target_result *one = answer(ONE, "", AGAINST_GUESTS);
    assert_string_equal(one->who, "fastpath");
    assert_string_equal(one->against, "libev");
    assert_int_equal(one->blocks, 10);
    assert_true(close_to(one->ratio, 3) && close_to(one->low, 3) && close_to(one->high, 3));
    assert_true(close_to(one->cost, 10) && close_to(one->other, 30));
    assert_int_equal(one->word, TARGET_MET);
}

static void a_bound_that_is_broken_is_missed(void **state)
{
    (void)state;
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 50, 24});
    ask();
    assert_int_equal(answer(ONE, "", AGAINST_GUESTS)->word, TARGET_MISSED);
    assert_int_equal(targets_worst(&results), TARGET_MISSED);
}

/* Below seven blocks there is no interval, and across the bound nothing is proven. */
static void what_is_not_proven_says_so(void **state)
{
    (void)state;
    blocks(PRODUCERS, 6, (double[ENTRIES]){10, 20, 40, 50, 30});
    ask();
    assert_int_equal(answer(ONE, "", AGAINST_GUESTS)->word, TARGET_MET_OPEN);
    assert_true(isnan(answer(ONE, "", AGAINST_GUESTS)->low));
    for (size_t b = 6; b < 12; b++)
        block_beside(PRODUCERS, b, (double[ENTRIES]){10, 20, 40, 50, b % 2 ? 26 : 24}, "null");
    ask();
    const struct target_result *one = answer(ONE, "", AGAINST_GUESTS);
    assert_int_equal(one->word, TARGET_MET_OPEN);
    assert_true(one->low < 2.5 && one->ratio > 2.5);
}

/* One guest far away does not make up for another that is near. */
static void the_weakest_word_of_all_guests_counts(void **state)
{
    (void)state;
    for (size_t b = 0; b < 10; b++)
        block_beside(PRODUCERS, b, (double[ENTRIES]){10, 20, 40, b % 2 ? 100 : 20, 30}, "null");
    ask();
    assert_int_equal(answer(ONE, "", AGAINST_GUESTS)->word, TARGET_MET_OPEN);
}

static void without_guests_it_is_not_measured(void **state)
{
    (void)state;
    write_plan("native", "uniform");
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 50, 30});
    ask();
    const struct target_result *one = answer(ONE, "", AGAINST_GUESTS);
    assert_int_equal(one->word, TARGET_NOT_MEASURED);
    assert_string_equal(one->reason, "no guest ran in this cell");
    assert_int_equal(targets_worst(&results), TARGET_NOT_MEASURED);
}

static void calibration(char *text, size_t size, double before, double after)
{
    snprintf(text,
             size,
             "{\"before\":[{\"id\":\"L5a\",\"unit\":\"ns\",\"median\":%g},"
             "{\"id\":\"L5ae\",\"unit\":\"ns\",\"median\":%g}],"
             "\"after\":[{\"id\":\"L5a\",\"unit\":\"ns\",\"median\":%g},"
             "{\"id\":\"L5ae\",\"unit\":\"ns\",\"median\":%g}]}",
             before,
             2 * before,
             after,
             2 * after);
}

#define NO_FD "parked round trip, no descriptors"
#define IN_EPOLL "parked round trip, in epoll or a ring"

/* Two limits beside the same blocks, for who parks in the one way and in the other. */
static void a_limit_is_that_of_the_block(void **state)
{
    (void)state;
    char beside[512];
    for (size_t b = 0; b < 12; b++) {
        const double price = b < 6 ? 100 : 300;
        calibration(beside, sizeof(beside), price, price);
        block_beside(
            PARKED, b, (double[ENTRIES]){1.1 * price, 2.5 * price, 2.2 * price, 0, 0}, beside);
    }
    ask();
    const struct target_result *fast = answer(NO_FD, "fastpath", AGAINST_LIMIT);
    assert_string_equal(fast->against, "limit L5a");
    assert_true(close_to(fast->ratio, 1.1));
    assert_int_equal(fast->word, TARGET_MET);
    assert_int_equal(answer(IN_EPOLL, "mutex", AGAINST_LIMIT)->word, TARGET_MET);
    assert_int_equal(answer(IN_EPOLL, "chunked", AGAINST_LIMIT)->word, TARGET_MISSED);
    assert_true(close_to(answer(IN_EPOLL, "chunked", AGAINST_LIMIT)->ratio, 1.25));
}

/* A planted drift: blocks are left out, and with most of them the answer. */
static void a_limit_that_drifted_is_no_limit(void **state)
{
    (void)state;
    char steady[512], moved[512];
    const double costs[ENTRIES] = {110, 110, 110, 0, 0};
    calibration(steady, sizeof(steady), 100, 100);
    calibration(moved, sizeof(moved), 100, 130);
    for (size_t b = 0; b < 16; b++)
        block_beside(PARKED, b, costs, b % 2 ? steady : moved);
    ask();
    const struct target_result *fast = answer(NO_FD, "fastpath", AGAINST_LIMIT);
    assert_int_equal(fast->blocks, 8);
    assert_int_equal(fast->word, TARGET_MET);
    assert_string_equal(fast->reason, "8 of 16 blocks left out: drift");
    block_beside(PARKED, 16, costs, moved);
    ask();
    fast = answer(NO_FD, "fastpath", AGAINST_LIMIT);
    assert_int_equal(fast->word, TARGET_NOT_MEASURED);
    assert_string_equal(fast->reason, "L5a drifted too far in 9 of 17 blocks");
}

/* What nobody could do is told beside what was done. */
static void the_limit_says_how_much_is_possible(void **state)
{
    (void)state;
    const char *beside = "{\"before\":[{\"id\":\"L1\",\"unit\":\"ns\",\"median\":9}],"
                         "\"after\":[{\"id\":\"L1\",\"unit\":\"ns\",\"median\":9}]}";
    for (size_t b = 0; b < 10; b++)
        block_beside(PRODUCERS, b, (double[ENTRIES]){10, 20, 40, 50, 18}, beside);
    ask();
    const struct target_result *one = answer(ONE, "", AGAINST_GUESTS);
    assert_string_equal(one->against, "libev");
    assert_true(close_to(one->ratio, 1.8) && close_to(one->ceiling, 2));
    assert_string_equal(one->ceiling_by, "L1");
    blocks(CANCEL, 10, (double[ENTRIES]){30, 50, 30, 60, 60});
    ask();
    assert_true(isnan(answer("arm + cancel, 10^6 pending", "mutex", AGAINST_GUESTS)->ceiling));
}

static void null_run(size_t cell, double cost)
{
    folder_event(&folder,
                 "null",
                 "\"cell\":%zu,\"status\":\"ok\",\"reason\":\"\",\"cost\":%.17g,\"wall_ms\":1",
                 cell,
                 cost);
}

/* And what the case itself costs: a loop could not be cheaper than none. */
static void the_harness_says_how_much_is_possible(void **state)
{
    (void)state;
    static const double null[] = {5, 4, 6};
    char limits[512];
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 50, 18});
    ask();
    assert_true(isnan(answer(ONE, "", AGAINST_GUESTS)->harness));
    for (size_t i = 0; i < 3; i++)
        null_run(PRODUCERS, null[i]);
    ask();
    assert_true(close_to(answer(ONE, "", AGAINST_GUESTS)->harness, 18. / 5));
    calibration(limits, sizeof(limits), 100, 100);
    for (size_t b = 0; b < 10; b++)
        block_beside(PARKED, b, (double[ENTRIES]){110, 110, 110, 0, 0}, limits);
    null_run(PARKED, 60);
    ask();
    assert_true(close_to(answer(NO_FD, "fastpath", AGAINST_LIMIT)->harness, 0.6));
    blocks(CANCEL, 10, (double[ENTRIES]){30, 50, 30, 60, 60});
    ask();
    assert_true(isnan(answer("arm + cancel, 10^6 pending", "mutex", AGAINST_GUESTS)->harness));
}

static void a_limit_that_was_not_measured_is_none(void **state)
{
    (void)state;
    blocks(MICROTASK, 10, (double[ENTRIES]){2, 2, 2, 9, 9});
    ask();
    const struct target_result *one = answer("microtask, push and run", "mutex", AGAINST_LIMIT);
    assert_int_equal(one->word, TARGET_NOT_MEASURED);
    assert_string_equal(one->reason, "L7 was not measured beside the blocks");
}

#define MANY_BY_FEW "arm + cancel, 10^6 by 10^3 pending"

/* Two cells, round by round: the machine that becomes slow does so for both. */
static void another_point_is_met_round_by_round(void **state)
{
    (void)state;
    for (size_t b = 0; b < 9; b++) {
        const double slow = b < 5 ? 1 : 7;
        block_beside(CANCEL, b, (double[ENTRIES]){30 * slow, 50 * slow, 30, 400, 400}, "null");
        block_beside(CANCEL_FEW, b, (double[ENTRIES]){10 * slow, 10 * slow, 0, 9, 9}, "null");
    }
    ask();
    assert_int_equal(answer(MANY_BY_FEW, "fastpath", AGAINST_POINT)->word, TARGET_MET);
    assert_true(close_to(answer(MANY_BY_FEW, "fastpath", AGAINST_POINT)->ratio, 3));
    assert_int_equal(answer(MANY_BY_FEW, "chunked", AGAINST_POINT)->word, TARGET_MISSED);
    assert_int_equal(answer(MANY_BY_FEW, "mutex", AGAINST_POINT)->word, TARGET_NOT_MEASURED);
}

/* Counters: one metric against another, and nothing at all, of which there is no multiple. */
static void counters_are_compared_too(void **state)
{
    (void)state;
    const double costs[ENTRIES] = {100, 100, 100, 100, 100};
    snprintf(more,
             sizeof(more),
             ",\"wakeups_per_round\":{\"value\":1},\"parks_per_round\":{\"value\":1.5},"
             "\"switches_per_s\":{\"value\":0}");
    blocks(PARKED, 8, costs);
    blocks(IDLE, 8, costs);
    ask();
    const struct target_result *one = answer("wake-up calls per park", "mutex", AGAINST_METRIC);
    assert_int_equal(one->word, TARGET_MET);
    assert_true(close_to(one->ratio, 1 / 1.5));
    one = answer("wake-ups per second of an idle loop", "chunked", AGAINST_NUMBER);
    assert_int_equal(one->word, TARGET_MET);
    assert_true(one->ratio < 1e-300 && one->high < 1e-300);
}

/* "Never" is no median: one block in which it happened is enough, and few in which not are not. */
static void what_holds_always_holds_in_every_block(void **state)
{
    (void)state;
    static const char what[] = "wake-ups per second of an idle loop";
    const double costs[ENTRIES] = {100, 100, 100, 100, 100};
    snprintf(more, sizeof(more), ",\"switches_per_s\":{\"value\":0}");
    blocks(IDLE, 6, costs);
    ask();
    assert_int_equal(answer(what, "chunked", AGAINST_NUMBER)->word, TARGET_MET_OPEN);
    for (size_t b = 6; b < 19; b++)
        block_beside(IDLE, b, costs, "null");
    snprintf(more, sizeof(more), ",\"switches_per_s\":{\"value\":2}");
    block_beside(IDLE, 19, costs, "null");
    ask();
    const struct target_result *one = answer(what, "chunked", AGAINST_NUMBER);
    assert_int_equal(one->word, TARGET_MISSED);
    assert_true(close_to(one->ratio, 2) && one->low < 1e-300 && close_to(one->high, 2));
    assert_string_equal(one->reason, "not so in 1 of 20 blocks");
}

#define NO_LOSS "loses no cell to a guest"

/* The worst cell and guest are named; 5 % are allowed. */
static void a_cell_lost_to_a_guest_is_found(void **state)
{
    (void)state;
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 10, 30});
    blocks(MICROTASK, 10, (double[ENTRIES]){10, 10, 10, 20, 20});
    for (size_t cell = 0; cell <= IDLE; cell++)
        if (cell != PRODUCERS && cell != MICROTASK)
            blocks(cell, 10, (double[ENTRIES]){10, 10, 10, 20, 20});
    ask();
    assert_int_equal(answer(NO_LOSS, "fastpath", AGAINST_LOSSES)->word, TARGET_MET);
    const struct target_result *one = answer(NO_LOSS, "mutex", AGAINST_LOSSES);
    assert_int_equal(one->word, TARGET_MISSED);
    assert_string_equal(one->against, "libuv in producers threads=1,batch=1");
    assert_true(close_to(one->ratio, 4));
    assert_string_equal(one->reason, "its worst of 12 pairs of guest and cell");
}

/* Where no guest was let in, nothing is known of losing to one. What a guest cannot do, it cannot
 * win either. */
static void cells_without_guests_prove_no_win(void **state)
{
    (void)state;
    folder_event(&folder,
                 "not_run",
                 "\"cell\":%d,\"entry\":\"libev\",\"reason\":\"%s\"",
                 IDLE,
                 TARGETS_NOT_ASKED);
    folder_event(
        &folder, "not_run", "\"cell\":%d,\"entry\":\"libev\",\"reason\":\"lacks TIMERS\"", CANCEL);
    for (size_t cell = 0; cell < IDLE; cell++)
        blocks(cell, 10, (double[ENTRIES]){10, 10, 10, 20, cell == CANCEL ? 0 : 20});
    blocks(IDLE, 10, (double[ENTRIES]){10, 10, 10, 20, 0});
    ask();
    const struct target_result *one = answer(NO_LOSS, "fastpath", AGAINST_LOSSES);
    assert_int_equal(one->word, TARGET_MET_OPEN);
    assert_string_equal(one->reason,
                        "its worst of 10 pairs of guest and cell; guests did not race in 1 of 6 "
                        "cells");
}

/* Contestants, cells and blocks that a run has not. */
static void what_is_not_there_is_said(void **state)
{
    (void)state;
    blocks(PRODUCERS, 3, (double[ENTRIES]){10, 20, 40, 50, 30});
    ask();
    const struct target_result *one = answer("256 ready of 10000, io_uring", "", AGAINST_LIMIT);
    assert_int_equal(one->word, TARGET_NOT_MEASURED);
    assert_string_equal(one->reason, "the run has no cell micro/fd_edge/n=256");
    one = answer("microtask, push and run", "", AGAINST_LIMIT);
    assert_string_equal(one->reason, "no block of this cell was run");
    for (size_t i = 0; i < results.count; i++)
        assert_true(results.items[i].word != TARGET_NOT_MEASURED ||
                    results.items[i].reason[0] != '\0');
    for (int number = 1; number <= 11; number++) {
        bool there = false;
        for (size_t i = 0; i < results.count; i++)
            there |= results.items[i].target->number == number;
        assert_true(there);
    }
}

/* Their blocks are no evidence each by itself, which is all that is counted here. */
static void squares_have_no_answer(void **state)
{
    (void)state;
    write_plan("guest", "williams");
    ask();
    for (size_t i = 0; i < results.count; i++)
        assert_int_equal(results.items[i].word, TARGET_NOT_MEASURED);
    assert_non_null(strstr(results.items[0].reason, "depend on each other"));
}

/* An entry that is out of the cell has no answer there, with the reason of the journal. */
static void who_is_disqualified_is_not_measured(void **state)
{
    (void)state;
    blocks(MICROTASK, 2, (double[ENTRIES]){2, 2, 2, 9, 9});
    folder_event(&folder,
                 "disqualify",
                 "\"cell\":%d,\"entry\":\"mutex\",\"reason\":\"lost a task\",\"reproduce\":\"\"",
                 MICROTASK);
    ask();
    const struct target_result *one = answer("microtask, push and run", "mutex", AGAINST_LIMIT);
    assert_int_equal(one->word, TARGET_NOT_MEASURED);
    assert_string_equal(one->reason, "lost a task");
}

/* The table is made of the JSON, and both stand in the folder. */
static void json_and_table_say_the_same(void **state)
{
    (void)state;
    blocks(PRODUCERS, 10, (double[ENTRIES]){10, 20, 40, 50, 30});
    ask();
    char *text = folder_text(&folder, "targets.txt");
    char *json = folder_text(&folder, "targets.json");
    assert_non_null(strstr(text, ONE));
    assert_non_null(strstr(text, "3x"));
    assert_non_null(strstr(text, "libev (30)"));
    assert_non_null(strstr(text, " met, "));
    assert_non_null(strstr(json, "\"word\": \"met\""));
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "targets")), results.count);
    json_decref(root);
    free(text);
    free(json);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_best_native_against_the_closest_guest),
        CASE(a_bound_that_is_broken_is_missed),
        CASE(what_is_not_proven_says_so),
        CASE(the_weakest_word_of_all_guests_counts),
        CASE(without_guests_it_is_not_measured),
        CASE(a_limit_is_that_of_the_block),
        CASE(a_limit_that_drifted_is_no_limit),
        CASE(the_limit_says_how_much_is_possible),
        CASE(the_harness_says_how_much_is_possible),
        CASE(a_limit_that_was_not_measured_is_none),
        CASE(another_point_is_met_round_by_round),
        CASE(counters_are_compared_too),
        CASE(what_holds_always_holds_in_every_block),
        CASE(a_cell_lost_to_a_guest_is_found),
        CASE(cells_without_guests_prove_no_win),
        CASE(what_is_not_there_is_said),
        CASE(squares_have_no_answer),
        CASE(who_is_disqualified_is_not_measured),
        CASE(json_and_table_say_the_same),
    };
    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
