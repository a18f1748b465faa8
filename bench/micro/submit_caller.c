/* SPDX-License-Identifier: MIT */
/*
 * submit_caller.c - what does velo_submit cost its caller alone, when nobody needs to be woken?
 *
 * The loop is inside a callback, blocked on a semaphore: awake as far as it knows, but out of the
 * way. Only the submits are timed. submit.c is the other half: both sides at once.
 */
#include "../race/clock.h"
#include "../race/window.h"
#include "cases.h"
#include "micro.h"

#include <semaphore.h>

static struct {
    struct stage stage;
    struct race *race;
    struct tally tally;
    sem_t held;
    sem_t release;
} state;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue; /* EINTR */
}

static void hold(void *arg)
{
    (void)arg;
    sem_post(&state.held);
    wait_for(&state.release);
}

static void receive(void *arg)
{
    tally_receive(&state.tally, arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Returns how long the submits took. */
static uint64_t round_of_submits(void)
{
    struct velo_loop *loop = state.stage.loop;
    int rc = 0;
    if (!race_check(state.race, velo_submit(loop, hold, NULL), "velo_submit"))
        return 0;
    wait_for(&state.held);
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < MICRO_BATCH && rc == 0; i++)
        rc = velo_submit(loop, receive, tally_next(&state.tally));
    uint64_t elapsed_ns = clock_now_ns() - begin_ns;
    sem_post(&state.release);
    race_check(state.race, rc, "velo_submit");
    return elapsed_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t end_ns = clock_now_ns() + duration_ns;
    do {
        lap->elapsed_ns += round_of_submits();
        lap->units += MICRO_BATCH;
    } while (state.race->result.ok && clock_now_ns() < end_ns);
    stage_call(&state.stage, nothing, NULL);
}

static void run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &state.stage};
    state.race = race;
    sem_init(&state.held, 0, 0);
    sem_init(&state.release, 0, 0);
    if (!stage_open(&state.stage, race))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    stage_close(&state.stage);
    if (race->result.ok)
        tally_verify(&state.tally, race);
}

const struct micro_case case_submit_caller = {
    .load = {.name = "submit_caller",
             .summary = "velo_submit, for its caller alone; the loop is inside a callback",
             .params = micro_no_params,
             .metrics = micro_ns_per_op,
             .run = run},
    .family = "cpu",
    .points = micro_only_point,
};
