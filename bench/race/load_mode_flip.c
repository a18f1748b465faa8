/* SPDX-License-Identifier: MIT */
/*
 * load_mode_flip.c - tasks on a schedule while the first descriptor comes and the last one goes.
 *
 * With the fast path a loop changes the way it waits when its first descriptor is watched and when
 * the last one is unwatched; others only register it, which is what changing over has to be worth.
 * The generator does that between its tasks, [flips_per_s] times by their schedule, so that who is
 * behind skips none: a flip that comes late, or delays the task behind it, is in the latency of
 * that task. No task may be lost, or wait for something else to happen (P3); the descriptor is
 * never ready. That a loop with the fast path changes over is proved after the window, when it is
 * asleep before and after a flip: a busy one may miss some, and entries_per_flip tells.
 */
#include "clock.h"
#include "quiet_fd.h"
#include "stream.h"

static struct {
    bool watched;
    velo_id id;
    uint64_t gap_ns, next_ns;
    uint64_t flips; /* of the window, as the counters are */
    struct recorder flip;
} self;

/* [intended_ns]: when it should have been. */
static bool flip(uint64_t intended_ns)
{
    struct velo_loop *loop = stream.stage.loop;
    uint64_t start_ns = clock_now_ns();
    int rc = self.watched ? velo_fd_unwatch(loop, self.id) : quiet_fd_watch(loop, &self.id);
    recorder_add(&self.flip, clock_now_ns() - start_ns);
    self.watched = !self.watched;
    self.flips += gauge_get(&stream.arrivals.record_from) != UINT64_MAX;
    self.next_ns = intended_ns + self.gap_ns;
    return race_check(stream.race, rc, self.watched ? "velo_fd_watch" : "velo_fd_unwatch");
}

static bool send_and_flip(void *arrivals, uint64_t intended_ns, uint64_t now_ns)
{
    if (intended_ns >= self.next_ns && !flip(intended_ns))
        return false;
    return stream_send(arrivals, intended_ns, now_ns);
}

static bool changes_over(const struct race *race)
{
    return race->result.has_counters && velo_impl()->capabilities & VELO_CAP_FAST_PATH &&
           velo_fast_path_get(stream.stage.loop) == VELO_FAST_AUTO;
}

/* Once with a descriptor and once without; it ends without. */
static void check_change_over(struct race *race)
{
    struct velo_metrics before, after;
    bool good = true;
    stage_metrics(&stream.stage, &before);
    do
        good = stage_wait_asleep(&stream.stage) && flip(self.next_ns);
    while (good && self.watched);
    if (!good || !stage_wait_asleep(&stream.stage))
        return;
    stage_metrics(&stream.stage, &after);
    if (changes_over(race) && after.fast_entries == before.fast_entries)
        race_fail(race, "the last descriptor went, but the fast path was not entered");
}

static void report(struct race *race)
{
    stream_report();
    race_metric_quantile(race, "flip_p50_ns", &self.flip, 0.5);
    double entries = (double)race->result.counters.fast_entries;
    if (changes_over(race) && self.flips > 0)
        race_metric(race, "entries_per_flip", entries / (double)self.flips);
}

static void measure(struct race *race, double rate)
{
    struct lap total;
    stream.arrivals.generator.send = send_and_flip;
    if (!stream_run(rate, true, &total))
        return;
    report(race);
    check_change_over(race);
    stream_close();
}

static void run(struct race *race)
{
    self.gap_ns = NS_PER_S / params_integer(&race->params, "flips_per_s");
    recorder_init(&self.flip);
    if (!quiet_fd_open(race) || !stream_open(race, NULL))
        return;
    double rate = stream_common_rate(params_number(&race->params, "percent"));
    if (race->result.ok)
        measure(race, rate);
    quiet_fd_close(race);
}

static const struct param_spec params[] = {
    {"percent", PARAM_NUMBER, 0.001, 200, 60, NULL, "share of the common rate"},
    {"flips_per_s", PARAM_INTEGER, 1, 100000, 100, NULL, "the descriptor comes, or goes"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"latency_p99_ns", "ns", false},
    {"latency_p50_ns", "ns", false},
    {"flip_p50_ns", "ns", false},
    {"entries_per_flip", "1", false},
    {"offered_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_mode_flip = {
    .name = "mode_flip",
    .summary = "tasks on a schedule while the first descriptor comes and the last one goes",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_FDS,
    .uses_common_rate = true,
    .run = run,
};
