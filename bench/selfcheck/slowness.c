/* SPDX-License-Identifier: MIT */
/* slowness.c - see slowness.h. */
#include "slowness.h"

#include "../tournament/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROBE_PERCENT = 50, PROBE_BLOCKS = 16 };

const char *slow_name(unsigned percent, char name[16])
{
    snprintf(name, 16, "slow-%u", percent);
    return name;
}

char *slow_programs(struct selfcheck *check)
{
    char *programs = text_format("%s/faulty/slow", check->project->build);
    char *race = text_format("%s/race", programs);
    if (access(race, X_OK) != 0) {
        finding_add(check, FINDING_NOT_RUN, "", "%s is not built; make faulty builds it", programs);
        free(programs);
        programs = NULL;
    }
    free(race);
    return programs;
}

/* Median cost of the plain one, and median log ratio of the other to it. */
static bool medians(const struct trial *trial, double *cost, double *log_ratio)
{
    double costs[TRIAL_BLOCKS_MAX], ratios[TRIAL_BLOCKS_MAX];
    size_t n = 0;
    for (size_t b = 0; b < trial->blocks_run; b++) {
        double plain = trial->cost[b][0], other = trial->cost[b][1];
        if (!(plain > 0) || !(other > 0))
            continue;
        costs[n] = plain;
        ratios[n++] = log(other / plain);
    }
    judge_sort(costs, n);
    judge_sort(ratios, n);
    *cost = judge_median(costs, n);
    *log_ratio = judge_median(ratios, n);
    return n > 0;
}

static int
probe(struct selfcheck *check, const struct slow_cell *cell, const char *other, struct trial *trial)
{
    *trial = (struct trial){
        .purpose = "calibration",
        .lane = cell->lane,
        .scenario = cell->scenario,
        .point = cell->point,
        .names = {SLOW_NONE, other},
        .count = 2,
        .window_ms = cell->window_ms,
        .blocks = PROBE_BLOCKS,
        .complete = true,
        .seed = selfcheck_seed(check, "calibration", cell->window_ms),
    };
    return trial_run(check, trial);
}

/*
 * How much of what is spun shows in the cost: less, where it runs beside something longer; more, on
 * a machine whose processors are shared, because a step is measured at its shortest.
 */
static double share_that_shows(double log_ratio)
{
    double shown = expm1(log_ratio) * 100 / PROBE_PERCENT;
    return fmin(fmax(shown, 0.1), 10);
}

int slow_calibrate(struct selfcheck *check,
                   const struct slow_cell *cell,
                   const unsigned *percents,
                   size_t count,
                   double *cost)
{
    struct trial trial;
    double log_ratio = 0;
    char *programs = slow_programs(check);
    if (programs == NULL)
        return -ENODATA;
    char name[16];
    const char *probed = slow_name(PROBE_PERCENT, name);
    int rc = stable_make(check, SLOW_NONE, programs, 0);
    if (rc == 0)
        rc = stable_make(check, probed, programs, 0);
    if (rc == 0) /* what does it cost? */
        rc = probe(check, cell, probed, &trial);
    bool known = rc == 0 && trial.held && medians(&trial, cost, &log_ratio);
    if (known)
        rc = stable_make(check, probed, programs, *cost * PROBE_PERCENT / 100);
    if (known && rc == 0) /* and how much of a spin shows in it? */
        rc = probe(check, cell, probed, &trial);
    known = known && rc == 0 && trial.held && medians(&trial, cost, &log_ratio);
    if (rc == 0 && !known) {
        finding_add(check, FINDING_NOT_RUN, "", "no calibration: %s", trial.reason);
        rc = -ENODATA;
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = stable_make(check,
                         slow_name(percents[i], name),
                         programs,
                         *cost * percents[i] / 100 / share_that_shows(log_ratio));
    free(programs);
    return rc;
}
