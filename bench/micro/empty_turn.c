/* SPDX-License-Identifier: MIT */
/* empty_turn.c - what does a turn cost in which nothing happens? */
#include "../race/clock.h"
#include "cases.h"
#include "solo.h"

#include <inttypes.h>

static uint64_t turns; /* all laps */

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    struct solo *solo = load;
    uint64_t begin_ns = clock_now_ns();
    solo->deadline_ns = begin_ns + duration_ns;
    do {
        for (int i = 0; i < MICRO_BATCH / 16; i++)
            solo_turn(solo);
        lap->units += MICRO_BATCH / 16;
    } while (!solo_is_due(solo) && solo->failed == 0);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    turns += lap->units;
    race_check(solo->race, solo->failed, "velo_loop_run(NOWAIT)");
}

/* The draining turns of the shutdown come on top, so at least as many. */
static void verify(const struct solo *solo, struct race *race)
{
    if ((velo_impl()->capabilities & VELO_CAP_METRICS) && solo->last.turns < turns)
        race_fail(race,
                  "%" PRIu64 " calls of velo_loop_run, but only %" PRIu64 " turns were counted",
                  turns,
                  solo->last.turns);
}

static void run(struct race *race)
{
    static struct solo solo;
    solo_run(&solo, race, lap, &solo);
    if (race->result.ok)
        verify(&solo, race);
}

const struct micro_case case_empty_turn = {
    .load = {.name = "empty_turn",
             .summary = "one velo_loop_run(NOWAIT) with nothing to do",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
