/* SPDX-License-Identifier: MIT */
/* test_page.c - the pieces below the report: numbers as words, escaping, merged latency curves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/render/curve.h"
#include "reports/render/human.h"
#include "reports/render/page.h"
#include "reports/render/sections.h"

static void values_carry_their_unit_and_three_digits(void **state)
{
    (void)state;
    assert_string_equal(human_value(0.31, "ns").text, "0.310 ns");
    assert_string_equal(human_value(12.34, "ns").text, "12.3 ns");
    assert_string_equal(human_value(1234, "ns").text, "1.23 µs");
    assert_string_equal(human_value(45.6e6, "ns").text, "45.6 ms");
    assert_string_equal(human_value(7.8e9, "ns/task").text, "7.80 s/task");
    assert_string_equal(human_value(15.6e6, "tasks/s").text, "15.6 M tasks/s");
    assert_string_equal(human_value(310, "tasks/s").text, "310 tasks/s");
    assert_string_equal(human_value(3 * 1048576.0, "bytes").text, "3.00 MiB");
    assert_string_equal(human_value(512, "bytes").text, "512 B");
    assert_string_equal(human_value(4, "turns").text, "4.00 turns");
    assert_string_equal(human_value(0, "ns").text, "0 ns");
}

static void a_cell_is_named_without_its_lane(void **state)
{
    char name[16];
    (void)state;
    assert_string_equal(human_cell("race/burst/n=64", name, sizeof name), "burst n=64");
    assert_string_equal(human_cell("alone", name, sizeof name), "alone");
    assert_string_equal(human_cell("race/a_long_name/n=64", name, sizeof name), "a_long_name n=6");
}

static void what_is_no_number_is_a_dash_or_words(void **state)
{
    (void)state;
    assert_string_equal(human_value(NAN, "ns").text, "–");
    assert_string_equal(human_value(INFINITY, "ns").text, "–");
    assert_string_equal(human_ratio(NAN).text, "–");
    assert_string_equal(human_percent(NAN).text, "–");
    assert_string_equal(human_evidence(NAN).text, "–");
    assert_string_equal(human_interval(NAN, 1).text, "no interval yet");
}

static void ratios_intervals_and_evidence_read_well(void **state)
{
    (void)state;
    assert_string_equal(human_ratio(1.1849).text, "1.18×");
    assert_string_equal(human_ratio(47.81).text, "47.8×");
    assert_string_equal(human_ratio(431.2).text, "431×");
    assert_string_equal(human_interval(0.9712, 1.0449).text, "0.97 to 1.04");
    assert_string_equal(human_percent(0.0423).text, "4.2 %");
    assert_string_equal(human_percent(0).text, "0 %");
    assert_string_equal(human_percent(0.5).text, "50 %");
    assert_string_equal(human_evidence(26.8125).text, "26.8");
    assert_string_equal(human_evidence(2e7).text, "2.0e+07");
    assert_string_equal(human_count(120000).text, "120\u202f000");
    assert_string_equal(human_count(9999).text, "9999");
}

static void one_scale_serves_a_whole_group(void **state)
{
    (void)state;
    struct scale scale = scale_pick(194, "ns");
    assert_string_equal(scale.unit, "ns");
    assert_string_equal(human_scaled(9365.4, &scale).text, "9365");
    assert_string_equal(human_scaled(194, &scale).text, "194");
    scale = scale_pick(1.21e6, "ns");
    assert_string_equal(scale.unit, "ms");
    assert_string_equal(human_scaled(14e6, &scale).text, "14.00");
    scale = scale_pick(NAN, "ns");
    assert_string_equal(human_scaled(NAN, &scale).text, "–");
}

/* Runs one page function into memory. */
static char *written(enum page_format format, const char *text, bool rich)
{
    char *out = NULL;
    size_t size = 0;
    struct page page = {.file = open_memstream(&out, &size), .format = format, .run_dir = "/"};
    if (rich)
        page_rich(&page, text);
    else
        page_text(&page, text);
    fclose(page.file);
    return out;
}

static void assert_written(enum page_format format, bool rich, const char *text, const char *want)
{
    char *got = written(format, text, rich);
    assert_string_equal(got, want);
    free(got);
}

