/* SPDX-License-Identifier: MIT */
/* clear_immediate.c - what does it cost to set an immediate and to clear it again? */
#include "batch.h"
#include "cases.h"

#include <inttypes.h>

static uint64_t ran;

static void never(void *arg)
{
    (void)arg;
    ran++;
}

static void set_and_clear(void)
{
    velo_id id = 0;
    batch_note(velo_set_immediate(batch.solo.loop, never, NULL, &id));
    batch_note(velo_clear_immediate(batch.solo.loop, id));
}

static void run(struct race *race)
{
    if (!batch_open(race))
        return;
    batch_measure(set_and_clear);
    batch_close();
    if (ran > 0)
        race_fail(race, "%" PRIu64 " immediates ran that were cleared", ran);
}

const struct micro_case case_clear_immediate = {
    .load = {.name = "clear_immediate",
             .summary = "set an immediate and clear it, on the owner",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_IMMEDIATES,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
