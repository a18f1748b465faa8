/* SPDX-License-Identifier: MIT */
/*
 * load_timer_late.c - how late a timer fires, on a loop that has other things to do.
 *
 * [timers] one shot timers, each armed again in its own callback with a delay between half and one
 * and a half of [delay_us], so they do not fall into step. Lateness counts from the deadline: the
 * clock before the call that armed it, plus the delay. A timer that fires before that fails the run
 * (T1). The load beside them is tasks of 20 us of processor time on a Poisson schedule, as many as
 * fill [percent] of the loop's time: the same for everybody (what comes while 2 ms of them are
 * pending is left out; load_share says what was really done). At [percent] 0 the loop has nothing
 * else, and a good part of the lateness is the kernel's.
 */
#include "clock.h"
#include "open_loop.h"
#include "random.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>

#define TIMERS_MAX 100000
#define TASK_NS (20 * NS_PER_US)
#define TASKS_AHEAD 100 /* 2 ms of them; a loop that got no processor is not buried deeper */

struct timer {
    uint64_t due_ns; /* 0 = not armed */
};

static struct {
    struct gauge recording; /* 1: the window is open */
    struct gauge fired, late_sum;
    struct gauge stop;
    struct gauge stopped; /* timers that were not armed again */
    struct gauge tasks_done;
    struct stage stage;
    struct race *race;
    uint64_t timers, delay_ns;
    uint64_t percent;
    /* loop thread */
    struct random random;
    uint64_t armed, early, unarmed, sum_ns;
    int rc;
    struct recorder lateness;
    struct timer all[TIMERS_MAX];
    struct open_loop generator; /* of the tasks beside them */
    uint64_t tasks_sent, opened_ns, closed_ns, done_at_open, done_at_close;
} self;

static void on_timer(void *arg);

static void arm(uint64_t index)
{
    uint64_t delay_ns = self.delay_ns / 2 + random_below(&self.random, self.delay_ns + 1);
    self.all[index].due_ns = clock_now_ns() + delay_ns;
    int rc = velo_timer_start(self.stage.loop, delay_ns, 0, on_timer, word_to_arg(index), NULL);
    self.armed++;
    if (rc != 0 && self.rc == 0)
        self.rc = rc;
}

static void on_timer(void *arg)
{
    uint64_t index = word_from_arg(arg), now_ns = clock_now_ns();
    struct timer *timer = &self.all[index];
    uint64_t late_ns = now_ns > timer->due_ns ? now_ns - timer->due_ns : 0;
    self.unarmed += timer->due_ns == 0;
    self.early += now_ns < timer->due_ns;
    self.sum_ns += late_ns;
    if (gauge_get(&self.recording) != 0)
        recorder_add(&self.lateness, late_ns);
    gauge_set(&self.late_sum, self.sum_ns);
    gauge_step(&self.fired);
    timer->due_ns = 0;
    if (gauge_get(&self.stop) == 0)
        arm(index);
    else
        gauge_step(&self.stopped);
}

static void arm_all(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < self.timers; i++)
        arm(i);
}

static void on_task(void *arg)
{
    (void)arg;
    clock_burn(TASK_NS);
    gauge_step(&self.tasks_done);
}

static bool send_task(void *load, uint64_t intended_ns, uint64_t now_ns)
{
    (void)load;
    (void)intended_ns;
    (void)now_ns;
    if (self.tasks_sent - gauge_get(&self.tasks_done) >= TASKS_AHEAD)
        return true;
    self.tasks_sent++;
    return race_check(self.race, velo_submit(self.stage.loop, on_task, NULL), "velo_submit");
}

/* The cost of a lap is the mean lateness. It goes on until the firings carry a percentile. */
static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t fired = gauge_get(&self.fired), sum = gauge_get(&self.late_sum);
    uint64_t start_ns = clock_now_ns();
    (void)load;
    do {
        if (self.percent > 0)
            open_loop_run(&self.generator, duration_ns);
        else
            clock_sleep_until(clock_now_ns() + duration_ns);
        out->units = gauge_get(&self.fired) - fired;
        out->elapsed_ns = gauge_get(&self.late_sum) - sum;
    } while (self.race->result.ok && out->units < ARRIVALS_FOR_P99 &&
             clock_now_ns() - start_ns < GAUGE_PATIENCE_NS);
}

