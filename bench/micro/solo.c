/* SPDX-License-Identifier: MIT */
/* solo.c - see solo.h. */
#include "solo.h"

#include "../race/clock.h"

#include <inttypes.h>

bool solo_open(struct solo *solo, struct race *race)
{
    solo->race = race;
    solo->failed = 0;
    placement_enter_loop(&race->cpus);
    if (!stage_create(&solo->stage, race))
        return false;
    solo->loop = solo->stage.loop;
    return true;
}

void solo_turn(struct solo *solo)
{
    solo_note(solo, velo_loop_run(solo->loop, VELO_RUN_NOWAIT));
}

void solo_turn_until_end(struct solo *solo)
{
    solo->ended = false;
    while (!solo->ended && solo->failed == 0)
        solo_turn(solo);
    race_check(solo->race, solo->failed, "a call inside the window");
}

bool solo_is_due(const struct solo *solo)
{
    return clock_now_ns() >= solo->deadline_ns;
}

void solo_close(struct solo *solo)
{
    struct race *race = solo->race;
    if (!race->result.ok)
        return; /* the loop is in a state that we do not know: leave it to the end of the process */
    if (!race_check(race, velo_loop_shutdown(solo->loop, -1), "velo_loop_shutdown"))
        return;
    stage_metrics(&solo->stage, &solo->last);
    stage_verify_ledger(&solo->stage);
    if (gauge_get(&solo->stage.discarded) > 0)
        race_fail(race,
                  "%" PRIu64 " callbacks were still pending at the end, though all were cancelled",
                  gauge_get(&solo->stage.discarded));
    stage_destroy(&solo->stage);
}

void solo_run(struct solo *solo, struct race *race, lap_fn lap, void *load)
{
    struct lap total;
    struct window_plan plan = {.load = load, .lap = lap, .stage = &solo->stage};
    if (!solo_open(solo, race))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    solo_close(solo);
}
