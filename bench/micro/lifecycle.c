/* SPDX-License-Identifier: MIT */
/* lifecycle.c - what does it cost to create a loop, run one task, and destroy it? */
#include "../race/clock.h"
#include "../race/window.h"
#include "cases.h"
#include "micro.h"

static void count(void *arg)
{
    uint64_t *executed = arg;
    ++*executed;
}

/* NOWAIT: the one task is there already, and one turn runs it. */
static bool live_once(struct race *race, uint64_t *executed)
{
    struct velo_loop *loop;
    return race_check(race, velo_loop_create(&loop, NULL), "velo_loop_create") &&
           race_check(race, velo_submit(loop, count, executed), "velo_submit") &&
           race_check(race, velo_loop_run(loop, VELO_RUN_NOWAIT), "velo_loop_run") &&
           race_check(race, velo_loop_destroy(loop), "velo_loop_destroy");
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct race *race = load;
    uint64_t begin_ns = clock_now_ns();
    uint64_t executed = 0;
    bool ok = true;
    do {
        ok = live_once(race, &executed);
        lap->units++;
    } while (ok && clock_now_ns() < begin_ns + duration_ns);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    if (ok && executed != lap->units)
        race_fail(race, "a loop was destroyed before its task had run");
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.load = race, .lap = lap};
    placement_enter_loop(&race->cpus);
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
}

const struct micro_case case_lifecycle = {
    .load = {.name = "lifecycle",
             .summary = "create a loop, run one task, destroy it",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "start",
    .points = micro_only_point,
};
