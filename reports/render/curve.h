/* SPDX-License-Identifier: MIT */
/* curve.h - the latency curves of many runs as one: at each percentile the median of the runs. */
#ifndef VELO_REPORT_CURVE_H
#define VELO_REPORT_CURVE_H

#include <jansson.h>
#include <stddef.h>

struct curve_point {
    double p; /* 0.99 */
    double value;
};

/* All zero is an empty curve. */
struct curve {
    struct curve_point *points;
    size_t count, room;
    size_t runs;
};

/* Adds one run's array of [p, value]; NULL and points without a number change nothing. */
void curve_add(struct curve *curve, const json_t *run);

/*
 * Replaces the points of all runs by their median at each percentile, in rising order. A run that
 * has too few messages for a percentile counts as slower there than all others: slow runs have
 * fewer messages, so leaving them out would flatter the tail, and the curve could fall. Where most
 * runs lack a percentile it is left out. Returns the number of points.
 */
size_t curve_merge(struct curve *curve);

void curve_fini(struct curve *curve);

#endif
