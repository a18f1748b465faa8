/* SPDX-License-Identifier: MIT */
/* curve.c - see curve.h. */
#include "curve.h"

#include <stdlib.h>

void curve_add(struct curve *curve, const json_t *run)
{
    size_t n = json_array_size(run);
    if (n == 0)
        return;
    if (curve->count + n > curve->room) {
        size_t room = (curve->count + n) * 2;
        struct curve_point *more = realloc(curve->points, room * sizeof *more);
        if (!more)
            return; /* a picture of fewer runs */
        curve->points = more;
        curve->room = room;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *p = json_array_get(json_array_get(run, i), 0);
        const json_t *value = json_array_get(json_array_get(run, i), 1);
        if (json_is_number(p) && json_is_number(value))
            curve->points[curve->count++] =
                (struct curve_point){json_number_value(p), json_number_value(value)};
    }
    curve->runs++;
}

static int by_p_then_value(const void *left, const void *right)
{
    const struct curve_point *a = left, *b = right;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

size_t curve_merge(struct curve *curve)
{
    size_t kept = 0;
    if (curve->count == 0)
        return 0;
    qsort(curve->points, curve->count, sizeof *curve->points, by_p_then_value);
    for (size_t from = 0, to; from < curve->count; from = to) {
        for (to = from; to < curve->count && !(curve->points[to].p > curve->points[from].p); to++)
            continue;
        size_t middle = curve->runs / 2; /* the runs without this percentile stand behind it */
        if (to - from > middle)
            curve->points[kept++] = curve->points[from + middle];
    }
    curve->count = kept;
    return kept;
}

void curve_fini(struct curve *curve)
{
    free(curve->points);
    *curve = (struct curve){0};
}
