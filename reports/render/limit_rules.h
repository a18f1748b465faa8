/* SPDX-License-Identifier: MIT */
/*
 * limit_rules.h - which price of the machine stands beside the cost of a cell, and what has to be
 * measured for it. The tournament calibrates by it, the verdict divides by it.
 */
#ifndef VELO_REPORT_LIMIT_RULES_H
#define VELO_REPORT_LIMIT_RULES_H

#include <stdbool.h>

struct limit_rule {
    const char *lane, *scenario, *point; /* patterns of fnmatch() */
    const char *limit;                   /* id in limits.json; NULL: no limit makes sense */
    double share;                        /* how much of it one operation needs */
    const char *label;                   /* as printed */
    const char *beside; /* ids to measure right before and after a block; NULL: it cannot drift */
};

/* The rule of a cell, or NULL where no limit is known. */
const struct limit_rule *limit_rule_of(const char *lane, const char *scenario, const char *point);

/* A calibration drifted if a price moved by more than this part of itself. */
#define LIMIT_DRIFT_MOST 0.20

#endif
