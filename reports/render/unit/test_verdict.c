/* SPDX-License-Identifier: MIT */
/* test_verdict.c - verdict.json: what it says of hand-made runs, and that it is there whole or not.
 */
#include "../verdict.h"
#include "../verdict_parts.h"
#include "folder.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static struct folder folder;
static json_t *verdict;
static char err[1024];

static int set_up(void **state)
{
    (void)state;
    folder_init(&folder, "standard");
    err[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(verdict);
    verdict = NULL;
    folder_fini(&folder);
    return 0;
}

static void judge(void)
{
    char path[512];
    const int rc = verdict_write(folder.path, err, sizeof(err));
    if (rc != 0)
        print_error("%s\n", err);
    assert_int_equal(rc, 0);
    folder_file(folder.path, path, "verdict.json");
    json_decref(verdict);
    verdict = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(verdict);
}

/* The member at a path such as "trust.aa.verdict" or "cells.0.median". */
static const json_t *at(const char *path)
{
    char copy[256];
    const json_t *value = verdict;
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *key = strtok(copy, "."); key != NULL; key = strtok(NULL, "."))
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
    if (value == NULL)
        print_error("no member %s\n", path);
    assert_non_null(value);
    return value;
}

static const char *text_at(const char *path)
{
    return json_string_value(at(path));
}

static double number_at(const char *path)
{
    assert_true(json_is_number(at(path)));
    return json_number_value(at(path));
}

/* The primary row of a contestant in a scenario. */
static const json_t *row(const char *scenario, const char *contestant)
{
    const json_t *rows = at("cells");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *one = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(one, "scenario")), scenario) == 0 &&
            strcmp(json_string_value(json_object_get(one, "contestant")), contestant) == 0 &&
            json_is_true(json_object_get(one, "primary")))
            return one;
    }
    fail_msg("no row of %s in %s", contestant, scenario);
    return NULL;
}

static const char *word(const char *scenario, const char *contestant)
{
    return json_string_value(json_object_get(row(scenario, contestant), "verdict"));
}

static const char *reason(const char *scenario, const char *contestant)
{
    return json_string_value(json_object_get(row(scenario, contestant), "reason"));
}

static void a_clear_run_names_its_winner_everywhere(void **state)
{
    (void)state;
    folder_write(&folder, "env.json", "{\"host\":\"velo\",\"commit\":\"abc\"}");
    folder_write(&folder,
                 "limits.json",
                 "{\"limits\":[{\"id\":\"L4\",\"unit\":\"ns\",\"median\":100}],"
                 "\"drift\":0.02}");
    folder_write(&folder,
                 "conformance.json",
                 "{\"contestants\":[{\"contestant\":\"ant\",\"capabilities\":[\"FDS\"],"
                 "\"totals\":{\"pass\":10,\"fail\":0,\"na\":1,\"deviation\":0}},"
                 "{\"contestant\":\"ant\",\"totals\":{\"pass\":9,\"fail\":0,\"na\":2}}]}");
    folder_rounds(&folder, 20, 1.5);
    folder_event(&folder, "end", "\"reason\":\"decided\"");
    judge();
    assert_int_equal(number_at("schema"), 1);
    assert_non_null(strstr(text_at("sentence"), "Take ant: wins 2 of 2 cells, nowhere behind"));
    assert_string_equal(word("ping_pong", "ant"), "WINNER");
    assert_string_equal(word("idle", "bee"), "LOSES");
    assert_non_null(
        strstr(reason("idle", "bee"), "slower than ant: 1.5x (1.5 to 1.5), won 0 of 20"));
    assert_true(json_number_value(json_object_get(row("ping_pong", "ant"), "x_limit")) > 9);
    assert_string_equal(json_string_value(json_object_get(row("ping_pong", "ant"), "limit")), "L4");
    assert_true(json_is_null(json_object_get(row("idle", "ant"), "x_limit")));
    assert_string_equal(text_at("run.host"), "velo");
    assert_string_equal(text_at("run.commit"), "abc");
    assert_string_equal(text_at("run.seed"), "18446744073709551615");
    assert_string_equal(text_at("run.plan_sha256"), folder.plan);
    assert_int_equal(number_at("run.blocks"), 40);
    assert_int_equal(number_at("run.runs"), 120);
    assert_int_equal(number_at("run.redone"), 0);
    assert_string_equal(text_at("trust.aa.verdict"), "EQUAL");
    assert_true(fabs(number_at("trust.aa.ratio") - 1) < 0.002);
    assert_true(number_at("trust.limits_drift") == 0.02);
    assert_true(number_at("trust.smallest_visible_gap") < 0.01);
    assert_int_equal(json_array_size(at("contestants")), 2); /* the twin is none */
    assert_int_equal(number_at("contestants.0.conformance.pass"), 19);
    assert_string_equal(text_at("contestants.0.capabilities.0"), "FDS");
    assert_true(json_is_true(at("contestants.1.eligible")));
    assert_string_equal(text_at("contestants.1.kind"), "guest");
    assert_true(json_is_true(at("summary.decided")));
    assert_int_equal(json_array_size(at("notes")), 0);
}

