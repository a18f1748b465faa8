/* SPDX-License-Identifier: MIT */
/*
 * load_producers.c - one to sixteen threads submit as fast as the loop takes it.
 *
 * What counts is delivered work: tasks that ran, read twice with the clock, never submit calls. A
 * producer that is faster than the loop would only measure how an unbounded queue fills memory, so
 * each producer has credit: it may be so many tasks ahead of its own executed ones, and waits, when
 * the credit is spent, until half of it is back. It looks at the loop's counter only then, and
 * about once in a microsecond, because every look takes a cache line from the loop. So the cost is
 * that of a pipeline in balance: the slower of submitting and running, and the traffic between
 * both.
 *
 * Producers beyond the second on two processors measure oversubscription; the report says how many
 * processors there were. A task's argument is (producer, number): each producer's order and sum are
 * checked to the last task after the window.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PRODUCERS_MAX 16
#define BATCH_MAX 256
#define LANE_SHIFT 48

/* Grouped by writer. NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct lane {
    struct gauge executed;         /* written by the loop */
    uint64_t count, disorder, sum; /* loop thread */
    alignas(128) uint64_t sent;    /* producer's thread, like all that follows */
    uint64_t sent_sum;
    uint64_t known; /* the last value of [executed] it has seen */
    int index;
    int rc;
    pthread_t thread;
    struct velo_task tasks[BATCH_MAX];
};

static struct {
    struct gauge stop;
    struct lane lanes[PRODUCERS_MAX];
    struct stage stage;
    struct race *race;
    uint64_t batch, credit;
    int threads;
} self;

static void on_task(void *arg)
{
    uint64_t word = word_from_arg(arg);
    struct lane *lane = &self.lanes[word >> LANE_SHIFT];
    uint64_t number = word & ((UINT64_C(1) << LANE_SHIFT) - 1);
    lane->disorder += number != lane->count;
    lane->sum += number;
    gauge_set(&lane->executed, ++lane->count);
}

static void *next_arg(struct lane *lane)
{
    uint64_t number = lane->sent++;
    lane->sent_sum += number;
    return word_to_arg((uint64_t)lane->index << LANE_SHIFT | number);
}

/* [sent] and [sent_sum] run ahead of the call: after a refusal the run has failed anyway. */
static int submit_some(struct lane *lane)
{
    if (self.batch == 1)
        return velo_submit(self.stage.loop, on_task, next_arg(lane));
    for (uint64_t i = 0; i < self.batch; i++)
        lane->tasks[i] = (struct velo_task){on_task, next_arg(lane)};
    return velo_submit_many(self.stage.loop, lane->tasks, self.batch);
}

static bool wait_for_credit(struct lane *lane)
{
    lane->known = gauge_get(&lane->executed);
    if (lane->sent - lane->known + self.batch <= self.credit)
        return true;
    uint64_t target = lane->sent - self.credit / 2;
    bool good = gauge_wait_lazy(&lane->executed, target, self.race->cpus.spins, &self.stop);
    lane->known = gauge_get(&lane->executed);
    return good;
}

static void *produce(void *arg)
{
    struct lane *lane = arg;
    placement_enter_generator(&self.race->cpus, lane->index);
    while (gauge_get(&self.stop) == 0 && lane->rc == 0) {
        if (lane->sent - lane->known + self.batch <= self.credit)
            lane->rc = submit_some(lane);
        else if (!wait_for_credit(lane))
            lane->rc = -ETIMEDOUT;
    }
    return NULL;
}

static uint64_t delivered(void)
{
    uint64_t total = 0;
    for (int i = 0; i < self.threads; i++)
        total += gauge_get(&self.lanes[i].executed);
    return total;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch(delivered, duration_ns, out);
}

static bool start_producers(struct race *race)
{
    for (int i = 0; i < self.threads; i++) {
        self.lanes[i].index = i;
        int rc = pthread_create(&self.lanes[i].thread, NULL, produce, &self.lanes[i]);
        if (rc != 0) {
            race_fail(race, "cannot start producer %d: %s", i, strerror(rc));
            return false;
        }
    }
    return true;
}

static void verify_lane(struct race *race, struct lane *lane)
{
    if (lane->rc == -ETIMEDOUT)
        race_late(race, "producer %d: the loop ran none of its tasks for 5 s", lane->index);
    race_check(race, lane->rc, "velo_submit by a producer");
    if (!gauge_wait(&lane->executed, lane->sent, race->cpus.spins)) {
        race_late(race,
                  "producer %d: lost %" PRIu64 " of %" PRIu64 " tasks",
                  lane->index,
                  lane->sent - gauge_get(&lane->executed),
                  lane->sent);
        stage_prove_loss(&self.stage, &lane->executed, lane->sent);
    }
    if (lane->disorder > 0)
        race_fail(race, "producer %d: %" PRIu64 " tasks out of order", lane->index, lane->disorder);
}

/* Counts and sums again, when no more task can come. */
static void verify_end(struct race *race)
{
    for (int i = 0; i < self.threads; i++) {
        const struct lane *lane = &self.lanes[i];
        if (lane->count != lane->sent)
            race_fail(race, "producer %d: a task ran twice", i);
        if (lane->sum != lane->sent_sum)
            race_fail(race, "producer %d: wrong checksum", i);
    }
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    for (int i = 0; i < self.threads; i++)
        pthread_join(self.lanes[i].thread, NULL);
    for (int i = 0; i < self.threads; i++)
        verify_lane(race, &self.lanes[i]);
    stage_close(&self.stage);
    verify_end(race);
}

static void report(struct race *race, const struct lap *total)
{
    double tasks = (double)total->units;
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < self.threads; i++) {
        least = self.lanes[i].sent < least ? self.lanes[i].sent : least;
        most = self.lanes[i].sent > most ? self.lanes[i].sent : most;
    }
    race_metric(race, "ns_per_task", (double)total->elapsed_ns / tasks);
    race_metric(race, "tasks_per_s", tasks * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_task", (double)race->result.covariates.cpu_ns / tasks);
    if (least > 0)
        race_metric(race, "unfairness", (double)most / (double)least);
    if (race->result.has_counters)
        race_metric(race, "wakeups_per_task", (double)race->result.counters.wakeups / tasks);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.threads = (int)params_integer(&race->params, "threads");
    self.batch = params_integer(&race->params, "batch");
    self.credit = params_integer(&race->params, "credit") / (uint64_t)self.threads;
    if (self.credit < 2 * self.batch)
        self.credit = 2 * self.batch;
    if (!stage_open(&self.stage, race) || !start_producers(race))
        return;
    if (!window_run(race, &plan, &total))
        return;
    finish(race);
    report(race, &total);
}

static const struct param_spec params[] = {
    {"threads", PARAM_INTEGER, 1, PRODUCERS_MAX, 1, NULL, "producers"},
    {"batch", PARAM_INTEGER, 1, BATCH_MAX, 1, NULL, "tasks per velo_submit_many; 1 = velo_submit"},
    {"credit", PARAM_INTEGER, 64, 1 << 20, 4096, NULL, "tasks ahead of the loop, all producers"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_task", "ns", false},
    {"tasks_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"unfairness", "1", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_producers = {
    .name = "producers",
    .summary = "threads that submit as fast as the loop takes it",
    .params = params,
    .metrics = metrics,
    .ceiling = true,
    .run = run,
};
