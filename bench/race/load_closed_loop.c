/* SPDX-License-Identifier: MIT */
/*
 * load_closed_loop.c - one client submits a task, waits until it has run, and submits the next.
 *
 * The clock of a round runs from before the submit until the client sees that the task has run: two
 * cache lines forth and back at best. What the loop does between two rounds decides nearly all of
 * it, so that is the setting [keep], and each claim is checked by a counter (awake.h):
 *
 *   free    nothing is done: the loop spins or sleeps as its idle policy says; parks_per_round
 *           tells which
 *   awake   one task keeps submitting itself
 *   parked  before each round, outside the clock, the client waits until the owner sleeps
 *
 * [lane] is what is submitted: a task, or one of the other kinds that any thread may add. With
 * [think_us] the client spins for so long between two rounds, outside the clock, as one that does
 * something with the answer. With [in_flight] above 1 it keeps so many under way; the latency is
 * that of each. With a [descriptor], which is never ready, the loop has to wait as one does that
 * serves some.
 */
#include "awake.h"
#include "clock.h"
#include "quiet_fd.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define IN_FLIGHT_MAX 1024
#define ROUNDS_MIN 12 /* per lap: two laps carry a median */

static struct {
    struct gauge done; /* tasks that ran; written by the loop */
    struct stage stage;
    struct race *race;
    struct recorder latency;
    uint64_t disorder; /* loop thread */
    uint64_t expected; /* loop thread: number of the next task */
    uint64_t sent;
    uint64_t seen; /* completions that the client has taken note of */
    uint64_t in_flight, think_ns;
    enum awake_keep keep;
    bool descriptor;
    velo_id fd_id;
    int (*submit)(struct velo_loop *loop, velo_fn fn, void *arg);
    uint64_t sent_ns[IN_FLIGHT_MAX];
} self;

static void on_ping(void *arg)
{
    self.disorder += word_from_arg(arg) != self.expected;
    self.expected++;
    gauge_set(&self.done, self.expected);
}

static int submit_immediate(struct velo_loop *loop, velo_fn fn, void *arg)
{
    return velo_set_immediate(loop, fn, arg, NULL);
}

static const struct {
    int (*submit)(struct velo_loop *loop, velo_fn fn, void *arg);
    uint64_t needs;
} lanes[] = {
    /* in the order of the choices of [lane] */
    {velo_submit, 0},
    {velo_submit_priority, VELO_CAP_PRIORITY},
    {velo_next_tick, VELO_CAP_MICROTASKS},
    {velo_queue_microtask, VELO_CAP_MICROTASKS},
    {submit_immediate, VELO_CAP_IMMEDIATES},
};

static bool send_ping(void)
{
    self.sent_ns[self.sent % self.in_flight] = clock_now_ns();
    int rc = self.submit(self.stage.loop, on_ping, word_to_arg(self.sent));
    self.sent++;
    return rc == 0 || race_check(self.race, rc, "submitting");
}

/* Fill the pipe, then wait for at least one completion. Returns the ns spent. */
static uint64_t run_round(void)
{
    if (self.keep == KEEP_PARKED && !stage_wait_asleep(&self.stage))
        return 0;
    clock_burn(self.think_ns);
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
    awake_end();
    if (self.descriptor)
        race_check(race, velo_fd_unwatch(self.stage.loop, self.fd_id), "velo_fd_unwatch");
    if (!gauge_wait(&self.done, self.sent, race->cpus.spins))
        race_late(race, "accepted tasks did not run within 5 s after the window");
    stage_close(&self.stage);
    if (self.descriptor)
        quiet_fd_close(race);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks ran out of order", self.disorder);
    if (self.expected != self.sent)
        race_fail(race, "%" PRIu64 " tasks ran instead of %" PRIu64, self.expected, self.sent);
}

static bool read_params(struct race *race)
{
    const struct params *p = &race->params;
    uint64_t lane = params_integer(p, "lane");
    self.race = race;
    self.keep = (enum awake_keep)params_integer(p, "keep");
    self.in_flight = params_integer(p, "in_flight");
    self.think_ns = params_integer(p, "think_us") * NS_PER_US;
    self.submit = lanes[lane].submit;
    self.descriptor = params_is(p, "descriptor", "watched");
    uint64_t needs = lanes[lane].needs | (self.descriptor ? VELO_CAP_FDS : 0);
    if (needs & ~velo_impl()->capabilities)
        race_fail(race,
                  "the contestant has no such lane or descriptors; give the point what it needs");
    return race->result.ok;
}

static bool watch_descriptor(struct race *race)
{
    return !self.descriptor ||
           (quiet_fd_open(race) &&
            race_check(race, quiet_fd_watch(self.stage.loop, &self.fd_id), "velo_fd_watch"));
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    recorder_init(&self.latency);
    if (!read_params(race) || !stage_open(&self.stage, race) || !watch_descriptor(race) ||
        !awake_begin(&self.stage, self.keep))
        return;
    if (!window_run(race, &plan, &total))
        return;
    awake_check(race, self.keep, total.units);
    report(race, &total);
    finish(race);
}

static const struct param_spec params[] = {
    {"keep", PARAM_CHOICE, 0, 0, 0, AWAKE_CHOICES, "what the loop does between two rounds"},
    {"lane", PARAM_CHOICE, 0, 0, 0, "task|priority|tick|microtask|immediate", "what is submitted"},
    {"think_us", PARAM_INTEGER, 0, 1000, 0, NULL, "the client spins between two rounds"},
    {"descriptor", PARAM_CHOICE, 0, 0, 0, "none|watched", "one that is never ready"},
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
