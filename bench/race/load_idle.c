/* SPDX-License-Identifier: MIT */
/*
 * load_idle.c - nothing to do: what does a loop cost when it waits?
 *
 * Optionally with timers that are due in an hour and pipes that nobody writes to. The window opens
 * when the owner is asleep (see stage_wait_asleep) and is a sleep of the controlling thread. The
 * cost is CPU time of the owner's thread per second; the right answer is 0, so it is raised to a
 * floor of 1,000 ns per second, below which nobody could care. How often the thread was scheduled
 * is counted by the kernel, how often it polled by the loop itself.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FLOOR_NS_PER_S 1000.0
#define FAR_NS (3600 * NS_PER_S)

static struct {
    struct stage stage;
    struct race *race;
    uint64_t timers, descriptors;
    uint64_t switches; /* of the owner's thread, when the window opened */
    uint64_t called;   /* callbacks that must not run */
    int rc;
} self;

static void never(void *arg)
{
    (void)arg;
    self.called++;
}

static void never_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    self.called++;
}

static void arm_timers(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < self.timers && self.rc == 0; i++)
        self.rc = velo_timer_start(self.stage.loop, FAR_NS, 0, never, NULL, NULL);
}

/* The pipes stay open until the process ends. */
static bool watch_pipes(struct race *race)
{
    for (uint64_t i = 0; i < self.descriptors; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
            race_fail(race, "cannot open a pipe: %s", strerror(errno));
            return false;
        }
        int rc = velo_fd_watch(self.stage.loop, fds[0], VELO_READ, never_ready, NULL, NULL);
        if (!race_check(race, rc, "velo_fd_watch"))
            return false;
    }
    return true;
}

/* Times that the owner's thread gave up the processor; 0 where the kernel does not tell. */
static uint64_t owner_switches(void)
{
    char path[64], line[256];
    uint64_t total = 0, value;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)self.stage.tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &value) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &value) == 1)
            total += value;
    fclose(file);
    return total;
}

/* Units are nanoseconds slept: the cost of a lap is CPU time by time. */
static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t cpu_ns = stage_cpu_ns(&self.stage), start_ns = clock_now_ns();
    (void)load;
    clock_sleep_until(start_ns + duration_ns);
    out->units = clock_now_ns() - start_ns;
    out->elapsed_ns = stage_cpu_ns(&self.stage) - cpu_ns;
}

static void open_window(void *load)
{
    (void)load;
    self.switches = owner_switches();
}

static void report(struct race *race, const struct lap *total)
{
    double seconds = (double)total->units / 1e9;
    double cpu_ns = (double)total->elapsed_ns / seconds;
    race->result.elapsed_ns = total->units;
    race_metric(race, "idle_cpu_ns_per_s", fmax(cpu_ns, FLOOR_NS_PER_S));
    race_metric(race, "raw_cpu_ns_per_s", cpu_ns);
    race_metric(race, "switches_per_s", (double)(owner_switches() - self.switches) / seconds);
    race_metric(race, "rss_bytes", (double)covariates_rss_bytes());
    if (race->result.has_counters)
        race_metric(race, "polls_per_s", (double)race->result.counters.polls / seconds);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.timers = params_integer(&race->params, "timers");
    self.descriptors = params_integer(&race->params, "descriptors");
    if (params_is(&race->params, "metrics", "on"))
        race->tune = race_tune_metrics;
    if (!race_allow_descriptors(race, 2 * self.descriptors) || !stage_open(&self.stage, race) ||
        !stage_call(&self.stage, arm_timers, NULL) ||
        !race_check(race, self.rc, "velo_timer_start") || !watch_pipes(race))
        return;
    if (!stage_wait_asleep(&self.stage) || !window_run(race, &plan, &total))
        return;
    report(race, &total);
    stage_close(&self.stage);
    if (self.called > 0)
        race_fail(race, "%" PRIu64 " callbacks ran for no reason", self.called);
    if (gauge_get(&self.stage.discarded) != self.timers)
        race_fail(race, "pending timers and discarded ones differ");
}

static const struct param_spec params[] = {
    {"timers", PARAM_INTEGER, 0, 100000, 0, NULL, "timers due in an hour"},
    {"descriptors", PARAM_INTEGER, 0, 10000, 0, NULL, "pipes that stay empty"},
    {"metrics", PARAM_CHOICE, 0, 0, 0, "off|on", "the loop measures itself (X3)"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"idle_cpu_ns_per_s", "ns/s", false},
    {"raw_cpu_ns_per_s", "ns/s", false},
    {"switches_per_s", "1/s", false},
    {"polls_per_s", "1/s", false},
    {"rss_bytes", "bytes", false},
    {NULL, NULL, false},
};

const struct load load_idle = {
    .name = "idle",
    .summary = "nothing to do: processor time of a waiting loop",
    .params = params,
    .metrics = metrics,
    .floor = FLOOR_NS_PER_S,
    .run = run,
};
