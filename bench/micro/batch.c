/* SPDX-License-Identifier: MIT */
/* batch.c - see batch.h. */
#include "batch.h"

#include "../race/clock.h"

struct batch batch;

static void work(void *arg)
{
    (void)arg;
    for (int i = 0; i < MICRO_BATCH; i++)
        batch.op();
    batch.ops += MICRO_BATCH;
    if (solo_is_due(&batch.solo))
        solo_end(&batch.solo);
    else
        batch_note(velo_submit(batch.solo.loop, work, NULL));
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t ops = batch.ops;
    uint64_t begin_ns = clock_now_ns();
    batch.solo.deadline_ns = begin_ns + duration_ns;
    batch_note(velo_submit(batch.solo.loop, work, NULL));
    solo_turn_until_end(&batch.solo);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = batch.ops - ops;
}

bool batch_open(struct race *race)
{
    return solo_open(&batch.solo, race);
}

void batch_measure(void (*op)(void))
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &batch.solo.stage};
    batch.op = op;
    if (window_run(batch.solo.race, &plan, &total))
        micro_report(batch.solo.race, &total);
}

void batch_close(void)
{
    race_check(batch.solo.race, batch.solo.failed, "a call after the window");
    solo_close(&batch.solo);
}
