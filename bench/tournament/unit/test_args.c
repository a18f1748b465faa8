/* SPDX-License-Identifier: MIT */
/* test_args.c - options, numbers, times, and the names that somebody meant. */
#include "../args.h"
#include "../names.h"
#include "../text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *seed, *only, *operand;
static bool json;

static enum args_result parse(int argc, ...)
{
    static const struct args_option options[] = {
        {"seed", "N", "the seed", &seed, NULL},
        {"only", "A,B", "these", &only, NULL},
        {"json", NULL, "as JSON", NULL, &json},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static const struct args_command command = {.name = "test",
                                                .summary = "s",
                                                .options = options,
                                                .operand = "RUN",
                                                .operand_text = &operand};
    char *argv[8];
    va_list words;
    va_start(words, argc);
    for (int i = 0; i < argc; i++)
        argv[i] = va_arg(words, char *);
    va_end(words);
    seed = only = operand = NULL;
    json = false;
    return args_parse(&command, argc, argv);
}

static void both_spellings_of_a_value(void **state)
{
    (void)state;
    assert_int_equal(parse(5, "test", "--seed", "7", "--only=a,b", "--json"), ARGS_GO);
    assert_string_equal(seed, "7");
    assert_string_equal(only, "a,b");
    assert_true(json);
    assert_int_equal(parse(2, "test", "latest"), ARGS_GO);
    assert_string_equal(operand, "latest");
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    assert_int_equal(parse(2, "test", "--sed=7"), ARGS_BAD);
    assert_int_equal(parse(2, "test", "--seed"), ARGS_BAD);
    assert_int_equal(parse(2, "test", "--seed="), ARGS_BAD);
    assert_int_equal(parse(2, "test", "--json=yes"), ARGS_BAD);
    assert_int_equal(parse(2, "test", "-s"), ARGS_BAD);
    assert_int_equal(parse(3, "test", "one", "two"), ARGS_BAD);
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1.5", "0x10", "ten", "99999999999999999999", "11"};
    uint64_t value;
    assert_true(args_number("n", "0", 0, 10, &value));
    assert_int_equal(value, 0);
    assert_true(args_number("n", "10", 0, 10, &value));
    assert_int_equal(value, 10);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(args_number("n", bad[i], 0, 10, &value));
}

static void times_have_units(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-5", "5x", "m", "5 m", "18446744073709551615h", "0", "3601"};
    uint64_t value;
    assert_true(args_seconds("b", "90", 1, 3600, &value) && value == 90);
    assert_true(args_seconds("b", "90s", 1, 3600, &value) && value == 90);
    assert_true(args_seconds("b", "5m", 1, 3600, &value) && value == 300);
    assert_true(args_seconds("b", "1h", 1, 3600, &value) && value == 3600);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(args_seconds("b", bad[i], 1, 3600, &value));
}

static void lists_are_split_and_joined(void **state)
{
    (void)state;
    struct names names = {0};
    names_split(&names, " a, b,,c ,");
    assert_int_equal(names.count, 3);
    char *joined = names_join(&names);
    assert_string_equal(joined, "a, b, c");
    free(joined);
    names_free(&names);
    joined = names_join(&names);
    assert_string_equal(joined, "(none)");
    free(joined);
}

static void the_nearest_name_is_what_was_meant(void **state)
{
    (void)state;
    struct names names = {0};
    names_split(&names, "mutex,chunked,fastpath");
    assert_string_equal(names_nearest(&names, "mutx"), "mutex");
    assert_string_equal(names_nearest(&names, "fast-path"), "fastpath");
    assert_string_equal(names_nearest(&names, "chunkde"), "chunked");
    assert_null(names_nearest(&names, "libuv"));
    assert_null(names_nearest(&names, ""));
    names_free(&names);
}

static void commands_are_quoted_for_a_shell(void **state)
{
    (void)state;
    char *text =
        text_command((const char *const[]){"race", "--point", "n=1", "it's", "a b", "", NULL});
    assert_string_equal(text, "race --point n=1 'it'\\''s' 'a b' ''");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_spellings_of_a_value),
        cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(lists_are_split_and_joined),
        cmocka_unit_test(the_nearest_name_is_what_was_meant),
        cmocka_unit_test(commands_are_quoted_for_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
