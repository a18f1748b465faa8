/* SPDX-License-Identifier: MIT */
/* scenario.c - finding things in a scenario, and giving it back. */
#include "scenario.h"

#include <stdlib.h>
#include <string.h>

void scenario_free(struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->point_count; i++) {
        free(scenario->points[i].id);
        json_decref(scenario->points[i].params);
    }
    free(scenario->points);
    free(scenario->path);
    free(scenario->name);
    free(scenario->summary);
    free(scenario->family);
    free(scenario->primary);
    memset(scenario, 0, sizeof *scenario);
}

const struct point *scenario_point(const struct scenario *scenario, const char *id)
{
    for (size_t i = 0; i < scenario->point_count; i++)
        if (strcmp(scenario->points[i].id, id) == 0)
            return &scenario->points[i];
    return NULL;
}

const struct metric_spec *scenario_primary(const struct scenario *scenario,
                                           const struct point *point)
{
    const struct metric_spec *spec = point->load->metrics;
    while (spec->name != NULL && strcmp(spec->name, scenario->primary) != 0)
        spec++;
    return spec->name == NULL ? NULL : spec;
}
