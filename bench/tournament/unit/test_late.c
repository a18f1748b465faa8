/* SPDX-License-Identifier: MIT */
/*
 * test_late.c - who failed by time alone: tried again, and out when it was no accident. Stalls of a
 * machine put nobody out; who hangs always, often or on purpose is found.
 */
#include "../rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 64, ENTRIES = 3, CELLS = 2 };

static char names[ENTRIES][8] = {"ant", "bee", "ant~"};
static struct plan_entry planned[ENTRIES] = {
    {.name = names[0], .twin_of = -1}, {.name = names[1], .twin_of = -1}, {.name = names[2]}};
static char keys[CELLS][8] = {"alpha", "beta"};
static struct plan_cell plan_cells[CELLS] = {{.key = keys[0]}, {.key = keys[1]}};
static struct plan plan = {.redo_run_limit = 0.10,
                           .late_in_a_row = 2,
                           .late_in_all = 3,
                           .late_ever = 3,
                           .late_stall_ms = 500,
                           .entries = planned,
                           .entry_count = ENTRIES,
                           .cells = plan_cells,
                           .cell_count = CELLS};

static struct run_dir_run runs[RUNS];
static struct run_dir_entry entries[ENTRIES] = {{.name = "ant"}, {.name = "bee"}, {.name = "ant~"}};
static struct judge_status status[CELLS][ENTRIES];
static struct judge_cell_input cells[CELLS] = {{.status = status[0]}, {.status = status[1]}};
static struct run_dir state = {
    .runs = runs, .entries = entries, .entry_count = ENTRIES, .in = {.cells = cells}};
static json_t *quiet, *foreign, *stalled;

static int begin(void **unused)
{
    (void)unused;
    planned[2].twin_of = 0;
    quiet = json_pack("{s:f, s:f}", "foreign_share", 0.1, "stall_ms", 499.0);
    foreign = json_pack("{s:f, s:f}", "foreign_share", 0.11, "stall_ms", 0.0);
    stalled = json_pack("{s:f, s:f}", "foreign_share", 0.0, "stall_ms", 500.0);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    json_decref(quiet);
    json_decref(foreign);
    json_decref(stalled);
    return 0;
}

static int start_over(void **unused)
{
    (void)unused;
    state.run_count = 0;
    json_decref(state.events);
    state.events = json_array();
    memset(status, 0, sizeof(status));
    return 0;
}

static int clear(void **unused)
{
    (void)unused;
    json_decref(state.events);
    state.events = NULL;
    return 0;
}

/* One more run in the journal. */
static void ran(size_t cell, size_t entry, size_t block, const char *how, const json_t *event)
{
    runs[state.run_count++] = (struct run_dir_run){.cell = cell,
                                                   .entry = entry,
                                                   .block = block,
                                                   .status = how,
                                                   .reason = "no answer",
                                                   .command = "race",
                                                   .event = event};
}

/* Why the last run puts its entry out; "" if it does not. Lives until the next call. */
static const char *verdict(void)
{
    static char reason[200];
    json_t *events = rules_consequences(&plan, &state, state.run_count - 1);
    const json_t *first = json_array_get(events, 0);
    const char *text = json_string_value(json_object_get(first, "reason"));
    snprintf(reason, sizeof(reason), "%s", text != NULL ? text : "");
    json_decref(events);
    return reason;
}

static void the_machine_is_quiet_up_to_the_limits(void **unused)
{
    (void)unused;
    assert_true(rules_is_quiet(&plan, quiet));
    assert_false(rules_is_quiet(&plan, foreign));
    assert_false(rules_is_quiet(&plan, stalled));
}

static void one_late_run_puts_nobody_out(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", quiet);
    assert_string_equal(verdict(), "");
    ran(0, 1, 1, "timeout", quiet);
    assert_string_equal(verdict(), "");
}

static void a_fault_does_so_at_once(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "failed", stalled);
    assert_string_equal(verdict(), "no answer");
    ran(0, 1, 1, "crash", stalled);
    assert_string_equal(verdict(), "no answer");
}

static void twice_in_a_row_does_on_a_quiet_machine(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", stalled);
    ran(0, 1, 1, "ok", quiet);
    ran(1, 0, 1, "ok", quiet); /* another cell is another row */
    ran(0, 0, 1, "timeout", quiet);
    assert_string_equal(verdict(), "no answer, twice in a row");
}

static void a_run_in_time_between_two_makes_no_row(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", quiet);
    ran(0, 0, 1, "ok", quiet);
    ran(0, 0, 2, "late", quiet);
    assert_string_equal(verdict(), "");
}

static void stalls_excuse_twice_and_no_more(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", quiet);
    ran(0, 0, 1, "late", stalled);
    assert_string_equal(verdict(), "");
    ran(0, 0, 1, "late", foreign);
    assert_string_equal(verdict(), "no answer, 3 times in a row");
}

/* Now and then, each time in another cell: so few runs are late by accident on a quiet machine. */
static void the_third_on_a_quiet_machine_is_one_too_many(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", quiet);
    ran(0, 0, 1, "ok", quiet);
    ran(0, 0, 2, "late", stalled); /* excused */
    ran(0, 0, 2, "ok", quiet);
    ran(1, 1, 1, "late", quiet); /* somebody else */
    ran(1, 0, 1, "late", quiet);
    assert_string_equal(verdict(), "");
    ran(1, 0, 1, "ok", quiet);
    ran(0, 0, 3, "late", quiet);
    assert_string_equal(verdict(), "no answer, 3 times on a quiet machine, this being the last");
}

