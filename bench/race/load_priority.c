/* SPDX-License-Identifier: MIT */
/*
 * load_priority.c - a priority task behind a backlog of normal ones, and a normal one beside it.
 *
 * A round is a normal task of the owner that submits the backlog, then a priority task, then the
 * next round; the clock of the last two runs from their submit. All on one thread, so nothing but
 * the order of the turn and the price of its lanes decides, and the controlling thread only reads a
 * counter. From another thread: closed_loop with lane = "priority".
 *
 *   once    all were there before the turn began, so the priority task must come before the whole
 *           backlog (S6), which must have run, in order, when the next round begins (S3)
 *   refill  each task of the backlog submits itself again, so there is always as much; the priority
 *           task waits for the end of the lane that is running, the normal one for a turn (S5)
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define ROUNDS_MIN 600 /* per lap: two laps carry a 99th percentile */

static struct {
    struct gauge recording;     /* 1: the window is open */
    struct gauge rounds, spent; /* and the latency of all their priority tasks; the loop writes */
    struct gauge stop, stopped; /* 1 + the tasks of a backlog that refills itself have ended */
    struct stage stage;
    struct race *race;
    uint64_t backlog;
    bool refill;
    /* loop thread */
    uint64_t urgent, ran, spent_ns, sent_ns, behind, disorder;
    int rc;
    struct recorder latency, normal;
} self;

static void submit(velo_fn fn, uint64_t number)
{
    if (self.rc == 0)
        self.rc = velo_submit(self.stage.loop, fn, word_to_arg(number));
}

/* Tasks are numbered from 0 in each backlog, and in each pass of one that refills itself. */
static void on_backlog(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.disorder += number != self.ran++;
    if (!self.refill)
        return;
    if (self.ran == self.backlog)
        self.ran = 0;
    if (gauge_get(&self.stop) == 0)
        submit(on_backlog, number);
    else
        gauge_step(&self.stopped);
}

static void submit_backlog(void)
{
    for (uint64_t i = 0; i < self.backlog; i++)
        submit(on_backlog, i);
    self.ran = 0;
}

static void on_urgent(void *arg)
{
    uint64_t latency_ns = clock_now_ns() - self.sent_ns;
    self.disorder += word_from_arg(arg) != self.urgent++;
    self.behind += !self.refill && self.ran > 0;
    self.spent_ns += latency_ns;
    if (gauge_get(&self.recording) != 0)
        recorder_add(&self.latency, latency_ns);
}

/* What the last round has left behind. */
static void end_round(uint64_t number)
{
    if (gauge_get(&self.recording) != 0)
        recorder_add(&self.normal, clock_now_ns() - self.sent_ns);
    self.disorder += self.urgent != number;
    self.disorder += !self.refill && self.ran != self.backlog;
    gauge_set(&self.spent, self.spent_ns);
    gauge_set(&self.rounds, number);
}

static void on_round(void *arg)
{
    uint64_t number = word_from_arg(arg);
    if (number > 0)
        end_round(number);
    if (gauge_get(&self.stop) != 0 || self.rc != 0) {
        gauge_step(&self.stopped);
        return;
    }
    if (!self.refill || number == 0)
        submit_backlog();
    self.sent_ns = clock_now_ns();
    if (self.rc == 0)
        self.rc = velo_submit_priority(self.stage.loop, on_urgent, word_to_arg(number));
    submit(on_round, number + 1);
}

static uint64_t delivered(void)
{
    return gauge_get(&self.rounds);
}

/* The cost of a lap is the mean latency of its priority tasks. */
static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t spent_ns = gauge_get(&self.spent);
    (void)load;
    lap_watch_for(delivered, duration_ns, ROUNDS_MIN, out);
    out->elapsed_ns = gauge_get(&self.spent) - spent_ns;
}

static void open_window(void *load)
{
    (void)load;
    gauge_set(&self.recording, 1);
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
    uint64_t tasks = 1 + (self.refill ? self.backlog : 0);
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.stopped, tasks, race->cpus.spins)) {
        race_late(race,
                  "%" PRIu64 " of %" PRIu64 " tasks that submit themselves were lost",
                  tasks - gauge_get(&self.stopped),
                  tasks);
        stage_prove_loss(&self.stage, &self.stopped, tasks);
        return;
    }
    stage_close(&self.stage);
    race_check(race, self.rc, "a submit in a callback");
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
    recorder_init(&self.latency);
    recorder_init(&self.normal);
    if (!stage_open(&self.stage, race) ||
        !race_check(race, velo_submit(self.stage.loop, on_round, word_to_arg(0)), "velo_submit") ||
        !window_run(race, &plan, &total))
        return;
    finish(race);
    report(race, &total);
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
