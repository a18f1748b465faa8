/* SPDX-License-Identifier: MIT */
/* test_run_dir.c - a run folder is read as it was written, or refused with file, line and remedy.
 */
#include "folder.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>

#include <cmocka.h>

static struct folder folder;
static struct run_dir dir;
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
    run_dir_fini(&dir);
    folder_fini(&folder);
    return 0;
}

static void read_well(unsigned flags)
{
    const int rc = run_dir_read(folder.path, flags, &dir, err, sizeof(err));
    if (rc != 0)
        print_error("%s\n", err);
    assert_int_equal(rc, 0);
}

/* The folder is refused and the message holds these words. */
static void refused(int rc, const char *where, const char *what)
{
    assert_int_equal(run_dir_read(folder.path, 0, &dir, err, sizeof(err)), rc);
    if (strstr(err, where) == NULL || strstr(err, what) == NULL)
        print_error("message: %s\nmissing: %s, %s\n", err, where, what);
    assert_non_null(strstr(err, where));
    assert_non_null(strstr(err, what));
    assert_null(dir.plan); /* nothing is left behind */
}

static void plan_becomes_entries_cells_and_rules(void **state)
{
    (void)state;
    read_well(0);
    assert_int_equal(dir.entry_count, 3);
    assert_int_equal(dir.cell_count, 2);
    assert_string_equal(dir.entries[1].name, "bee");
    assert_int_equal(dir.entries[2].twin_of, 0);
    assert_int_equal(dir.entries[0].twin_of, -1);
    assert_int_equal(dir.cells[0].family, JUDGE_MED);
    assert_true(dir.in.seed == UINT64_MAX);
    assert_true(dir.in.alpha == 0.05 && dir.in.margin == 0.03 && !dir.in.smoke);
    assert_true(dir.in.cells[1].floor == 1000);
    assert_int_equal(dir.blocks_common, 3);
    assert_string_equal(dir.plan_sha256, folder.plan);
    assert_null(dir.limits);
    assert_int_equal(dir.lines, 0);
    assert_string_equal(dir.last_sha256, "");
}

static void blocks_become_costs_in_the_order_of_the_entries(void **state)
{
    (void)state;
    folder_rounds(&folder, 4, 1.5);
    folder_event(&folder, "end", "\"reason\":\"decided\"");
    read_well(0);
    assert_int_equal(dir.run_count, 24);
    assert_int_equal(dir.block_count, 8);
    assert_int_equal(dir.in.cells[0].block_count, 4);
    assert_int_equal(dir.in.cells[0].blocks[2].number, 2);
    assert_true(dir.in.cells[0].blocks[1].cost[0] == 1010);
    assert_true(dir.in.cells[0].blocks[1].cost[1] == 1515);
    for (size_t i = 0; i < dir.run_count; i++)
        assert_true(dir.runs[i].counts);
    assert_int_equal(dir.runs[4].line, 6);
    assert_string_equal(dir.end_reason, "decided");
    assert_string_equal(dir.started, "2026-01-31T12:00:00.000Z");
    assert_true(dir.seconds_total == 32);
    assert_true(dir.seconds_measured == 12);
    assert_string_equal(dir.last_sha256, folder.previous);
    assert_int_equal(dir.lines, folder.lines);
}

static void an_attempt_that_was_redone_is_listed_and_never_counts(void **state)
{
    (void)state;
    folder_block(&folder, 0, 0, 0, false, 1, 2, 3);
    folder_block(&folder, 0, 0, 1, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.in.cells[0].block_count, 1);
    assert_true(dir.in.cells[0].blocks[0].cost[1] == 20);
    assert_int_equal(dir.run_count, 6);
    assert_false(dir.runs[0].counts);
    assert_true(dir.runs[5].counts);
    assert_int_equal(dir.block_count, 2);
    assert_false(dir.blocks[0].valid);
}

