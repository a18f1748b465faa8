/* SPDX-License-Identifier: MIT */
/*
 * limits.h - the physical limits of the machine, measured before and after a tournament.
 */
#ifndef VELO_TOURNAMENT_LIMITS_H
#define VELO_TOURNAMENT_LIMITS_H

#include "interrupt.h"
#include "project.h"

#include <jansson.h>
#include <stdbool.h>

/* Runs build/V/limits --json. Returns a new object, or NULL after a message. */
json_t *limits_measure(const struct project *project, bool quick, struct interrupt *interrupt);

/* Is the program there? Says nothing. */
bool limits_available(const struct project *project);

/*
 * Only the limits [ids] ("C8,L4") and what they are made of, by repetitions of [rep_ms]. Returns a
 * new object; NULL after a message, and also when it was interrupted.
 */
json_t *limits_measure_some(const struct project *project,
                            const char *ids,
                            double rep_ms,
                            struct interrupt *interrupt);

/*
 * How far the second measurement is from the first: the median over the limits of the ratio of the
 * larger to the smaller value, minus 1. -1 when there is nothing to compare.
 */
double limits_drift(const json_t *first, const json_t *second);

#endif
