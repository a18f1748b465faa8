/* SPDX-License-Identifier: MIT */
/*
 * offload.c - what does a job for the pool cost that does nothing: offload, work, completion?
 *
 * The owner offloads MICRO_BATCH jobs in one callback and waits for the callbacks of all before it
 * offloads the next. One worker, which is started by the first job: from the generator's thread, so
 * that it stands on the generator's processor and not on the loop's.
 */
#include "../race/clock.h"
#include "../race/window.h"
#include "cases.h"
#include "micro.h"

#include <inttypes.h>

static struct {
    struct gauge batches; /* whose callbacks have all run */
    struct stage stage;
    struct race *race;
    uint64_t started, worked; /* owner; the one worker, read when it is done */
    uint64_t done, wrong;     /* owner */
    int rc;
} state;

static void one_worker(struct velo_options *options)
{
    options->workers = 1;
}

static void work(void *arg)
{
    (void)arg;
    state.worked++;
}

/* In the order of the calls, with one worker: so its argument is its number. */
static void on_done(int status, void *arg)
{
    state.wrong += status != 0 || (uintptr_t)arg != state.done;
    if (++state.done % MICRO_BATCH == 0)
        gauge_step(&state.batches);
}

static int offload_one(void)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number */
    void *number = (void *)(uintptr_t)state.started++;
    return velo_offload(state.stage.loop, work, on_done, number, NULL);
}

static void offload_rest_of_batch(void *arg)
{
    (void)arg;
    while (state.rc == 0 && (state.rc = offload_one()) == 0)
        if (state.started % MICRO_BATCH == 0)
            return;
}

static bool run_batch(uint64_t number)
{
    struct race *race = state.race;
    if (!stage_call(&state.stage, offload_rest_of_batch, NULL) ||
        !race_check(race, state.rc, "velo_offload"))
        return false;
    if (!gauge_wait(&state.batches, number, race->cpus.spins))
        race_late(race, "a batch of jobs was not done within 5 s");
    return race->result.ok;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    uint64_t begin_ns = clock_now_ns(), batches = gauge_get(&state.batches);
    (void)load;
    do {
        if (!run_batch(++batches))
            return;
        lap->units += MICRO_BATCH;
    } while (clock_now_ns() < begin_ns + duration_ns);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &state.stage};
    state.race = race;
    race->tune = one_worker;
    if (!stage_open(&state.stage, race) || !race_check(race, offload_one(), "velo_offload") ||
        !run_batch(1))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    stage_close(&state.stage);
    if (state.wrong > 0 || state.done != state.started || state.worked != state.started)
        race_fail(race,
                  "%" PRIu64 " jobs: %" PRIu64 " were run, %" PRIu64 " done, %" PRIu64 " wrong",
                  state.started,
                  state.worked,
                  state.done,
                  state.wrong);
}

const struct micro_case case_offload = {
    .load = {.name = "offload",
             .summary = "a job for the pool that does nothing: offload, work, completion",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .needs = VELO_CAP_OFFLOAD,
             .run = run},
    .family = "cap",
    .points = micro_only_point,
};
