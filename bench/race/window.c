/* SPDX-License-Identifier: MIT */
/* window.c - laps: some to warm up, two that count. */
#include "window.h"

#include "clock.h"

#include <math.h>

#define WARMUP_MAX_NS (300 * NS_PER_MS)
#define WARMUP_LAPS 6
#define STEADY_SHARE 0.10

void lap_watch_for(uint64_t (*delivered)(void),
                   uint64_t duration_ns,
                   uint64_t units_min,
                   struct lap *out)
{
    uint64_t before = delivered(), start_ns = clock_now_ns();
    do {
        clock_sleep_until(clock_now_ns() + duration_ns);
        out->units = delivered() - before;
        out->elapsed_ns = clock_now_ns() - start_ns;
    } while (out->units < units_min && out->elapsed_ns < GAUGE_PATIENCE_NS);
}

void lap_watch(uint64_t (*delivered)(void), uint64_t duration_ns, struct lap *out)
{
    lap_watch_for(delivered, duration_ns, 1, out);
}

static double lap_cost(const struct lap *lap)
{
    return lap->units == 0 ? INFINITY : (double)lap->elapsed_ns / (double)lap->units;
}

static bool is_close(double a, double b)
{
    return isfinite(a) && isfinite(b) && fabs(a - b) <= STEADY_SHARE * fmax(a, b);
}

static void warm_up(struct race *race, const struct window_plan *plan)
{
    uint64_t limit_ns = race->window_ns < WARMUP_MAX_NS ? race->window_ns : WARMUP_MAX_NS;
    uint64_t lap_ns = limit_ns / WARMUP_LAPS;
    uint64_t start_ns = clock_now_ns(), passed_ns = 0;
    double last = INFINITY;
    race->result.warmup_reason = WARMUP_TIMEOUT;
    race->result.warmup_lap_ms = (double)lap_ns / (double)NS_PER_MS;
    while (passed_ns < limit_ns && race->result.ok) {
        struct lap lap = {0, 0};
        plan->lap(plan->load, lap_ns, &lap);
        passed_ns = clock_now_ns() - start_ns;
        double cost = lap_cost(&lap);
        if (is_close(cost, last)) {
            race->result.warmup_reason = WARMUP_STEADY;
            break;
        }
        last = cost;
    }
    race->result.warmup_ms = (double)passed_ns / (double)NS_PER_MS;
}

static void metrics_delta(struct velo_metrics *out, const struct velo_metrics *before)
{
    out->accepted -= before->accepted;
    out->executed -= before->executed;
    out->cancelled -= before->cancelled;
    out->discarded -= before->discarded;
    out->turns -= before->turns;
    out->polls -= before->polls;
    out->wakeups -= before->wakeups;
    out->fast_entries -= before->fast_entries;
    out->parks -= before->parks;
    out->timers_fired -= before->timers_fired;
    out->fd_events -= before->fd_events;
}

static void measure(struct race *race, const struct window_plan *plan, struct lap halves[2])
{
    struct covariates before, after;
    struct velo_metrics counters;
    struct result *result = &race->result;
    if (plan->stage != NULL)
        stage_metrics(plan->stage, &counters);
    covariates_read(&before);
    if (plan->open != NULL) /* last: the schedule of an open loop runs from here on */
        plan->open(plan->load);
    for (int half = 0; half < (plan->once ? 1 : 2) && result->ok; half++)
        plan->lap(plan->load, race->window_ns / 2, &halves[half]);
    covariates_read(&after);
    covariates_delta(&result->covariates, &before, &after);
    if (plan->stage == NULL)
        return;
    stage_metrics(plan->stage, &result->counters);
    metrics_delta(&result->counters, &counters);
    result->has_counters = (velo_impl()->capabilities & VELO_CAP_METRICS) != 0;
}

bool window_run(struct race *race, const struct window_plan *plan, struct lap *total)
{
    struct lap halves[2] = {{0, 0}, {0, 0}};
    struct result *result = &race->result;
    if (!plan->once)
        warm_up(race, plan);
    if (!result->ok)
        return false;
    measure(race, plan, halves);
    total->units = halves[0].units + halves[1].units;
    total->elapsed_ns = halves[0].elapsed_ns + halves[1].elapsed_ns;
    for (int half = 0; half < 2 && !plan->once; half++)
        result->halves_ns[half] = lap_cost(&halves[half]);
    result->steady = plan->once || is_close(lap_cost(&halves[0]), lap_cost(&halves[1]));
    result->elapsed_ns = total->elapsed_ns;
    if (result->ok && total->units == 0)
        race_late(race, "nothing was delivered in the window");
    return result->ok;
}
