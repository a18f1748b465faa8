/* SPDX-License-Identifier: MIT */
/*
 * question.h - one target asked of one run: the numbers of its blocks, and the word that they give.
 */
#ifndef VELO_TARGETS_QUESTION_H
#define VELO_TARGETS_QUESTION_H

#include "targets.h"

/* What one question works with. */
struct question {
    const struct run_dir *dir;
    const struct target *target;
    struct target_results *out;
    int cell;                /* -1 = the run has no such cell */
    double *a, *b, *scratch; /* each has room for a number of each block */
};

/* The primary cost, or [metric] of the runs, of [entry] in the blocks of [cell], into [out]; NAN
 * where it did not run. Returns how many. */
size_t question_numbers(
    const struct run_dir *dir, size_t cell, size_t entry, const char *metric, double *out);

/* Of the finite ones; [scratch] has room for [count]. NAN for none. */
double question_median(const double *values, size_t count, double *scratch);

/* The answer from the first [n] of q->a and q->b, in the direction of the bound. Returns: 0;
 * -ENOMEM. */
int question_settle(struct question *q, size_t n, struct target_result *result);

/* "not measured", and why. Always -1, so that it can stand behind a return. */
int question_refuse(struct target_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
