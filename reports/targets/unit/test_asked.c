/* SPDX-License-Identifier: MIT */
/* test_asked.c - who has to race where: whom a target is about, and whom he is held against. */
#include "../targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool asked(const char *lane, const char *scenario, const char *point, const char *name)
{
    const struct target_cell cell = {.lane = lane, .scenario = scenario, .point = point};
    return targets_ask_for(&cell, name, strncmp(name, "lib", 3) == 0 ? "guest" : "native");
}

static void nobody_races_where_nobody_asks(void **state)
{
    (void)state;
    static const char one_by_one[] = "threads=1,batch=1";
    assert_true(asked("race", "producers", one_by_one, "chunked"));
    assert_true(asked("race", "producers", one_by_one, "libuv"));
    assert_false(asked("race", "producers", one_by_one, "fastpath:disabled"));
    assert_true(asked("race", "ping_pong", "closed", "fastpath"));
    assert_true(asked("race", "ping_pong", "closed", "libuv"));
    assert_false(asked("race", "ping_pong", "closed", "mutex"));
    assert_true(asked("race", "ping_pong", "parked", "fastpath:disabled"));
    assert_false(asked("race", "ping_pong", "parked", "libuv"));
    assert_true(asked("micro", "timer_library", "n=1000", "mutex")); /* by 10^3 pending */
    assert_false(asked("micro", "timer_library", "n=1000", "libuv"));
    assert_true(asked("race", "timer_storm", "op=fire,n=100000", "mutex")); /* by its heap */
    assert_false(asked("race", "timer_storm", "op=fire,n=100000", "mutex:spin"));
    assert_false(asked("race", "poisson", "percent=60", "mutex"));
}

/* No target can be answered by those who are let in, unless its cell lets in whom it is about. */
static void every_target_lets_in_whom_it_is_about(void **state)
{
    (void)state;
    for (size_t i = 0; i < target_count; i++) {
        const struct target *t = &target_table[i];
        if (t->scenario == NULL)
            continue;
        const struct target_cell cell = {
            .lane = t->lane, .scenario = t->scenario, .point = t->point};
        if (t->who != WHO_NAMED)
            assert_true(targets_ask_for(&cell, "mutex", "native"));
        else
            assert_true(targets_ask_for(&cell,
                                        strrchr(t->names, ',') != NULL ? strrchr(t->names, ',') + 1
                                                                       : t->names,
                                        "native"));
        assert_true(t->against != AGAINST_GUESTS || targets_ask_for(&cell, "glib", "guest"));
        assert_true(t->against != AGAINST_ENTRY || targets_ask_for(&cell, t->other, "native"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_races_where_nobody_asks),
        cmocka_unit_test(every_target_lets_in_whom_it_is_about),
    };
    return cmocka_run_group_tests_name("targets asked", tests, NULL, NULL);
}
