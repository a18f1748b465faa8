/* SPDX-License-Identifier: MIT */
/* question.c - see question.h. */
#include "question.h"

#include "../render/fields.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

const char *target_word_name(enum target_word word)
{
    static const char *const names[TARGET_WORDS] = {
        "met", "met, not proven", "missed, not proven", "missed", "not measured"};
    return names[word];
}

int question_refuse(struct target_result *result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->reason, sizeof(result->reason), format, arguments);
    va_end(arguments);
    result->word = TARGET_NOT_MEASURED;
    return -1;
}

/* ---- one number for each block ---- */

static double metric_of(const struct run_dir_run *run, const char *metric)
{
    return field_number(json_object_get(json_object_get(run->run, "metrics"), metric), "value");
}

size_t question_numbers(
    const struct run_dir *dir, size_t cell, size_t entry, const char *metric, double *out)
{
    const struct judge_cell_input *in = &dir->in.cells[cell];
    for (size_t b = 0; b < in->block_count; b++)
        out[b] = metric == NULL ? in->blocks[b].cost[entry] : NAN;
    size_t at = 0;
    for (size_t i = 0; metric != NULL && i < dir->run_count; i++) {
        const struct run_dir_run *run = &dir->runs[i];
        if (!run->counts || run->cell != cell || run->entry != entry)
            continue;
        while (at < in->block_count && in->blocks[at].number < run->block)
            at++;
        if (at < in->block_count && in->blocks[at].number == run->block)
            out[at] = metric_of(run, metric);
    }
    return in->block_count;
}

double question_median(const double *values, size_t count, double *scratch)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            scratch[n++] = values[i];
    judge_sort(scratch, n);
    return judge_median(scratch, n);
}

/* ---- the word ---- */

static enum target_word word_of(const struct target_result *result)
{
    const struct target *target = result->target;
    const bool up = target->at_least;
    const double bound = target->bound;
    const bool keeps = up ? result->ratio >= bound : result->ratio <= bound;
    if (isnan(result->ratio))
        return TARGET_NOT_MEASURED;
    if (target->always && !keeps)
        return TARGET_MISSED; /* one block is enough */
    if (isnan(result->low) || isnan(result->high))
        return keeps ? TARGET_MET_OPEN : TARGET_MISSED_OPEN;
    if (up ? result->low >= bound : result->high <= bound)
        return TARGET_MET;
    if (up ? result->high < bound : result->low > bound)
        return TARGET_MISSED;
    return keeps ? TARGET_MET_OPEN : TARGET_MISSED_OPEN;
}

/* What must hold always is answered by the block that keeps it least; the rest is the range. */
static void take_worst(const struct question *q, size_t n, struct target_result *result)
{
    const bool up = q->target->at_least;
    double least = INFINITY, most = -INFINITY;
    size_t broken = 0;
    for (size_t i = 0; i < n; i++) {
        const double ratio = up ? q->b[i] / q->a[i] : q->a[i] / q->b[i];
        if (isnan(ratio))
            continue;
        least = fmin(least, ratio);
        most = fmax(most, ratio);
        broken += up ? ratio < q->target->bound : ratio > q->target->bound;
    }
    result->ratio = up ? least : most;
    if (!isnan(result->low)) {
        result->low = least;
        result->high = most;
    }
    if (broken > 0)
        snprintf(result->reason,
                 sizeof(result->reason),
                 "not so in %zu of %zu blocks",
                 broken,
                 result->blocks);
}

int question_settle(struct question *q, size_t n, struct target_result *result)
{
    const bool up = q->target->at_least;
    const double log_t = judge_log_threshold(1, q->dir->in.alpha);
    struct judge_comparison found;
    const int rc = up ? judge_compare_rows(q->b, q->a, n, log_t, &found)
                      : judge_compare_rows(q->a, q->b, n, log_t, &found);
    if (rc != 0)
        return rc;
    if (found.blocks == 0)
        return question_refuse(result, "no block in which both were measured"), 0;
    result->blocks = found.blocks;
    result->ratio = exp(found.ratio);
    result->low = exp(found.low);
    result->high = exp(found.high);
    result->cost = question_median(q->a, n, q->scratch);
    result->other = question_median(q->b, n, q->scratch);
    if (q->target->always)
        take_worst(q, n, result);
    result->word = word_of(result);
    return 0;
}
