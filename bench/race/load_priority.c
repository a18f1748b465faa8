/* SPDX-License-Identifier: MIT */
/*
 * load_priority.c - a priority task behind a backlog of normal ones, and a normal one beside it.
 *
 *   once    the owner is held in a callback while the backlog, the priority task and the normal one
 *           are submitted, in this order; the clock of both runs from their submit. All were there
 *           before the turn began, so the priority task must come before the whole backlog (S6).
 *   refill  each task of the backlog submits itself again, so there is always as much; the priority
 *           task waits for the end of the lane that is running, the normal one for a turn (S5).
 *
 * The backlog is drained, and its order checked, outside the clock.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define ROUNDS_MIN 600 /* per lap of the window: two laps carry a 99th percentile */

static struct {
    struct gauge held, open;   /* rounds whose owner was held, and may go on */
    struct gauge urgent, done; /* rounds whose priority task, and whose normal one, have run */
    struct gauge stop, stopped;
    struct stage stage;
    struct race *race;
    struct recorder latency, normal; /* loop thread */
    uint64_t backlog, rounds, rounds_min;
    bool refill;
    uint64_t sent_ns; /* of this round; written before both are submitted */
    /* loop thread */
    uint64_t ran, behind, disorder;
    int rc;
} self;

static void on_backlog(void *arg)
{
    if (!self.refill) {
        self.disorder += word_from_arg(arg) != self.ran++;
        return;
    }
    self.disorder += word_from_arg(arg) != self.ran;
    self.ran = self.ran + 1 == self.backlog ? 0 : self.ran + 1;
    if (gauge_get(&self.stop) != 0)
        gauge_step(&self.stopped);
    else if (self.rc == 0)
        self.rc = velo_submit(self.stage.loop, on_backlog, arg);
}

static void hold(void *arg)
{
    gauge_set(&self.held, word_from_arg(arg));
    gauge_wait(&self.open, word_from_arg(arg), self.race->cpus.spins);
}

static void on_urgent(void *arg)
{
    recorder_add(&self.latency, clock_now_ns() - self.sent_ns);
    self.disorder += word_from_arg(arg) != gauge_get(&self.urgent) + 1;
    self.behind += !self.refill && self.ran > 0;
    gauge_step(&self.urgent);
}

static void on_normal(void *arg)
{
    recorder_add(&self.normal, clock_now_ns() - self.sent_ns);
    self.disorder += word_from_arg(arg) != gauge_get(&self.done) + 1;
    self.disorder += !self.refill && self.ran != self.backlog;
    if (!self.refill)
        self.ran = 0;
    gauge_step(&self.done);
}

static int submit_backlog(void)
{
    int rc = 0;
    for (uint64_t i = 0; i < self.backlog && rc == 0; i++)
        rc = velo_submit(self.stage.loop, on_backlog, word_to_arg(i));
    return rc;
}

/* Keep the owner inside a callback, and put the backlog behind it. */
static bool hold_back(void)
{
    void *round = word_to_arg(self.rounds);
    if (!race_check(self.race, velo_submit(self.stage.loop, hold, round), "velo_submit"))
        return false;
    if (!gauge_wait(&self.held, self.rounds, self.race->cpus.spins)) {
        race_fail(self.race, "a task did not run within 5 s");
        return false;
    }
    return race_check(self.race, submit_backlog(), "velo_submit");
}

/* A backlog that refills itself is put there once, behind a held owner, or it would be out of order
 * from the start. It stands for round 1. */
static bool start_refill(void)
{
    self.rounds = 1;
    gauge_set(&self.urgent, 1);
    gauge_set(&self.done, 1);
    bool good = hold_back();
    gauge_set(&self.open, 1);
    return good;
}

/* Returns the latency of the priority task, or 0 after a failure. */
static uint64_t run_round(void)
{
    self.rounds++;
    if (!self.refill && !hold_back())
        return 0;
    void *round = word_to_arg(self.rounds);
    uint64_t start_ns = self.sent_ns = clock_now_ns();
    int rc = velo_submit_priority(self.stage.loop, on_urgent, round);
    if (rc == 0)
        rc = velo_submit(self.stage.loop, on_normal, round);
    gauge_set(&self.open, self.rounds);
    if (!race_check(self.race, rc, "velo_submit_priority"))
        return 0;
    bool urgent = gauge_wait(&self.urgent, self.rounds, self.race->cpus.spins);
    uint64_t elapsed_ns = clock_now_ns() - start_ns;
    if (!urgent || !gauge_wait(&self.done, self.rounds, self.race->cpus.spins))
        race_fail(self.race, "a %s task did not run within 5 s", urgent ? "normal" : "priority");
    return elapsed_ns;
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
    self.rounds_min = race_samples(self.race, ROUNDS_MIN);
    recorder_init(&self.latency);
    recorder_init(&self.normal);
}

static void report(struct race *race, const struct lap *total)
{
    race->result.latency = &self.latency;
    race_metric_quantile(race, "priority_p99_ns", &self.latency, 0.99);
    race_metric_quantile(race, "priority_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "normal_p99_ns", &self.normal, 0.99);
    race_metric(race, "rounds", (double)total->units);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (self.refill && !gauge_wait(&self.stopped, self.backlog, race->cpus.spins))
        race_fail(race,
                  "%" PRIu64 " of %" PRIu64 " tasks of the backlog were lost",
                  self.backlog - gauge_get(&self.stopped),
                  self.backlog);
    stage_close(&self.stage);
    race_check(race, self.rc, "velo_submit in a callback");
    if (self.behind > 0)
        race_fail(race,
                  "%" PRIu64 " priority tasks ran behind normal ones of the same turn",
                  self.behind);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.backlog = params_integer(&race->params, "backlog");
    self.refill = params_is(&race->params, "backlog_is", "refill");
    open_window(NULL);
    self.rounds_min = 1;
    if (!stage_open(&self.stage, race) || (self.refill && !start_refill()))
        return;
    if (!window_run(race, &plan, &total))
        return;
    report(race, &total);
    finish(race);
}

static const struct param_spec params[] = {
    {"backlog", PARAM_INTEGER, 1, 1000000, 1000, NULL, "normal tasks before it"},
    {"backlog_is", PARAM_CHOICE, 0, 0, 0, "once|refill", "gone when it has run, or always there"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"priority_p99_ns", "ns", false},
    {"priority_p50_ns", "ns", false},
    {"normal_p99_ns", "ns", false},
    {"rounds", "1", true},
    {NULL, NULL, false},
};

const struct load load_priority = {
    .name = "priority",
    .summary = "a priority task behind a backlog of normal ones",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_PRIORITY,
    .run = run,
};