static void text_is_escaped_for_each_format(void **state)
{
    (void)state;
    assert_written(PAGE_HTML, false, "<a href=\"x\">'&", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    assert_written(PAGE_HTML, false, "bell\a and\x01 such", "bell and such");
    assert_written(PAGE_MARKDOWN, false, "a|b*c`d<e\nf", "a\\|b\\*c\\`d&lt;e f");
}

static void pairs_of_backticks_are_code_and_single_ones_are_text(void **state)
{
    (void)state;
    assert_written(PAGE_HTML, true, "take `a<b` now", "take <code>a&lt;b</code> now");
    assert_written(PAGE_HTML, true, "one ` only", "one ` only");
    assert_written(PAGE_MARKDOWN, true, "take `a<b` now", "take `a<b` now");
    assert_written(PAGE_MARKDOWN, true, "one ` only", "one \\` only");
}

static json_t *curve_of(double low, double high)
{
    return json_pack("[[f,f],[f,f]]", 0.5, low, 0.99, high);
}

static void curves_merge_to_the_median_of_the_runs(void **state)
{
    (void)state;
    struct curve curve = {0};
    json_t *runs[] = {curve_of(10, 300), curve_of(30, 100), curve_of(20, 200), NULL};
    for (size_t i = 0; i < 4; i++)
        curve_add(&curve, runs[i]);
    assert_int_equal(curve_merge(&curve), 2);
    assert_float_equal(curve.points[0].p, 0.5, 0);
    assert_float_equal(curve.points[0].value, 20, 0);
    assert_float_equal(curve.points[1].value, 200, 0);
    curve_fini(&curve);
    for (size_t i = 0; i < 3; i++)
        json_decref(runs[i]);
}

/* Of three runs the slowest has no p99: it counts as the slowest there too. */
static void runs_without_a_percentile_count_as_slow(void **state)
{
    (void)state;
    struct curve curve = {0};
    json_t *shorter = json_pack("[[f,f],[f,n]]", 0.5, 50.0, 0.99);
    json_t *fast = curve_of(1, 20), *middling = curve_of(2, 40);
    curve_add(&curve, shorter);
    curve_add(&curve, fast);
    curve_add(&curve, middling);
    assert_int_equal(curve_merge(&curve), 2);
    assert_float_equal(curve.points[0].value, 2, 0);
    assert_float_equal(curve.points[1].value, 40, 0);
    curve_fini(&curve);
    json_decref(shorter);
    json_decref(fast);
    json_decref(middling);
}

static void percentiles_that_most_runs_lack_are_left_out(void **state)
{
    (void)state;
    struct curve curve = {0};
    json_t *shorter = json_pack("[[f,f],[f,n]]", 0.5, 5.0, 0.99);
    json_t *run = curve_of(1, 2);
    curve_add(&curve, shorter);
    curve_add(&curve, run);
    assert_int_equal(curve_merge(&curve), 1);
    assert_float_equal(curve.points[0].p, 0.5, 0);
    curve_fini(&curve);
    assert_int_equal(curve_merge(&curve), 0);
    json_decref(shorter);
    json_decref(run);
}

/* What section_runs() says of [cells] cells that all have numbers. */
static char *runs_of(size_t cells)
{
    enum { MOST = 64 };
    static struct run_dir_cell plan = {.unit = "ns"};
    static struct result result = {.p5 = 1, .p95 = 2};
    static struct cell list[MOST];
    static struct contestant one = {.name = "mutex"};
    char *out = NULL;
    size_t size = 0;
    struct model model = {
        .contestants = &one, .contestant_count = 1, .cells = list, .cell_count = cells};
    struct page page = {
        .file = open_memstream(&out, &size), .format = PAGE_MARKDOWN, .run_dir = "/"};
    assert_true(cells <= MOST);
    for (size_t i = 0; i < cells; i++)
        list[i] = (struct cell){.plan = &plan, .blocks = 2, .results = &result, .label = "a cell"};
    section_runs(&page, &model);
    fclose(page.file);
    return out;
}

static void cells_without_room_in_a_picture_are_counted(void **state)
{
    (void)state;
    char *text = runs_of(36);
    assert_non_null(strstr(text, "Run by run"));
    assert_null(strstr(text, "not drawn;"));
    free(text);
    text = runs_of(37);
    assert_non_null(strstr(text, "1 more cell is not drawn; its numbers stand in the tables."));
    free(text);
    text = runs_of(40);
    assert_non_null(strstr(text, "4 more cells are not drawn; their numbers stand"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_carry_their_unit_and_three_digits),
        cmocka_unit_test(a_cell_is_named_without_its_lane),
        cmocka_unit_test(what_is_no_number_is_a_dash_or_words),
        cmocka_unit_test(ratios_intervals_and_evidence_read_well),
        cmocka_unit_test(one_scale_serves_a_whole_group),
        cmocka_unit_test(text_is_escaped_for_each_format),
        cmocka_unit_test(pairs_of_backticks_are_code_and_single_ones_are_text),
        cmocka_unit_test(curves_merge_to_the_median_of_the_runs),
        cmocka_unit_test(runs_without_a_percentile_count_as_slow),
        cmocka_unit_test(percentiles_that_most_runs_lack_are_left_out),
        cmocka_unit_test(cells_without_room_in_a_picture_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