static void an_unfinished_attempt_never_counts(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    folder_run(&folder, 0, 2, 0, 0, "ant", 7);
    folder_event(&folder, "resume", "\"reason\":\"\"");
    folder_block(&folder, 0, 2, 1, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.in.cells[0].block_count, 3);
    assert_true(dir.in.cells[0].blocks[2].cost[0] == 10);
    assert_false(dir.runs[12].counts);
}

/* ---- half-way ---- */

static void begin(size_t cell, size_t block, size_t attempt)
{
    folder_event(
        &folder, "begin", "\"cell\":%zu,\"block\":%zu,\"attempt\":%zu", cell, block, attempt);
}

static void an_attempt_left_in_its_first_run_counts_in_its_cell(void **state)
{
    (void)state;
    begin(0, 1, 0);
    folder_event(&folder, "resume", "\"reason\":\"\"");
    begin(1, 1, 0);
    folder_block(&folder, 1, 1, 0, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.given_up, 0); /* not before another one takes its place */
    assert_int_equal(run_dir_next_attempt(&dir, 0, 1), 1);
    assert_int_equal(run_dir_next_attempt(&dir, 1, 2), 0);
    run_dir_fini(&dir);
    begin(0, 1, 1);
    folder_run(&folder, 0, 1, 1, 0, "ant", 7);
    begin(0, 1, 2);
    folder_block(&folder, 0, 1, 2, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.given_up, 2);
    assert_int_equal(dir.in.cells[0].blocks[0].given_up, 2);
    assert_int_equal(dir.in.cells[1].blocks[0].given_up, 0);
}

static void whole_attempts_are_not_half_way(void **state)
{
    (void)state;
    for (size_t attempt = 0; attempt < 2; attempt++) {
        begin(0, 1, attempt);
        folder_block(&folder, 0, 1, attempt, attempt == 1, 10, 20, 30);
    }
    begin(0, 2, 0);
    folder_block(&folder, 0, 2, 0, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.given_up, 0);
    assert_int_equal(dir.in.cells[0].block_count, 2);
    assert_int_equal(dir.in.cells[0].blocks[0].redone_count, 1);
}

static void an_attempt_begins_once(void **state)
{
    (void)state;
    begin(0, 1, 0);
    begin(0, 1, 0);
    refused(-EINVAL, "raw.ndjson:2: ", "begins twice");
}

/* Late is no verdict by itself; the attempt is kept with a cost beyond all others. */
static void a_late_run_is_kept_and_puts_nobody_out(void **state)
{
    (void)state;
    static const char *const how[] = {"late", "timeout"};
    for (int i = 0; i < 2; i++) {
        folder_event(&folder,
                     "run",
                     "\"cell\":0,\"block\":0,\"attempt\":%d,\"position\":0,\"entry\":\"bee\","
                     "\"status\":\"%s\",\"reason\":\"no answer\",\"cost\":null,\"run\":null,"
                     "\"command\":\"build/release/bee/race\"",
                     i,
                     how[i]);
        folder_event(&folder,
                     "block",
                     "\"cell\":0,\"block\":0,\"attempt\":%d,\"valid\":false,"
                     "\"foreign_share\":0,\"entries\":[\"bee\"],\"reason\":\"bee was late\"",
                     i);
    }
    folder_block(&folder, 0, 0, 2, true, 10, 20, 30);
    read_well(0);
    assert_int_equal(dir.in.cells[0].status[1].state, JUDGE_RUNS);
    assert_int_equal(dir.status_count, 0);
    const struct judge_block *block = &dir.in.cells[0].blocks[0];
    assert_int_equal(block->redone_count, 2);
    assert_true(isinf(block->redone[1]) && isinf(block->redone[dir.entry_count + 1]));
    assert_true(isnan(block->redone[0]));
    assert_true(block->cost[1] == 20);
}

