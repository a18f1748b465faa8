/* SPDX-License-Identifier: MIT */
/* race.c - the small vocabulary in which load generators report. */
#include "race.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void race_init(struct race *race)
{
    memset(race, 0, sizeof *race);
    race->result.ok = true;
    race->result.steady = true;
    race->result.covariates.runqueue_wait_ns = -1;
    for (size_t i = 0; i < METRICS_MAX; i++)
        race->result.metrics[i] = NAN;
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
