/* SPDX-License-Identifier: MIT */
/*
 * fd_dispatch.c - what does it cost to deliver the event of a ready descriptor, n of them at a
 * time?
 *
 * n eventfds that stay ready, level-triggered: nothing is read, so each turn asks the kernel once
 * and runs n callbacks. The callback's own system calls would hide what is asked. At n=256 they are
 * among 10,000 that are watched (ready_fds.h). For edge-triggered ones see fd_edge.c.
 */
#include "../race/clock.h"
#include "cases.h"
#include "ready_fds.h"

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct race *race = load;
    uint64_t events = ready_fds_events();
    uint64_t begin_ns = clock_now_ns();
    ready_fds.solo.deadline_ns = begin_ns + duration_ns;
    do {
        for (size_t i = 0; i < MICRO_BATCH; i += ready_fds.ready)
            solo_turn(&ready_fds.solo);
    } while (!solo_is_due(&ready_fds.solo) && ready_fds.solo.failed == 0);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = ready_fds_events() - events;
    race_check(race, ready_fds.solo.failed, "velo_loop_run(NOWAIT)");
}

/* Who tells the kernel of its watchers when it polls, tells it of all of them now. */
static void settle(struct race *race)
{
    while (ready_fds_events() < ready_fds.ready && ready_fds.solo.failed == 0)
        solo_turn(&ready_fds.solo);
    race_check(race, ready_fds.solo.failed, "velo_loop_run(NOWAIT)");
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.load = race, .lap = lap, .stage = &ready_fds.solo.stage};
    if (!ready_fds_open(race, params_integer(&race->params, "n"), VELO_READ))
        return;
    ready_fds_make_ready();
    settle(race);
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    ready_fds_close();
}

static const struct micro_point points[] = {
    {"n=1", 1, false},
    {"n=64", 64, false},
    {"n=256", 256, false},
    {NULL, 0, false},
};

const struct micro_case case_fd_dispatch = {
    .load = {.name = "fd_dispatch",
             .summary = "deliver one event of n ready descriptors",
             .params = ready_fds_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_FDS,
             .run = run},
    .family = "cpu",
    .points = points,
};
