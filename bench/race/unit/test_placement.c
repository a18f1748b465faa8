/* SPDX-License-Identifier: MIT */
/* test_placement.c - threads stand where the harness puts them, and a move is noticed. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../placement.h"

static struct placement_map map;
static char why[200];

/* Each test begins on all processors that the process has. */
static int all_processors(void **state)
{
    static cpu_set_t all;
    static bool known;
    (void)state;
    if (!known)
        known = sched_getaffinity(0, sizeof all, &all) == 0;
    memset(&map, 0, sizeof map);
    return sched_setaffinity(0, sizeof all, &all);
}

static bool holds(void)
{
    return placement_holds(&map, gettid(), why, sizeof why);
}

static void words_and_levels_belong_together(void **state)
{
    enum placement placement = PLACEMENT_FREE;
    (void)state;
    assert_true(placement_parse("same-core", &placement));
    assert_int_equal(placement, PLACEMENT_SAME_CORE);
    assert_string_equal(placement_name(PLACEMENT_CROSS_CORE), "cross-core");
    assert_false(placement_parse("elsewhere", &placement));
}

static void same_core_is_one_processor_for_both(void **state)
{
    int loop[PLACEMENT_CPUS_MAX], generators[PLACEMENT_CPUS_MAX];
    (void)state;
    assert_true(placement_resolve(&map, PLACEMENT_SAME_CORE, why, sizeof why));
    assert_int_equal(placement_of_loop(&map, loop), 1);
    assert_int_equal(placement_of_generators(&map, generators), 1);
    assert_int_equal(loop[0], generators[0]);
    assert_int_equal(map.spins, 0);
    placement_enter_generator(&map, 0);
    assert_int_equal(sched_getcpu(), loop[0]);
    assert_true(holds());
}

static void free_leaves_all_processors_and_says_so(void **state)
{
    int loop[PLACEMENT_CPUS_MAX];
    (void)state;
    assert_true(placement_resolve(&map, PLACEMENT_FREE, why, sizeof why));
    placement_enter_loop(&map);
    placement_enter_generator(&map, 0);
    assert_int_equal(placement_of_loop(&map, loop), placement_cpu_count());
    assert_true(holds());
}

static void a_thread_that_was_moved_is_found(void **state)
{
    cpu_set_t elsewhere;
    (void)state;
    if (placement_cpu_count() < 2)
        skip();
    assert_true(placement_resolve(&map, PLACEMENT_SAME_CORE, why, sizeof why));
    placement_enter_generator(&map, 0);
    CPU_ZERO(&elsewhere);
    CPU_SET((size_t)map.cpus[1], &elsewhere);
    assert_int_equal(sched_setaffinity(0, sizeof elsewhere, &elsewhere), 0);
    assert_false(holds());
    assert_non_null(strstr(why, "moved to other processors"));
}

static void a_processor_that_is_not_there_is_remembered(void **state)
{
    (void)state;
    assert_true(placement_resolve(&map, PLACEMENT_SAME_CORE, why, sizeof why));
    map.cpus[0] = CPU_SETSIZE - 1;
    placement_enter_loop(&map);
    assert_false(holds());
    assert_non_null(strstr(why, "could not be put on its processor"));
}

static void one_processor_cannot_be_crossed(void **state)
{
    cpu_set_t one;
    (void)state;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_false(placement_resolve(&map, PLACEMENT_CROSS_CORE, why, sizeof why));
    assert_non_null(strstr(why, "cross-core needs two processors"));
    assert_true(placement_resolve(&map, PLACEMENT_SPREAD, why, sizeof why));
    assert_int_equal(map.placement, PLACEMENT_SAME_CORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(words_and_levels_belong_together, all_processors),
        cmocka_unit_test_setup(same_core_is_one_processor_for_both, all_processors),
        cmocka_unit_test_setup(free_leaves_all_processors_and_says_so, all_processors),
        cmocka_unit_test_setup(a_thread_that_was_moved_is_found, all_processors),
        cmocka_unit_test_setup(a_processor_that_is_not_there_is_remembered, all_processors),
        cmocka_unit_test_setup(one_processor_cannot_be_crossed, all_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
