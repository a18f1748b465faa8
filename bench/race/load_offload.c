/* SPDX-License-Identifier: MIT */
/*
 * load_offload.c - jobs for the pool: from velo_offload() to the callback that says it is done.
 *
 * [chains] of jobs; the callback of each starts the next one, so all calls are the owner's and the
 * controlling thread only reads a counter. A job uses the processor for [job_us]. [cancel_percent]
 * of them are cancelled at once: whatever that answers must come true (O1, O3): 0, the work has not
 * run and the callback gets -ECANCELED; else it has run and gets 0. Each work function runs at most
 * once, off the loop's thread, and each callback once, on it.
 *
 * Threads of the pool inherit the processors of the thread that starts them; give the point
 * placement = "free" unless they shall share the loop's.
 */
#include "clock.h"
#include "random.h"
#include "stage.h"
#include "window.h"

#include <errno.h>
#include <inttypes.h>

#define CHAINS_MAX 1024
#define JOBS_MIN 16 /* per lap: two laps carry a median, also if some were cancelled */

struct job {
    velo_id id;
    uint64_t started_ns;
    uint64_t runs;  /* of its work; the pool writes, the owner reads when it is done */
    bool on_owner;  /* likewise: it ran on the loop's thread */
    bool cancelled; /* the cancel answered 0 */
    bool recorded;  /* it was started inside the window */
};

static struct {
    struct gauge recording; /* 1: the window is open */
    struct gauge done;
    struct gauge stop, stopped;
    struct stage stage;
    struct race *race;
    uint64_t chains, job_ns, cancel_percent;
    unsigned workers;
    /* loop thread */
    struct random random;
    uint64_t started, cancelled, wrong, misplaced;
    int rc;
    struct recorder latency;
    struct job jobs[CHAINS_MAX];
} self;

static void tune(struct velo_options *options)
{
    options->workers = self.workers;
}

static void work(void *arg)
{
    struct job *job = arg;
    clock_burn(self.job_ns);
    job->on_owner |= velo_loop_is_owner(self.stage.loop);
    job->runs++;
}

static void on_done(int status, void *arg);

static void start_job(struct job *job)
{
    self.started++;
    job->runs = 0;
    job->recorded = gauge_get(&self.recording) != 0;
    job->started_ns = clock_now_ns();
    int rc = velo_offload(self.stage.loop, work, on_done, job, &job->id);
    if (rc != 0 && self.rc == 0)
        self.rc = rc;
    job->cancelled = rc == 0 && random_below(&self.random, 100) < self.cancel_percent &&
                     velo_offload_cancel(self.stage.loop, job->id) == 0;
    self.cancelled += job->cancelled;
}

static void on_done(int status, void *arg)
{
    struct job *job = arg;
    if (job->recorded && !job->cancelled)
        recorder_add(&self.latency, clock_now_ns() - job->started_ns);
    self.wrong += status != (job->cancelled ? -ECANCELED : 0) || job->runs != !job->cancelled;
    self.misplaced += job->on_owner || !velo_loop_is_owner(self.stage.loop);
    gauge_step(&self.done);
    if (gauge_get(&self.stop) == 0 && self.rc == 0)
        start_job(job);
    else
        gauge_step(&self.stopped);
}

static void start(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < self.chains; i++)
        start_job(&self.jobs[i]);
}

static uint64_t delivered(void)
{
    return gauge_get(&self.done);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch_for(delivered, duration_ns, JOBS_MIN, out);
}

static void open_window(void *load)
{
    (void)load;
    gauge_set(&self.recording, 1);
}

/* On the owner, where the counters are exact. */
static void check_ledger(void *arg)
{
    struct race *race = arg;
    struct velo_metrics m;
    stage_metrics(&self.stage, &m);
    const struct velo_lane_metrics *lane = &m.lanes[VELO_LANE_OFFLOAD];
    if (race->result.has_counters &&
        (lane->accepted != self.started || lane->cancelled != self.cancelled))
        race_fail(race,
                  "the ledger has %" PRIu64 " offloads, %" PRIu64 " of them cancelled, but there "
                  "were %" PRIu64 " and %" PRIu64,
                  lane->accepted,
                  lane->cancelled,
                  self.started,
                  self.cancelled);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.stopped, self.chains, race->cpus.spins)) {
        race_late(race,
                  "%" PRIu64 " of %" PRIu64 " jobs were not done within 5 s",
                  self.chains - gauge_get(&self.stopped),
                  self.chains);
        return;
    }
    if (!stage_call(&self.stage, check_ledger, race))
        return;
    stage_close(&self.stage);
    race_check(race, self.rc, "velo_offload");
    if (self.wrong > 0)
        race_fail(race, "%" PRIu64 " jobs ended otherwise than was told", self.wrong);
    if (self.misplaced > 0)
        race_fail(race, "%" PRIu64 " jobs or callbacks ran on the wrong thread", self.misplaced);
    if (gauge_get(&self.done) != self.started)
        race_fail(race,
                  "%" PRIu64 " jobs were started, %" PRIu64 " were done",
                  self.started,
                  gauge_get(&self.done));
}

static void report(struct race *race, const struct lap *total)
{
    const struct result *result = &race->result;
    double jobs = (double)total->units;
    race->result.latency = &self.latency;
    race_metric_quantile(race, "round_trip_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "round_trip_p99_ns", &self.latency, 0.99);
    race_metric(race, "ns_per_job", (double)total->elapsed_ns / jobs);
    race_metric(race, "cpu_ns_per_job", (double)result->covariates.cpu_ns / jobs);
    race_metric(race, "switches_per_job", (double)result->covariates.voluntary_switches / jobs);
    race_metric(race, "cancelled_share", (double)self.cancelled / (double)self.started);
    if (result->has_counters)
        race_metric(race, "wakeups_per_job", (double)result->counters.wakeups / jobs);
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.random.state = race->seed;
    self.chains = params_integer(p, "chains");
    self.job_ns = params_integer(p, "job_us") * NS_PER_US;
    self.cancel_percent = params_integer(p, "cancel_percent");
    self.workers = (unsigned)params_integer(p, "workers");
    race->tune = tune;
    recorder_init(&self.latency);
    if (!stage_open(&self.stage, race) || !stage_call(&self.stage, start, NULL))
        return;
    if (!window_run(race, &plan, &total))
        return;
    finish(race);
    report(race, &total);
}

static const struct param_spec params[] = {
    {"workers", PARAM_INTEGER, 1, 64, 1, NULL, "threads of the pool"},
    {"chains", PARAM_INTEGER, 1, CHAINS_MAX, 1, NULL, "jobs under way at once"},
    {"job_us", PARAM_INTEGER, 0, 100000, 0, NULL, "what a job does, processor time"},
    {"cancel_percent", PARAM_INTEGER, 0, 100, 0, NULL, "jobs that are cancelled at once"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"round_trip_p50_ns", "ns", false},
    {"round_trip_p99_ns", "ns", false},
    {"ns_per_job", "ns", false},
    {"cpu_ns_per_job", "ns", false},
    {"switches_per_job", "1", false},
    {"wakeups_per_job", "1", false},
    {"cancelled_share", "1", false},
    {NULL, NULL, false},
};

const struct load load_offload = {
    .name = "offload",
    .summary = "jobs for the pool: from velo_offload() to the callback that says it is done",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_OFFLOAD,
    .run = run,
};
