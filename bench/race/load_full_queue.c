/* SPDX-License-Identifier: MIT */
/*
 * load_full_queue.c - a bounded queue that is full: most submits are refused, and each refusal is
 * tried again at once.
 *
 * What counts is tasks that ran. Each uses the processor for [work_ns], or the queue would not be
 * full; a run in which nothing was refused fails. A refusal is -EAGAIN, nothing else (S1); every
 * 64th is timed. Now and then a task looks whether more were accepted than may be pending: what the
 * producers had published before, less what has begun, is never more than is pending at that time.
 * The threads and their books: crew.h.
 */
#include "clock.h"
#include "crew.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>

#define TIMED_EVERY 64 /* refusals, of each thread */
#define LOOKED_EVERY 8 /* tasks */

static struct {
    uint64_t max_pending, work_ns;
    uint64_t begun, over;              /* loop thread: tasks; looks that found too many pending */
    struct recorder refusal[CREW_MAX]; /* each by its thread */
} self;

static void bound(struct velo_options *options)
{
    options->max_pending = (size_t)self.max_pending;
}

static void on_task(void *arg)
{
    if (++self.begun % LOOKED_EVERY == 0) {
        uint64_t accepted = 0;
        for (int i = 0; i < crew.threads; i++)
            accepted += gauge_get(&crew.lanes[i].accepted);
        self.over += accepted > self.begun + self.max_pending;
    }
    clock_burn(self.work_ns);
    crew_receive(arg);
}

static int submit_timed(struct crew_lane *lane)
{
    uint64_t start_ns = clock_now_ns();
    int rc = velo_submit(crew.stage.loop, on_task, crew_arg(lane));
    if (rc == -EAGAIN)
        recorder_add(&self.refusal[lane->index], clock_now_ns() - start_ns);
    return rc;
}

/* A queue that has no bound after all must not fill the memory until that is found out. */
static void hold_back(struct crew_lane *lane)
{
    uint64_t ahead = 4 * self.max_pending;
    if (lane->sent % LOOKED_EVERY == 0 && lane->sent - gauge_get(&lane->executed) > ahead)
        gauge_wait_lazy(&lane->executed, lane->sent - ahead, crew.race->cpus.spins, &crew.stop);
}

/* On a shared processor whoever is refused gives way to the loop. */
static void produce(struct crew_lane *lane)
{
    recorder_init(&self.refusal[lane->index]);
    while (gauge_get(&crew.stop) == 0 && lane->rc == 0) {
        int rc = lane->refused % TIMED_EVERY == 0
                     ? submit_timed(lane)
                     : velo_submit(crew.stage.loop, on_task, crew_arg(lane));
        if (rc == 0) {
            crew_sent(lane);
            gauge_set(&lane->accepted, lane->sent);
            hold_back(lane);
            continue;
        }
        if (rc != -EAGAIN)
            lane->rc = rc;
        lane->refused++;
        if (crew.race->cpus.spins == 0)
            sched_yield();
    }
}

static void report(struct race *race, const struct lap *total)
{
    static struct recorder refusal;
    uint64_t refused = 0, sent = 0;
    recorder_init(&refusal);
    for (int i = 0; i < crew.threads; i++) {
        recorder_merge(&refusal, &self.refusal[i]);
        refused += crew.lanes[i].refused;
        sent += crew.lanes[i].sent;
    }
    crew_report(total);
    race_metric_quantile(race, "refusal_p50_ns", &refusal, 0.5);
    race_metric(race, "refusals_per_task", (double)refused / (double)sent);
    if (self.over > 0)
        race_fail(race,
                  "%" PRIu64 " times more than %" PRIu64 " tasks were pending",
                  self.over,
                  self.max_pending);
    if (refused == 0)
        race_fail(race, "nothing was refused: the queue was never full, or has no bound");
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct lap total;
    self.max_pending = params_integer(p, "max_pending");
    self.work_ns = params_integer(p, "work_ns");
    race->tune = bound;
    if (!crew_open(race, (int)params_integer(p, "threads"), produce) || !crew_run(&total))
        return;
    crew_close();
    report(race, &total);
}

static const struct param_spec params[] = {
    {"threads", PARAM_INTEGER, 1, CREW_MAX, 2, NULL, "producers"},
    {"max_pending", PARAM_INTEGER, 1, 1 << 20, 64, NULL, "tasks that may be pending"},
    {"work_ns", PARAM_INTEGER, 0, 1000000, 500, NULL, "what each task does, processor time"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_task", "ns", false},
    {"tasks_per_s", "1/s", true},
    {"refusal_p50_ns", "ns", false},
    {"refusals_per_task", "1", false},
    {"cpu_ns_per_task", "ns", false},
    {"unfairness", "1", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_full_queue = {
    .name = "full_queue",
    .summary = "threads that submit to a bounded queue that is full",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_BOUNDED,
    .run = run,
};
