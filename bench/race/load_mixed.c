/* SPDX-License-Identifier: MIT */
/*
 * load_mixed.c - tasks, descriptors and timers at once, on one Poisson schedule.
 *
 * Of 100 arrivals 70 are tasks, 20 are messages of eight bytes into one of eight pipes, and 10 arm
 * a timer of 1 ms (all from the generator's thread). A message carries its number, so each arrival
 * is found again and checked: tasks, messages of one pipe and timers (all have the same delay) must
 * come in order. Latency counts from the intended time, of a timer from its intended deadline; a
 * timer that fires before its delay has passed fails the run (T1). The rate is a share of the
 * common rate of this mixture, found as in load_open_loop.c.
 */
#include "arrivals.h"
#include "clock.h"
#include "random.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define SLOTS ((uint64_t)1 << 15)
#define PIPES 8
#define LANES (2 + PIPES) /* tasks, timers, and each pipe for itself */
#define LANE_TASKS 0
#define LANE_TIMERS 1
#define TASK_PERCENT 70
#define PIPE_PERCENT 20
#define TIMER_DELAY_NS NS_PER_MS
#define PILOT_CREDIT 1024
#define MESSAGES_PER_READ 64

enum kind { KIND_TASK, KIND_PIPE, KIND_TIMER, KINDS };

struct slot {
    struct gauge free; /* arrivals of this slot that have come through; written by the loop */
    uint64_t number, intended_ns, sent_ns;
};

static struct {
    struct stage stage;
    struct race *race;
    /* loop thread */
    uint64_t sum, disorder, overtaken, early;
    uint64_t next[LANES]; /* the smallest number that may come next in each lane */
    struct recorder by_kind[KINDS];
    /* generator's thread */
    uint64_t sent_sum;
    struct random random;
    bool edge;
    int read_fds[PIPES], write_fds[PIPES];
    velo_id ids[PIPES];
    struct arrivals arrivals;
    struct slot slots[SLOTS];
} self;

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

/* An arrival has come through. [delay_ns] is what it had to wait anyway. */
static void arrive(enum kind kind, int lane, uint64_t number, uint64_t delay_ns)
{
    struct slot *slot = &self.slots[number % SLOTS];
    uint64_t now_ns = clock_now_ns();
    self.overtaken += slot->number != number;
    self.disorder += number < self.next[lane];
    self.next[lane] = number + 1;
    self.early += since(now_ns, slot->sent_ns) < delay_ns;
    self.sum += number;
    uint64_t latency_ns = since(now_ns, slot->intended_ns + delay_ns);
    uint64_t uncorrected_ns = since(now_ns, slot->sent_ns + delay_ns);
    gauge_step(&slot->free);
    if (arrivals_deliver(&self.arrivals, number, latency_ns, uncorrected_ns))
        recorder_add(&self.by_kind[kind], latency_ns);
}

static void on_task(void *arg)
{
    arrive(KIND_TASK, LANE_TASKS, word_from_arg(arg), 0);
}

static void on_timer(void *arg)
{
    arrive(KIND_TIMER, LANE_TIMERS, word_from_arg(arg), TIMER_DELAY_NS);
}

/* False: the pipe is empty. */
static bool read_messages(int fd, int pipe_index)
{
    uint64_t messages[MESSAGES_PER_READ];
    ssize_t size = read(fd, messages, sizeof messages);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof messages[0]; i++)
        arrive(KIND_PIPE, LANE_TIMERS + 1 + pipe_index, messages[i], 0);
    return size > 0;
}

/* Edge-triggered it is told once, so it reads until nothing is left. */
static void on_message(int fd, unsigned events, void *arg)
{
    int pipe_index = (int)word_from_arg(arg);
    (void)events;
    while (read_messages(fd, pipe_index) && self.edge)
        continue;
}

static bool write_message(int fd, uint64_t number)
{
    uint64_t deadline_ns = clock_now_ns() + GAUGE_PATIENCE_NS;
    while (write(fd, &number, sizeof number) != (ssize_t)sizeof number) {
        if (errno != EAGAIN) {
            race_fail(self.race, "cannot write to a pipe: %s", strerror(errno));
            return false;
        }
        if (clock_now_ns() > deadline_ns) {
            race_late(self.race, "a full pipe was not read for 5 s");
            return false;
        }
        sched_yield();
    }
    return true;
}

static bool send_kind(uint64_t number)
{
    uint64_t draw = random_below(&self.random, 100);
    if (draw < TASK_PERCENT)
        return race_check(
            self.race, velo_submit(self.stage.loop, on_task, word_to_arg(number)), "velo_submit");
    if (draw < TASK_PERCENT + PIPE_PERCENT)
        return write_message(self.write_fds[number % PIPES], number);
    int rc =
        velo_timer_start(self.stage.loop, TIMER_DELAY_NS, 0, on_timer, word_to_arg(number), NULL);
    return race_check(self.race, rc, "velo_timer_start");
}

