/* SPDX-License-Identifier: MIT */
/* wake.c - what does velo_loop_wake() cost a loop that is awake? It must make no system call (S8).
 */
#include "batch.h"
#include "cases.h"

#include <inttypes.h>

static void wake(void)
{
    batch_note(velo_loop_wake(batch.solo.loop));
}

static void run(struct race *race)
{
    if (!batch_open(race))
        return;
    batch_measure(wake);
    if (race->result.has_counters && race->result.counters.wakeups > 0)
        race_fail(race,
                  "%" PRIu64 " system calls to wake a loop that was awake",
                  race->result.counters.wakeups);
    batch_close();
}

const struct micro_case case_wake = {
    .load = {.name = "wake",
             .summary = "velo_loop_wake on a loop that is awake",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
