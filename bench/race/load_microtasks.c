/* SPDX-License-Identifier: MIT */
/*
 * load_microtasks.c - microtasks and next ticks, as a chain or as a breadth.
 *
 * A task starts a round and the last microtask of the round submits the next task, so the loop is
 * busy all the time and the controlling thread only reads a counter. In a chain each microtask
 * queues the next one; in a breadth the task queues all of them at once. The checkpoint must have
 * run them all when the next task starts (M1), in order (M3): checked at every task and every
 * microtask.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <inttypes.h>

static struct {
    struct gauge ran; /* microtasks, published at the end of each round */
    struct gauge stop;
    struct gauge stopped;
    struct stage stage;
    struct race *race;
    uint64_t count; /* per round */
    bool breadth, ticks, both;
    /* loop thread */
    uint64_t next, total, disorder, refused;
} self;

static void start_round(void *arg);

static void queue(velo_fn fn, uint64_t number)
{
    bool tick = self.ticks || (self.both && number % 2 == 0);
    int rc = tick ? velo_next_tick(self.stage.loop, fn, word_to_arg(number))
                  : velo_queue_microtask(self.stage.loop, fn, word_to_arg(number));
    self.refused += rc != 0;
}

static void end_round(void)
{
    self.total += self.count;
    gauge_set(&self.ran, self.total);
    if (gauge_get(&self.stop) != 0 || velo_submit(self.stage.loop, start_round, NULL) != 0)
        gauge_set(&self.stopped, 1);
}

static void check_number(const void *arg)
{
    self.disorder += word_from_arg(arg) != self.next;
    self.next++;
}

static void link_of_chain(void *arg)
{
    check_number(arg);
    if (self.next < self.count)
        queue(link_of_chain, self.next);
    else
        end_round();
}

static void one_of_breadth(void *arg)
{
    check_number(arg);
    if (self.next == self.count)
        end_round();
}

static void start_round(void *arg)
{
    (void)arg;
    self.disorder += self.total > 0 && self.next != self.count;
    self.next = 0;
    if (!self.breadth) {
        queue(link_of_chain, 0);
        return;
    }
    for (uint64_t i = 0; i < self.count; i++)
        queue(one_of_breadth, i);
}

static uint64_t delivered(void)
{
    return gauge_get(&self.ran);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch(delivered, duration_ns, out);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.stopped, 1, race->cpus.spins)) {
        race_late(race, "a round of microtasks did not end within 5 s: some were lost");
        return;
    }
    stage_close(&self.stage);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " microtasks out of order", self.disorder);
    if (self.refused > 0)
        race_fail(race, "%" PRIu64 " microtasks were refused", self.refused);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.count = params_integer(&race->params, "count");
    self.breadth = params_is(&race->params, "shape", "breadth");
    self.ticks = params_is(&race->params, "kind", "tick");
    self.both = params_is(&race->params, "kind", "both");
    if (self.breadth && self.both) {
        race_fail(race, "shape = breadth has one order only for kind = micro or tick");
        return;
    }
    if (!stage_open(&self.stage, race))
        return;
    if (!race_check(race, velo_submit(self.stage.loop, start_round, NULL), "velo_submit") ||
        !window_run(race, &plan, &total))
        return;
    finish(race);
    race_metric(race, "ns_per_microtask", (double)total.elapsed_ns / (double)total.units);
    race_metric(race, "microtasks_per_s", (double)total.units * 1e9 / (double)total.elapsed_ns);
}

static const struct param_spec params[] = {
    {"shape", PARAM_CHOICE, 0, 0, 0, "chain|breadth", "each queues the next, or one queues all"},
    {"kind", PARAM_CHOICE, 0, 0, 0, "micro|tick|both", "microtasks, next ticks, or by turns"},
    {"count", PARAM_INTEGER, 1, 100000, 1000, NULL, "microtasks per task"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_microtask", "ns", false},
    {"microtasks_per_s", "1/s", true},
    {NULL, NULL, false},
};

const struct load load_microtasks = {
    .name = "microtasks",
    .summary = "microtasks and next ticks, as a chain or as a breadth",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_MICROTASKS,
    .run = run,
};
