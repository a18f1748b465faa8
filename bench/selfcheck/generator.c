/* SPDX-License-Identifier: MIT */
/*
 * generator.c - how late is the generator of open loops by itself? In a mini-tournament at a common
 * rate the null contestant (bench/null) runs beside the contestants: its tasks run where they are
 * submitted, so no loop can hold the generator up, and what it is late by is the harness and the
 * machine. That is held against the p99 of the best contestant in the same blocks, because a
 * latency counts from the time at which a task was due and so contains it.
 */
#include "selfcheck.h"

#include "../../reports/render/conditions.h"
#include "../tournament/json.h"
#include "../tournament/text.h"
#include "trial.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW_MS = 100, BLOCKS = 3 };

struct lateness {
    double null_ns; /* median of the p99 of the null contestant's generator; NAN: it did not run */
    double best_ns; /* least median of the p99 latency of a contestant */
    size_t runs;    /* of the null contestant */
};

/* The median of a number of runs of [entry], of the null contestant if it is negative. */
static double
median_of(const struct run_dir *run, int entry, const char *object, const char *key, size_t *count)
{
    const size_t all = run->run_count + run->null_run_count;
    double *values = text_alloc((all + 1) * sizeof(*values));
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        const bool null = i >= run->run_count;
        const json_t *line = null ? run->null_runs[i - run->run_count].run : run->runs[i].run;
        const double value = json_double(json_object_get(line, object), key, NAN);
        const bool wanted = null ? entry < 0 : (int)run->runs[i].entry == entry;
        if (wanted && isfinite(value))
            values[(*count)++] = value;
    }
    judge_sort(values, *count);
    const double median = *count > 0 ? judge_median(values, *count) : NAN;
    free(values);
    return median;
}

static void look(void *user, const struct run_dir *run)
{
    struct lateness *late = user;
    size_t unused;
    late->null_ns = median_of(run, -1, "generator", "slip_p99_ns", &late->runs);
    late->best_ns = NAN;
    for (size_t e = 0; e < run->entry_count; e++)
        late->best_ns = fmin(late->best_ns, median_of(run, (int)e, "latency", "p99", &unused));
}

/* A core point that offers tasks at a share of a common rate, and that the null contestant can
 * take part in; NULL without one. */
static const struct scenario_point *open_loop(const struct selfcheck *check,
                                              const struct scenario **scenario)
{
    for (size_t s = 0; s < check->scenarios.count; s++) {
        *scenario = &check->scenarios.items[s];
        for (size_t p = 0; p < (*scenario)->point_count; p++) {
            const struct scenario_point *point = &(*scenario)->points[p];
            if (point->core && point->ceiling && json_double(point->params, "percent", 0) > 0)
                return point;
        }
    }
    return NULL;
}

/* Everybody who was built, as long as there is room. Returns: 0; -errno after a message. */
static int enter(struct selfcheck *check, const struct scenario_point *point, struct trial *trial)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < check->registry.count && trial->count < TRIAL_NAMES_MAX;
         i++) {
        const struct contestant *contestant = &check->registry.items[i];
        if (point->blocked[i] != NULL)
            continue;
        rc = stable_make(check, contestant->name, contestant->dir, 0);
        trial->names[trial->count++] = contestant->name;
    }
    return rc;
}

static void
conclude(struct selfcheck *check, const struct trial *trial, const struct lateness *late)
{
    if (late->runs == 0) {
        finding_add(check,
                    FINDING_NOT_RUN,
                    "",
                    "the generator: no run of the null contestant told how late it was (%s)",
                    trial->held ? "is build/release/harness/null built? make build"
                                : trial->reason);
        return;
    }
    const double times = late->best_ns / late->null_ns;
    finding_add(check,
                late->null_ns * CEILING_TIMES_LEAST <= late->best_ns ? FINDING_PASS : FINDING_NOISY,
                "3.0",
                "with no loop behind it the generator of %s %s is late by %.1f us (p99, median of "
                "%zu runs); the p99 of the best contestant is %.1f times that",
                trial->scenario,
                trial->point,
                late->null_ns / 1e3,
                late->runs,
                times);
    finding_detail(check, "null_slip_p99_ns", json_real(late->null_ns));
    finding_detail(check, "best_p99_ns", json_real(late->best_ns));
}

int generator_check(struct selfcheck *check)
{
    const struct scenario *scenario = NULL;
    const struct scenario_point *point = NULL;
    struct lateness late = {.null_ns = NAN, .best_ns = NAN};
    int rc = selfcheck_load(check);
    if (rc == 0)
        point = open_loop(check, &scenario);
    if (rc == 0 && point == NULL)
        finding_add(
            check, FINDING_NOT_RUN, "", "the generator: no open loop is among the core cells");
    if (rc != 0 || point == NULL)
        return rc;
    struct trial trial = {.purpose = "generator",
                          .lane = "race",
                          .scenario = scenario->name,
                          .point = point->id,
                          .window_ms = WINDOW_MS,
                          .blocks = BLOCKS,
                          .complete = true,
                          .null = true,
                          .look = look,
                          .user = &late,
                          .seed = selfcheck_seed(check, "generator", 0)};
    selfcheck_step(check, 0, 1, "generator");
    rc = enter(check, point, &trial);
    if (rc == 0)
        rc = trial_run(check, &trial);
    if (rc == 0)
        conclude(check, &trial, &late);
    return rc;
}
