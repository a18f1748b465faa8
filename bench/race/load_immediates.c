/* SPDX-License-Identifier: MIT */
/*
 * load_immediates.c - immediates that set themselves again, one phase after the other.
 *
 * All of them are there when a phase begins, and what they set is for the next one (R2), so each
 * turn runs every one once, in order: checked at each. The loop never sleeps and the controlling
 * thread only reads a counter. [beside] something else is due in each turn and must not be starved:
 *
 *   fd     an eventfd that stays readable: called at least in every second turn (F8)
 *   timer  one of 1 ms that arms itself again: its lateness is measured, early fails (T1)
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TIMER_NS NS_PER_MS

static struct {
    struct gauge ran; /* published at the end of each phase */
    struct gauge stop, stopped;
    struct stage stage;
    struct race *race;
    uint64_t pending;
    bool fd, timer;
    int event_fd;
    velo_id fd_id, timer_id;
    /* loop thread */
    uint64_t next, total, disorder, phases, fd_calls, due_ns, firings, early;
    int rc;
    struct recorder lateness;
} self;

static void note(int rc)
{
    if (rc != 0 && self.rc == 0)
        self.rc = rc;
}

static void on_immediate(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.disorder += number != self.next;
    self.next = self.next + 1 == self.pending ? 0 : self.next + 1;
    self.total++;
    if (number + 1 == self.pending) {
        self.phases++;
        gauge_set(&self.ran, self.total);
    }
    if (gauge_get(&self.stop) == 0)
        note(velo_set_immediate(self.stage.loop, on_immediate, arg, NULL));
    else
        gauge_step(&self.stopped);
}

static void on_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    self.fd_calls++;
}

static void on_timer(void *arg)
{
    uint64_t now_ns = clock_now_ns();
    (void)arg;
    self.early += now_ns < self.due_ns;
    recorder_add(&self.lateness, now_ns > self.due_ns ? now_ns - self.due_ns : 0);
    self.firings++;
    self.due_ns = clock_now_ns() + TIMER_NS;
    note(velo_timer_start(self.stage.loop, TIMER_NS, 0, on_timer, NULL, &self.timer_id));
}

static void start(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < self.pending; i++)
        note(velo_set_immediate(self.stage.loop, on_immediate, word_to_arg(i), NULL));
    self.due_ns = clock_now_ns() + TIMER_NS;
    if (self.timer)
        note(velo_timer_start(self.stage.loop, TIMER_NS, 0, on_timer, NULL, &self.timer_id));
    if (self.fd)
        note(velo_fd_watch(self.stage.loop, self.event_fd, VELO_READ, on_ready, NULL, &self.fd_id));
}

static void end(void *arg)
{
    (void)arg;
    if (self.timer)
        note(velo_timer_cancel(self.stage.loop, self.timer_id));
    if (self.fd)
        note(velo_fd_unwatch(self.stage.loop, self.fd_id));
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

static void verify(struct race *race)
{
    race_check(race, self.rc, "a call inside a callback");
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " immediates out of order", self.disorder);
    if (self.fd && self.fd_calls < self.phases / 2)
        race_fail(race,
                  "a ready descriptor had %" PRIu64 " events in %" PRIu64 " turns",
                  self.fd_calls,
                  self.phases);
    if (self.timer && self.firings == 0)
        race_fail(race, "a timer of 1 ms never fired");
    if (self.early > 0)
        race_fail(race, "%" PRIu64 " timers fired before their delay had passed", self.early);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.stopped, self.pending, race->cpus.spins)) {
        race_late(race,
                  "%" PRIu64 " of %" PRIu64 " immediates were lost",
                  self.pending - gauge_get(&self.stopped),
                  self.pending);
        stage_prove_loss(&self.stage, &self.stopped, self.pending);
        return;
    }
    if (!stage_call(&self.stage, end, NULL))
        return;
    stage_close(&self.stage);
    verify(race);
}

static bool read_params(struct race *race)
{
    const struct params *p = &race->params;
    uint64_t capabilities = velo_impl()->capabilities;
    self.race = race;
    self.pending = params_integer(p, "pending");
    self.fd = params_is(p, "beside", "fd");
    self.timer = params_is(p, "beside", "timer");
    if ((self.fd && !(capabilities & VELO_CAP_FDS)) ||
        (self.timer && !(capabilities & VELO_CAP_TIMERS)))
        race_fail(race, "the contestant cannot do what is beside; give the point what it needs");
    self.event_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self.event_fd < 0)
        race_fail(race, "cannot open an eventfd: %s", strerror(errno));
    return race->result.ok;
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    recorder_init(&self.lateness);
    if (!read_params(race) || !stage_open(&self.stage, race) ||
        !stage_call(&self.stage, start, NULL))
        return;
    if (!window_run(race, &plan, &total))
        return;
    finish(race);
    close(self.event_fd);
    double count = (double)total.units;
    race_metric(race, "ns_per_immediate", (double)total.elapsed_ns / count);
    race_metric(race, "immediates_per_s", count * 1e9 / (double)total.elapsed_ns);
    if (self.timer)
        race_metric_quantile(race, "timer_p99_ns", &self.lateness, 0.99);
    if (race->result.has_counters)
        race_metric(race, "polls_per_immediate", (double)race->result.counters.polls / count);
}

static const struct param_spec params[] = {
    {"pending", PARAM_INTEGER, 1, 1000000, 100, NULL, "immediates of one phase"},
    {"beside", PARAM_CHOICE, 0, 0, 0, "nothing|fd|timer", "what else is due in each turn"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_immediate", "ns", false},
    {"immediates_per_s", "1/s", true},
    {"timer_p99_ns", "ns", false},
    {"polls_per_immediate", "1", false},
    {NULL, NULL, false},
};

const struct load load_immediates = {
    .name = "immediates",
    .summary =
        "immediates that set themselves again, alone or beside a ready descriptor or a timer",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_IMMEDIATES,
    .run = run,
};
