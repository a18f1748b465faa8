/* SPDX-License-Identifier: MIT */
/*
 * load_shutdown.c - the end of a loop while threads keep submitting.
 *
 * One operation: a new loop on its thread, producers that submit without pause (with credit, as in
 * load_producers.c), optionally a backlog held back by a task that blocks the owner; then the clock
 * runs over velo_loop_shutdown(-1), or velo_loop_close(), and nothing else. Afterwards every
 * producer must be refused with -ESHUTDOWN, and what it got accepted must have run (shutdown), or
 * have run or been discarded (close), to the last task. Creation, threads and verification are
 * outside the clock.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define THREADS_MAX 8
#define CREDIT 1024
#define ROUNDS_MIN 12 /* per lap: two laps carry a median */

struct submitter {
    struct gauge accepted; /* written by its thread */
    struct gauge executed; /* written by the loop */
    int rc;                /* what ended it; -ESHUTDOWN is right */
    pthread_t thread;
};

static struct {
    struct gauge gate_closed;
    struct gauge gate_open;
    struct gauge ended; /* shutdown has returned */
    struct submitter submitters[THREADS_MAX];
    struct stage stage;
    struct race *race;
    struct recorder latency;
    uint64_t backlog, backlog_ran;
    uint64_t accepted, ended_loops; /* of all rounds: by the submitters; loops */
    int threads;
    bool close;
} self;

static void on_task(void *arg)
{
    struct submitter *submitter = arg;
    gauge_step(&submitter->executed);
}

static void on_backlog(void *arg)
{
    (void)arg;
    self.backlog_ran++;
}

static void hold(void *arg)
{
    (void)arg;
    gauge_set(&self.gate_closed, 1);
    gauge_wait(&self.gate_open, 1, self.race->cpus.spins);
}

/* Ahead of the loop by no more than CREDIT tasks, until the loop refuses one. */
static void *submit_until_refused(void *arg)
{
    struct submitter *submitter = arg;
    uint64_t accepted = 0;
    placement_enter_generator(&self.race->cpus, (int)(submitter - self.submitters));
    while (submitter->rc == 0) {
        if (accepted - gauge_get(&submitter->executed) >= CREDIT)
            gauge_wait_lazy(
                &submitter->executed, accepted - CREDIT / 2, self.race->cpus.spins, &self.ended);
        submitter->rc = velo_submit(self.stage.loop, on_task, submitter);
        if (submitter->rc == 0)
            gauge_set(&submitter->accepted, ++accepted);
    }
    return NULL;
}

static bool start_submitters(void)
{
    for (int i = 0; i < self.threads; i++) {
        struct submitter *submitter = &self.submitters[i];
        memset(submitter, 0, sizeof *submitter);
        int rc = pthread_create(&submitter->thread, NULL, submit_until_refused, submitter);
        if (rc != 0) {
            race_fail(self.race, "cannot start submitter %d: %s", i, strerror(rc));
            return false;
        }
    }
    for (int i = 0; i < self.threads; i++)
        if (!gauge_wait(&self.submitters[i].accepted, 1, 0)) {
            race_late(self.race, "submitter %d got nothing accepted within 5 s", i);
            return false;
        }
    return true;
}

static bool fill_backlog(void)
{
    int rc = 0;
    if (self.backlog == 0)
        return true;
    if (!race_check(self.race, velo_submit(self.stage.loop, hold, NULL), "velo_submit"))
        return false;
    if (!gauge_wait(&self.gate_closed, 1, self.race->cpus.spins)) {
        race_late(self.race, "a task did not run within 5 s");
        return false;
    }
    for (uint64_t i = 0; i < self.backlog && rc == 0; i++)
        rc = velo_submit(self.stage.loop, on_backlog, NULL);
    return race_check(self.race, rc, "velo_submit");
}

