/* SPDX-License-Identifier: MIT */
/* test_anchor.c - a journal holds its last anchor, or it was set back. */
#include "../../../reports/render/unit/folder.h"
#include "../anchor.h"
#include "../text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct folder folder;
static struct run_dir dir;
static char base[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(base, sizeof(base), "/tmp/velo-anchor-XXXXXX");
    folder_init(&folder, "standard");
    return mkdtemp(base) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char *path = text_format("%s/" ANCHOR_FILE, base);
    unlink(path);
    free(path);
    run_dir_fini(&dir);
    folder_fini(&folder);
    return rmdir(base);
}

static void read_again(void)
{
    char err[512] = "";
    run_dir_fini(&dir);
    assert_int_equal(run_dir_read(folder.path, RUN_DIR_NEW_OK, &dir, err, sizeof(err)), 0);
}

static void expect(enum anchor_state wanted, size_t wanted_lines)
{
    size_t lines;
    read_again();
    assert_int_equal(anchor_check(base, folder.path, dir.plan_sha256, &lines), wanted);
    assert_int_equal(lines, wanted_lines);
}

static void anchor_here(void)
{
    read_again();
    assert_int_equal(anchor_add(base, dir.plan_sha256, dir.lines, dir.last_sha256), 0);
}

static void add_raw(const char *text)
{
    char *path = text_format("%s/" ANCHOR_FILE, base);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void without_an_anchor_nothing_is_said(void **state)
{
    (void)state;
    folder_rounds(&folder, 2, 1.5);
    expect(ANCHOR_NONE, 0);
    assert_int_equal(anchor_add(base, "0123456789abcdef0123", 3, "of another run"), 0);
    expect(ANCHOR_NONE, 0);
}

static void a_journal_without_lines_holds(void **state)
{
    (void)state;
    anchor_here();
    expect(ANCHOR_HOLDS, 0);
}

static void a_torn_line_is_not_in_the_journal(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    char *before = folder_text(&folder, "raw.ndjson");
    anchor_here();
    before[strlen(before) - 1] = '\0';
    folder_write(&folder, "raw.ndjson", before);
    size_t lines;
    assert_int_equal(anchor_check(base, folder.path, dir.plan_sha256, &lines), ANCHOR_BROKEN);
    free(before);
}

static void the_last_line_and_those_before_it_hold(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    anchor_here();
    const size_t lines = folder.lines;
    expect(ANCHOR_HOLDS, lines);
    folder_block(&folder, 0, 1, 0, true, 10, 20, 30);
    expect(ANCHOR_HOLDS, lines);
    anchor_here();
    expect(ANCHOR_HOLDS, folder.lines);
}

static void a_journal_that_was_cut_is_told(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    char *before = folder_text(&folder, "raw.ndjson");
    folder_block(&folder, 0, 1, 0, true, 10, 20, 30);
    anchor_here();
    folder_write(&folder, "raw.ndjson", before);
    expect(ANCHOR_BROKEN, folder.lines);
    free(before);
}

static void a_journal_that_went_on_otherwise_is_told(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    const struct folder forked = folder;
    char *before = folder_text(&folder, "raw.ndjson");
    folder_block(&folder, 0, 1, 0, true, 10, 20, 30);
    anchor_here();
    const size_t lines = folder.lines;
    folder_write(&folder, "raw.ndjson", before);
    folder = forked;
    folder_block(&folder, 0, 1, 0, true, 20, 10, 30);
    expect(ANCHOR_BROKEN, lines);
    folder_block(&folder, 0, 2, 0, true, 20, 10, 30);
    expect(ANCHOR_BROKEN, lines);
    free(before);
}

static void a_torn_anchor_is_none(void **state)
{
    (void)state;
    folder_rounds(&folder, 1, 1.5);
    anchor_here();
    const size_t lines = folder.lines;
    char *torn = text_format("{\"plan\":\"%.16s\",\"lines\":999,\"sha", dir.plan_sha256);
    add_raw(torn);
    expect(ANCHOR_HOLDS, lines);
    folder_block(&folder, 0, 1, 0, true, 10, 20, 30);
    anchor_here(); /* does not stick to the torn one */
    expect(ANCHOR_HOLDS, folder.lines);
    free(torn);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(without_an_anchor_nothing_is_said),
        CASE(a_journal_without_lines_holds),
        CASE(a_torn_line_is_not_in_the_journal),
        CASE(the_last_line_and_those_before_it_hold),
        CASE(a_journal_that_was_cut_is_told),
        CASE(a_journal_that_went_on_otherwise_is_told),
        CASE(a_torn_anchor_is_none),
    };
    return cmocka_run_group_tests_name("anchor", tests, NULL, NULL);
}