static bool is_small(const char *contestant)
{
    const json_t *small = json_object_get(row("idle", contestant), "small");
    assert_true(json_is_boolean(small));
    return json_is_true(small);
}

static void a_gap_inside_the_margin_stands_and_is_called_small(void **state)
{
    (void)state;
    folder_rounds(&folder, 20, 1.01);
    judge();
    assert_string_equal(word("idle", "ant"), "WINNER");
    assert_string_equal(word("idle", "bee"), "LOSES");
    assert_true(is_small("ant"));
    assert_true(is_small("bee"));
}

static void a_gap_beyond_the_margin_is_not_small(void **state)
{
    (void)state;
    folder_rounds(&folder, 20, 1.5);
    judge();
    assert_string_equal(word("idle", "bee"), "LOSES");
    assert_false(is_small("ant"));
    assert_false(is_small("bee"));
}

static void duels_tell_blocks_ratio_and_evidence(void **state)
{
    (void)state;
    folder_rounds(&folder, 20, 1.5);
    judge();
    assert_int_equal(json_array_size(at("duels")), 2);
    assert_string_equal(text_at("duels.0.a"), "ant");
    assert_string_equal(text_at("duels.0.b"), "bee");
    assert_string_equal(text_at("duels.0.verdict"), "FASTER");
    assert_int_equal(number_at("duels.0.blocks"), 20);
    assert_int_equal(number_at("duels.0.won_by_a"), 20);
    assert_int_equal(number_at("duels.0.decided_block"), 6);
    assert_true(fabs(number_at("duels.0.e_value") - 26.8125) < 1e-6); /* at the first crossing */
    assert_true(fabs(number_at("duels.0.threshold") - 20) < 1e-6);
    assert_true(fabs(number_at("duels.0.ratio") - 1 / 1.5) < 1e-6);
    assert_true(number_at("duels.0.low") <= number_at("duels.0.high"));
}

static void standings_hold_the_four_profiles(void **state)
{
    static const char *const names[] = {"latency", "throughput", "efficiency", "balanced"};
    (void)state;
    folder_rounds(&folder, 20, 1.5);
    judge();
    assert_int_equal(json_array_size(at("standings")), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *one = json_array_get(at("standings"), i);
        assert_string_equal(json_string_value(json_object_get(one, "profile")), names[i]);
        assert_string_equal(json_string_value(json_object_get(one, "winner")), "ant");
    }
    assert_string_equal(text_at("standings.3.order.0.contestant"), "ant");
    assert_true(number_at("standings.3.order.0.score") == 1);
    assert_true(fabs(number_at("standings.3.order.1.score") - 1.5) < 1e-6);
    assert_true(fabs(number_at("standings.3.order.1.regret") - 1.5) < 1e-6);
    assert_string_equal(text_at("standings.3.order.0.dominates.0"), "bee");
    assert_string_equal(text_at("sentence"), text_at("standings.3.sentence"));
    assert_int_equal(number_at("standings.0.weights.p99"), 50);
    assert_int_equal(number_at("standings.3.rounds"), 20);
}

