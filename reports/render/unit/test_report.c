/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - whole pages from whole run folders: every kind of verdict is visible in its
 * place, nothing of the data becomes mark-up, the page needs nothing from outside, and what is
 * missing is said in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "reports/render/files.h"
#include "reports/render/report.h"
#include "reports/render/verdict.h"
#include "run_fixture.h"

struct pages {
    struct fixture fixture;
    bool small; /* all its words are */
    char *html;
    char *markdown;
    char err[512];
    int rc;
};

static void call_all_small(const struct fixture *fixture)
{
    json_t *verdict = json_load_file(fixture_path(fixture, "verdict.json"), 0, NULL);
    json_t *row;
    size_t i;
    assert_non_null(verdict);
    json_array_foreach(json_object_get(verdict, "cells"), i, row)
        json_object_set_new(row, "small", json_true());
    fixture_dump(fixture, "verdict.json", verdict);
}

/* Writes the folder, judges it, renders it, reads the pages. */
static void render(struct pages *pages)
{
    fixture_write(&pages->fixture);
    assert_int_equal(verdict_write(pages->fixture.dir, pages->err, sizeof pages->err), 0);
    if (pages->small)
        call_all_small(&pages->fixture);
    pages->rc = report_write(pages->fixture.dir, pages->err, sizeof pages->err);
    pages->html = file_read(fixture_path(&pages->fixture, "report.html"));
    pages->markdown = file_read(fixture_path(&pages->fixture, "report.md"));
    assert_non_null(pages->html);
    assert_non_null(pages->markdown);
}

static void done(struct pages *pages)
{
    free(pages->html);
    free(pages->markdown);
    fixture_remove(&pages->fixture);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

static void assert_has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("not on the page: %s", what);
}

static void assert_has_not(const char *text, const char *what)
{
    if (strstr(text, what))
        fail_msg("should not be on the page: %s", what);
}

static bool installed(const char *program)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

/* The page is XML as well as HTML, so a common tool can say whether each tag is closed. */
static void assert_well_formed(const struct pages *pages)
{
    char command[256];
    if (!installed("xmllint"))
        return;
    snprintf(command, sizeof command, "xmllint --noout %s/report.html", pages->fixture.dir);
    assert_int_equal(system(command), 0);
}