/* Who is late in an attempt that counts, being out for it, has no cost there. */
static void a_late_run_in_a_block_that_counts_is_no_cost(void **state)
{
    (void)state;
    folder_run(&folder, 0, 0, 0, 0, "ant", 7);
    folder_event(&folder,
                 "run",
                 "\"cell\":0,\"block\":0,\"attempt\":0,\"position\":1,\"entry\":\"bee\","
                 "\"status\":\"late\",\"reason\":\"\",\"cost\":null,\"run\":null,"
                 "\"command\":\"\"");
    folder_event(&folder,
                 "block",
                 "\"cell\":0,\"block\":0,\"attempt\":0,\"valid\":true,\"foreign_share\":0,"
                 "\"entries\":[\"ant\",\"bee\"],\"reason\":\"\"");
    read_well(0);
    assert_true(dir.in.cells[0].blocks[0].cost[0] == 7);
    assert_true(isnan(dir.in.cells[0].blocks[0].cost[1]));
}

static void a_failed_run_disqualifies_in_its_cell(void **state)
{
    (void)state;
    folder_event(&folder,
                 "run",
                 "\"cell\":1,\"block\":0,\"attempt\":0,\"position\":0,\"entry\":\"bee\","
                 "\"status\":\"crash\",\"reason\":\"signal 6\",\"cost\":null,\"run\":null,"
                 "\"command\":\"build/release/bee/race\"");
    read_well(0);
    assert_int_equal(dir.in.cells[1].status[1].state, JUDGE_DISQUALIFIED);
    assert_int_equal(dir.in.cells[0].status[1].state, JUDGE_RUNS);
    assert_int_equal(dir.status_count, 1);
    assert_string_equal(dir.statuses[0].reproduce, "build/release/bee/race");
}

static void words_of_a_disqualification_replace_those_of_the_run(void **state)
{
    (void)state;
    folder_event(&folder,
                 "run",
                 "\"cell\":1,\"block\":0,\"attempt\":0,\"position\":0,\"entry\":\"bee\","
                 "\"status\":\"failed\",\"reason\":\"\",\"cost\":null,\"run\":null");
    folder_event(&folder,
                 "disqualify",
                 "\"cell\":1,\"entry\":\"bee\",\"reason\":\"lost 3\",\"reproduce\":\"again\"");
    folder_event(&folder, "not_run", "\"cell\":1,\"entry\":\"bee\",\"reason\":\"late\"");
    folder_event(&folder, "not_run", "\"cell\":0,\"entry\":\"ant\",\"reason\":\"needs FDS\"");
    folder_event(&folder,
                 "disqualify",
                 "\"cell\":-1,\"entry\":\"ant~twin\",\"reason\":\"gate\",\"reproduce\":\"\"");
    read_well(0);
    assert_int_equal(dir.in.cells[1].status[1].state, JUDGE_DISQUALIFIED);
    assert_string_equal(dir.in.cells[1].status[1].reason, "lost 3");
    assert_int_equal(dir.in.cells[0].status[0].state, JUDGE_NOT_RUN);
    assert_int_equal(dir.in.cells[0].status[2].state, JUDGE_DISQUALIFIED);
    assert_int_equal(dir.in.cells[1].status[2].state, JUDGE_DISQUALIFIED);
    assert_int_equal(dir.status_count, 3);
}

static void other_events_are_kept(void **state)
{
    (void)state;
    folder_event(&folder, "pilot", "\"cell\":0,\"entry\":\"ant\",\"run\":{},\"wall_ms\":250");
    folder_rounds(&folder, 1, 2);
    folder_event(&folder,
                 "drop",
                 "\"cell\":0,\"block\":0,\"entry\":\"bee\",\"beaten_by\":\"ant\",\"log_e\":3.5");
    folder_event(&folder, "decide", "\"cell\":0,\"block\":0,\"winner\":\"ant\",\"why\":\"\"");
    folder_event(&folder, "pause", "\"reason\":\"\"");
    folder_event(&folder, "note", "\"reason\":\"hello\"");
    read_well(0);
    assert_int_equal(dir.drop_count, 1);
    assert_int_equal(dir.drops[0].beaten_by, 0);
    assert_int_equal(json_array_size(dir.events), folder.lines);
    assert_true(dir.seconds_measured == 3.25);
}