static bool send_arrival(void *load, uint64_t intended_ns, uint64_t now_ns)
{
    const struct arrivals *arrivals = load;
    uint64_t number = arrivals->generator.sent;
    struct slot *slot = &self.slots[number % SLOTS];
    /* The arrival that had this slot before may be a timer that is late: then we are late as well.
     */
    if (!gauge_wait(&slot->free, number / SLOTS, self.race->cpus.spins)) {
        race_late(self.race, "arrival %" PRIu64 " did not come through for 5 s", slot->number);
        return false;
    }
    slot->number = number;
    slot->intended_ns = intended_ns;
    slot->sent_ns = now_ns;
    self.sent_sum += number;
    return send_kind(number);
}

static bool open_pipes(struct race *race)
{
    for (int i = 0; i < PIPES; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
            race_fail(race, "cannot open a pipe: %s", strerror(errno));
            return false;
        }
        self.read_fds[i] = fds[0];
        self.write_fds[i] = fds[1];
        unsigned events = VELO_READ | (self.edge ? VELO_EDGE : 0U);
        void *index = word_to_arg((uint64_t)i);
        int rc = velo_fd_watch(self.stage.loop, fds[0], events, on_message, index, &self.ids[i]);
        if (!race_check(race, rc, "velo_fd_watch"))
            return false;
    }
    return true;
}

static void close_pipes(struct race *race)
{
    for (int i = 0; i < PIPES; i++) {
        race_check(race, velo_fd_unwatch(self.stage.loop, self.ids[i]), "velo_fd_unwatch");
        close(self.write_fds[i]);
        close(self.read_fds[i]);
    }
}

static void verify(struct race *race)
{
    if (self.arrivals.count != self.arrivals.generator.sent || self.sum != self.sent_sum)
        race_fail(race,
                  "%" PRIu64 " arrivals came through of %" PRIu64 ", or the wrong ones",
                  self.arrivals.count,
                  self.arrivals.generator.sent);
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " arrivals out of order", self.disorder);
    if (self.overtaken > 0)
        race_fail(race, "%" PRIu64 " arrivals came through twice", self.overtaken);
    if (self.early > 0)
        race_fail(race, "%" PRIu64 " timers fired before their delay had passed", self.early);
}

static void report(struct race *race)
{
    const struct result *result = &race->result;
    double arrivals = (double)arrivals_in_window(&self.arrivals);
    arrivals_report(&self.arrivals);
    race_metric_quantile(race, "task_p99_ns", &self.by_kind[KIND_TASK], 0.99);
    race_metric_quantile(race, "fd_p99_ns", &self.by_kind[KIND_PIPE], 0.99);
    race_metric_quantile(race, "timer_p99_ns", &self.by_kind[KIND_TIMER], 0.99);
    race_metric(race, "cpu_ns_per_arrival", (double)result->covariates.cpu_ns / arrivals);
    if (result->has_counters)
        race_metric(race, "wakeups_per_arrival", (double)result->counters.wakeups / arrivals);
}

static void init(struct race *race)
{
    self.race = race;
    self.random.state = race->seed;
    self.edge = params_is(&race->params, "trigger", "edge");
    arrivals_init(&self.arrivals, race, send_arrival);
    for (int kind = 0; kind < KINDS; kind++)
        recorder_init(&self.by_kind[kind]);
}

static void run(struct race *race)
{
    struct lap total;
    init(race);
    if (!stage_open(&self.stage, race) || !open_pipes(race) ||
        !arrivals_find_rate(&self.arrivals, PILOT_CREDIT))
        return;
    double rate = race->result.common_rate * params_number(&race->params, "percent") / 100;
    if (!arrivals_run(&self.arrivals, &self.stage, rate, true, &total))
        return;
    close_pipes(race);
    stage_close(&self.stage);
    verify(race);
    report(race);
}

static const struct param_spec params[] = {
    {"percent", PARAM_NUMBER, 0.001, 200, 60, NULL, "share of the common rate"},
    {"trigger", PARAM_CHOICE, 0, 0, 0, "level|edge", "how the pipes are watched"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"latency_p99_ns", "ns", false},
    {"latency_p50_ns", "ns", false},
    {"task_p99_ns", "ns", false},
    {"fd_p99_ns", "ns", false},
    {"timer_p99_ns", "ns", false},
    {"offered_per_s", "1/s", true},
    {"cpu_ns_per_arrival", "ns", false},
    {"wakeups_per_arrival", "1", false},
    {NULL, NULL, false},
};

const struct load load_mixed = {
    .name = "mixed",
    .summary = "70 % tasks, 20 % pipe messages, 10 % timers on a Poisson schedule",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_FDS | VELO_CAP_TIMERS | VELO_CAP_TIMER_ANY_THREAD,
    .uses_common_rate = true,
    .run = run,
};
