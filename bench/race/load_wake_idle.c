/* SPDX-License-Identifier: MIT */
/*
 * load_wake_idle.c - one task for a loop that has been asleep for a while.
 *
 * Outside the clock the client waits until the owner sleeps (proved as in stage_wait_asleep), then
 * sleeps itself for [pause_ns], more or less a quarter, so that rounds do not lock to a tick. The
 * latency is one way: from before the submit until the callback reads the clock. What the submit
 * itself takes, the wake-up system call included, is reported beside it: the submitter pays that.
 */
#include "awake.h"
#include "clock.h"
#include "random.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define ROUNDS_MIN 12 /* per lap of the window: two laps carry a median */

static struct {
    struct gauge done;
    struct stage stage;
    struct race *race;
    struct recorder latency, submit;
    struct random random;
    uint64_t pause_ns;
    uint64_t rounds_min; /* of a lap; a warm-up of long pauses needs no median */
    uint64_t ran_ns;     /* written by the callback before [done] */
    uint64_t rounds;
    uint64_t expected, disorder; /* loop thread */
} self;

static void on_task(void *arg)
{
    self.disorder += word_from_arg(arg) != self.expected++;
    self.ran_ns = clock_now_ns();
    gauge_step(&self.done);
}

static void pause_a_while(void)
{
    uint64_t jitter_ns = random_below(&self.random, self.pause_ns / 2 + 1);
    clock_sleep_until(clock_now_ns() + self.pause_ns - self.pause_ns / 4 + jitter_ns);
}

static uint64_t run_round(void)
{
    if (!stage_wait_asleep(&self.stage))
        return 0;
    pause_a_while();
    uint64_t start_ns = clock_now_ns();
    int rc = velo_submit(self.stage.loop, on_task, word_to_arg(self.rounds));
    uint64_t submitted_ns = clock_now_ns();
    if (!race_check(self.race, rc, "velo_submit"))
        return 0;
    if (!gauge_wait(&self.done, ++self.rounds, self.race->cpus.spins)) {
        race_late(self.race, "a task for the sleeping loop did not run within 5 s: lost wake-up");
        return 0;
    }
    recorder_add(&self.submit, submitted_ns - start_ns);
    recorder_add(&self.latency, self.ran_ns - start_ns);
    return self.ran_ns - start_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    (void)load;
    do {
        out->elapsed_ns += run_round();
        out->units++;
    } while (self.race->result.ok &&
             (out->units < self.rounds_min || clock_now_ns() < deadline_ns));
}

static void open_window(void *load)
{
    (void)load;
    self.rounds_min = ROUNDS_MIN;
    recorder_init(&self.latency);
    recorder_init(&self.submit);
}

static void report(struct race *race, const struct lap *total)
{
    const struct velo_metrics *counters = &race->result.counters;
    double rounds = (double)total->units;
    race_metric_quantile(race, "wake_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "wake_p99_ns", &self.latency, 0.99);
    race_metric_quantile(race, "submit_p50_ns", &self.submit, 0.5);
    race->result.latency = &self.latency;
    if (race->result.has_counters)
        race_metric(race, "wakeups_per_task", (double)counters->wakeups / rounds);
    awake_check(race, KEEP_PARKED, total->units);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.random.state = race->seed;
    self.pause_ns = params_integer(&race->params, "pause_ns");
    open_window(NULL);
    self.rounds_min = 1;
    if (!stage_open(&self.stage, race) || !window_run(race, &plan, &total))
        return;
    report(race, &total);
    stage_close(&self.stage);
    if (self.disorder > 0 || self.expected != self.rounds)
        race_fail(race,
                  "%" PRIu64 " tasks ran instead of %" PRIu64 ", %" PRIu64 " out of order",
                  self.expected,
                  self.rounds,
                  self.disorder);
}

static const struct param_spec params[] = {
    {"pause_ns", PARAM_INTEGER, 0, 1e9, 1e6, NULL, "how long the loop sleeps before each task"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"wake_p50_ns", "ns", false},
    {"wake_p99_ns", "ns", false},
    {"submit_p50_ns", "ns", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_wake_idle = {
    .name = "wake_idle",
    .summary = "one task for a loop that has slept for a while, from submit to callback",
    .params = params,
    .metrics = metrics,
    .run = run,
};