static void open_window(void *load)
{
    (void)load;
    if (self.percent > 0)
        open_loop_resume(&self.generator);
    gauge_set(&self.recording, 1);
    self.opened_ns = clock_now_ns();
    self.done_at_open = gauge_get(&self.tasks_done);
}

static void close_window(void)
{
    self.closed_ns = clock_now_ns();
    self.done_at_close = gauge_get(&self.tasks_done);
    gauge_set(&self.stop, 1);
}

static void verify(struct race *race)
{
    if (!gauge_wait(&self.tasks_done, self.tasks_sent, race->cpus.spins))
        race_late(race, "tasks beside the timers were lost");
    if (!gauge_wait(&self.stopped, self.timers, race->cpus.spins))
        race_late(race,
                  "%" PRIu64 " of %" PRIu64 " timers did not fire for 5 s",
                  self.timers - gauge_get(&self.stopped),
                  self.timers);
    race_check(race, self.rc, "velo_timer_start");
    stage_close(&self.stage);
    if (self.early > 0)
        race_fail(race, "%" PRIu64 " timers fired before their delay had passed", self.early);
    if (self.unarmed > 0 || gauge_get(&self.fired) != self.armed)
        race_fail(race,
                  "%" PRIu64 " timers were armed, %" PRIu64 " fired, %" PRIu64 " of them twice",
                  self.armed,
                  gauge_get(&self.fired),
                  self.unarmed);
}

static void report(struct race *race, const struct lap *total)
{
    struct result *result = &race->result;
    double firings = (double)total->units;
    result->latency = &self.lateness;
    if (self.percent > 0)
        result->slip = &self.generator.slip;
    race_metric_quantile(race, "lateness_p99_ns", &self.lateness, 0.99);
    race_metric_quantile(race, "lateness_p50_ns", &self.lateness, 0.5);
    race_metric_quantile(race, "lateness_p999_ns", &self.lateness, 0.999);
    double window_ns = (double)(self.closed_ns - self.opened_ns);
    double tasks = (double)(self.done_at_close - self.done_at_open);
    race_metric(race, "load_share", tasks * (double)TASK_NS / window_ns);
    race_metric(race, "cpu_ns_per_firing", (double)result->covariates.cpu_ns / firings);
    race_metric(
        race, "switches_per_firing", (double)result->covariates.voluntary_switches / firings);
    if (result->has_counters)
        race_metric(race, "polls_per_firing", (double)result->counters.polls / firings);
}

static void schedule(struct race *race)
{
    self.generator.race = race;
    self.generator.send = send_task;
    if (self.percent == 0)
        return;
    double rate = (double)self.percent / 100 * 1e9 / (double)TASK_NS;
    open_loop_schedule(&self.generator, rate, true, race->seed);
    open_loop_start(&self.generator);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.random.state = race->seed;
    self.timers = params_integer(&race->params, "timers");
    self.delay_ns = params_integer(&race->params, "delay_us") * NS_PER_US;
    self.percent = params_integer(&race->params, "percent");
    recorder_init(&self.lateness);
    if (!stage_open(&self.stage, race) || !stage_call(&self.stage, arm_all, NULL))
        return;
    schedule(race);
    if (!window_run(race, &plan, &total))
        return;
    close_window();
    verify(race);
    report(race, &total);
}

static const struct param_spec params[] = {
    {"timers", PARAM_INTEGER, 1, TIMERS_MAX, 10, NULL, "timers that are armed again and again"},
    {"delay_us", PARAM_INTEGER, 1, 1000000, 1000, NULL, "their mean delay"},
    {"percent", PARAM_INTEGER, 0, 95, 0, NULL, "of the loop's time, by tasks of 20 us"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"lateness_p99_ns", "ns", false},
    {"lateness_p50_ns", "ns", false},
    {"lateness_p999_ns", "ns", false},
    {"cpu_ns_per_firing", "ns", false},
    {"switches_per_firing", "1", false},
    {"polls_per_firing", "1", false},
    {"load_share", "1", true},
    {NULL, NULL, false},
};

const struct load load_timer_late = {
    .name = "timer_late",
    .summary = "how late timers fire, on a loop that has other things to do",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_TIMERS,
    .run = run,
};