/* A tournament applies its events live; a reader applies them from the file: the same state. */
static void live_and_later_state_are_the_same(void **state)
{
    struct run_dir live;
    (void)state;
    assert_int_equal(run_dir_read(folder.path, 0, &live, err, sizeof(err)), 0);
    folder_rounds(&folder, 5, 1.2);
    read_well(0);
    for (size_t i = 0; i < json_array_size(dir.events); i++)
        assert_int_equal(run_dir_apply(&live, json_array_get(dir.events, i), 0, err, sizeof(err)),
                         0);
    assert_int_equal(live.run_count, dir.run_count);
    assert_true(live.seconds_total == dir.seconds_total);
    for (size_t c = 0; c < 2; c++) {
        assert_int_equal(live.in.cells[c].block_count, dir.in.cells[c].block_count);
        for (size_t b = 0; b < 5; b++)
            assert_memory_equal(
                live.in.cells[c].blocks[b].cost, dir.in.cells[c].blocks[b].cost, 24);
    }
    run_dir_fini(&live);
}

static void pauses_before_a_resume_are_no_minutes(void **state)
{
    (void)state;
    folder_event(&folder, "note", "\"reason\":\"\"");
    folder.lines += 600; /* ten minutes of nothing */
    folder_event(&folder, "resume", "\"reason\":\"\"");
    folder_event(&folder, "note", "\"reason\":\"\"");
    read_well(0);
    assert_true(dir.seconds_total == 1);
}

static void an_absent_cost_is_absent(void **state)
{
    (void)state;
    folder_event(&folder,
                 "run",
                 "\"cell\":0,\"block\":0,\"attempt\":0,\"position\":0,\"entry\":\"bee\","
                 "\"status\":\"ok\",\"reason\":\"\",\"cost\":null,\"run\":null");
    folder_event(&folder,
                 "block",
                 "\"cell\":0,\"block\":0,\"attempt\":0,\"valid\":true,\"foreign_share\":null,"
                 "\"entries\":[\"bee\"],\"reason\":\"\"");
    read_well(0);
    assert_true(isnan(dir.in.cells[0].blocks[0].cost[1]));
    assert_true(isnan(dir.blocks[0].foreign_share));
}

/* ---- a torn end ---- */

static void a_torn_last_line_is_left_out_when_asked(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    char *text = folder_text(&folder, "raw.ndjson");
    const size_t whole = strlen(text);
    free(text);
    folder_append(&folder, "{\"type\":\"run\",\"cell\":0,\"blo");
    refused(-EINVAL, "raw.ndjson:17: ", "--resume");
    read_well(RUN_DIR_TORN_OK);
    assert_true(dir.torn);
    assert_int_equal(dir.intact_bytes, whole);
    assert_int_equal(dir.lines, 16);
    assert_string_equal(dir.last_sha256, folder.previous);
}

static void zeros_at_the_end_are_a_torn_line_too(void **state)
{
    char path[512];
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    folder_file(folder.path, path, "raw.ndjson");
    char *text = folder_text(&folder, "raw.ndjson");
    assert_int_equal(truncate(path, (off_t)strlen(text) + 100), 0);
    read_well(RUN_DIR_TORN_OK);
    assert_true(dir.torn);
    assert_int_equal(dir.intact_bytes, strlen(text));
    free(text);
}

/* ---- damage ---- */

/* Replaces the first [from] in the journal by [to], which is as long. */
static void tamper(const char *from, const char *to)
{
    char *text = folder_text(&folder, "raw.ndjson");
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(from));
    folder_write(&folder, "raw.ndjson", text);
    free(text);
}

static void damaged_json_names_its_line(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    tamper("\"block\":1,", "\"block\"!1,");
    refused(-EINVAL, "raw.ndjson:9: not valid JSON", "restore it from a copy");
}

static void a_changed_number_shows_in_the_next_line(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    tamper("\"cost\":1500", "\"cost\":1499");
    refused(-EINVAL, "raw.ndjson:2: ", "does not follow the line before it");
}

