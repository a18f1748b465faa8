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
 * With [work_ns] each task uses the processor for so long, as one that does something. The threads
 * and their books: crew.h.
 */
#include "clock.h"
#include "crew.h"

#include <errno.h>

#define BATCH_MAX 256

static struct {
    uint64_t batch, credit, work_ns;
} self;

static void on_task(void *arg)
{
    clock_burn(self.work_ns);
    crew_receive(arg);
}

/* [sent] and [sent_sum] run ahead of the call: after a refusal the run has failed anyway. */
static int submit_some(struct crew_lane *lane, struct velo_task *tasks)
{
    for (uint64_t i = 0; i < self.batch; i++) {
        tasks[i] = (struct velo_task){on_task, crew_arg(lane)};
        crew_sent(lane);
    }
    return self.batch == 1 ? velo_submit(crew.stage.loop, on_task, tasks[0].arg)
                           : velo_submit_many(crew.stage.loop, tasks, self.batch);
}

/* [*known] is the last value of [executed] that this producer has seen. */
static bool wait_for_credit(struct crew_lane *lane, uint64_t *known)
{
    *known = gauge_get(&lane->executed);
    if (lane->sent - *known + self.batch <= self.credit)
        return true;
    uint64_t target = lane->sent - self.credit / 2;
    bool good = gauge_wait_lazy(&lane->executed, target, crew.race->cpus.spins, &crew.stop);
    *known = gauge_get(&lane->executed);
    return good;
}

static void produce(struct crew_lane *lane)
{
    struct velo_task tasks[BATCH_MAX];
    uint64_t known = 0;
    while (gauge_get(&crew.stop) == 0 && lane->rc == 0) {
        if (lane->sent - known + self.batch <= self.credit)
            lane->rc = submit_some(lane, tasks);
        else if (!wait_for_credit(lane, &known))
            lane->rc = -ETIMEDOUT;
    }
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct lap total;
    uint64_t threads = params_integer(p, "threads");
    self.batch = params_integer(p, "batch");
    self.work_ns = params_integer(p, "work_ns");
    self.credit = params_integer(p, "credit") / threads;
    if (self.credit < 2 * self.batch)
        self.credit = 2 * self.batch;
    if (!crew_open(race, (int)threads, produce) || !crew_run(&total))
        return;
    crew_close();
    crew_report(&total);
}

static const struct param_spec params[] = {
    {"threads", PARAM_INTEGER, 1, CREW_MAX, 1, NULL, "producers"},
    {"batch", PARAM_INTEGER, 1, BATCH_MAX, 1, NULL, "tasks per velo_submit_many; 1 = velo_submit"},
    {"credit", PARAM_INTEGER, 64, 1 << 20, 4096, NULL, "tasks ahead of the loop, all producers"},
    {"work_ns", PARAM_INTEGER, 0, 1000000, 0, NULL, "what each task does, processor time"},
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
