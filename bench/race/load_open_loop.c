/* SPDX-License-Identifier: MIT */
/*
 * load_open_loop.c - tasks on a schedule, at a share of a common rate; latency from the intended
 * time.
 *
 * The rate is the same for all contestants: a share of --common-rate, the capacity of the slowest.
 * Without that option a pilot finds the capacity of this contestant with the same generator and the
 * same callback (two clock reads and two histograms per task are inside it), and the line says so.
 * A slot per task carries its intended and its real time; the ring of slots also bounds how far the
 * loop may fall behind: a full ring stops the generator, which the latency then contains.
 */
#include "clock.h"
#include "open_loop.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define SLOTS ((uint64_t)1 << 17)
#define PILOT_CREDIT 512

struct slot {
    uint64_t intended_ns, sent_ns;
};

static struct {
    struct gauge record_from; /* first task of the window */
    struct gauge done;        /* tasks that ran; written by the loop, with the sum below */
    struct gauge latency_sum; /* of all of them, for the cost of a lap */
    struct stage stage;
    struct race *race;
    uint64_t expected, disorder, sum_ns; /* loop thread */
    struct recorder latency, uncorrected;
    double opened_ns; /* schedule time at which the window opened */
    struct open_loop generator;
    struct slot slots[SLOTS];
} self;

static void on_task(void *arg)
{
    uint64_t number = word_from_arg(arg), now_ns = clock_now_ns();
    const struct slot *slot = &self.slots[number % SLOTS];
    self.disorder += number != self.expected;
    self.sum_ns += now_ns - slot->intended_ns;
    if (number >= gauge_get(&self.record_from)) {
        recorder_add(&self.latency, now_ns - slot->intended_ns);
        recorder_add(&self.uncorrected, now_ns - slot->sent_ns);
    }
    gauge_set(&self.latency_sum, self.sum_ns);
    gauge_set(&self.done, ++self.expected);
}

static bool send_task(void *load, uint64_t intended_ns, uint64_t now_ns)
{
    uint64_t number = self.generator.sent;
    (void)load;
    if (number >= SLOTS && !gauge_wait(&self.done, number - SLOTS + 1, self.race->cpus.spins)) {
        race_late(self.race, "the loop ran no task for 5 s");
        return false;
    }
    self.slots[number % SLOTS] = (struct slot){intended_ns, now_ns};
    return race_check(
        self.race, velo_submit(self.stage.loop, on_task, word_to_arg(number)), "velo_submit");
}

static uint64_t done(void *load)
{
    (void)load;
    return gauge_get(&self.done);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t count = gauge_get(&self.done), sum = gauge_get(&self.latency_sum);
    (void)load;
    open_loop_run(&self.generator, duration_ns);
    gauge_wait(&self.done, count + 1, self.race->cpus.spins); /* in a short lap it may lag */
    out->units = gauge_get(&self.done) - count;
    out->elapsed_ns = gauge_get(&self.latency_sum) - sum;
}

static void open_window(void *load)
{
    (void)load;
    open_loop_resume(&self.generator);
    recorder_init(&self.generator.slip);
    gauge_set(&self.record_from, self.generator.sent);
    self.opened_ns = self.generator.next_ns;
}

static void verify(struct race *race)
{
    if (self.expected != self.generator.sent)
        race_fail(race,
                  "%" PRIu64 " tasks ran, %" PRIu64 " were sent",
                  self.expected,
                  self.generator.sent);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
}

static void report(struct race *race, uint64_t tasks_sent, uint64_t elapsed_ns)
{
    struct result *result = &race->result;
    double tasks = (double)tasks_sent;
    result->latency = &self.latency;
    result->uncorrected = &self.uncorrected;
    result->slip = &self.generator.slip;
    result->elapsed_ns = elapsed_ns;
    race_metric_quantile(race, "latency_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "latency_p99_ns", &self.latency, 0.99);
    race_metric_quantile(race, "latency_p999_ns", &self.latency, 0.999);
    race_metric(race, "offered_per_s", tasks * 1e9 / (double)elapsed_ns);
    race_metric(race, "cpu_ns_per_task", (double)result->covariates.cpu_ns / tasks);
    if (result->has_counters)
        race_metric(race, "wakeups_per_task", (double)result->counters.wakeups / tasks);
}

static bool find_rate(struct race *race)
{
    race->result.common_rate = race->common_rate;
    if (!(race->common_rate > 0))
        race->result.common_rate = open_loop_pilot(&self.generator, done, PILOT_CREDIT);
    return race->result.ok;
}

static void run_window(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    open_loop_start(&self.generator);
    if (!window_run(race, &plan, &total))
        return;
    uint64_t sent = self.generator.sent - gauge_get(&self.record_from);
    uint64_t elapsed_ns = (uint64_t)(self.generator.next_ns - self.opened_ns);
    if (!gauge_wait(&self.done, self.generator.sent, race->cpus.spins)) {
        race_late(race, "lost %" PRIu64 " tasks", self.generator.sent - gauge_get(&self.done));
        stage_prove_loss(&self.stage, &self.done, self.generator.sent);
        return;
    }
    stage_close(&self.stage);
    verify(race);
    report(race, sent, elapsed_ns);
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    self.race = race;
    gauge_set(&self.record_from, UINT64_MAX);
    self.generator.race = race;
    self.generator.arrivals_min = ARRIVALS_FOR_P99;
    self.generator.send = send_task;
    recorder_init(&self.latency);
    recorder_init(&self.uncorrected);
    if (!stage_open(&self.stage, race) || !find_rate(race))
        return;
    open_loop_schedule(&self.generator,
                       race->result.common_rate * params_number(p, "percent") / 100,
                       params_is(p, "arrivals", "poisson"),
                       race->seed);
    run_window(race);
}

static const struct param_spec params[] = {
    {"percent", PARAM_NUMBER, 0.001, 200, 60, NULL, "share of the common rate"},
    {"arrivals", PARAM_CHOICE, 0, 0, 0, "poisson|constant", "the gaps between arrivals"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"latency_p50_ns", "ns", false},
    {"latency_p99_ns", "ns", false},
    {"latency_p999_ns", "ns", false},
    {"offered_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_open_loop = {
    .name = "open_loop",
    .summary = "tasks on a schedule at a share of a common rate",
    .params = params,
    .metrics = metrics,
    .uses_common_rate = true,
    .ceiling = true,
    .run = run,
};
