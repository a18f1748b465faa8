/* SPDX-License-Identifier: MIT */
/*
 * race.h - one run: what was asked for, and what the load generator found out.
 *
 * A load generator is a `struct load`: its settings, the metrics it reports, and one function that
 * does everything: set up a loop, warm up, measure one window, tear down, verify. A scenario (Lua)
 * chooses a load and its settings for each point; inside the window only C runs.
 */
#ifndef RACE_RACE_H
#define RACE_RACE_H

#include "covariates.h"
#include "params.h"
#include "placement.h"
#include "recorder.h"
#include "variants.h"

#include "velo.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_MAX 12

struct metric_spec {
    const char *name; /* NULL ends a list */
    const char *unit;
    bool higher_is_better;
};

struct race;

struct load {
    const char *name;
    const char *summary;
    const struct param_spec *params;
    const struct metric_spec *metrics;
    uint64_t needs;                 /* capabilities without which it cannot run */
    bool uses_common_rate;          /* its rate is a share of a capacity: --common-rate */
    bool ceiling;                   /* works as well with tasks that run inline: bench/null */
    double floor;                   /* metrics[0] below it is too small to matter; 0 = none */
    void (*run)(struct race *race); /* fills race->result */
};

/* All loads, ends with NULL. */
extern const struct load *const race_loads[];

enum warmup_reason { WARMUP_NONE, WARMUP_STEADY, WARMUP_TIMEOUT };

struct result {
    bool ok;
    char error[256];             /* the first thing that went wrong, in words */
    double metrics[METRICS_MAX]; /* in the order of load->metrics; NAN = not measured */
    const struct recorder *latency;
    const struct recorder *uncorrected;
    struct covariates covariates;
    bool has_counters; /* the contestant declares METRICS */
    struct velo_metrics counters;
    const struct recorder *slip; /* of an open-loop generator */
    double warmup_ms, warmup_lap_ms;
    enum warmup_reason warmup_reason;
    bool steady;
    double halves_ns[2]; /* cost of a unit in each half of the window; 0 = there were no halves */
    uint64_t elapsed_ns;
    double common_rate; /* what the rate was a share of; 0 = there was none */
    bool overload;      /* it failed only because the rate is beyond what can be done */
    bool late;          /* it failed by time alone: see race_late() */
};

struct race {
    const struct load *load;
    struct params params;
    uint64_t seed;
    uint64_t window_ns;
    double common_rate; /* operations per second; 0 = not given: the load runs a pilot of its own */
    const struct variant *variant; /* NULL: the contestant as it is */
    /* What the load itself asks of the loop, after the variant has: it measures that, or relies on
     * it; NULL = nothing. */
    void (*tune)(struct velo_options *options);
    struct placement_map cpus;
    struct result result;
};

void race_init(struct race *race);

/* For [tune]: the loop measures itself (X3). */
void race_tune_metrics(struct velo_options *options);

/* Say what failed. The first failure is kept; the run then is not ok. */
void race_fail(struct race *race, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * As race_fail, for what a machine that stood still can do to a sound contestant, too: a deadline
 * passed, a window saw nothing, the scheduler put a thread elsewhere. One such failure proves
 * nothing; the line says "failure": "late" instead of "wrong", and whoever judges tries it again.
 */
void race_late(struct race *race, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As race_fail, if [rc], which a function of the API returned, is not 0. True if it was 0. */
bool race_check(struct race *race, int rc, const char *what);

/*
 * Let the process have [wanted] descriptors and what program and contestant need besides. False
 * (and failed) if the hard limit forbids it.
 */
bool race_allow_descriptors(struct race *race, uint64_t wanted);

/* Report a metric. The name must be one of load->metrics. */
void race_metric(struct race *race, const char *name, double value);

/* Report the quantile of a recorder as a metric, or nothing if it has too few samples. */
void race_metric_quantile(struct race *race,
                          const char *name,
                          const struct recorder *recorder,
                          double share);

#endif
