/* SPDX-License-Identifier: MIT */
/*
 * load_open_loop.c - tasks on a schedule, at a share of a common rate; latency from the intended
 * time.
 *
 * The rate is the same for all contestants: a share of --common-rate, the capacity of the slowest.
 * Without that option a pilot finds the capacity of this contestant with the same generator and the
 * same callback (two clock reads and two histograms per task are inside it), and the line says so.
 */
#include "stream.h"

static void run(struct race *race)
{
    const struct params *p = &race->params;
    bool poisson = params_is(p, "arrivals", "poisson");
    struct lap total;
    if (!stream_open(race, NULL))
        return;
    double rate = stream_common_rate(params_number(p, "percent"));
    if (!race->result.ok || !stream_run(rate, poisson, &total))
        return;
    stream_close();
    stream_report();
    race_metric_quantile(race, "latency_p999_ns", &stream.arrivals.latency, 0.999);
}

static const struct param_spec params[] = {
    {"percent", PARAM_NUMBER, 0.001, 200, 60, NULL, "share of the common rate"},
    {"arrivals", PARAM_CHOICE, 0, 0, 0, "poisson|constant", "the gaps between arrivals"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"latency_p50_ns", "ns", false},
    {"latency_p99_ns", "ns", false},
    {"latency_p999_ns", "ns", false},
    {"offered_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"wakeups_per_task", "1", false},
    {NULL, NULL, false},
};

const struct load load_open_loop = {
    .name = "open_loop",
    .summary = "tasks on a schedule at a share of a common rate",
    .params = params,
    .metrics = metrics,
    .uses_common_rate = true,
    .ceiling = true,
    .run = run,
};
