/* SPDX-License-Identifier: MIT */
/* test_plan.c - a plan survives its file, its hash notices every change, and it is cut to its
 * budget. */
#include "../plan.h"
#include "../text.h"
#include "../tournament.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { POINTS = 3 };

static char *no_block[] = {NULL, NULL};
static char spread[] = "spread";
static struct scenario_point points[POINTS] = {
    {.id = "n=1", .core = true, .placement = spread, .blocked = no_block},
    {.id = "n=2", .core = true, .placement = spread, .blocked = no_block},
    {.id = "n=3", .core = false, .placement = spread, .blocked = no_block},
};
static struct scenario scenarios[] = {
    {.lane = "race",
     .name = "alpha",
     .family = "cap",
     .script = "a.lua",
     .metric = "m",
     .unit = "ns",
     .core = true},
    {.lane = "race",
     .name = "beta",
     .family = "p99",
     .script = "b.lua",
     .metric = "m",
     .unit = "ns",
     .core = true},
    {.lane = "micro",
     .name = "post",
     .family = "cap",
     .script = "",
     .metric = "m",
     .unit = "ns",
     .core = true},
};
static struct contestant contestants[] = {{"mutex", "/tmp"}, {"quick", "/tmp"}};
static const struct registry registry = {.items = contestants, .count = 2};
static const struct scenario_list list = {scenarios, 3, 2};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        scenarios[i].needs = json_array();
        scenarios[i].points = points;
        scenarios[i].point_count = POINTS;
    }
    for (size_t i = 0; i < POINTS; i++)
        points[i].params = json_object();
    return 0;
}

static int make(struct plan *plan, const char *preset, const char *only, const char *filter)
{
    struct names wanted = {0}, some = {0};
    names_split(&wanted, only);
    names_split(&some, filter);
    struct plan_wish wish = {.preset = preset_find(preset),
                             .registry = &registry,
                             .scenarios = &list,
                             .only = &wanted,
                             .filter = &some,
                             .seed = 12345678901234567890u};
    int rc = plan_make(plan, &wish);
    names_free(&wanted);
    names_free(&some);
    return rc;
}

static void the_budget_grows_with_the_field(void **state)
{
    static const unsigned seconds[] = {325, 325, 325, 405, 485};
    (void)state;
    struct plan plan;
    char only[] = "mutex,quick,quick:nospin,quick:metrics,mutex:metrics";
    for (size_t count = 5; count > 0; count--) {
        assert_int_equal(make(&plan, "standard", only, ""), 0);
        assert_int_equal(plan.entry_count, count);
        assert_int_equal(plan.budget_s, seconds[count - 1]);
        plan_free(&plan);
        char *last = strrchr(only, ',');
        if (last != NULL)
            *last = '\0';
    }
}

static void presets_choose_cells(void **state)
{
    (void)state;
    struct plan plan;
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    assert_int_equal(plan.cell_count, 6); /* the core points */
    plan_free(&plan);
    assert_int_equal(make(&plan, "thorough", "", ""), 0);
    assert_int_equal(plan.cell_count, 9);
    plan_free(&plan);
    assert_int_equal(make(&plan, "smoke", "", ""), 0);
    assert_int_equal(plan.cell_count, 3); /* one point each */
    plan_free(&plan);
    assert_int_equal(make(&plan, "standard", "", "micro"), 0);
    assert_int_equal(plan.cell_count, 2);
    assert_string_equal(plan.cells[0].key, "micro/post/n=1");
    plan_free(&plan);
    assert_true(make(&plan, "standard", "", "gamma") < 0);
    assert_true(make(&plan, "standard", "slow", "") < 0);
    assert_true(make(&plan, "standard", "quick:turbo", "") < 0);
}

/* By their keys, core or not; who does not exist is passed over, nobody at all is a mistake. */
static void cells_can_be_named(void **state)
{
    (void)state;
    struct names only = {0}, filter = {0}, cells = {0}, none = {0};
    struct plan plan;
    struct plan_wish wish = {.preset = &preset_targets,
                             .registry = &registry,
                             .scenarios = &list,
                             .only = &only,
                             .filter = &filter,
                             .cells = &cells};
    names_add(&cells, "race/alpha/n=3");
    names_add(&cells, "micro/post/n=1");
    names_add(&cells, "race/gamma/n=1");
    assert_int_equal(plan_make(&plan, &wish), 0);
    assert_int_equal(plan.cell_count, 2);
    assert_string_equal(plan.cells[0].key, "race/alpha/n=3");
    assert_string_equal(plan.cells[1].key, "micro/post/n=1");
    plan_free(&plan);
    names_add(&none, "race/gamma/n=1");
    wish.cells = &none;
    assert_true(plan_make(&plan, &wish) < 0);
    names_free(&cells);
    names_free(&none);
}

static void only_who_asks_for_limits_calibrates(void **state)
{
    (void)state;
    struct plan plan = {.preset = &preset_targets};
    plan_set_rules(&plan);
    assert_true(plan.calibration_ms > 0 && plan.drift_limit > 0.1 && plan.drift_limit < 0.5);
    plan.preset = &preset_gate;
    plan_set_rules(&plan);
    assert_false(plan.calibration_ms > 0);
}

