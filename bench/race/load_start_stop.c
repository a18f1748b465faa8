/* SPDX-License-Identifier: MIT */
/*
 * load_start_stop.c - create a loop, run one task, end, destroy; again and again.
 *
 *   bare    all on the calling thread: the task asks for the shutdown, run returns, destroy
 *   thread  the loop runs on a thread of its own, whose creation and join are in the clock, as a
 *           program would pay them; the calling thread submits the task and shuts the loop down
 *
 *   equipped  as bare, but with a timer and a descriptor, each used once: the last of the three
 *             callbacks asks for the shutdown
 *
 * The books are read between run and destroy, outside the clock. After the window no descriptor
 * may be left open, and what is left of the heap is reported per cycle.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/eventfd.h>

#define CYCLES_MIN 12 /* per lap: two laps carry a median */

static struct {
    struct stage stage;
    struct race *race;
    struct recorder latency;
    uint64_t ran, cycles;
    unsigned used; /* of this cycle: bits of what has had its callback */
    bool threaded, equipped;
    int event_fd; /* stays readable */
    velo_id fd_id;
} self;

static void run_and_end(void *arg)
{
    (void)arg;
    self.ran++;
    race_check(self.race, velo_loop_shutdown(self.stage.loop, 0), "velo_loop_shutdown");
}

static void just_run(void *arg)
{
    (void)arg;
    self.ran++;
}

enum { USED_TASK = 1, USED_TIMER = 2, USED_FD = 4, USED_ALL = 7 };

static void use(unsigned what)
{
    if (self.used & what)
        race_fail(self.race, "task, timer or descriptor had a second callback");
    self.used |= what;
    if (self.used == USED_ALL)
        race_check(self.race, velo_loop_shutdown(self.stage.loop, 0), "velo_loop_shutdown");
}

static void use_task(void *arg)
{
    (void)arg;
    self.ran++;
    use(USED_TASK);
}

static void use_timer(void *arg)
{
    (void)arg;
    use(USED_TIMER);
}

static void use_fd(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    race_check(self.race, velo_fd_unwatch(self.stage.loop, self.fd_id), "velo_fd_unwatch");
    use(USED_FD);
}

static void live_equipped(void)
{
    struct race *race = self.race;
    self.used = 0;
    if (!stage_create(&self.stage, race))
        return;
    struct velo_loop *loop = self.stage.loop;
    race_check(race, velo_submit(loop, use_task, NULL), "velo_submit");
    race_check(race, velo_timer_start(loop, 0, 0, use_timer, NULL, NULL), "velo_timer_start");
    race_check(race,
               velo_fd_watch(loop, self.event_fd, VELO_READ, use_fd, NULL, &self.fd_id),
               "velo_fd_watch");
    if (race->result.ok)
        race_check(race, velo_loop_run(loop, VELO_RUN_FOREVER), "velo_loop_run");
    if (self.used != USED_ALL)
        race_fail(race, "the loop ended before task, timer and descriptor had their callbacks");
}

/* From creation to the end of the run. */
static void live_bare(void)
{
    if (!stage_create(&self.stage, self.race))
        return;
    race_check(self.race, velo_submit(self.stage.loop, run_and_end, NULL), "velo_submit");
    if (self.race->result.ok)
        race_check(self.race, velo_loop_run(self.stage.loop, VELO_RUN_FOREVER), "velo_loop_run");
}

static void live_threaded(void)
{
    if (!stage_open(&self.stage, self.race))
        return;
    race_check(self.race, velo_submit(self.stage.loop, just_run, NULL), "velo_submit");
    race_check(self.race, velo_loop_shutdown(self.stage.loop, -1), "velo_loop_shutdown");
    if (self.race->result.ok)
        stage_join(&self.stage, 0);
}

static uint64_t run_cycle(void)
{
    uint64_t start_ns = clock_now_ns();
    if (self.threaded)
        live_threaded();
    else if (self.equipped)
        live_equipped();
    else
        live_bare();
    uint64_t lived_ns = clock_now_ns() - start_ns;
    if (!self.race->result.ok)
        return 0;
    stage_verify_ledger(&self.stage);
    start_ns = clock_now_ns();
    stage_destroy(&self.stage);
    lived_ns += clock_now_ns() - start_ns;
    recorder_add(&self.latency, lived_ns);
    if (self.ran != ++self.cycles)
        race_fail(self.race, "%" PRIu64 " tasks ran in %" PRIu64 " cycles", self.ran, self.cycles);
    return lived_ns;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    (void)load;
    do {
        out->elapsed_ns += run_cycle();
        out->units++;
    } while (self.race->result.ok && (out->units < CYCLES_MIN || clock_now_ns() < deadline_ns));
}

static void open_window(void *load)
{
    (void)load;
    recorder_init(&self.latency);
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static bool read_params(struct race *race)
{
    uint64_t lacking = (VELO_CAP_FDS | VELO_CAP_TIMERS) & ~velo_impl()->capabilities;
    self.threaded = params_is(&race->params, "shape", "thread");
    self.equipped = params_is(&race->params, "shape", "equipped");
    self.event_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self.event_fd < 0)
        race_fail(race, "cannot open an eventfd");
    if (self.equipped && lacking != 0)
        race_fail(race,
                  "the contestant has no timers or descriptors; give the point what it needs");
    return race->result.ok;
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .open = open_window};
    struct lap total;
    self.race = race;
    if (!read_params(race))
        return;
    recorder_init(&self.latency);
    run_cycle(); /* what is set up once per process is not a leak */
    int descriptors = open_descriptors();
    double heap_bytes = (double)mallinfo2().uordblks;
    if (!race->result.ok || !window_run(race, &plan, &total))
        return;
    int left = open_descriptors() - descriptors;
    heap_bytes = (double)mallinfo2().uordblks - heap_bytes;
    if (left != 0)
        race_fail(race, "%d descriptors are left open after %" PRIu64 " cycles", left, self.cycles);
    race_metric_quantile(race, "cycle_p50_ns", &self.latency, 0.5);
    race_metric_quantile(race, "cycle_p99_ns", &self.latency, 0.99);
    race_metric(race, "heap_bytes_left_per_cycle", heap_bytes / (double)(self.cycles - 1));
    race->result.latency = &self.latency;
}

static const struct param_spec params[] = {
    {"shape",
     PARAM_CHOICE,
     0,
     0,
     0,
     "bare|thread|equipped",
     "on the caller's thread, its own, or with timer and fd"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"cycle_p50_ns", "ns", false},
    {"cycle_p99_ns", "ns", false},
    {"heap_bytes_left_per_cycle", "bytes", false},
    {NULL, NULL, false},
};

const struct load load_start_stop = {
    .name = "start_stop",
    .summary = "create a loop, run one task, end, destroy",
    .params = params,
    .metrics = metrics,
    .run = run,
};
