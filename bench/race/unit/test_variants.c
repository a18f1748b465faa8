/* SPDX-License-Identifier: MIT */
/*
 * test_variants.c - the table of decisions: each changes one thing, by one of three ways; and what
 * a variant that changes a setting of the load makes of loads that have it, have it so already, or
 * not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../params.h"
#include "../variants.h"

static const struct param_spec batched[] = {
    {"batch", PARAM_INTEGER, 1, 256, 1, NULL, ""},
    {"trigger", PARAM_CHOICE, 0, 0, 0, "level|edge", ""},
    {.name = NULL},
};
static const struct param_spec plain[] = {{.name = NULL}};

static void each_variant_changes_one_thing(void **state)
{
    (void)state;
    for (size_t i = 0; i < variant_count; i++) {
        const struct variant *variant = &variant_table[i];
        int ways = (variant->apply != NULL) + (variant->setting != NULL) + variant->linked;
        assert_int_equal(ways, 1);
        assert_int_equal(variant->setting != NULL, variant->value != NULL);
        assert_ptr_equal(variant_find(variant->name), variant); /* so the name is its own */
        assert_true(variant->decision[0] != '\0');
    }
    assert_null(variant_find("turbo"));
}

static void a_setting_is_changed(void **state)
{
    (void)state;
    struct params params;
    params_init(&params, batched);
    assert_true(variant_set(variant_find("batch64"), &params));
    assert_int_equal(params_integer(&params, "batch"), 64);
    assert_true(variant_set(variant_find("edge"), &params));
    assert_true(params_is(&params, "trigger", "edge"));
}

static void what_changes_nothing_is_refused(void **state)
{
    (void)state;
    struct params params;
    params_init(&params, batched);
    assert_true(variant_set(variant_find("batch8"), &params));
    assert_false(variant_set(variant_find("batch8"), &params)); /* it has that value */
    params_init(&params, plain);
    assert_false(variant_set(variant_find("batch8"), &params)); /* no such setting */
    assert_true(variant_set(variant_find("nospin"), &params));  /* changes the loop */
}

static void a_program_is_linked_as_nothing_by_default(void **state)
{
    (void)state;
    assert_string_equal(variant_linked, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_variant_changes_one_thing),
        cmocka_unit_test(a_setting_is_changed),
        cmocka_unit_test(what_changes_nothing_is_refused),
        cmocka_unit_test(a_program_is_linked_as_nothing_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