/* The timed call. */
static uint64_t end_loop(void)
{
    uint64_t start_ns = clock_now_ns();
    gauge_set(&self.gate_open, 1);
    int rc =
        self.close ? velo_loop_close(self.stage.loop) : velo_loop_shutdown(self.stage.loop, -1);
    uint64_t elapsed_ns = clock_now_ns() - start_ns;
    race_check(self.race, rc, self.close ? "velo_loop_close" : "velo_loop_shutdown");
    return elapsed_ns;
}

static void check_tasks(uint64_t accepted, uint64_t ran)
{
    uint64_t discarded = gauge_get(&self.stage.discarded);
    if (ran + discarded != accepted)
        race_fail(self.race,
                  "%" PRIu64 " tasks were accepted, but %" PRIu64 " ran and %" PRIu64
                  " were discarded",
                  accepted,
                  ran,
                  discarded);
    if (!self.close && discarded > 0)
        race_fail(self.race, "a graceful shutdown discarded %" PRIu64 " tasks", discarded);
}

static void join_all(void)
{
    uint64_t accepted = self.backlog, ran;
    gauge_set(&self.ended, 1);
    for (int i = 0; i < self.threads; i++)
        pthread_join(self.submitters[i].thread, NULL);
    stage_join(&self.stage, self.close ? -ECANCELED : 0);
    stage_verify_ledger(&self.stage);
    ran = self.backlog_ran;
    for (int i = 0; i < self.threads; i++) {
        struct submitter *submitter = &self.submitters[i];
        accepted += gauge_get(&submitter->accepted);
        self.accepted += gauge_get(&submitter->accepted);
        ran += gauge_get(&submitter->executed);
        if (submitter->rc != -ESHUTDOWN)
            race_fail(self.race,
                      "a submit after the end returned %s instead of ESHUTDOWN",
                      velo_strerror(submitter->rc));
    }
    self.ended_loops++;
    check_tasks(accepted, ran);
    stage_destroy(&self.stage);
}

static uint64_t run_round(void)
{
    gauge_set(&self.gate_closed, 0);
    gauge_set(&self.gate_open, 0);
    gauge_set(&self.ended, 0);
    self.backlog_ran = 0;
    if (!stage_open(&self.stage, self.race) || !fill_backlog() || !start_submitters())
        return 0;
    uint64_t elapsed_ns = end_loop();
    if (self.race->result.ok)
        join_all();
    recorder_add(&self.latency, elapsed_ns);
    return elapsed_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    (void)load;
    do {
        out->elapsed_ns += run_round();
        out->units++;
    } while (self.race->result.ok && (out->units < ROUNDS_MIN || clock_now_ns() < deadline_ns));
}

static void open_window(void *load)
{
    (void)load;
    recorder_init(&self.latency);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window};
    struct lap total;
    self.race = race;
    self.threads = (int)params_integer(&race->params, "threads");
    self.backlog = params_integer(&race->params, "backlog");
    self.close = params_is(&race->params, "how", "close");
    recorder_init(&self.latency);
    if (!window_run(race, &plan, &total))
        return;
    race_metric_quantile(race, "end_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "end_p99_ns", &self.latency, 0.99);
    race_metric(race, "ends", (double)total.units);
    if (self.threads > 0)
        race_metric(race, "accepted_per_end", (double)self.accepted / (double)self.ended_loops);
    race->result.latency = &self.latency;
}

static const struct param_spec params[] = {
    {"threads", PARAM_INTEGER, 0, THREADS_MAX, 1, NULL, "threads that keep submitting"},
    {"backlog", PARAM_INTEGER, 0, 10000000, 0, NULL, "tasks pending when the end begins"},
    {"how", PARAM_CHOICE, 0, 0, 0, "shutdown|close", "graceful, or discarding"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"end_p50_ns", "ns", false},
    {"end_p99_ns", "ns", false},
    {"ends", "1", true},
    {"accepted_per_end", "1", true},
    {NULL, NULL, false},
};

const struct load load_shutdown = {
    .name = "shutdown",
    .summary = "the end of a loop while threads keep submitting",
    .params = params,
    .metrics = metrics,
    .run = run,
};