static void a_removed_line_shows(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    char *text = folder_text(&folder, "raw.ndjson");
    char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    memmove(second, third, strlen(third) + 1);
    folder_write(&folder, "raw.ndjson", text);
    free(text);
    refused(-EINVAL, "raw.ndjson:2: ", "changed, added or removed");
}

static void an_empty_line_is_damage(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    folder_append(&folder, "\n");
    refused(-EINVAL, "raw.ndjson:9: ", "not valid JSON");
}

static void a_line_of_another_plan_is_refused(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    folder_plan(&folder, "standard", "\"budget_s\":300,");
    refused(-EINVAL, "raw.ndjson:1: ", "belongs to plan ");
}

static void lines_that_are_no_event_are_refused(void **state)
{
    (void)state;
    folder_append(&folder, "[1,2]\n");
    refused(-EINVAL, "raw.ndjson:1: ", "not a JSON object");
}

static void bad_members_are_refused_with_their_name(void **state)
{
    static const struct {
        const char *type, *members, *what;
    } bad[] = {
        {"party", "\"cell\":0", "unknown type \"party\""},
        {"run", "\"block\":0", "\"cell\" is missing"},
        {"run", "\"cell\":2,\"block\":0,\"attempt\":0", "\"cell\" is 2, but the plan has only 2"},
        {"run", "\"cell\":-1,\"block\":0,\"attempt\":0", "\"cell\" is missing or not"},
        {"run", "\"cell\":0,\"block\":1.5,\"attempt\":0", "\"block\" is missing or not"},
        {"run", "\"cell\":0,\"block\":0,\"attempt\":\"x\"", "\"attempt\" is missing or not"},
        {"run", "\"cell\":0,\"block\":0,\"attempt\":0,\"position\":0,\"entry\":\"fly\"", "\"fly\""},
        {"run",
         "\"cell\":0,\"block\":0,\"attempt\":0,\"position\":0,\"entry\":\"ant\",\"status\":\"??\"",
         "\"status\" is \"??\""},
        {"block", "\"cell\":0,\"block\":0,\"attempt\":0", "\"valid\" is missing"},
        {"block", "\"cell\":0,\"block\":0,\"attempt\":0,\"valid\":true", "no run is recorded"},
        {"disqualify", "\"cell\":9,\"entry\":\"ant\"", "\"cell\" is 9"},
        {"not_run", "\"cell\":0,\"entry\":\"fly\"", "\"fly\""},
        {"drop", "\"cell\":0,\"block\":0,\"entry\":\"ant\"", "\"beaten_by\""},
        {"decide", "\"cell\":7", "\"cell\" is 7"},
        {"pilot", "\"cell\":0,\"entry\":\"\"", "\"entry\" names \"\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        folder_write(&folder, "raw.ndjson", "");
        folder.previous[0] = '\0';
        folder_event(&folder, bad[i].type, "%s", bad[i].members);
        refused(-EINVAL, "raw.ndjson:1: ", bad[i].what);
    }
}

static void a_run_or_block_given_twice_is_refused(void **state)
{
    (void)state;
    folder_run(&folder, 0, 0, 0, 0, "ant", 1);
    folder_run(&folder, 0, 0, 0, 1, "ant", 2);
    refused(-EINVAL, "raw.ndjson:2: ", "a second run of \"ant\"");
    folder_write(&folder, "raw.ndjson", "");
    folder.previous[0] = '\0';
    folder_block(&folder, 0, 3, 0, true, 1, 2, 3);
    folder_block(&folder, 0, 3, 1, true, 1, 2, 3);
    refused(-EINVAL, "raw.ndjson:8: ", "comes after block 3");
}

static void missing_files_are_named(void **state)
{
    char path[512];
    (void)state;
    folder_file(folder.path, path, "raw.ndjson");
    unlink(path);
    refused(-ENOENT, "raw.ndjson: No such file", "folder of a tournament");
    read_well(RUN_DIR_NEW_OK);
    run_dir_fini(&dir);
    folder_file(folder.path, path, "plan.json");
    unlink(path);
    refused(-ENOENT, "plan.json: No such file", "folder of a tournament");
    assert_int_equal(run_dir_read("/nowhere/at/all", 0, &dir, err, sizeof(err)), -ENOENT);
}

static void side_files_are_read_or_refused(void **state)
{
    (void)state;
    folder_write(&folder, "limits.json", "{\"limits\":[]}");
    folder_write(&folder, "env.json", "{\"host\":\"h\"}");
    read_well(0);
    assert_non_null(dir.limits);
    assert_non_null(dir.env);
    assert_null(dir.conformance);
    run_dir_fini(&dir);
    folder_write(&folder, "conformance.json", "{\n\n oops");
    refused(-EINVAL, "conformance.json:3: ", "not valid JSON");
}

static void bad_plans_are_refused(void **state)
{
    static const struct {
        const char *from, *to, *what;
    } bad[] = {
        {"\"schema\":1", "\"schema\":2", "schema is not 1"},
        {"\"name\":\"bee\"", "\"name\":\"ant\"", "two entries are called \"ant\""},
        {"\"name\":\"bee\"", "\"name\":\"\"   ", "entries[1] has no name"},
        {"\"twin_of\":\"ant\"", "\"twin_of\":\"fly\"", "is the twin of \"fly\""},
        {"\"family\":\"med\"", "\"family\":\"fun\"", "family \"fun\""},
        {"\"seed\":\"1844", "\"seed\":\"xx44", "is not a decimal number"},
        {"\"alpha\":0.05", "\"alpha\":5.00", "alpha must be"},
        {"\"margin\":0.03", "\"margin\":null", "margin must be"},
        {"\"cells\"", "\"cello\"", "missing or empty"},
        {"\"scenario\":\"idle\"", "\"scenario\":\"\"    ", "no scenario"},
    };
    (void)state;
    char *good = folder_text(&folder, "plan.json");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *text = strdup(good);
        char *at = strstr(text, bad[i].from);
        assert_non_null(at);
        memcpy(at, bad[i].to, strlen(bad[i].to));
        folder_write(&folder, "plan.json", text);
        free(text);
        refused(-EINVAL, "plan.json: ", bad[i].what);
    }
    free(good);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(plan_becomes_entries_cells_and_rules),
        CASE(blocks_become_costs_in_the_order_of_the_entries),
        CASE(an_attempt_that_was_redone_is_listed_and_never_counts),
        CASE(a_late_run_is_kept_and_puts_nobody_out),
        CASE(a_late_run_in_a_block_that_counts_is_no_cost),
        CASE(an_unfinished_attempt_never_counts),
        CASE(an_attempt_left_in_its_first_run_counts_in_its_cell),
        CASE(whole_attempts_are_not_half_way),
        CASE(an_attempt_begins_once),
        CASE(a_failed_run_disqualifies_in_its_cell),
        CASE(words_of_a_disqualification_replace_those_of_the_run),
        CASE(other_events_are_kept),
        CASE(live_and_later_state_are_the_same),
        CASE(pauses_before_a_resume_are_no_minutes),
        CASE(an_absent_cost_is_absent),
        CASE(a_torn_last_line_is_left_out_when_asked),
        CASE(zeros_at_the_end_are_a_torn_line_too),
        CASE(damaged_json_names_its_line),
        CASE(a_changed_number_shows_in_the_next_line),
        CASE(a_removed_line_shows),
        CASE(an_empty_line_is_damage),
        CASE(a_line_of_another_plan_is_refused),
        CASE(lines_that_are_no_event_are_refused),
        CASE(bad_members_are_refused_with_their_name),
        CASE(a_run_or_block_given_twice_is_refused),
        CASE(missing_files_are_named),
        CASE(side_files_are_read_or_refused),
        CASE(bad_plans_are_refused),
    };
    return cmocka_run_group_tests_name("run folder", tests, NULL, NULL);
}
