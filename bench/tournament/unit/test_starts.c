/* SPDX-License-Identifier: MIT */
/* test_starts.c - the list of all starts: who asked the same before, and what became of it. */
#include "../json.h"
#include "../starts.h"
#include "../text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[64];

static int make_base(void **state)
{
    (void)state;
    snprintf(base, sizeof(base), "/tmp/velo-starts-XXXXXX");
    return mkdtemp(base) != NULL ? 0 : -1;
}

static int remove_base(void **state)
{
    (void)state;
    char *path = text_format("%s/index.ndjson", base);
    unlink(path);
    free(path);
    return rmdir(base);
}

static void folder(const char *id, bool verdict)
{
    char *path = text_format("%s/%s", base, id), *file = text_format("%s/verdict.json", path);
    assert_int_equal(mkdir(path, 0755), 0);
    FILE *made = verdict ? fopen(file, "w") : NULL;
    assert_true(!verdict || (made != NULL && fclose(made) == 0));
    free(file);
    free(path);
}

static void remove_folder(const char *id)
{
    char *path = text_format("%s/%s", base, id), *file = text_format("%s/verdict.json", path);
    unlink(file);
    assert_int_equal(rmdir(path), 0);
    free(file);
    free(path);
}

static void append(const char *line)
{
    char *path = text_format("%s/index.ndjson", base);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fprintf(file, "%s\n", line) > 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void expect(const char *id, int starts, int gone, int unfinished)
{
    json_t *before = starts_before(base, id);
    assert_non_null(before);
    assert_int_equal(json_int(before, "starts", -1), starts);
    assert_int_equal(json_int(before, "gone", -1), gone);
    assert_int_equal(json_int(before, "unfinished", -1), unfinished);
    json_decref(before);
}

static void who_asked_the_same_before_is_counted(void **state)
{
    (void)state;
    static const char *const ids[] = {"shown", "killed", "drawer", "now", "later"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(starts_add(base, ids[i], "standard", "which loop"), 0);
    folder("shown", true);
    folder("killed", false);
    expect("shown", 0, 0, 0);
    expect("now", 3, 1, 1);
    remove_folder("shown");
    expect("now", 3, 2, 1);
    remove_folder("killed");
    expect("now", 3, 3, 0);
    assert_null(starts_before(base, "nobody"));
}

static void another_question_or_commit_is_another_start(void **state)
{
    (void)state;
    append("{\"id\":\"old\",\"preset\":\"standard\",\"started\":\"2026-01-01T00:00:00.000Z\"}");
    append("not a start");
    append("{\"id\":\"one\",\"commit\":\"abc\",\"question\":\"q\"}");
    append("{\"id\":\"changed\",\"commit\":\"abc-dirty\",\"question\":\"q\"}");
    append("{\"id\":\"elsewhere\",\"commit\":\"abcd\",\"question\":\"q\"}");
    append("{\"id\":\"other\",\"commit\":\"abc\",\"question\":\"r\"}");
    append("{\"id\":\"two\",\"commit\":\"abc\",\"question\":\"q\"}");
    expect("two", 2, 2, 0);
    expect("elsewhere", 0, 0, 0);
    assert_int_equal(starts_add(base, "uncounted", "capacity", ""), 0);
    assert_int_equal(starts_add(base, "again", "capacity", ""), 0);
    expect("again", 0, 0, 0);
}

/* What another seed or budget does not change, and another cell or contestant does. */
static void a_question_is_who_and_where(void **state)
{
    (void)state;
    struct plan_entry entries[] = {{.name = text_copy("ant")}, {.name = text_copy("bee")}};
    struct plan_cell cells[] = {{.key = text_copy("race/idle/n=1")}};
    struct plan plan = {.preset = &preset_list[0],
                        .seed = 1,
                        .entries = entries,
                        .entry_count = 2,
                        .cells = cells,
                        .cell_count = 1};
    char *first = starts_question(&plan);
    plan.seed = 2;
    plan.budget_s = 77;
    char *second = starts_question(&plan);
    plan.entry_count = 1;
    char *third = starts_question(&plan);
    assert_int_equal(strlen(first), 16);
    assert_string_equal(first, second);
    assert_string_not_equal(first, third);
    free(first);
    free(second);
    free(third);
    free(entries[0].name);
    free(entries[1].name);
    free(cells[0].key);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_base, remove_base)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_asked_the_same_before_is_counted),
        CASE(another_question_or_commit_is_another_start),
        cmocka_unit_test(a_question_is_who_and_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
