/* SPDX-License-Identifier: MIT */
/*
 * load_burst.c - a burst of tasks, and the wait for the last one.
 *
 * The clock runs from before the first submit until the client sees that the last task has run; the
 * cost is that time by the number of tasks. Only the last task of a burst writes the word that the
 * client watches: one write per task would make the client's looking part of every task. Bursts
 * follow each other at once; whether the loop goes to sleep in between is its own affair (wakeups),
 * unless [keep] says that it is kept awake, or met asleep: see awake.h.
 *
 * wakeups_astray_per_burst are wake-up calls beyond one for each time that the loop has announced a
 * sleep. Also a loop that is kept awake may announce one: where a producer was stopped inside its
 * submit, all behind it has to wait.
 */
#include "awake.h"
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define BATCH_MAX 1024

static struct {
    struct gauge done; /* bursts that have run */
    struct stage stage;
    struct race *race;
    struct recorder latency; /* of whole bursts */
    enum awake_keep keep;
    uint64_t tasks, batch, bursts;
    uint64_t expected, disorder, sum; /* loop thread */
    struct velo_task batch_tasks[BATCH_MAX];
} self;

static void on_task(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.disorder += number != self.expected;
    self.sum += number;
    if (++self.expected == self.tasks) {
        self.expected = 0;
        gauge_step(&self.done);
    }
}

static int submit_batch(uint64_t first)
{
    uint64_t count = self.tasks - first < self.batch ? self.tasks - first : self.batch;
    for (uint64_t i = 0; i < count; i++)
        self.batch_tasks[i] = (struct velo_task){on_task, word_to_arg(first + i)};
    return velo_submit_many(self.stage.loop, self.batch_tasks, count);
}

static int submit_burst(void)
{
    int rc = 0;
    if (self.batch == 1) {
        for (uint64_t i = 0; i < self.tasks && rc == 0; i++)
            rc = velo_submit(self.stage.loop, on_task, word_to_arg(i));
        return rc;
    }
    for (uint64_t first = 0; first < self.tasks && rc == 0; first += self.batch)
        rc = submit_batch(first);
    return rc;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns, now_ns;
    (void)load;
    do {
        if (self.keep == KEEP_PARKED && !stage_wait_asleep(&self.stage))
            return;
        uint64_t start_ns = clock_now_ns();
        if (!race_check(self.race, submit_burst(), "submitting a burst"))
            return;
        if (!gauge_wait(&self.done, ++self.bursts, self.race->cpus.spins)) {
            race_late(self.race, "the last task of a burst did not run within 5 s");
            stage_prove_loss(&self.stage, &self.done, self.bursts);
            return;
        }
        now_ns = clock_now_ns();
        recorder_add(&self.latency, now_ns - start_ns);
        out->elapsed_ns += now_ns - start_ns;
        out->units += self.tasks;
    } while (now_ns < deadline_ns);
}

static void open_window(void *load)
{
    (void)load;
    recorder_init(&self.latency);
}

static void report_wakeups(struct race *race, double bursts)
{
    const uint64_t wakeups = race->result.counters.wakeups, parks = race->result.counters.parks;
    const uint64_t astray = wakeups > parks ? wakeups - parks : 0;
    race_metric(race, "wakeups_per_burst", (double)wakeups / bursts);
    race_metric(race, "wakeups_astray_per_burst", (double)astray / bursts);
}

static void report(struct race *race, const struct lap *total)
{
    double tasks = (double)total->units;
    race_metric(race, "ns_per_task", (double)total->elapsed_ns / tasks);
    race_metric(race, "tasks_per_s", tasks * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_task", (double)race->result.covariates.cpu_ns / tasks);
    race_metric_quantile(race, "burst_p50_ns", &self.latency, 0.5);
    if (race->result.has_counters)
        report_wakeups(race, tasks / (double)self.tasks);
    race->result.latency = &self.latency;
}

static void verify(struct race *race)
{
    uint64_t expected = self.bursts * (self.tasks * (self.tasks - 1) / 2);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
    if (gauge_get(&self.done) != self.bursts)
        race_fail(
            race, "%" PRIu64 " bursts ran instead of %" PRIu64, gauge_get(&self.done), self.bursts);
    if (self.sum != expected)
        race_fail(race, "checksum %" PRIu64 " instead of %" PRIu64, self.sum, expected);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.tasks = params_integer(&race->params, "tasks");
    self.batch = params_integer(&race->params, "batch");
    self.keep = (enum awake_keep)params_integer(&race->params, "keep");
    recorder_init(&self.latency);
    if (!stage_open(&self.stage, race) || !awake_begin(&self.stage, self.keep) ||
        !window_run(race, &plan, &total))
        return;
    awake_check(race, self.keep, total.units / self.tasks);
    report(race, &total);
    awake_end();
    stage_close(&self.stage);
    verify(race);
}

static const struct param_spec params[] = {
    {"tasks", PARAM_INTEGER, 1, 1 << 20, 1024, NULL, "tasks of a burst"},
    {"batch", PARAM_INTEGER, 1, BATCH_MAX, 1, NULL, "tasks per velo_submit_many; 1 = velo_submit"},
    {"keep", PARAM_CHOICE, 0, 0, 0, AWAKE_CHOICES, "what the loop does between two bursts"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_task", "ns", false},
    {"tasks_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"burst_p50_ns", "ns", false},
    {"wakeups_per_burst", "1", false},
    {"wakeups_astray_per_burst", "1", false},
    {NULL, NULL, false},
};

const struct load load_burst = {
    .name = "burst",
    .summary = "a burst of tasks, and the wait for the last one",
    .params = params,
    .metrics = metrics,
    .ceiling = true,
    .run = run,
};