/* Weights stand in the plan; a profile of one's own is judged like the others. */
static void weights_of_the_plan_are_used(void **state)
{
    (void)state;
    folder_plan(&folder, "standard", "\"weights\":{\"mine\":{\"med\":1,\"mem\":3}},");
    folder_rounds(&folder, 20, 1.5);
    judge();
    assert_int_equal(json_array_size(at("standings")), 1);
    assert_string_equal(text_at("standings.0.profile"), "mine");
    assert_int_equal(number_at("standings.0.cells"), 1);
}

static void other_metrics_have_a_spread_and_no_word(void **state)
{
    size_t found = 0;
    (void)state;
    folder_rounds(&folder, 4, 1.5);
    judge();
    const json_t *rows = at("cells");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *one = json_array_get(rows, i);
        const char *metric = json_string_value(json_object_get(one, "metric"));
        if (json_is_true(json_object_get(one, "primary")))
            continue;
        assert_true(json_is_null(json_object_get(one, "verdict")));
        assert_int_equal(json_integer_value(json_object_get(one, "runs")), 4);
        assert_true(json_is_number(json_object_get(one, "ratio")));
        found += strcmp(metric, "trips_per_s") == 0;
        found += strcmp(metric, "latency_p50") == 0;
        assert_string_not_equal(metric, "latency_p99"); /* null in every run */
    }
    assert_int_equal(found, 2 * 2 * 2);
}

/* The row of [contestant] about a number that is not judged. */
static const json_t *side(const char *scenario, const char *contestant, const char *metric)
{
    const json_t *rows = at("cells");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *one = json_array_get(rows, i);
        if (strcmp(json_string_value(json_object_get(one, "scenario")), scenario) == 0 &&
            strcmp(json_string_value(json_object_get(one, "contestant")), contestant) == 0 &&
            strcmp(json_string_value(json_object_get(one, "metric")), metric) == 0)
            return one;
    }
    fail_msg("no row of %s about %s in %s", contestant, metric, scenario);
    return NULL;
}

static double side_number(const char *contestant, const char *metric, const char *key)
{
    return json_number_value(json_object_get(side("ping_pong", contestant, metric), key));
}

/* Block by block against the leader, like the primary cost; the inverse metric is the inverse. */
static void other_metrics_have_ratio_and_interval_to_the_leader(void **state)
{
    (void)state;
    folder_rounds(&folder, 12, 1.5);
    judge();
    assert_true(side_number("ant", "trips_per_s", "ratio") == 1);
    assert_true(fabs(side_number("bee", "trips_per_s", "ratio") - 1 / 1.5) < 1e-6);
    assert_true(fabs(side_number("bee", "trips_per_s", "low") - 1 / 1.5) < 1e-6);
    assert_true(fabs(side_number("bee", "latency_p50", "high") - 1.5) < 1e-6);
    assert_string_equal(
        json_string_value(json_object_get(side("ping_pong", "bee", "trips_per_s"), "better")),
        "higher");
}

static void smoke_is_a_pipeline_check(void **state)
{
    (void)state;
    folder_plan(&folder, "smoke", "");
    folder_rounds(&folder, 1, 3);
    folder_event(&folder, "end", "\"reason\":\"budget\"");
    judge();
    assert_non_null(strstr(text_at("sentence"), "PIPELINE CHECK ONLY"));
    assert_string_equal(word("idle", "ant"), "NOT ENOUGH EVIDENCE");
    assert_true(json_is_null(at("standings.3.winner")));
    assert_true(json_is_null(at("trust.smallest_visible_gap")));
}

static void the_disqualified_keep_their_place_and_reason(void **state)
{
    (void)state;
    folder_event(&folder,
                 "disqualify",
                 "\"cell\":-1,\"entry\":\"bee\",\"reason\":\"S3 failed\",\"reproduce\":\"try\"");
    folder_rounds(&folder, 20, 0.5);
    judge();
    assert_string_equal(word("idle", "bee"), "DISQUALIFIED");
    assert_string_equal(reason("idle", "bee"), "S3 failed");
    assert_string_equal(json_string_value(json_object_get(row("idle", "bee"), "reproduce")), "try");
    assert_true(json_is_false(at("contestants.1.eligible")));
    assert_string_equal(text_at("contestants.1.reason"), "S3 failed");
    assert_string_equal(text_at("contestants.1.reproduce"), "try");
    assert_true(json_is_true(at("summary.disqualified")));
    assert_non_null(strstr(text_at("sentence"), "Not ranked: bee (disqualified in"));
    assert_int_equal(json_array_size(at("duels")), 0);
}

