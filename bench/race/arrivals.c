/* SPDX-License-Identifier: MIT */
/* arrivals.c - see arrivals.h. */
#include "arrivals.h"

#include <inttypes.h>

void arrivals_init(struct arrivals *arrivals,
                   struct race *race,
                   bool (*send)(void *arrivals, uint64_t intended_ns, uint64_t now_ns))
{
    gauge_set(&arrivals->record_from, UINT64_MAX);
    arrivals->unit = "arrivals";
    arrivals->generator.race = race;
    arrivals->generator.load = arrivals;
    arrivals->generator.send = send;
    arrivals->generator.arrivals_min = ARRIVALS_FOR_P99;
    recorder_init(&arrivals->latency);
    recorder_init(&arrivals->uncorrected);
}

bool arrivals_wait_for_slot(struct arrivals *arrivals, uint64_t slots)
{
    struct race *race = arrivals->generator.race;
    uint64_t number = arrivals->generator.sent;
    if (number < slots || gauge_wait(&arrivals->done, number - slots + 1, race->cpus.spins))
        return true;
    race_late(race, "the loop ran no task for 5 s");
    return false;
}

static uint64_t done(void *load)
{
    struct arrivals *arrivals = load;
    return gauge_get(&arrivals->done);
}

bool arrivals_find_rate(struct arrivals *arrivals, uint64_t credit)
{
    struct race *race = arrivals->generator.race;
    race->result.common_rate = race->common_rate > 0
                                   ? race->common_rate
                                   : open_loop_pilot(&arrivals->generator, done, credit);
    return race->result.ok;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    struct arrivals *arrivals = load;
    uint64_t count = gauge_get(&arrivals->done), sum = gauge_get(&arrivals->latency_sum);
    open_loop_run(&arrivals->generator, duration_ns);
    /* in a short lap it may lag */
    gauge_wait(&arrivals->done, count + 1, arrivals->generator.race->cpus.spins);
    out->units = gauge_get(&arrivals->done) - count;
    out->elapsed_ns = gauge_get(&arrivals->latency_sum) - sum;
}

static void open_window(void *load)
{
    struct arrivals *arrivals = load;
    open_loop_resume(&arrivals->generator);
    recorder_init(&arrivals->generator.slip);
    gauge_set(&arrivals->record_from, arrivals->generator.sent);
    arrivals->opened_ns = arrivals->generator.next_ns;
}

bool arrivals_run(
    struct arrivals *arrivals, struct stage *stage, double rate, bool poisson, struct lap *total)
{
    struct race *race = arrivals->generator.race;
    struct window_plan plan = {.load = arrivals, .lap = lap, .open = open_window, .stage = stage};
    open_loop_schedule(&arrivals->generator, rate, poisson, race->seed);
    open_loop_start(&arrivals->generator);
    if (!window_run(race, &plan, total))
        return false;
    race->result.elapsed_ns = (uint64_t)(arrivals->generator.next_ns - arrivals->opened_ns);
    if (!gauge_wait(&arrivals->done, arrivals->generator.sent, race->cpus.spins))
        race_late(race,
                  "lost %" PRIu64 " %s",
                  arrivals->generator.sent - gauge_get(&arrivals->done),
                  arrivals->unit);
    return race->result.ok;
}

uint64_t arrivals_in_window(struct arrivals *arrivals)
{
    return arrivals->generator.sent - gauge_get(&arrivals->record_from);
}

void arrivals_report(struct arrivals *arrivals)
{
    struct race *race = arrivals->generator.race;
    struct result *result = &race->result;
    double count = (double)arrivals_in_window(arrivals);
    result->latency = &arrivals->latency;
    result->uncorrected = &arrivals->uncorrected;
    result->slip = &arrivals->generator.slip;
    race_metric_quantile(race, "latency_p50_ns", &arrivals->latency, 0.5);
    race_metric_quantile(race, "latency_p99_ns", &arrivals->latency, 0.99);
    race_metric(race, "offered_per_s", count * 1e9 / (double)result->elapsed_ns);
}
