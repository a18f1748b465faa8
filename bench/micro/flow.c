/* SPDX-License-Identifier: MIT */
/* flow.c - see flow.h. */
#include "flow.h"

#include "../race/clock.h"
#include "../race/window.h"

#include <sched.h>

#define FLOW_AHEAD 8192
#define GROUP_MAX 64

const struct metric_spec flow_metrics[] = {
    {"ns_per_op", "ns", false},
    {"wakeups_per_op", "1", false},
    {NULL, NULL, false},
};

/* One flow at a time: its callbacks get a number as their argument, not a pointer. */
static struct {
    struct gauge progress; /* tasks received, in whole batches; the loop writes */
    struct gauge stop;     /* 1: the loop may sleep again; the producer writes */
    struct stage stage;
    struct race *race;
    struct tally sent;     /* the producer's side */
    struct tally received; /* the loop's side, lines apart from the producer's by [stage] */
    size_t group;
} flow;

static void receive(void *arg)
{
    tally_receive(&flow.received, arg);
    if (flow.received.received % MICRO_BATCH == 0)
        gauge_set(&flow.progress, flow.received.received);
}

/* On one processor an idle turn gives way to the producer, or it would fill its time slice. */
static void stay_awake(void *arg)
{
    if (flow.race->cpus.spins == 0)
        sched_yield();
    if (gauge_get(&flow.stop) == 0)
        velo_set_immediate(flow.stage.loop, stay_awake, arg, NULL);
}

static int send_batch(void)
{
    struct velo_task tasks[GROUP_MAX];
    int rc = 0;
    if (flow.group == 1) {
        for (int i = 0; i < MICRO_BATCH && rc == 0; i++)
            rc = velo_submit(flow.stage.loop, receive, tally_next(&flow.sent));
        return rc;
    }
    for (size_t i = 0; i < MICRO_BATCH && rc == 0; i += flow.group) {
        for (size_t k = 0; k < flow.group; k++)
            tasks[k] = (struct velo_task){receive, tally_next(&flow.sent)};
        rc = velo_submit_many(flow.stage.loop, tasks, flow.group);
    }
    return rc;
}

/* Wait until at most [ahead] tasks have not been received. */
static bool let_catch_up(uint64_t ahead)
{
    unsigned spins = flow.race->cpus.spins;
    if (flow.sent.sent <= ahead ||
        gauge_wait_lazy(&flow.progress, flow.sent.sent - ahead, spins, &flow.stop))
        return true;
    race_late(flow.race, "the loop received nothing for 5 s");
    return false;
}

/* From the first submit to the last callback. */
static void lap(void *load, uint64_t duration_ns, struct lap *lap)
{
    (void)load;
    uint64_t sent = flow.sent.sent;
    uint64_t begin_ns = clock_now_ns();
    bool ok = true;
    do {
        ok = race_check(flow.race, send_batch(), "velo_submit") && let_catch_up(FLOW_AHEAD);
    } while (ok && clock_now_ns() < begin_ns + duration_ns);
    let_catch_up(0);
    lap->elapsed_ns = clock_now_ns() - begin_ns;
    lap->units = flow.sent.sent - sent;
}

static void report(const struct lap *total)
{
    struct race *race = flow.race;
    micro_report(race, total);
    if (race->result.has_counters)
        race_metric(
            race, "wakeups_per_op", (double)race->result.counters.wakeups / (double)total->units);
}

void flow_run(struct race *race, size_t group)
{
    struct lap total;
    struct window_plan plan = {.lap = lap, .stage = &flow.stage};
    flow.race = race;
    flow.group = group;
    if (!stage_open(&flow.stage, race) || !stage_call(&flow.stage, stay_awake, NULL))
        return;
    if (window_run(race, &plan, &total))
        report(&total);
    gauge_set(&flow.stop, 1);
    stage_close(&flow.stage);
    flow.received.sent = flow.sent.sent;
    if (race->result.ok)
        tally_verify(&flow.received, race);
}