static void a_twin_told_apart_comes_first(void **state)
{
    (void)state;
    for (size_t b = 0; b < 20; b++)
        folder_block(&folder, 0, b, 0, true, 100, 150, 120);
    judge();
    assert_string_equal(text_at("trust.aa.verdict"), "DIFFERS");
    assert_int_equal(strncmp(text_at("sentence"), "Do not trust this run", 21), 0);
}

static void a_twin_told_apart_decides_nothing(void **state)
{
    (void)state;
    for (size_t b = 0; b < 20; b++) {
        folder_block(&folder, 0, b, 0, true, 100, 150, 120);
        folder_block(&folder, 1, b, 0, true, 5000, 7500, 5000);
    }
    judge();
    assert_string_equal(text_at("trust.aa.verdict"), "DIFFERS");
    assert_non_null(strstr(text_at("sentence"), "Take ant")); /* what is not to be trusted */
    assert_true(json_is_false(at("summary.decided")));
}

static void the_alarm_stands_before_prices_too(void **state)
{
    (void)state;
    folder_plan(&folder, "prices", "");
    for (size_t b = 0; b < 20; b++)
        folder_block(&folder, 0, b, 0, true, 100, 150, 120);
    judge();
    assert_int_equal(strncmp(text_at("sentence"), "Do not trust this run", 21), 0);
    assert_non_null(
        strstr(text_at("first_screen.sentence"), "told apart in ping_pong n=1. No price"));
}

static void starts_before_this_one_are_told(void **state)
{
    (void)state;
    folder_rounds(&folder, 20, 1.5);
    judge();
    assert_null(json_object_get(at("run"), "earlier_starts")); /* not known, not nought */
    folder_write(
        &folder, "env.json", "{\"earlier_starts\":{\"starts\":3,\"gone\":2,\"unfinished\":1}}");
    judge();
    assert_int_equal(number_at("run.earlier_starts.starts"), 3);
    assert_int_equal(number_at("run.earlier_starts.gone"), 2);
    assert_non_null(strstr(text_at("first_screen.trust"),
                           "; 3 earlier starts of the same tournament at this commit here (2 gone, "
                           "1 without a verdict)"));
}

static json_t *price(const char *decision, const char *word_, bool star, double ratio, double low)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:f, s:f}",
                     "contestant",
                     "ant",
                     "decision",
                     decision,
                     "scenario",
                     "idle",
                     "point",
                     "n=1",
                     "word",
                     word_,
                     "star",
                     star,
                     "ratio",
                     ratio,
                     "low",
                     low);
}

/* A row without a star errs with 5 % by itself, and the largest of many estimates is too large. */
static void prices_count_what_holds_over_all_rows(void **state)
{
    (void)state;
    json_t *rows = json_array();
    json_array_append_new(rows, price("lucky", "COSTS", false, 3.0, 2.5));
    json_array_append_new(rows, price("wide", "COSTS", true, 2.0, 1.1));
    json_array_append_new(rows, price("sure", "COSTS", true, 1.5, 1.4));
    json_array_append_new(rows, price("good", "SAVES", true, 0.5, 0.4));
    json_array_append_new(rows, price("unsure", "SAVES", false, 0.5, 0.4));
    json_t *sentence = verdict_prices_sentence(rows);
    assert_string_equal(json_string_value(sentence),
                        "Prices of single decisions: of 5, all held to one level together, 2 are "
                        "proven to cost something, 1 to save something; the dearest for certain is "
                        "ant:sure in idle n=1, at least 1.4x.");
    json_decref(sentence);
    json_array_remove(rows, 1);
    json_array_remove(rows, 1);
    sentence = verdict_prices_sentence(rows);
    assert_string_equal(json_string_value(sentence),
                        "Prices of single decisions: of 3, all held to one level together, 0 are "
                        "proven to cost something, 1 to save something.");
    json_decref(sentence);
    json_decref(rows);
}

