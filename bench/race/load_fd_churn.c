/* SPDX-License-Identifier: MIT */
/*
 * load_fd_churn.c - descriptors that live for one event: open, watch, one event, unwatch, close.
 *
 * Each is an eventfd that is readable from the start. Whoever closes one and opens the next gets
 * the same number again, which is the trap (F4): the callback has the number of its cycle as
 * argument, and one for another cycle, or one too many, fails the run. [live] - 1 others are
 * watched all the time and never ready.
 *
 *   owner    the callback unwatches and closes its descriptor, opens the next one and watches it
 *   foreign  another thread does all of it, and waits for the event in between (F6)
 *
 * Opening and closing are in the clock, the same two system calls for everybody.
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

#define LIVE_MAX 10000

static struct {
    struct gauge current; /* number of the cycle whose descriptor is watched */
    struct gauge events;  /* of all cycles; written by the loop */
    struct gauge stop, stopped;
    struct stage stage;
    struct race *race;
    bool foreign;
    int fd;
    velo_id id;
    uint64_t reused; /* cycles whose number was that of the one before */
    uint64_t wrong;  /* loop thread: callbacks of another cycle, descriptor or event */
    int rc;
    uint64_t others;
    int other_fds[LIVE_MAX];
    velo_id other_ids[LIVE_MAX];
} self;

static void note(int rc)
{
    if (rc != 0 && self.rc == 0)
        self.rc = rc;
}

static void on_event(int fd, unsigned events, void *arg);

/* Open and watch the next one. */
static void open_next(void)
{
    int last = self.fd;
    gauge_step(&self.current);
    self.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    self.reused += self.fd == last;
    note(self.fd < 0 ? -errno : 0);
    if (self.rc == 0)
        note(velo_fd_watch(self.stage.loop,
                           self.fd,
                           VELO_READ,
                           on_event,
                           word_to_arg(gauge_get(&self.current)),
                           &self.id));
}

static void close_current(void)
{
    note(velo_fd_unwatch(self.stage.loop, self.id));
    note(close(self.fd) == 0 ? 0 : -errno);
}

static void on_event(int fd, unsigned events, void *arg)
{
    uint64_t value = 0;
    bool right = word_from_arg(arg) == gauge_get(&self.current) && (events & VELO_READ) != 0;
    self.wrong += !right || read(fd, &value, sizeof value) != (ssize_t)sizeof value || value != 1;
    if (!self.foreign)
        close_current();
    gauge_step(&self.events);
    if (self.foreign)
        return;
    bool goes_on = gauge_get(&self.stop) == 0 && self.rc == 0;
    if (goes_on)
        open_next();
    if (!goes_on || self.rc != 0)
        gauge_set(&self.stopped, 1);
}

static void never_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    self.wrong++;
}

/* One cycle of another thread. */
static void run_cycle(void)
{
    open_next();
    if (self.rc == 0 && !gauge_wait(&self.events, gauge_get(&self.current), self.race->cpus.spins))
        race_late(self.race, "a watched descriptor that was ready got no event for 5 s");
    close_current();
}

static uint64_t delivered(void)
{
    return gauge_get(&self.events);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    if (!self.foreign) {
        lap_watch(delivered, duration_ns, out);
        if (gauge_get(&self.stopped) != 0) /* before its time: then there is a reason */
            race_check(self.race, self.rc, "a call of the cycle");
        return;
    }
    uint64_t start_ns = clock_now_ns(), before = delivered();
    do {
        run_cycle();
        out->elapsed_ns = clock_now_ns() - start_ns;
    } while (self.race->result.ok && self.rc == 0 && out->elapsed_ns < duration_ns);
    out->units = delivered() - before;
}

static bool open_others(struct race *race, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        self.other_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (self.other_fds[i] < 0) {
            race_fail(race, "cannot open an eventfd: %s", strerror(errno));
            return false;
        }
        int rc = velo_fd_watch(
            self.stage.loop, self.other_fds[i], VELO_READ, never_ready, NULL, &self.other_ids[i]);
        if (!race_check(race, rc, "velo_fd_watch"))
            return false;
        self.others++;
    }
    return true;
}

static void close_others(struct race *race)
{
    for (uint64_t i = 0; i < self.others; i++) {
        race_check(race, velo_fd_unwatch(self.stage.loop, self.other_ids[i]), "velo_fd_unwatch");
        close(self.other_fds[i]);
    }
}

static void start(void *arg)
{
    (void)arg;
    open_next();
}

static void finish(struct race *race)
{
    struct velo_metrics m;
    gauge_set(&self.stop, 1);
    if (!self.foreign && !gauge_wait(&self.stopped, 1, race->cpus.spins))
        race_late(race, "a watched descriptor that was ready got no event for 5 s");
    race_check(race, self.rc, "a call of the cycle");
    close_others(race);
    if (race->result.has_counters) {
        stage_metrics(&self.stage, &m);
        if (m.descriptors != 0)
            race_fail(race, "%" PRIu64 " descriptors are watched that are closed", m.descriptors);
    }
    stage_close(&self.stage);
    uint64_t cycles = gauge_get(&self.current);
    if (self.wrong > 0 || delivered() != cycles)
        race_fail(race,
                  "%" PRIu64 " descriptors had %" PRIu64 " events, %" PRIu64 " of them not theirs",
                  cycles,
                  delivered(),
                  self.wrong);
    if (self.reused < cycles / 2)
        race_fail(race, "only %" PRIu64 " of %" PRIu64 " numbers came again", self.reused, cycles);
}

static void report(struct race *race, const struct lap *total)
{
    const struct result *result = &race->result;
    double cycles = (double)total->units;
    race_metric(race, "ns_per_cycle", (double)total->elapsed_ns / cycles);
    race_metric(race, "cycles_per_s", cycles * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_cycle", (double)result->covariates.cpu_ns / cycles);
    if (!result->has_counters)
        return;
    race_metric(race, "polls_per_cycle", (double)result->counters.polls / cycles);
    race_metric(race, "wakeups_per_cycle", (double)result->counters.wakeups / cycles);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    uint64_t others = params_integer(&race->params, "live") - 1;
    self.race = race;
    self.foreign = params_is(&race->params, "who", "foreign");
    if (!race_allow_descriptors(race, others) || !stage_open(&self.stage, race) ||
        !open_others(race, others))
        return;
    if (!self.foreign && !stage_call(&self.stage, start, NULL))
        return;
    if (!window_run(race, &plan, &total))
        return;
    report(race, &total);
    finish(race);
}

static const struct param_spec params[] = {
    {"live", PARAM_INTEGER, 1, LIVE_MAX, 1, NULL, "descriptors that are watched at a time"},
    {"who", PARAM_CHOICE, 0, 0, 0, "owner|foreign", "who watches and unwatches"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_cycle", "ns", false},
    {"cycles_per_s", "1/s", true},
    {"cpu_ns_per_cycle", "ns", false},
    {"polls_per_cycle", "1", false},
    {"wakeups_per_cycle", "1", false},
    {NULL, NULL, false},
};

const struct load load_fd_churn = {
    .name = "fd_churn",
    .summary = "descriptors that live for one event: open, watch, event, unwatch, close",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_FDS,
    .run = run,
};
