/* SPDX-License-Identifier: MIT */
/*
 * verify_calibration.c - the prices beside a block computed again: each median from its
 * repetitions, each derived limit from its parts, the drift from both measurements, and whether the
 * limit holds from the drift and the plan.
 */
#include "verify.h"

#include "../../reports/render/limit_beside.h"
#include "../limits/limits.h"
#include "calibration.h"
#include "json.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* What a recorded price comes to by its repetitions. */
static struct limit_result recompute(const json_t *limit)
{
    struct limit_result result = {
        .id = json_text(limit, "id", ""), .median = NAN, .min = NAN, .max = NAN};
    const json_t *reps = json_object_get(limit, "reps");
    double sorted[LIMIT_REPS];
    result.rep_count = json_array_size(reps);
    if (result.rep_count != LIMIT_REPS)
        return result;
    for (size_t i = 0; i < LIMIT_REPS; i++)
        sorted[i] = json_number_value(json_array_get(reps, i));
    result.median = limit_median(sorted, LIMIT_REPS);
    result.min = sorted[0];
    result.max = sorted[LIMIT_REPS - 1];
    return result;
}

static void compare(struct verify *v,
                    const char *when,
                    size_t index,
                    const json_t *limit,
                    const struct limit_result *result)
{
    const struct {
        const char *key;
        double value;
    } fields[] = {{"median", result->median}, {"min", result->min}, {"max", result->max}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char *key = text_format("calibration.%s[%zu].%s", when, index, fields[i].key);
        verify_same(v,
                    verify_here(v, key),
                    json_object_get(limit, fields[i].key),
                    number(fields[i].value),
                    limits_is_derived(result->id)
                        ? "its parts in this line give another limit"
                        : "its repetitions in this line give another price");
        free(key);
    }
}

static void check_side(struct verify *v, const char *when, const json_t *list)
{
    struct limit_result results[LIMITS_MAX];
    size_t count = 0;
    size_t index;
    const json_t *limit;
    json_array_foreach(list, index, limit) if (!limits_is_derived(json_text(limit, "id", "")) &&
                                               count < LIMITS_MAX) results[count++] =
        recompute(limit);
    count = limits_derive(results, count, NULL);
    json_array_foreach(list, index, limit)
    {
        const struct limit_result *result = limit_find(results, count, json_text(limit, "id", ""));
        if (result != NULL)
            compare(v, when, index, limit, result);
    }
}

/* All that the limit of the cell needs must have been asked for. */
static void check_ids(struct verify *v, const struct limit_rule *rule, const json_t *list)
{
    char *ids = text_copy(rule->beside);
    char *rest = ids;
    for (char *id; (id = strsep(&rest, ",")) != NULL;) {
        bool there = false;
        size_t index;
        const json_t *limit;
        json_array_foreach(list, index, limit) there |= strcmp(json_text(limit, "id", ""), id) == 0;
        verify_holds(v,
                     there,
                     verify_here(v, "calibration"),
                     "a list without it",
                     id,
                     "the limit of this cell is measured beside each of its blocks");
    }
    free(ids);
}

void verify_calibration(struct verify *v, const struct plan_cell *cell, const json_t *event)
{
    const json_t *both = json_object_get(event, "calibration");
    const json_t *before = json_object_get(both, "before");
    const json_t *after = json_object_get(both, "after");
    v->part = VERIFY_LIMITS;
    if (v->plan.drift_limit > 0 && v->same_program)
        verify_holds(v,
                     (both != NULL) == calibration_wanted(&v->plan, cell),
                     verify_here(v, "calibration"),
                     both != NULL ? "there" : "absent",
                     both != NULL ? "absent" : "there",
                     "cells with a limit are calibrated beside each block, others are not");
    if (before == NULL)
        return;
    if (v->same_program && calibration_wanted(&v->plan, cell)) {
        const struct limit_rule *rule = limit_rule_of(cell->lane, cell->scenario, cell->point);
        check_ids(v, rule, before);
        if (json_is_array(after))
            check_ids(v, rule, after);
    }
    check_side(v, "before", before);
    check_side(v, "after", after);
    const double drift = limit_drift(both);
    verify_same(v,
                verify_here(v, "drift"),
                json_object_get(event, "drift"),
                number(drift),
                "the prices before and after the block give another drift");
    verify_same(v,
                verify_here(v, "limit_holds"),
                json_object_get(event, "limit_holds"),
                json_boolean(drift <= v->plan.drift_limit),
                "the drift and the plan say otherwise");
}
