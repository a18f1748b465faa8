/* SPDX-License-Identifier: MIT */
/*
 * load_closed_loop.c - a client submits a task and waits until it has run, again and again.
 *
 * The client spins (it yields where it shares a processor with the loop), so a round trip is:
 * submit, notice, run, and one cache line back. What the loop does between two rounds decides
 * nearly all of it, so that is the setting [keep], and each claim is checked by a counter:
 *
 *   free    nothing is done: the loop spins or sleeps as its idle policy says; parks_per_round
 *           tells which
 *   awake   one task keeps submitting itself, so the loop never has a reason to sleep; fails if
 *           half of the rounds saw a park (a lock-free inbox may nap for a client that is
 *           preempted in the middle of its submit, so a single park proves nothing)
 *   parked  before each round, outside the clock, the client waits until the loop and the kernel
 *           both say that the owner sleeps; fails without a park per round
 *
 * With [in_flight] above 1 the client keeps so many tasks under way; the latency is that of each.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define IN_FLIGHT_MAX 1024
#define ROUNDS_MIN 12 /* per lap: two laps carry a median */

static struct {
    struct gauge done; /* tasks that ran; written by the loop */
    struct gauge halt; /* 1: the task that keeps the loop awake may end */
    struct gauge halted;
    struct stage stage;
    struct race *race;
    struct recorder latency;
    uint64_t disorder;   /* loop thread */
    uint64_t expected;   /* loop thread: number of the next task */
    uint64_t kept_awake; /* loop thread: number of the next task that keeps it awake */
    uint64_t sent;
    uint64_t seen; /* completions that the client has taken note of */
    uint64_t in_flight;
    bool parked;
    uint64_t sent_ns[IN_FLIGHT_MAX];
} self;

static void on_ping(void *arg)
{
    self.disorder += word_from_arg(arg) != self.expected;
    self.expected++;
    gauge_set(&self.done, self.expected);
}

static void keep_awake(void *arg)
{
    self.disorder += word_from_arg(arg) != self.kept_awake;
    void *next = word_to_arg(++self.kept_awake);
    if (gauge_get(&self.halt) != 0 || velo_submit(self.stage.loop, keep_awake, next) != 0)
        gauge_set(&self.halted, 1);
}

static bool send_ping(void)
{
    self.sent_ns[self.sent % self.in_flight] = clock_now_ns();
    int rc = velo_submit(self.stage.loop, on_ping, word_to_arg(self.sent));
    self.sent++;
    return rc == 0 || race_check(self.race, rc, "velo_submit");
}

/* Fill the pipe, then wait for at least one completion. Returns the ns spent. */
static uint64_t run_round(void)
{
    if (self.parked && !stage_wait_asleep(&self.stage))
        return 0;
    uint64_t start_ns = clock_now_ns();
    while (self.sent - self.seen < self.in_flight)
        if (!send_ping())
            return 0;
    if (!gauge_wait(&self.done, self.seen + 1, self.race->cpus.spins)) {
        race_late(self.race, "task %" PRIu64 " did not run within 5 s", self.seen);
        return 0;
    }
    uint64_t now_ns = clock_now_ns();
    for (uint64_t done = gauge_get(&self.done); self.seen < done; self.seen++)
        recorder_add(&self.latency, now_ns - self.sent_ns[self.seen % self.in_flight]);
    return now_ns - start_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    uint64_t before = self.seen;
    (void)load;
    do {
        out->elapsed_ns += run_round();
        out->units = self.seen - before;
    } while (self.race->result.ok && (out->units < ROUNDS_MIN || clock_now_ns() < deadline_ns));
}

static void open_window(void *load)
{
    (void)load;
    recorder_init(&self.latency);
}

/* The claim of [keep], against the loop's own counter. */
static void check_sleep(struct race *race, bool awake, uint64_t rounds)
{
    uint64_t parks = race->result.counters.parks;
    if (!race->result.has_counters)
        return;
    if (awake && parks > rounds / 2)
        race_late(race,
                  "the loop slept %" PRIu64 " times in %" PRIu64
                  " rounds although a task was pending",
                  parks,
                  rounds);
    if (self.parked && parks + 1 < rounds)
        race_fail(race,
                  "%" PRIu64 " rounds met a sleeping loop, but it counts only %" PRIu64 " parks",
                  rounds,
                  parks);
}

static void report(struct race *race, const struct lap *total)
{
    double rounds = (double)total->units;
    race_metric_quantile(race, "round_trip_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "round_trip_p99_ns", &self.latency, 0.99);
    race_metric(race, "rounds_per_s", rounds * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_round", (double)race->result.covariates.cpu_ns / rounds);
    if (race->result.has_counters) {
        race_metric(race, "parks_per_round", (double)race->result.counters.parks / rounds);
        race_metric(race, "wakeups_per_round", (double)race->result.counters.wakeups / rounds);
    }
    race->result.latency = &self.latency;
}

static void finish(struct race *race)
{
    gauge_set(&self.halt, 1);
    if (!gauge_wait(&self.done, self.sent, race->cpus.spins) ||
        !gauge_wait(&self.halted, 1, race->cpus.spins))
        race_late(race, "accepted tasks did not run within 5 s after the window");
    stage_close(&self.stage);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
    if (self.expected != self.sent)
        race_fail(race, "%" PRIu64 " tasks ran instead of %" PRIu64, self.expected, self.sent);
}

static void run(struct race *race)
{
    bool awake = params_is(&race->params, "keep", "awake");
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.parked = params_is(&race->params, "keep", "parked");
    self.in_flight = params_integer(&race->params, "in_flight");
    recorder_init(&self.latency);
    if (!stage_open(&self.stage, race))
        return;
    gauge_set(&self.halted, !awake);
    if (awake &&
        !race_check(race, velo_submit(self.stage.loop, keep_awake, word_to_arg(0)), "velo_submit"))
        return;
    if (!window_run(race, &plan, &total))
        return;
    check_sleep(race, awake, total.units);
    report(race, &total);
    finish(race);
}

static const struct param_spec params[] = {
    {"keep", PARAM_CHOICE, 0, 0, 0, "free|awake|parked", "what the loop does between two rounds"},
    {"in_flight", PARAM_INTEGER, 1, IN_FLIGHT_MAX, 1, NULL, "tasks under way at once"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"round_trip_p50_ns", "ns", false},
    {"round_trip_p99_ns", "ns", false},
    {"rounds_per_s", "1/s", true},
    {"cpu_ns_per_round", "ns", false},
    {"parks_per_round", "1", false},
    {"wakeups_per_round", "1", false},
    {NULL, NULL, false},
};

const struct load load_closed_loop = {
    .name = "closed_loop",
    .summary = "one client submits a task, waits until it has run, and goes on",
    .params = params,
    .metrics = metrics,
    .ceiling = true,
    .run = run,
};