/* What stands behind it in the journal does not change what followed from a run. */
static void later_runs_do_not_matter(void **unused)
{
    (void)unused;
    ran(0, 0, 1, "late", quiet);
    ran(0, 0, 1, "late", quiet);
    ran(0, 0, 2, "late", quiet);
    json_t *first = rules_consequences(&plan, &state, 0);
    json_t *second = rules_consequences(&plan, &state, 1);
    assert_int_equal(json_array_size(first), 0);
    assert_int_equal(json_array_size(second), 2); /* and its twin */
    json_array_extend(state.events, second);
    json_decref(second);
    second = rules_consequences(&plan, &state, 1);
    assert_int_equal(json_array_size(second), 0); /* it is in the journal */
    json_decref(first);
    json_decref(second);
}

/* A plan from before there was such a rule. */
static void without_the_rule_one_is_enough(void **unused)
{
    (void)unused;
    const struct plan now = plan;
    plan.late_in_a_row = plan.late_in_all = plan.late_ever = 1;
    plan.late_stall_ms = 0;
    ran(0, 0, 1, "timeout", quiet);
    assert_string_equal(verdict(), "no answer");
    plan = now;
}

static void an_attempt_counts_once_who_was_late_in_it_is_out(void **unused)
{
    (void)unused;
    ran(0, 1, 1, "ok", quiet);
    ran(0, 0, 1, "late", quiet);
    const struct run_dir_run *late = rules_late_run(&state, 0, 1, 0);
    assert_ptr_equal(late, &runs[1]);
    char *reason = rules_block_reason(&state, late, true, true);
    assert_string_equal(reason, "ant was late (no answer): done again");
    free(reason);
    assert_null(rules_late_run(&state, 0, 2, 0));
    assert_null(rules_late_run(&state, 1, 1, 0));
    assert_null(rules_late_run(&state, 0, 1, 1));
    status[0][0].state = JUDGE_DISQUALIFIED;
    assert_null(rules_late_run(&state, 0, 1, 0));
    reason = rules_block_reason(&state, NULL, true, true);
    assert_string_equal(reason, "foreign CPU time: done again");
    free(reason);
}

/* ---- the pilot ---- */

static struct rules_pilot seen;

/* A pilot run of the first entry; returns what follows, for json_decref(). */
static json_t *pilot(int cell, const char *how, double stall_ms, bool *again)
{
    json_t *event = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f}",
                              "cell",
                              cell,
                              "entry",
                              names[0],
                              "status",
                              how,
                              "reason",
                              "hung",
                              "command",
                              "race",
                              "stall_ms",
                              stall_ms);
    json_t *events = rules_pilot_consequences(&plan, event, &seen, again);
    json_decref(event);
    return events;
}

static void
expect_pilot(int cell, const char *how, double stall_ms, bool again, int out_of, const char *reason)
{
    bool once_more;
    json_t *events = pilot(cell, how, stall_ms, &once_more);
    assert_int_equal(once_more, again);
    assert_int_equal(json_array_size(events), reason != NULL ? 2 : 0);
    const json_t *first = json_array_get(events, 0);
    if (reason != NULL) {
        assert_int_equal(json_integer_value(json_object_get(first, "cell")), out_of);
        assert_string_equal(json_string_value(json_object_get(first, "reason")), reason);
    }
    json_decref(events);
}

static void the_pilot_repeats_who_is_late(void **unused)
{
    (void)unused;
    seen = (struct rules_pilot){0};
    expect_pilot(0, "late", 0, true, 0, NULL);
    expect_pilot(0, "ok", 0, false, 0, NULL);
    expect_pilot(1, "late", 0, true, 0, NULL);
    expect_pilot(1, "late", 0, false, 1, "hung, twice in a row");
    seen = (struct rules_pilot){0};
    expect_pilot(0, "late", 900, true, 0, NULL);
    expect_pilot(0, "late", 900, true, 0, NULL);
    expect_pilot(0, "late", 900, false, 0, "hung, 3 times in a row");
}

static void the_pilot_keeps_no_row_from_cell_to_cell(void **unused)
{
    (void)unused;
    seen = (struct rules_pilot){0};
    expect_pilot(0, "late", 0, true, 0, NULL);
    expect_pilot(1, "late", 0, true, 0, NULL);
}

static void who_hangs_in_two_cells_of_the_pilot_is_out_of_all(void **unused)
{
    (void)unused;
    seen = (struct rules_pilot){0};
    expect_pilot(0, "timeout", 0, true, 0, NULL);
    expect_pilot(0, "timeout", 0, false, 0, "hung, twice in a row");
    expect_pilot(1, "timeout", 0, true, 0, NULL);
    expect_pilot(1, "timeout", 0, false, -1, "hung in 2 cells, lastly in beta");
}

static void a_fault_in_the_pilot_is_not_repeated(void **unused)
{
    (void)unused;
    seen = (struct rules_pilot){0};
    expect_pilot(0, "crash", 900, false, 0, "hung");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start_over, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_machine_is_quiet_up_to_the_limits),
        CASE(one_late_run_puts_nobody_out),
        CASE(a_fault_does_so_at_once),
        CASE(twice_in_a_row_does_on_a_quiet_machine),
        CASE(a_run_in_time_between_two_makes_no_row),
        CASE(stalls_excuse_twice_and_no_more),
        CASE(the_third_on_a_quiet_machine_is_one_too_many),
        CASE(later_runs_do_not_matter),
        CASE(without_the_rule_one_is_enough),
        CASE(an_attempt_counts_once_who_was_late_in_it_is_out),
        CASE(the_pilot_repeats_who_is_late),
        CASE(the_pilot_keeps_no_row_from_cell_to_cell),
        CASE(who_hangs_in_two_cells_of_the_pilot_is_out_of_all),
        CASE(a_fault_in_the_pilot_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
