/* SPDX-License-Identifier: MIT */
/* held.c - see held.h. */
#include "held.h"

#include "../race/clock.h"
#include "../race/window.h"

#include <semaphore.h>

struct held held;

static sem_t entered;
static sem_t release;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue; /* EINTR */
}

static void hold(void *arg)
{
    (void)arg;
    sem_post(&entered);
    wait_for(&release);
}

static void nothing(void *arg)
{
    (void)arg;
}

static int prepare(void)
{
    return held.prepare == NULL ? 0 : held.prepare(held.stage.loop);
}

/* Returns how long the calls took. */
static uint64_t run_round(void)
{
    if (!race_check(held.race, velo_submit(held.stage.loop, hold, NULL), "velo_submit"))
        return 0;
    wait_for(&entered);
    int rc = prepare();
    uint64_t begin_ns = clock_now_ns();
    if (rc == 0)
        rc = held.round(held.stage.loop);
    uint64_t elapsed_ns = clock_now_ns() - begin_ns;
    sem_post(&release);
    race_check(held.race, rc, "a call while the loop was held");
    return elapsed_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t end_ns = clock_now_ns() + duration_ns;
    do {
        lap->elapsed_ns += run_round();
        lap->units += MICRO_BATCH;
        if (held.settle != NULL && !held.settle())
            race_late(held.race, "what was submitted did not run within 5 s");
    } while (held.race->result.ok && clock_now_ns() < end_ns);
    stage_call(&held.stage, nothing, NULL);
}

void held_run(struct race *race)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &held.stage};
    held.race = race;
    sem_init(&entered, 0, 0);
    sem_init(&release, 0, 0);
    if (!stage_open(&held.stage, race))
        return;
    if (window_run(race, &plan, &total))
        micro_report(race, &total);
    stage_close(&held.stage);
}
