/* SPDX-License-Identifier: MIT */
/* awake.c - see awake.h. */
#include "awake.h"

#include "word.h"

#include <inttypes.h>

static struct {
    struct gauge halt;   /* 1: the task may end */
    struct gauge halted; /* 1: it has */
    struct stage *stage;
    uint64_t next, disorder; /* loop thread: number of the next task; tasks with another one */
} self;

static void keep_awake(void *arg)
{
    self.disorder += word_from_arg(arg) != self.next;
    void *next = word_to_arg(++self.next);
    if (gauge_get(&self.halt) != 0 || velo_submit(self.stage->loop, keep_awake, next) != 0)
        gauge_set(&self.halted, 1);
}

bool awake_begin(struct stage *stage, enum awake_keep keep)
{
    self.stage = stage;
    gauge_set(&self.halted, keep != KEEP_AWAKE);
    return keep != KEEP_AWAKE || race_check(stage->race,
                                            velo_submit(stage->loop, keep_awake, word_to_arg(0)),
                                            "velo_submit");
}

void awake_end(void)
{
    struct race *race = self.stage->race;
    gauge_set(&self.halt, 1);
    if (!gauge_wait(&self.halted, 1, race->cpus.spins))
        race_late(race, "the task that keeps the loop awake was lost");
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks that keep the loop awake out of order", self.disorder);
}

void awake_check(struct race *race, enum awake_keep keep, uint64_t rounds)
{
    uint64_t parks = race->result.counters.parks;
    if (!race->result.has_counters)
        return;
    if (keep == KEEP_AWAKE && parks > rounds / 2)
        race_late(race,
                  "the loop slept %" PRIu64 " times in %" PRIu64
                  " rounds although a task was pending",
                  parks,
                  rounds);
    if (keep == KEEP_PARKED && parks + 1 < rounds)
        race_fail(race,
                  "%" PRIu64 " rounds met a sleeping loop, but it counts only %" PRIu64 " parks",
                  rounds,
                  parks);
}
