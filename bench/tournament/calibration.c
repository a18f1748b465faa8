/* SPDX-License-Identifier: MIT */
/* calibration.c - see calibration.h. */
#include "calibration.h"

#include "../../reports/render/limit_beside.h"
#include "json.h"
#include "limits.h"
#include "text.h"

#include <math.h>
#include <string.h>

static const struct limit_rule *rule_of(const struct plan_cell *cell)
{
    return limit_rule_of(cell->lane, cell->scenario, cell->point);
}

bool calibration_wanted(const struct plan *plan, const struct plan_cell *cell)
{
    const struct limit_rule *rule = rule_of(cell);
    return plan->calibration_ms > 0 && rule != NULL && rule->beside != NULL;
}

/* Names and methods stand in limits.json once; here is what was measured. */
static json_t *numbers_of(const json_t *limit)
{
    static const char *const keys[] = {"id", "unit", "median", "min", "max", "reps", "reason"};
    json_t *numbers = json_object();
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set(numbers, keys[i], json_object_get(limit, keys[i]));
    return numbers;
}

json_t *calibration_measure(const struct project *project,
                            const struct plan *plan,
                            const struct plan_cell *cell,
                            struct interrupt *interrupt)
{
    if (!calibration_wanted(plan, cell))
        return NULL;
    if (!limits_available(project)) /* which was said when the limits were to be measured */
        return NULL;
    json_t *all =
        limits_measure_some(project, rule_of(cell)->beside, plan->calibration_ms, interrupt);
    if (all == NULL)
        return NULL;
    json_t *list = json_array();
    size_t index;
    const json_t *limit;
    json_array_foreach(json_object_get(all, "limits"), index, limit)
        json_array_append_new(list, numbers_of(limit));
    json_decref(all);
    return list;
}

void calibration_record(const struct plan *plan, json_t *event, json_t *before, json_t *after)
{
    if (before == NULL) {
        json_object_set_new(event, "calibration", json_null());
    } else {
        json_t *both = json_pack("{s:O, s:o}",
                                 "before",
                                 before,
                                 "after",
                                 after != NULL ? json_incref(after) : json_null());
        const double drift = limit_drift(both);
        json_object_set_new(event, "calibration", both);
        json_object_set_new(event, "drift", isnan(drift) ? json_null() : json_real(drift));
        json_object_set_new(event, "limit_holds", json_boolean(drift <= plan->drift_limit));
    }
    json_decref(before);
    json_decref(after);
}
