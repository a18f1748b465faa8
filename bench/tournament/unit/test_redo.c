/* SPDX-License-Identifier: MIT */
/* test_redo.c - when a block is done again: by its foreign CPU time alone, twice at most. */
#include "../rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 100 };

static struct run_dir_block blocks[BLOCKS];
static struct run_dir state = {.blocks = blocks};
static const struct plan plan = {
    .redo_block_limit = 0.02, .redo_run_limit = 0.10, .redo_max = 2, .redo_share = 0.25};

/* [count] attempts of earlier blocks in another cell, [redone] of them thrown away. */
static void history(size_t count, size_t redone)
{
    memset(blocks, 0, sizeof(blocks));
    state.block_count = count;
    for (size_t i = 0; i < count; i++)
        blocks[i] = (struct run_dir_block){.cell = 1, .block = i + 1, .valid = i >= redone};
}

/* One more attempt at block 7 of cell 0 that was thrown away. */
static void thrown_away(void)
{
    blocks[state.block_count++] = (struct run_dir_block){.cell = 0, .block = 7, .valid = false};
}

static bool again(double share, double worst, bool *noisy)
{
    return rules_redo(&plan, &state, 0, 7, share, worst, noisy);
}

static void a_quiet_block_counts(void **unused)
{
    (void)unused;
    bool noisy;
    history(20, 0);
    assert_false(again(0.02, 0.10, &noisy));
    assert_false(noisy);
    assert_string_equal(rules_redo_reason(noisy, false), "");
}

static void two_percent_of_a_block_or_ten_of_a_run_are_too_much(void **unused)
{
    (void)unused;
    bool noisy;
    history(20, 0);
    assert_true(again(0.021, 0, &noisy));
    assert_true(noisy);
    assert_true(again(0, 0.101, &noisy));
    assert_string_equal(rules_redo_reason(noisy, true), "foreign CPU time: done again");
}

static void the_third_attempt_counts_and_says_so(void **unused)
{
    (void)unused;
    bool noisy;
    history(20, 0);
    thrown_away();
    assert_true(again(0.5, 0.5, &noisy));
    thrown_away();
    assert_false(again(0.5, 0.5, &noisy));
    assert_true(noisy);
    assert_string_equal(rules_redo_reason(noisy, false), "foreign CPU time: counts all the same");
}

/* Redos of one block do not use up those of another. */
static void each_block_has_its_own_redos(void **unused)
{
    (void)unused;
    bool noisy;
    history(20, 0);
    thrown_away();
    thrown_away();
    assert_true(rules_redo(&plan, &state, 0, 8, 0.5, 0.5, &noisy));
}

/* On a machine that is never quiet a quarter of the attempts is the most that is thrown away. */
static void redos_end_when_they_are_a_quarter_of_all(void **unused)
{
    (void)unused;
    bool noisy;
    history(21, 6); /* 6 is a quarter of 21 and three to begin with */
    assert_false(again(0.5, 0.5, &noisy));
    assert_true(noisy);
    history(22, 6);
    assert_true(again(0.5, 0.5, &noisy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_block_counts),
        cmocka_unit_test(two_percent_of_a_block_or_ten_of_a_run_are_too_much),
        cmocka_unit_test(the_third_attempt_counts_and_says_so),
        cmocka_unit_test(each_block_has_its_own_redos),
        cmocka_unit_test(redos_end_when_they_are_a_quarter_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
