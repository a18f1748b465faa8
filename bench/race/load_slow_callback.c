/* SPDX-License-Identifier: MIT */
/*
 * load_slow_callback.c - one task in a hundred keeps the loop busy for a long time.
 *
 * Tasks come on a Poisson schedule, at the rate at which the slow ones alone fill [percent] of the
 * loop's time: the same rate for everybody, without a pilot. Which ones are slow follows from seed
 * and number. The loop is asked to report callbacks that take half as long (X4), and with [watch]
 * to have a watchdog. The report must be exact: each slow task is reported once, and nothing that
 * took less than the threshold. With [slice_us] the tasks phase has a time slice (S5).
 */
#include "clock.h"
#include "random.h"
#include "stream.h"
#include "word.h"

#include <inttypes.h>

#define ONE_IN 100

static struct {
    uint64_t slow_ns, slice_ns;
    bool watchdog;
    struct gauge stuck; /* reports of the watchdog; its thread writes */
    /* loop thread */
    uint64_t seed, slow, reported, wrong, too_short;
} self;

static bool is_slow(uint64_t number)
{
    struct random random = {self.seed + number};
    return random_below(&random, ONE_IN) == 0;
}

static void work(uint64_t number)
{
    if (!is_slow(number))
        return;
    self.slow++;
    clock_burn(self.slow_ns);
}

/* A task that was pre-empted for long is slow, too, but only the ones meant to be are counted. */
static void on_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    (void)ctx;
    if (fn == stream_task && is_slow(word_from_arg(arg)))
        self.reported += elapsed_ns >= self.slow_ns;
    self.too_short += elapsed_ns < self.slow_ns / 2;
}

static void on_stuck(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    (void)ctx;
    (void)fn;
    (void)arg;
    (void)elapsed_ns;
    gauge_step(&self.stuck);
}

static void tune(struct velo_options *options)
{
    options->slow_ns = self.slow_ns / 2;
    options->on_slow = on_slow;
    options->time_slice_ns = self.slice_ns;
    options->watchdog = self.watchdog;
    options->on_stuck = self.watchdog ? on_stuck : NULL;
}

static void verify(struct race *race)
{
    if (self.reported != self.slow)
        race_fail(race,
                  "%" PRIu64 " slow callbacks ran, %" PRIu64 " were reported",
                  self.slow,
                  self.reported);
    if (self.too_short > 0)
        race_fail(race, "%" PRIu64 " reports of callbacks that were not slow", self.too_short);
    if (self.watchdog && self.slow > 0 && gauge_get(&self.stuck) == 0)
        race_fail(
            race, "the watchdog reported none of %" PRIu64 " callbacks while they ran", self.slow);
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct lap total;
    self.seed = race->seed;
    self.slow_ns = params_integer(p, "slow_us") * NS_PER_US;
    self.slice_ns = params_integer(p, "slice_us") * NS_PER_US;
    self.watchdog = params_is(p, "watch", "on");
    race->tune = tune;
    if (!stream_open(race, work))
        return;
    double rate = params_number(p, "percent") / 100 * ONE_IN * 1e9 / (double)self.slow_ns;
    if (!stream_run(rate, true, &total))
        return;
    stream_close();
    verify(race);
    stream_report();
    race_metric(race, "slow_share", (double)self.slow / (double)stream.arrivals.generator.sent);
}

static const struct param_spec params[] = {
    {"percent", PARAM_NUMBER, 0.1, 90, 30, NULL, "of the loop's time, by the slow tasks"},
    {"slow_us", PARAM_INTEGER, 100, 100000, 1000, NULL, "what a slow task takes"},
    {"slice_us", PARAM_INTEGER, 0, 1000000, 0, NULL, "time slice of the tasks phase; 0 = none"},
    {"watch", PARAM_CHOICE, 0, 0, 0, "off|on", "a watchdog beside the loop"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"latency_p99_ns", "ns", false},
    {"latency_p50_ns", "ns", false},
    {"offered_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"wakeups_per_task", "1", false},
    {"slow_share", "1", false},
    {NULL, NULL, false},
};

const struct load load_slow_callback = {
    .name = "slow_callback",
    .summary = "tasks on a schedule, one in a hundred of which takes long",
    .params = params,
    .metrics = metrics,
    .run = run,
};
