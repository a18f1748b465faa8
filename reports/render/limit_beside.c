/* SPDX-License-Identifier: MIT */
/* limit_beside.c - see limit_beside.h. */
#include "limit_beside.h"

#include "fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const json_t *find(const json_t *list, const char *id)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(field_text(json_array_get(list, i), "id"), id) == 0)
            return json_array_get(list, i);
    return NULL;
}

/* The median of limit [id] in this unit, or NAN. */
static double median_of(const json_t *list, const char *id, const char *unit)
{
    const json_t *limit = find(list, id);
    return strcmp(field_text(limit, "unit"), unit) == 0 ? field_number(limit, "median") : NAN;
}

double limit_drift(const json_t *calibration)
{
    const json_t *before = json_object_get(calibration, "before");
    const json_t *after = json_object_get(calibration, "after");
    double most = NAN;
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *limit = json_array_get(before, i);
        const double first = field_number(limit, "median");
        const double second = field_number(find(after, field_text(limit, "id")), "median");
        if (first > 0 && second > 0)
            most = fmax(most, (first > second ? first / second : second / first) - 1);
    }
    return most;
}

/* What the plan allows; plans of earlier versions do not say. */
static double drift_allowed(const struct run_dir *dir)
{
    const double planned = field_number(json_object_get(dir->plan, "calibration"), "drift_limit");
    return isfinite(planned) ? planned : LIMIT_DRIFT_MOST;
}

static double limit_of_block(const struct run_dir *dir,
                             const struct run_dir_block *block,
                             const char *id,
                             struct limit_times *use)
{
    const char *unit = dir->cells[block->cell].unit;
    const double before = median_of(json_object_get(block->calibration, "before"), id, unit);
    const double after = median_of(json_object_get(block->calibration, "after"), id, unit);
    if (!(before > 0) || !(after > 0))
        return NAN;
    use->calibrated++;
    if (limit_drift(block->calibration) <= drift_allowed(dir))
        return sqrt(before * after);
    use->drifted++;
    return NAN;
}

static double median_of_finite(const double *values, size_t count)
{
    double *room = calloc(count + 1, sizeof(*room));
    size_t n = 0;
    if (room == NULL)
        return NAN;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            room[n++] = values[i];
    judge_sort(room, n);
    const double median = judge_median(room, n);
    free(room);
    return median;
}

bool limit_of_blocks(const struct run_dir *dir,
                     size_t cell,
                     const char *id,
                     double share,
                     double *out,
                     struct limit_times *use)
{
    const struct judge_cell_input *in = &dir->in.cells[cell];
    size_t b = 0;
    *use = (struct limit_times){.limit = NAN, .times = NAN, .low = NAN, .high = NAN};
    for (size_t i = 0; i < in->block_count; i++)
        out[i] = NAN;
    for (size_t i = 0; i < dir->block_count && b < in->block_count; i++) {
        const struct run_dir_block *block = &dir->blocks[i];
        if (block->cell == cell && block->valid && block->block == in->blocks[b].number)
            out[b++] = share * limit_of_block(dir, block, id, use);
    }
    use->beside = use->calibrated > 0;
    use->dropped = 2 * use->drifted > use->calibrated;
    use->limit = median_of_finite(out, in->block_count);
    return use->beside;
}

/* Cost and limit as the two entries of a cell of their own, which the judge compares like any two.
 */
static int compare(const struct judge_cell_input *in,
                   size_t entry,
                   const double *limits,
                   double log_t,
                   struct judge_comparison *out)
{
    struct judge_cell_input two = *in;
    struct judge_block *blocks = calloc(in->block_count + 1, sizeof(*blocks));
    double *costs = calloc(2 * in->block_count + 1, sizeof(*costs));
    int rc = blocks != NULL && costs != NULL ? 0 : -ENOMEM;
    for (size_t b = 0; rc == 0 && b < in->block_count; b++) {
        costs[2 * b] = in->blocks[b].cost[entry];
        costs[2 * b + 1] = limits[b];
        blocks[b] = in->blocks[b];
        blocks[b].cost = &costs[2 * b];
        blocks[b].redone = NULL; /* rows of all entries: of this cell there are two */
        blocks[b].redone_count = 0;
    }
    two.blocks = blocks;
    if (rc == 0)
        rc = judge_compare(&two, 0, 1, log_t, out);
    free(costs);
    free(blocks);
    return rc;
}

/* By the one calibration before the first block: for prices that cannot drift, and for runs of
 * earlier versions. */
static void by_the_start(const struct run_dir *dir,
                         size_t cell,
                         size_t entry,
                         const struct limit_rule *rule,
                         struct limit_times *out)
{
    const json_t *list = json_object_get(dir->limits, "limits");
    const struct judge_cell_input *in = &dir->in.cells[cell];
    double *costs = calloc(in->block_count + 1, sizeof(*costs));
    if (costs == NULL)
        return;
    for (size_t b = 0; b < in->block_count; b++)
        costs[b] = in->blocks[b].cost[entry];
    const double limit = median_of(list, rule->limit, dir->cells[cell].unit);
    if (limit > 0) {
        out->limit = limit * rule->share;
        out->times = median_of_finite(costs, in->block_count) / out->limit;
    }
    free(costs);
}

int limit_times_of(const struct run_dir *dir, size_t cell, size_t entry, struct limit_times *out)
{
    const struct run_dir_cell *planned = &dir->cells[cell];
    const struct limit_rule *rule = limit_rule_of(planned->lane, planned->scenario, planned->point);
    const struct judge_cell_input *in = &dir->in.cells[cell];
    *out = (struct limit_times){.limit = NAN, .times = NAN, .low = NAN, .high = NAN};
    if (rule == NULL)
        return 0;
    double *limits = calloc(in->block_count + 1, sizeof(*limits));
    struct judge_comparison found;
    int rc = limits != NULL ? 0 : -ENOMEM;
    if (rc == 0 && !limit_of_blocks(dir, cell, rule->limit, rule->share, limits, out)) {
        by_the_start(dir, cell, entry, rule, out);
    } else if (rc == 0 && !out->dropped) {
        rc = compare(in, entry, limits, judge_log_threshold(1, dir->in.alpha), &found);
        if (rc == 0) {
            out->times = exp(found.ratio);
            out->low = exp(found.low);
            out->high = exp(found.high);
        }
    }
    out->rule = rule;
    free(limits);
    return rc;
}
