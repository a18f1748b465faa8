/* SPDX-License-Identifier: MIT */
/* race.c - the small vocabulary in which load generators report. */
#include "race.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SPARE_DESCRIPTORS 64 /* what the program and the contestant need besides */

void race_init(struct race *race)
{
    memset(race, 0, sizeof *race);
    race->result.ok = true;
    race->result.steady = true;
    race->result.covariates.runqueue_wait_ns = -1;
    for (size_t i = 0; i < METRICS_MAX; i++)
        race->result.metrics[i] = NAN;
}

void race_tune_metrics(struct velo_options *options)
{
    options->metrics = true;
}

__attribute__((format(printf, 3, 0))) static void
fail(struct race *race, bool late, const char *format, va_list args)
{
    if (!race->result.ok)
        return;
    race->result.ok = false;
    race->result.late = late;
    vsnprintf(race->result.error, sizeof race->result.error, format, args);
}

void race_fail(struct race *race, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(race, false, format, args);
    va_end(args);
}

void race_late(struct race *race, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fail(race, true, format, args);
    va_end(args);
}

bool race_check(struct race *race, int rc, const char *what)
{
    if (rc != 0)
        race_fail(race, "%s failed: %s", what, velo_strerror(rc));
    return rc == 0;
}

bool race_allow_descriptors(struct race *race, uint64_t wanted)
{
    struct rlimit limit;
    wanted += SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted)
        return true;
    race_fail(race,
              "needs %" PRIu64 " descriptors, the hard limit is %" PRIu64 " (ulimit -Hn)",
              wanted,
              (uint64_t)limit.rlim_max);
    return false;
}

void race_metric(struct race *race, const char *name, double value)
{
    const struct metric_spec *specs = race->load->metrics;
    for (size_t i = 0; specs[i].name != NULL; i++)
        if (strcmp(specs[i].name, name) == 0) {
            race->result.metrics[i] = value;
            return;
        }
    fprintf(stderr, "race: internal error: no metric '%s'\n", name);
    abort();
}

void race_metric_quantile(struct race *race,
                          const char *name,
                          const struct recorder *recorder,
                          double share)
{
    double value;
    if (recorder_quantile(recorder, share, &value))
        race_metric(race, name, value);
}
