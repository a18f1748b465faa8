/* SPDX-License-Identifier: MIT */
/*
 * load_loop_pair.c - two loops on two threads hand a number to and fro.
 *
 * A round begins and ends in a callback of the first loop, whose thread times it; the second loop
 * stands where the generators do. Nobody else does anything, so each loop waits, in whichever way
 * its idle policy likes, while the other one has the number. It counts up with each hand-over:
 * lost, doubled or out of turn, and the run fails.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define ROUNDS_MIN 12 /* per lap: two laps carry a median */

static struct {
    struct gauge rounds; /* written by the first loop */
    struct gauge recording, stop, stopped;
    struct stage first, second;
    struct race *race;
    /* each by its own loop's thread */
    uint64_t first_expects, first_wrong, began_ns;
    alignas(128) uint64_t second_expects;
    uint64_t second_wrong;
    struct recorder latency;
} self;

static void on_second(void *arg);

static void on_first(void *arg)
{
    uint64_t number = word_from_arg(arg), now_ns = clock_now_ns();
    self.first_wrong += number != self.first_expects;
    self.first_expects += 2;
    if (number > 0) {
        if (gauge_get(&self.recording) != 0)
            recorder_add(&self.latency, now_ns - self.began_ns);
        gauge_step(&self.rounds);
    }
    self.began_ns = now_ns;
    if (gauge_get(&self.stop) != 0 ||
        velo_submit(self.second.loop, on_second, word_to_arg(number + 1)) != 0)
        gauge_set(&self.stopped, 1);
}

static void on_second(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.second_wrong += number != self.second_expects;
    self.second_expects += 2;
    if (velo_submit(self.first.loop, on_first, word_to_arg(number + 1)) != 0)
        gauge_set(&self.stopped, 1);
}

static uint64_t delivered(void)
{
    return gauge_get(&self.rounds);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch_for(delivered, duration_ns, ROUNDS_MIN, out);
}

static void open_window(void *load)
{
    (void)load;
    gauge_set(&self.recording, 1);
}

static bool open_second(struct race *race)
{
    if (!stage_create(&self.second, race))
        return false;
    self.second.aside = true;
    return stage_start(&self.second);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.stopped, 1, race->cpus.spins)) {
        race_late(
            race, "the number did not come back within 5 s, after %" PRIu64 " rounds", delivered());
        return;
    }
    stage_close(&self.first);
    stage_close(&self.second);
    if (self.first_wrong + self.second_wrong > 0)
        race_fail(
            race, "%" PRIu64 " hand-overs out of order", self.first_wrong + self.second_wrong);
    if (self.first_expects != 2 * (delivered() + 1) ||
        self.second_expects != self.first_expects - 1)
        race_fail(
            race, "%" PRIu64 " rounds do not add up: a task was lost or doubled", delivered());
}

static void report(struct race *race, const struct lap *total)
{
    const struct result *result = &race->result;
    double rounds = (double)total->units;
    race->result.latency = &self.latency;
    race_metric_quantile(race, "round_trip_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "round_trip_p99_ns", &self.latency, 0.99);
    race_metric(race, "rounds_per_s", rounds * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_round", (double)result->covariates.cpu_ns / rounds);
    if (!result->has_counters)
        return;
    race_metric(race, "parks_per_round", (double)result->counters.parks / rounds);
    race_metric(race, "wakeups_per_round", (double)result->counters.wakeups / rounds);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.first};
    struct lap total;
    self.race = race;
    self.second_expects = 1;
    recorder_init(&self.latency);
    if (!stage_open(&self.first, race) || !open_second(race))
        return;
    int rc = velo_submit(self.first.loop, on_first, word_to_arg(0));
    if (!race_check(race, rc, "velo_submit") || !window_run(race, &plan, &total))
        return;
    finish(race);
    report(race, &total);
}

static const struct param_spec params[] = {
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"round_trip_p50_ns", "ns", false},
    {"round_trip_p99_ns", "ns", false},
    {"rounds_per_s", "1/s", true},
    {"cpu_ns_per_round", "ns", false},
    {"parks_per_round", "1", false}, /* of the first loop, like the next one */
    {"wakeups_per_round", "1", false},
    {NULL, NULL, false},
};

const struct load load_loop_pair = {
    .name = "loop_pair",
    .summary = "two loops on two threads hand a number to and fro",
    .params = params,
    .metrics = metrics,
    .run = run,
};