static void the_baseline_gets_a_twin(void **state)
{
    (void)state;
    const bool all[] = {true, true};
    const bool second[] = {false, true};
    const bool nobody[] = {false, false};
    struct plan plan;
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    plan_add_twin(&plan, nobody);
    assert_int_equal(plan.entry_count, 2);
    plan_add_twin(&plan, all);
    assert_string_equal(plan.entries[2].name, "mutex~twin");
    assert_int_equal(plan.entries[2].twin_of, 0);
    plan_free(&plan);
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    plan_add_twin(&plan, second);
    assert_string_equal(plan.entries[2].name, "quick~twin");
    plan_free(&plan);
    assert_int_equal(make(&plan, "standard", "quick:nospin", ""), 0);
    assert_string_equal(plan.entries[0].contestant, "quick");
    assert_string_equal(plan.entries[0].variant, "nospin");
    plan_free(&plan);
}

static void a_plan_survives_its_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/velo-plan-XXXXXX";
    const bool all[] = {true, true};
    struct plan plan, back;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    plan_add_twin(&plan, all);
    plan.cells[1].common_rate = 123456.789;
    assert_int_equal(plan_write(&plan, dir), 0);
    assert_int_equal(plan_read(&back, dir), 0);
    assert_string_equal(back.sha256, plan.sha256);
    assert_true(back.seed == 12345678901234567890u);
    assert_ptr_equal(back.preset, plan.preset);
    assert_int_equal(back.entry_count, 3);
    assert_int_equal(back.entries[2].twin_of, 0);
    assert_int_equal(back.cell_count, plan.cell_count);
    for (size_t i = 0; i < back.cell_count; i++)
        assert_string_equal(back.cells[i].key, plan.cells[i].key);
    assert_true(back.cells[1].common_rate == plan.cells[1].common_rate);
    assert_true(back.drift_limit == plan.drift_limit);
    assert_true(back.calibration_ms == plan.calibration_ms);
    plan_free(&back);

    char *path = text_format("%s/plan.json", dir);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputc(' ', file);
    fclose(file);
    assert_int_equal(plan_read(&back, dir), 0);
    assert_string_not_equal(back.sha256, plan.sha256); /* one blank more is another plan */
    plan_free(&back);
    plan_free(&plan);
    unlink(path);
    free(path);
    rmdir(dir);
}

static void the_plan_is_cut_to_the_budget(void **state)
{
    (void)state;
    struct plan plan;
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    for (size_t i = 0; i < plan.cell_count; i++)
        plan.cells[i].block_ms = 2000;
    fit_to_budget(&plan, 1000); /* plenty */
    assert_int_equal(plan.blocks_common, 10);
    assert_int_equal(plan.cells[0].window_ms, 300);
    fit_to_budget(&plan, 60); /* 10 rounds of 6 cells take 120 s */
    double seconds = fit_common_seconds(&plan, NULL);
    assert_true(seconds <= 60 * 0.85 + 1e-9);
    assert_true(plan.cells[0].window_ms < 300);
    bool any = false;
    for (size_t i = 0; i < plan.cell_count; i++)
        any |= !plan.cells[i].dropped;
    assert_true(any);
    fit_to_budget(&plan, 0.1); /* hopeless: one cell, one round */
    assert_int_equal(plan.blocks_common, 1);
    plan_free(&plan);
}

/* Where every cell is asked for, rounds are given up and no cell is. */
static void a_plan_can_keep_its_cells(void **state)
{
    (void)state;
    struct plan plan;
    assert_int_equal(make(&plan, "standard", "", ""), 0);
    plan.preset = &preset_targets;
    plan_set_rules(&plan);
    for (size_t i = 0; i < plan.cell_count; i++)
        plan.cells[i].block_ms = 2000;
    fit_to_budget(&plan, 60);
    assert_true(plan.blocks_common < preset_targets.blocks_common);
    assert_true(fit_common_seconds(&plan, NULL) <= 60);
    for (size_t i = 0; i < plan.cell_count; i++)
        assert_false(plan.cells[i].dropped);
    plan_free(&plan);
}

/* Rounds are given up before cells, in each lane, down to what the preset asks for at least. */
static void fewer_rounds_come_before_fewer_cells(void **state)
{
    (void)state;
    struct plan plan;
    assert_int_equal(make(&plan, "thorough", "", ""), 0);
    for (size_t i = 0; i < plan.cell_count; i++)
        plan.cells[i].block_ms = strcmp(plan.cells[i].lane, "race") == 0 ? 1000 : 100;
    double round_s = fit_common_seconds(&plan, NULL) / plan.preset->blocks_common;
    fit_to_budget(&plan, round_s * plan.preset->blocks_least / 0.85 + 1);
    for (size_t i = 0; i < plan.cell_count; i++)
        assert_false(plan.cells[i].dropped);
    assert_in_range(plan.blocks_common, plan.preset->blocks_least, plan.preset->blocks_common - 1);
    plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_grows_with_the_field),
        cmocka_unit_test(presets_choose_cells),
        cmocka_unit_test(cells_can_be_named),
        cmocka_unit_test(only_who_asks_for_limits_calibrates),
        cmocka_unit_test(the_baseline_gets_a_twin),
        cmocka_unit_test(a_plan_survives_its_file),
        cmocka_unit_test(the_plan_is_cut_to_the_budget),
        cmocka_unit_test(a_plan_can_keep_its_cells),
        cmocka_unit_test(fewer_rounds_come_before_fewer_cells),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
