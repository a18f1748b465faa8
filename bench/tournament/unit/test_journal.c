/* SPDX-License-Identifier: MIT */
/* test_journal.c - the chain of lines: whole, linked, taken up again after a torn line. */
#include "../journal.h"
#include "../text.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char plan[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/velo-journal-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    return close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void append(struct journal *journal, int number)
{
    json_t *event = json_pack("{s:s, s:i}", "type", "note", "number", number);
    assert_int_equal(journal_append(journal, event), 0);
    json_decref(event);
}

/* Checks the chain of the whole file. Returns the number of lines. */
static size_t check_chain(void)
{
    char *text = text_read_file(path, NULL);
    assert_non_null(text);
    char previous[JOURNAL_HASH_SIZE] = "";
    size_t lines = 0;
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        json_t *event = json_loads(line, 0, NULL);
        assert_non_null(event);
        assert_string_equal(json_string_value(json_object_get(event, "prev")), previous);
        assert_string_equal(json_string_value(json_object_get(event, "plan")), "0123456789abcdef");
        assert_int_equal(strlen(json_string_value(json_object_get(event, "t"))), 24);
        json_decref(event);
        SHA256Data((const uint8_t *)line, (size_t)(end - line), previous);
        line = end + 1;
        lines++;
    }
    free(text);
    return lines;
}

static void each_line_names_the_one_before(void **state)
{
    (void)state;
    struct journal journal;
    assert_int_equal(journal_open(&journal, path, plan, 0, "", ""), 0);
    for (int i = 0; i < 5; i++)
        append(&journal, i);
    assert_int_equal(journal_sync(&journal), 0);
    journal_close(&journal);
    assert_int_equal(check_chain(), 5);
}

static void a_torn_line_is_cut_and_the_chain_goes_on(void **state)
{
    (void)state;
    struct journal journal;
    assert_int_equal(journal_open(&journal, path, plan, 0, "", ""), 0);
    append(&journal, 1);
    append(&journal, 2);
    char last[JOURNAL_HASH_SIZE];
    memcpy(last, journal.previous, sizeof(last));
    off_t whole = lseek(journal.fd, 0, SEEK_END);
    assert_int_equal(write(journal.fd, "{\"type\":\"ru", 11), 11);
    journal_close(&journal);

    assert_int_equal(journal_open(&journal, path, plan, (size_t)whole, last, ""), 0);
    append(&journal, 3);
    journal_close(&journal);
    assert_int_equal(check_chain(), 3);
}

/* The clock was set back by a day: the lines say when the last one was written, until it is over.
 */
static void times_never_go_back(void **state)
{
    (void)state;
    static const char tomorrow[] = "2999-01-31T12:34:56.789Z";
    struct journal journal;
    assert_int_equal(journal_open(&journal, path, plan, 0, "", tomorrow), 0);
    append(&journal, 1);
    journal_close(&journal);
    char *text = text_read_file(path, NULL);
    json_t *back = json_loads(text, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(back, "t")), tomorrow);
    json_decref(back);
    free(text);
}

static void numbers_keep_all_their_digits(void **state)
{
    (void)state;
    struct journal journal;
    assert_int_equal(journal_open(&journal, path, plan, 0, "", ""), 0);
    json_t *event = json_pack("{s:s, s:f}", "type", "note", "cost", 0.1 + 0.2);
    assert_int_equal(journal_append(&journal, event), 0);
    json_decref(event);
    journal_close(&journal);
    char *text = text_read_file(path, NULL);
    json_t *back = json_loads(text, 0, NULL);
    double cost = json_real_value(json_object_get(back, "cost"));
    double expected = 0.1 + 0.2;
    assert_memory_equal(&cost, &expected, sizeof(cost));
    json_decref(back);
    free(text);
}

/* A file size limit stands for a full disk: a write that stops in the middle is taken back. */
static void a_full_disk_leaves_whole_lines(void **state)
{
    (void)state;
    struct rlimit kept, small;
    struct journal journal;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    small = kept;
    small.rlim_cur = 700;
    assert_int_equal(journal_open(&journal, path, plan, 0, "", ""), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = 0;
    size_t written = 0;
    for (int i = 0; rc == 0 && i < 100; i++) {
        json_t *event = json_pack("{s:s, s:i}", "type", "note", "number", i);
        rc = journal_append(&journal, event);
        written += rc == 0;
        json_decref(event);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_true(rc < 0);
    assert_int_equal(check_chain(), written);
    append(&journal, 100); /* room again: the chain goes on */
    journal_close(&journal);
    assert_int_equal(check_chain(), written + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_line_names_the_one_before, make_path, remove_path),
        cmocka_unit_test_setup_teardown(
            a_torn_line_is_cut_and_the_chain_goes_on, make_path, remove_path),
        cmocka_unit_test_setup_teardown(numbers_keep_all_their_digits, make_path, remove_path),
        cmocka_unit_test_setup_teardown(times_never_go_back, make_path, remove_path),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_whole_lines, make_path, remove_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