static void assert_nothing_from_outside(const char *html)
{
    static const char *const never[] = {
        "http:", "https:", "<script", "<link", "<img", "@import", "src=", "javascript:"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_has_not(html, never[i]);
}

static void assert_ids_unique(const char *html)
{
    for (const char *at = strstr(html, " id="); at; at = strstr(at + 1, " id=")) {
        char id[128];
        size_t length = strcspn(at + 5, "\"'");
        assert_in_range(length, 1, sizeof id - 8);
        snprintf(id, sizeof id, " id=%c%.*s%c", at[4], (int)length, at + 5, at[4]);
        if (count(html, id) != 1)
            fail_msg("not unique: %s", id);
    }
}

static void page_of_a_decided_run_holds_every_cell(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_int_equal(pages.rc, 0);
    for (size_t c = 0; c < FIXTURE_CELLS; c++) {
        assert_has(pages.html, fixture_cells[c].scenario);
        assert_has(pages.markdown, fixture_cells[c].scenario);
    }
    assert_int_equal(count(pages.html, "<td class=\"v "), FIXTURE_CELLS * 3);
    assert_int_equal(count(pages.html, "<td class=\"v win\">"), FIXTURE_CELLS);
    assert_int_equal(count(pages.html, "<td class=\"v lose\">"), FIXTURE_CELLS * 2);
    assert_int_equal(count(pages.markdown, "▲ 1.00× wins"), FIXTURE_CELLS);
    assert_has(pages.markdown, "▼ 50.1× loses");
    assert_has(pages.html, "Weights: tail latency 50, capacity 30, start and stop 20.");
    assert_has(pages.html, "gcc 12.2.0");
    assert_has(pages.html, "abc1234 + local changes");
    assert_has(pages.html, "5.90 ns"); /* a limit */
    assert_has_not(pages.html, "~twin");
    assert_has_not(pages.html, "PIPELINE CHECK ONLY");
    done(&pages);
}

static void a_word_that_means_little_says_so(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_has_not(pages.markdown, "loses by little");
    done(&pages);
    pages = (struct pages){.fixture = fixture_default(), .small = true};
    render(&pages);
    assert_int_equal(count(pages.markdown, "wins by little"), FIXTURE_CELLS);
    assert_int_equal(count(pages.markdown, "loses by little"), FIXTURE_CELLS * 2);
    done(&pages);
}

/* 4 MiB and 15 switches each, equal for all; CPU time in step with the cost of the cell. */
static void numbers_without_a_verdict_stand_with_their_ratio(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_has(pages.html, "4.00 MiB<small>1.00×</small>");
    assert_has(pages.html, "15.0<small>1.00×</small>");
    assert_has(pages.html, "<small>1.30×, "); /* the worst latency of the slowest */
    assert_has(pages.html, "What else the runs report, without a verdict");
    assert_has(pages.html, "tasks per s<small>more is better</small>");
    done(&pages);
}

static void page_stands_alone(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_well_formed(&pages);
    assert_nothing_from_outside(pages.html);
    assert_ids_unique(pages.html);
    assert_has(pages.html, "prefers-color-scheme: dark");
    assert_has(pages.html, "name=\"viewport\"");
    done(&pages);
}

static void pictures_lie_beside_their_data(void **state)
{
    (void)state;
    static const char *const names[] = {"forest",
                                        "heat",
                                        "strips",
                                        "triangle",
                                        "latency_3",
                                        "throughput_1",
                                        "ecdf",
                                        "evidence",
                                        "timeline",
                                        "tail",
                                        "load_3"};
    const size_t pictures = sizeof names / sizeof *names;
    static const char *const ends[] = {"dat", "gp", "svg"};
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    for (size_t i = 0; i < pictures; i++)
        for (size_t k = 0; k < 3; k++) {
            char name[64];
            snprintf(name, sizeof name, "plots/%s.%s", names[i], ends[k]);
            if (access(fixture_path(&pages.fixture, name), R_OK) != 0)
                fail_msg("missing: %s", name);
        }
    assert_int_equal(count(pages.html, "<svg"), pictures);
    assert_has(pages.markdown, "](plots/forest.svg)");
    done(&pages);
}

static size_t lines_with(const struct pages *pages, const char *name, const char *what)
{
    char *text = file_read(fixture_path(&pages->fixture, name));
    assert_non_null(text);
    const size_t n = count(text, what);
    free(text);
    return n;
}

/* What is drawn is what was measured and judged: rows counted and values found in the data. */
static void pictures_of_runs_hold_every_run_and_the_threshold(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.disturbed_block = 4;
    render(&pages);
    assert_int_equal(pages.rc, 0);
    const size_t cells = FIXTURE_CELLS, n = 20;
    /* 0 at the least cost, then one step for each run of the three contestants */
    assert_int_equal(lines_with(&pages, "plots/ecdf.dat", "\n"), cells * 3 * (1 + 1 + n + 2));
    assert_int_equal(lines_with(&pages, "plots/ecdf.dat", "\t1\n"), cells * 3);
    /* E(9,9) crosses T = 60; the twentieth block of a unanimous duel */
    assert_int_equal(lines_with(&pages, "plots/evidence.dat", "\n9\t94.9609\n"), cells * 2);
    assert_int_equal(lines_with(&pages, "plots/evidence.dat", "\n20\t131461\n"), cells * 2);
    assert_int_equal(lines_with(&pages, "plots/evidence.gp", "threshold = 60\n"), 1);
    /* every run of the four entries in its place, those of the redone attempt apart, foreign CPU */
    assert_int_equal(lines_with(&pages, "plots/timeline.dat", "\n0.0000\t"),
                     2 * (cells * n + 1) * FIXTURE_ENTRIES);
    assert_int_equal(lines_with(&pages, "plots/tail.dat", "\t1\n"), 3 * n);
    assert_int_equal(lines_with(&pages, "plots/tail.dat", "\t3\n"), 3);
    assert_int_equal(lines_with(&pages, "plots/load_3.dat", "\n60\t"), 3);
    assert_int_equal(lines_with(&pages, "plots/load_3.dat", "\n90\t"), 3);
    assert_has(pages.html, "The evidence: 7 of 7 cells have a winner, half of them by block 8");
    assert_has(pages.html, "in 1 of 1 cells the same contestant has the least of both");
    done(&pages);
}

static void equal_contestants_tie(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.equal = true;
    render(&pages);
    assert_int_equal(pages.rc, 0);
    assert_int_equal(count(pages.html, "<td class=\"v tie\">"), FIXTURE_CELLS * 3);
    assert_int_equal(count(pages.html, "<td class=\"v win\">"), 0);
    assert_has(pages.html, "Nobody wins more cells than the others");
    done(&pages);
}

static void who_is_out_keeps_its_place(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.disqualified_cell = 1;
    pages.fixture.not_run_cell = 4;
    render(&pages);
    assert_int_equal(pages.rc, 0);
    assert_well_formed(&pages);
    assert_int_equal(count(pages.html, "<td class=\"v "), FIXTURE_CELLS * 3);
    assert_int_equal(count(pages.html, "<td class=\"v out\">✕ disqualified"), 1);
    assert_int_equal(count(pages.html, "<td class=\"v absent\">– not run"), 1);
    assert_has(pages.html, "lost 3 of 1024 tasks");
    assert_has(pages.html, "race --seed 77 --point &#39;a&lt;b&#39;");
    assert_has(pages.html, "needs TIMERS");
    assert_has(pages.markdown, "✕ disqualified (lost 3 of 1024 tasks); repeat it: `race --seed");
    done(&pages);
}

static void smoke_says_that_it_proves_nothing(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.preset = "smoke";
    pages.fixture.blocks = 1;
    render(&pages);
    assert_int_equal(pages.rc, 0);
    assert_has(pages.html, "class=\"banner\">PIPELINE CHECK ONLY");
    assert_has(pages.markdown, "PIPELINE CHECK ONLY");
    assert_int_equal(count(pages.html, "<td class=\"v open\">"), FIXTURE_CELLS * 3);
    assert_has(pages.html, "no interval yet");
    done(&pages);
}

static void nothing_run_and_nothing_recorded_is_said_in_words(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.blocks = 0;
    pages.fixture.bare = true;
    render(&pages);
    assert_int_equal(pages.rc, 0);
    assert_well_formed(&pages);
    assert_int_equal(count(pages.html, "<td class=\"v absent\">"), FIXTURE_CELLS * 3);
    assert_has(pages.html, "No cell holds a number yet, so there is no picture.");
    assert_has(pages.html, "No pair met in a block.");
    assert_has(pages.html, "The calibration was not run");
    assert_has(pages.html, "The environment was not recorded.");
    assert_has(pages.html, "No conformance result stands in this run.");
    done(&pages);
}

static void names_never_become_mark_up(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.names[1] = "<b>&\"x'|`y";
    render(&pages);
    assert_well_formed(&pages);
    assert_nothing_from_outside(pages.html);
    assert_has_not(pages.html, "<b>");
    assert_has(pages.html, "&lt;b&gt;&amp;&quot;x&#39;|`y");
    assert_has(pages.markdown, "&lt;b>&amp;\"x'\\|\\`y");
    assert_has(pages.html, "Test &lt;CPU&gt; &amp; co");
    done(&pages);
}

static void conformance_is_ordered_and_failures_are_repeatable(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    const char *two = strstr(pages.html, "<th scope=\"row\">S2</th>");
    const char *ten = strstr(pages.html, "<th scope=\"row\">S10</th>");
    assert_true(two && ten && two < ten);
    assert_int_equal(count(pages.html, "<td class=\"c fail\">"), 1);
    assert_int_equal(count(pages.html, "<td class=\"c pass\">"), 8);
    assert_has(pages.html, "conformance --clause T3");
    assert_has(pages.html, "2 &lt; 3");
    done(&pages);
}

static void disturbed_blocks_are_listed(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    pages.fixture.disturbed_block = 4;
    render(&pages);
    assert_has(pages.html, "Disturbed blocks: 1 redone, 0 counted all the same");
    assert_has(pages.html, "foreign CPU 4.3 %");
    assert_has(pages.html, "1 of 141 blocks were disturbed and redone");
    done(&pages);
}

/* A copy, to be put back. */
static char *path_now(void)
{
    const char *path = getenv("PATH");
    return strdup(path != NULL ? path : "");
}

static void a_gnuplot_that_fails_is_quoted(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    char *path = path_now();
    fixture_write(&pages.fixture);
    assert_int_equal(verdict_write(pages.fixture.dir, pages.err, sizeof pages.err), 0);
    fixture_text(&pages.fixture, "gnuplot", "#!/bin/sh\necho no such terminal >&2\nexit 3\n");
    assert_int_equal(chmod(fixture_path(&pages.fixture, "gnuplot"), 0755), 0);
    setenv("PATH", pages.fixture.dir, 1);
    int rc = report_write(pages.fixture.dir, pages.err, sizeof pages.err);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(rc, -1);
    assert_has(pages.err, "no such terminal");
    assert_int_equal(access(fixture_path(&pages.fixture, "report.html"), R_OK), 0);
    fixture_remove(&pages.fixture);
}

static void without_gnuplot_the_pages_stand_and_the_error_names_the_remedy(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    char *path = path_now();
    setenv("PATH", "/nonexistent", 1);
    fixture_write(&pages.fixture);
    assert_int_equal(verdict_write(pages.fixture.dir, pages.err, sizeof pages.err), 0);
    int rc = report_write(pages.fixture.dir, pages.err, sizeof pages.err);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(rc, -1);
    assert_has(pages.err, "gnuplot is not installed");
    assert_has(pages.err, "apt-get install gnuplot-nox");
    pages.html = file_read(fixture_path(&pages.fixture, "report.html"));
    pages.markdown = file_read(fixture_path(&pages.fixture, "report.md"));
    assert_non_null(pages.html);
    assert_non_null(pages.markdown);
    assert_int_equal(count(pages.html, "<td class=\"v win\">"), FIXTURE_CELLS);
    assert_has(pages.html, "This picture was not drawn");
    assert_int_equal(count(pages.html, "<svg"), 0);
    done(&pages);
}

static void the_same_run_gives_the_same_pages(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_int_equal(report_write(pages.fixture.dir, pages.err, sizeof pages.err), 0);
    char *html = file_read(fixture_path(&pages.fixture, "report.html"));
    char *markdown = file_read(fixture_path(&pages.fixture, "report.md"));
    assert_string_equal(html, pages.html);
    assert_string_equal(markdown, pages.markdown);
    free(html);
    free(markdown);
    done(&pages);
}

static void a_page_that_cannot_be_written_is_an_error_and_leaves_the_old_one(void **state)
{
    (void)state;
    struct pages pages = {.fixture = fixture_default()};
    render(&pages);
    assert_int_equal(mkdir(fixture_path(&pages.fixture, "report.html.new"), 0777), 0);
    assert_int_equal(report_write(pages.fixture.dir, pages.err, sizeof pages.err), -1);
    assert_has(pages.err, "report.html");
    char *html = file_read(fixture_path(&pages.fixture, "report.html"));
    assert_string_equal(html, pages.html);
    free(html);
    done(&pages);
}

static void a_folder_that_is_no_run_is_an_error(void **state)
{
    (void)state;
    char err[512] = "";
    assert_int_equal(report_write("/nonexistent/run", err, sizeof err), -1);
    assert_has(err, "/nonexistent/run");
    struct fixture fixture = fixture_default();
    fixture_write(&fixture);
    assert_int_equal(report_write(fixture.dir, err, sizeof err), -1);
    assert_has(err, "verdict.json");
    fixture_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_of_a_decided_run_holds_every_cell),
        cmocka_unit_test(a_word_that_means_little_says_so),
        cmocka_unit_test(numbers_without_a_verdict_stand_with_their_ratio),
        cmocka_unit_test(page_stands_alone),
        cmocka_unit_test(pictures_lie_beside_their_data),
        cmocka_unit_test(pictures_of_runs_hold_every_run_and_the_threshold),
        cmocka_unit_test(equal_contestants_tie),
        cmocka_unit_test(who_is_out_keeps_its_place),
        cmocka_unit_test(smoke_says_that_it_proves_nothing),
        cmocka_unit_test(nothing_run_and_nothing_recorded_is_said_in_words),
        cmocka_unit_test(names_never_become_mark_up),
        cmocka_unit_test(conformance_is_ordered_and_failures_are_repeatable),
        cmocka_unit_test(disturbed_blocks_are_listed),
        cmocka_unit_test(without_gnuplot_the_pages_stand_and_the_error_names_the_remedy),
        cmocka_unit_test(a_gnuplot_that_fails_is_quoted),
        cmocka_unit_test(the_same_run_gives_the_same_pages),
        cmocka_unit_test(a_page_that_cannot_be_written_is_an_error_and_leaves_the_old_one),
        cmocka_unit_test(a_folder_that_is_no_run_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
