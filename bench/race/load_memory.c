/* SPDX-License-Identifier: MIT */
/*
 * load_memory.c - bytes per pending task, per pending timer, per watched descriptor, per loop.
 *
 * Fixed work, no warm-up: the process is fresh, so what the kernel says is resident grows by what
 * the contestant touches. The cost is the growth of the peak by item; what is still resident after
 * the tasks have run is reported beside it. Tasks are submitted to a loop that does not run yet
 * (L2), then run, and must all come in order. Descriptors are eventfds, opened before; what the
 * kernel keeps for them is not resident memory of the process.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define FAR_NS (3600 * NS_PER_S)

enum item { ITEM_TASK, ITEM_TIMER, ITEM_LOOP, ITEM_DESCRIPTOR };

static struct {
    struct gauge done; /* 1: all tasks ran */
    struct stage stage;
    struct race *race;
    enum item item;
    uint64_t count;
    uint64_t ran, disorder, unexpected;
    uint64_t before_bytes, grown_bytes, held_bytes;
    struct velo_loop **loops;
    int *fds;
} self;

static void on_task(void *arg)
{
    self.disorder += word_from_arg(arg) != self.ran;
    if (++self.ran == self.count)
        gauge_set(&self.done, 1);
}

static void never(void *arg)
{
    (void)arg;
    self.unexpected++;
}

static void never_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
    self.unexpected++;
}

static int add_item(uint64_t i)
{
    switch (self.item) {
    case ITEM_TASK:
        return velo_submit(self.stage.loop, on_task, word_to_arg(i));
    case ITEM_TIMER:
        return velo_timer_start(self.stage.loop, FAR_NS + i, 0, never, NULL, NULL);
    case ITEM_DESCRIPTOR:
        return velo_fd_watch(self.stage.loop, self.fds[i], VELO_READ, never_ready, NULL, NULL);
    default:
        return velo_loop_create(&self.loops[i], NULL);
    }
}

/* Bytes that somebody has asked malloc for and not freed. */
static uint64_t held_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t start_ns = clock_now_ns();
    int rc = 0;
    (void)load;
    (void)duration_ns;
    malloc_trim(0);
    self.before_bytes = covariates_rss_bytes();
    self.held_bytes = held_bytes();
    for (uint64_t i = 0; i < self.count && rc == 0; i++)
        rc = add_item(i);
    uint64_t now_bytes = covariates_rss_bytes(), most_bytes = covariates_peak_rss_bytes();
    if (most_bytes > now_bytes)
        now_bytes = most_bytes;
    self.grown_bytes = now_bytes > self.before_bytes ? now_bytes - self.before_bytes : 0;
    race_check(self.race, rc, "adding an item");
    out->units = self.count;
    out->elapsed_ns = clock_now_ns() - start_ns;
}

static void destroy_loops(void)
{
    for (uint64_t i = 0; i < self.count; i++)
        race_check(self.race, velo_loop_destroy(self.loops[i]), "velo_loop_destroy");
}

static void check_descriptors(struct race *race)
{
    struct velo_metrics m;
    stage_metrics(&self.stage, &m);
    if (race->result.has_counters && m.descriptors != self.count)
        race_fail(race,
                  "the loop watches %" PRIu64 " descriptors instead of %" PRIu64,
                  m.descriptors,
                  self.count);
}

/* What is kept when they have run and the loop sleeps again: pages that are resident, and bytes
 * that the loop has not freed, which tell of a few chunks among the pages of code and stacks. */
static void run_tasks(struct race *race)
{
    if (!gauge_wait(&self.done, 1, race->cpus.spins))
        race_late(race, "not all of %" PRIu64 " pending tasks ran within 5 s", self.count);
    if (!stage_wait_asleep(&self.stage))
        return;
    malloc_trim(0);
    double kept = (double)covariates_rss_bytes() - (double)self.before_bytes;
    double held = (double)held_bytes() - (double)self.held_bytes;
    race_metric(race, "kept_bytes_per_item", fmax(kept, 0) / (double)self.count);
    race_metric(race, "held_bytes", fmax(held, 0));
}

static void finish(struct race *race)
{
    if (self.item == ITEM_LOOP)
        destroy_loops();
    if (!stage_start(&self.stage))
        return;
    if (self.item == ITEM_TASK)
        run_tasks(race);
    if (self.item == ITEM_DESCRIPTOR)
        check_descriptors(race);
    stage_close(&self.stage);
    if (self.disorder > 0 || self.unexpected > 0)
        race_fail(race, "%" PRIu64 " callbacks out of order", self.disorder + self.unexpected);
    if (self.item == ITEM_TIMER && gauge_get(&self.stage.discarded) != self.count)
        race_fail(race, "pending timers and discarded ones differ");
}

static bool open_fds(struct race *race)
{
    if (!race_allow_descriptors(race, self.count))
        return false;
    for (uint64_t i = 0; i < self.count; i++) {
        self.fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (self.fds[i] < 0) {
            race_fail(race, "cannot open an eventfd: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

/* What the items need that is not the contestant's. */
static bool prepare(struct race *race)
{
    bool fits = self.item != ITEM_DESCRIPTOR || velo_impl()->capabilities & VELO_CAP_FDS;
    self.loops = calloc(self.count, sizeof(struct velo_loop *));
    self.fds = calloc(self.count, sizeof(int));
    if (self.loops == NULL || self.fds == NULL)
        race_fail(race, "out of memory");
    if (!fits)
        race_fail(race, "the contestant has no descriptors; give the point what it needs");
    return race->result.ok && (self.item != ITEM_DESCRIPTOR || open_fds(race));
}

/* Descriptors that are still open are closed by the end of the process. */
static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .once = true, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.item = (enum item)params_integer(&race->params, "item");
    self.count = params_integer(&race->params, "count");
    if (!prepare(race) || !stage_create(&self.stage, race) || !window_run(race, &plan, &total))
        return;
    race_metric(race, "bytes_per_item", (double)self.grown_bytes / (double)self.count);
    race_metric(race, "ns_per_item", (double)total.elapsed_ns / (double)total.units);
    finish(race);
    free(self.loops);
    free(self.fds);
}

static const struct param_spec params[] = {
    {"item", PARAM_CHOICE, 0, 0, 0, "task|timer|loop|descriptor", "what is counted"},
    {"count", PARAM_INTEGER, 1, 10000000, 1000000, NULL, "how many of them"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"bytes_per_item", "bytes", false},
    {"kept_bytes_per_item", "bytes", false},
    {"held_bytes", "bytes", false},
    {"ns_per_item", "ns", false},
    {NULL, NULL, false},
};

const struct load load_memory = {
    .name = "memory",
    .summary = "resident bytes per pending task, pending timer, watched descriptor, or loop",
    .params = params,
    .metrics = metrics,
    .run = run,
};
