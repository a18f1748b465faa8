/* SPDX-License-Identifier: MIT */
/*
 * fd_edge.c - what does it cost to deliver an edge, n of them at a time?
 *
 * n eventfds are written to, outside the clock; then the clock runs over the turns that it takes to
 * call them all. Nothing is read: the next write is the next edge. At n=256 they are among 10,000
 * that are watched (ready_fds.h), as in the limit "epoll edge-triggered, per event".
 */
#include "../race/clock.h"
#include "cases.h"
#include "ready_fds.h"

#include <inttypes.h>

#define TURNS_MAX 1000

/* How long the turns took. */
static uint64_t round_of_edges(struct race *race)
{
    uint64_t events = ready_fds_events(), delivered = 0;
    ready_fds_make_ready();
    uint64_t begin_ns = clock_now_ns();
    for (int turns = 0; delivered < ready_fds.ready && turns < TURNS_MAX; turns++) {
        solo_turn(&ready_fds.solo);
        delivered = ready_fds_events() - events;
    }
    uint64_t elapsed_ns = clock_now_ns() - begin_ns;
    if (delivered != ready_fds.ready)
        race_fail(race, "%zu edges, %" PRIu64 " events", ready_fds.ready, delivered);
    return elapsed_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct race *race = load;
    ready_fds.solo.deadline_ns = clock_now_ns() + duration_ns;
    do {
        lap->elapsed_ns += round_of_edges(race);
        lap->units += ready_fds.ready;
    } while (race->result.ok && !solo_is_due(&ready_fds.solo));
    race_check(race, ready_fds.solo.failed, "velo_loop_run(NOWAIT)");
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.load = race, .lap = lap, .stage = &ready_fds.solo.stage};
    if (!ready_fds_open(race, params_integer(&race->params, "n"), VELO_READ | VELO_EDGE))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    ready_fds_close();
}

static const struct micro_point points[] = {
    {"n=64", 64, false},
    {"n=256", 256, false},
    {NULL, 0, false},
};

const struct micro_case case_fd_edge = {
    .load = {.name = "fd_edge",
             .summary = "deliver one edge of n descriptors that have just become ready",
             .params = ready_fds_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_FDS | VELO_CAP_FD_EDGE,
             .run = run},
    .family = "cpu",
    .points = points,
};