static void an_interrupted_run_says_so(void **state)
{
    (void)state;
    folder_rounds(&folder, 3, 1.5);
    folder_append(&folder, "{\"type\":\"ru");
    judge();
    assert_non_null(strstr(text_at("notes.0"), "line 25 is torn"));
    assert_non_null(strstr(text_at("notes.1"), "did not come to its end"));
    assert_string_equal(word("idle", "ant"), "NOT ENOUGH EVIDENCE");
    assert_non_null(strstr(reason("idle", "ant"), "an interval needs 7 blocks"));
}

static void a_run_without_a_block_has_a_verdict_too(void **state)
{
    (void)state;
    judge();
    assert_string_equal(word("idle", "ant"), "NOT RUN");
    assert_true(json_is_null(json_object_get(row("idle", "ant"), "median")));
    assert_non_null(strstr(text_at("sentence"), "No verdict"));
    assert_string_equal(text_at("trust.aa.verdict"), "OPEN");
}

static void the_same_journal_gives_the_same_bytes(void **state)
{
    (void)state;
    folder_rounds(&folder, 12, 1.02);
    judge();
    char *first = folder_text(&folder, "verdict.json");
    judge();
    char *second = folder_text(&folder, "verdict.json");
    assert_string_equal(first, second);
    assert_null(strstr(first, "nan"));
    assert_null(strstr(first, "inf"));
    free(first);
    free(second);
}

static void a_damaged_line_leaves_the_old_verdict(void **state)
{
    (void)state;
    folder_rounds(&folder, 3, 1.5);
    judge();
    folder_append(&folder, "garbage\n");
    assert_int_equal(verdict_write(folder.path, err, sizeof(err)), -EINVAL);
    assert_non_null(strstr(err, "raw.ndjson:25: not valid JSON"));
    char *kept = folder_text(&folder, "verdict.json");
    assert_true(strlen(kept) > 100);
    free(kept);
}

static void a_folder_that_cannot_be_written_is_an_error_with_a_remedy(void **state)
{
    char path[512];
    (void)state;
    folder_rounds(&folder, 3, 1.5);
    /* A directory in the way: that stops root as well, whom no permission stops. */
    folder_file(folder.path, path, "verdict.json");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_true(verdict_write(folder.path, err, sizeof(err)) < 0);
    assert_non_null(strstr(err, "verdict.json: cannot be written: "));
    assert_non_null(strstr(err, "velo report"));
    rmdir(path);
    if (geteuid() == 0)
        return;
    chmod(folder.path, 0555);
    assert_int_equal(verdict_write(folder.path, err, sizeof(err)), -EACCES);
    assert_non_null(strstr(err, "cannot be written: Permission denied"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_clear_run_names_its_winner_everywhere),
        CASE(a_gap_inside_the_margin_stands_and_is_called_small),
        CASE(a_gap_beyond_the_margin_is_not_small),
        CASE(duels_tell_blocks_ratio_and_evidence),
        CASE(standings_hold_the_four_profiles),
        CASE(weights_of_the_plan_are_used),
        CASE(other_metrics_have_a_spread_and_no_word),
        CASE(other_metrics_have_ratio_and_interval_to_the_leader),
        CASE(smoke_is_a_pipeline_check),
        CASE(the_disqualified_keep_their_place_and_reason),
        CASE(a_twin_told_apart_comes_first),
        CASE(a_twin_told_apart_decides_nothing),
        CASE(the_alarm_stands_before_prices_too),
        CASE(starts_before_this_one_are_told),
        CASE(prices_count_what_holds_over_all_rows),
        CASE(an_interrupted_run_says_so),
        CASE(a_run_without_a_block_has_a_verdict_too),
        CASE(the_same_journal_gives_the_same_bytes),
        CASE(a_damaged_line_leaves_the_old_verdict),
        CASE(a_folder_that_cannot_be_written_is_an_error_with_a_remedy),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
