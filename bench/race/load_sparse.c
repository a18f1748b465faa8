/* SPDX-License-Identifier: MIT */
/*
 * load_sparse.c - a few thousand tasks per second: what does the processor pay for each?
 *
 * Here loops differ most in what they cost: one that spins for the next task burns a processor, one
 * that sleeps pays for a wake-up. The cost is the CPU time of the loop's thread plus the CPU time
 * that the generator spends inside velo_submit(), by the number of tasks: all of it is the
 * contestant's. The generator itself sleeps between tasks, so it leaves the machine alone.
 */
#include "clock.h"
#include "open_loop.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define SLOTS ((uint64_t)1 << 12)

static struct {
    struct gauge record_from; /* number of the window's first arrival */
    struct gauge done;
    struct stage stage;
    struct race *race;
    uint64_t expected, disorder; /* loop thread */
    uint64_t submit_cpu_ns;
    struct recorder latency;
    struct open_loop generator;
    uint64_t intended_ns[SLOTS];
} self;

static void on_task(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.disorder += number != self.expected;
    if (number >= gauge_get(&self.record_from))
        recorder_add(&self.latency, clock_now_ns() - self.intended_ns[number % SLOTS]);
    gauge_set(&self.done, ++self.expected);
}

static bool send_task(void *load, uint64_t intended_ns, uint64_t now_ns)
{
    uint64_t number = self.generator.sent;
    (void)load;
    (void)now_ns;
    if (number >= SLOTS && !gauge_wait(&self.done, number - SLOTS + 1, self.race->cpus.spins)) {
        race_late(self.race, "the loop ran no task for 5 s");
        return false;
    }
    self.intended_ns[number % SLOTS] = intended_ns;
    uint64_t start_ns = clock_thread_cpu_ns();
    int rc = velo_submit(self.stage.loop, on_task, word_to_arg(number));
    self.submit_cpu_ns += clock_thread_cpu_ns() - start_ns;
    return race_check(self.race, rc, "velo_submit");
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t sent = self.generator.sent;
    uint64_t cpu_ns = stage_cpu_ns(&self.stage) + self.submit_cpu_ns;
    (void)load;
    open_loop_run(&self.generator, duration_ns);
    if (!gauge_wait(&self.done, self.generator.sent, self.race->cpus.spins))
        race_late(self.race, "a task did not run within 5 s: lost wake-up");
    out->units = self.generator.sent - sent;
    out->elapsed_ns = stage_cpu_ns(&self.stage) + self.submit_cpu_ns - cpu_ns;
}

static void open_window(void *load)
{
    (void)load;
    open_loop_resume(&self.generator);
    recorder_init(&self.generator.slip);
    gauge_set(&self.record_from, self.generator.sent);
}

static void report(struct race *race, const struct lap *total)
{
    struct result *result = &race->result;
    double tasks = (double)total->units;
    result->latency = &self.latency;
    result->slip = &self.generator.slip;
    result->elapsed_ns = race->window_ns;
    race_metric(race, "cpu_ns_per_task", (double)total->elapsed_ns / tasks);
    race_metric_quantile(race, "latency_p50_ns", &self.latency, 0.5);
    race_metric(race, "switches_per_task", (double)result->covariates.voluntary_switches / tasks);
    if (result->has_counters)
        race_metric(race, "wakeups_per_task", (double)result->counters.wakeups / tasks);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    gauge_set(&self.record_from, UINT64_MAX);
    self.generator.race = race;
    self.generator.send = send_task;
    self.generator.pacing = PACING_SLEEP;
    recorder_init(&self.latency);
    if (!stage_open(&self.stage, race))
        return;
    open_loop_schedule(
        &self.generator, params_number(&race->params, "rate_per_s"), true, race->seed);
    open_loop_start(&self.generator);
    if (!window_run(race, &plan, &total))
        return;
    stage_close(&self.stage);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
    report(race, &total);
}

static const struct param_spec params[] = {
    {"rate_per_s", PARAM_NUMBER, 1, 100000, 2000, NULL, "tasks per second, Poisson"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"cpu_ns_per_task", "ns", false},
    {"latency_p50_ns", "ns", false},
    {"switches_per_task", "1", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_sparse = {
    .name = "sparse",
    .summary = "a few tasks per second from a sleeping generator: processor time per task",
    .params = params,
    .metrics = metrics,
    .ceiling = true,
    .run = run,
};
