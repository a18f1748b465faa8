/* SPDX-License-Identifier: MIT */
/*
 * evaluate.c - from the blocks of a run to an answer for each target.
 *
 * Each answer is the median of one ratio per block and the interval of all ratios that the judge's
 * sign test at T = 1/alpha does not refute (judge_compare_rows); it stands by itself, as one
 * question asked. A target is met when the whole interval keeps the bound; one that holds always,
 * when every block does.
 */
#include "question.h"

#include "../render/conditions.h"
#include "../render/fields.h"
#include "../render/limit_beside.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct target_result *add(struct question *q, const char *who)
{
    struct target_results *results = q->out;
    if (results->count == results->room) {
        const size_t room = results->room > 0 ? 2 * results->room : 32;
        struct target_result *items = realloc(results->items, room * sizeof(*items));
        if (items == NULL)
            return NULL;
        results->items = items;
        results->room = room;
    }
    struct target_result *result = &results->items[results->count++];
    *result = (struct target_result){.target = q->target,
                                     .word = TARGET_NOT_MEASURED,
                                     .cost = NAN,
                                     .other = NAN,
                                     .ratio = NAN,
                                     .low = NAN,
                                     .high = NAN,
                                     .ceiling = NAN,
                                     .harness = NAN};
    snprintf(result->who, sizeof(result->who), "%s", who);
    return result;
}

/* ---- who there is ---- */

static bool is_guest(const struct run_dir *dir, size_t entry)
{
    return strcmp(dir->entries[entry].kind, "guest") == 0 && dir->entries[entry].twin_of < 0;
}

/* As it is: a variant is no contestant of its own. */
static bool is_native(const struct run_dir *dir, size_t entry)
{
    return strcmp(dir->entries[entry].kind, "native") == 0 && dir->entries[entry].twin_of < 0 &&
           dir->entries[entry].variant[0] == '\0';
}

static int
find_cell(const struct run_dir *dir, const char *lane, const char *scenario, const char *point)
{
    for (size_t c = 0; c < dir->cell_count; c++)
        if (strcmp(dir->cells[c].lane, lane) == 0 &&
            strcmp(dir->cells[c].scenario, scenario) == 0 &&
            strcmp(dir->cells[c].point, point) == 0)
            return (int)c;
    return -1;
}

static double entry_median(struct question *q, size_t cell, size_t entry)
{
    const size_t n = question_numbers(q->dir, cell, entry, q->target->metric, q->a);
    return question_median(q->a, n, q->scratch);
}

/* ---- held against what ---- */

static int
against_entry(struct question *q, size_t entry, size_t other, struct target_result *result)
{
    const size_t n = question_numbers(q->dir, (size_t)q->cell, entry, q->target->metric, q->a);
    question_numbers(q->dir, (size_t)q->cell, other, q->target->metric, q->b);
    snprintf(result->against, sizeof(result->against), "%s", q->dir->entries[other].name);
    return question_settle(q, n, result);
}

/* Is [a] further from keeping the bound than [b]? */
static bool is_worse(const struct target_result *a, const struct target_result *b)
{
    if (isnan(a->ratio) || isnan(b->ratio))
        return isnan(b->ratio) && !isnan(a->ratio);
    return a->target->at_least ? a->ratio < b->ratio : a->ratio > b->ratio;
}

/* How far ahead of [guest] somebody would be who costs no more than the limit of the cell: a bound
 * above it is out of reach on this machine. */
static void find_ceiling(struct question *q, size_t guest, struct target_result *result)
{
    const struct target *t = q->target;
    const struct limit_rule *rule = limit_rule_of(t->lane, t->scenario, t->point);
    struct limit_times use;
    if (rule == NULL || t->metric != NULL ||
        !limit_of_blocks(q->dir, (size_t)q->cell, rule->limit, rule->share, q->b, &use) ||
        use.dropped)
        return;
    const size_t n = question_numbers(q->dir, (size_t)q->cell, guest, NULL, q->a);
    for (size_t b = 0; b < n; b++)
        q->a[b] /= q->b[b];
    result->ceiling = question_median(q->a, n, q->scratch);
    result->ceiling_by = rule->label;
}

/* The guest that comes closest, and the weakest word of all. */
static int against_guests(struct question *q, size_t entry, struct target_result *result)
{
    const struct target_result empty = *result;
    enum target_word worst = TARGET_MET;
    int rc = 0;
    size_t guests = 0, closest = 0;
    for (size_t g = 0; rc == 0 && g < q->dir->entry_count; g++) {
        struct target_result one = empty;
        if (!is_guest(q->dir, g))
            continue;
        rc = against_entry(q, entry, g, &one);
        if (one.word == TARGET_NOT_MEASURED)
            continue;
        worst = one.word > worst ? one.word : worst;
        if (guests++ == 0 || is_worse(&one, result)) {
            *result = one;
            closest = g;
        }
    }
    if (guests == 0)
        return question_refuse(result, "no guest ran in this cell"), rc;
    result->word = worst;
    find_ceiling(q, closest, result);
    return rc;
}

static int against_limit(struct question *q, size_t entry, struct target_result *result)
{
    struct limit_times use;
    const char *id = q->target->other;
    const size_t n = question_numbers(q->dir, (size_t)q->cell, entry, q->target->metric, q->a);
    snprintf(result->against, sizeof(result->against), "limit %s", id);
    if (!limit_of_blocks(q->dir, (size_t)q->cell, id, 1, q->b, &use))
        return question_refuse(result, "%s was not measured beside the blocks", id), 0;
    const int rc = question_settle(q, n, result);
    if (rc == 0 && use.dropped)
        question_refuse(
            result, "%s drifted too far in %zu of %zu blocks", id, use.drifted, use.calibrated);
    else if (use.drifted > 0)
        snprintf(result->reason,
                 sizeof(result->reason),
                 "%zu of %zu blocks left out: drift",
                 use.drifted,
                 use.calibrated);
    return rc;
}

/* The r-th block of the one cell with the r-th of the other. */
static int against_point(struct question *q, size_t entry, struct target_result *result)
{
    const struct target *t = q->target;
    const int other = find_cell(q->dir, t->lane, t->scenario, t->other);
    snprintf(result->against, sizeof(result->against), "%s", t->other);
    if (other < 0)
        return question_refuse(result, "the run has no cell %s %s", t->scenario, t->other), 0;
    const size_t n = question_numbers(q->dir, (size_t)q->cell, entry, t->metric, q->a);
    const size_t m = question_numbers(q->dir, (size_t)other, entry, t->metric, q->b);
    return question_settle(q, n < m ? n : m, result);
}

static int against_metric(struct question *q, size_t entry, struct target_result *result)
{
    const size_t n = question_numbers(q->dir, (size_t)q->cell, entry, q->target->metric, q->a);
    question_numbers(q->dir, (size_t)q->cell, entry, q->target->other, q->b);
    snprintf(result->against, sizeof(result->against), "%s", q->target->other);
    return question_settle(q, n, result);
}

static int against_number(struct question *q, size_t entry, struct target_result *result)
{
    const size_t n = question_numbers(q->dir, (size_t)q->cell, entry, q->target->metric, q->a);
    for (size_t b = 0; b < n; b++)
        q->b[b] = 1;
    return question_settle(q, n, result);
}

/* ---- no cell lost to a guest ---- */

/* Counts what a native has not proven, and keeps its worst cell. */
static int
lose_in(struct question *q, size_t entry, size_t cell, struct target_result *worst, size_t *pairs)
{
    int rc = 0;
    for (size_t g = 0; rc == 0 && g < q->dir->entry_count; g++) {
        struct target_result one = *worst;
        if (!is_guest(q->dir, g))
            continue;
        q->cell = (int)cell;
        one.ratio = NAN;
        rc = against_entry(q, entry, g, &one);
        if (one.word == TARGET_NOT_MEASURED)
            continue;
        snprintf(one.against,
                 sizeof(one.against),
                 "%.20s in %.24s %.40s",
                 q->dir->entries[g].name,
                 q->dir->cells[cell].scenario,
                 q->dir->cells[cell].point);
        ++*pairs;
        if (isnan(worst->ratio) || one.word > worst->word ||
            (one.word == worst->word && is_worse(&one, worst)))
            *worst = one;
    }
    return rc;
}

/* Was the question of a guest in [cell] left out, not answered by what the guest cannot do? */
static bool unasked(const struct run_dir *dir, size_t cell)
{
    const struct judge_cell_input *in = &dir->in.cells[cell];
    bool left_out = in->block_count == 0;
    for (size_t g = 0; g < dir->entry_count; g++) {
        const char *why = in->status[g].reason;
        left_out |= is_guest(dir, g) && why != NULL && strcmp(why, TARGETS_NOT_ASKED) == 0;
    }
    return left_out;
}

static int against_losses(struct question *q, size_t entry, struct target_result *result)
{
    size_t pairs = 0, left_out = 0;
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < q->dir->cell_count; c++) {
        left_out += unasked(q->dir, c);
        rc = lose_in(q, entry, c, result, &pairs);
    }
    q->cell = -1;
    if (pairs == 0)
        return question_refuse(result, "no guest ran beside it in any cell"), rc;
    if (left_out > 0 && result->word == TARGET_MET)
        result->word = TARGET_MET_OPEN;
    const int length = snprintf(
        result->reason, sizeof(result->reason), "its worst of %zu pairs of guest and cell", pairs);
    if (left_out > 0)
        snprintf(result->reason + length,
                 sizeof(result->reason) - (size_t)length,
                 "; guests did not race in %zu of %zu cells",
                 left_out,
                 q->dir->cell_count);
    return rc;
}

/* ---- one target ---- */

/* What a loop would reach that costs nothing: a bound beyond it is kept by nobody in this cell. */
static int find_harness(struct question *q, struct target_result *result)
{
    const struct target *t = q->target;
    struct ceiling null;
    if (q->cell < 0 || t->metric != NULL ||
        (t->against != AGAINST_GUESTS && t->against != AGAINST_LIMIT))
        return 0;
    const int rc = ceiling_of(q->dir, (size_t)q->cell, &null);
    if (rc == 0)
        result->harness = t->at_least ? result->other / null.median : null.median / result->other;
    return rc;
}

static int ask_of(struct question *q, size_t entry)
{
    const struct target *target = q->target;
    struct target_result *result = add(q, q->dir->entries[entry].name);
    if (result == NULL)
        return -ENOMEM;
    struct target_result one = *result;
    int rc = 0;
    int other = target->other != NULL ? run_dir_find_entry(q->dir, target->other) : -1;
    if (target->against == AGAINST_GUESTS)
        rc = against_guests(q, entry, &one);
    else if (target->against == AGAINST_ENTRY && other < 0)
        question_refuse(&one, "%s is not in this run", target->other);
    else if (target->against == AGAINST_ENTRY)
        rc = against_entry(q, entry, (size_t)other, &one);
    else if (target->against == AGAINST_LIMIT)
        rc = against_limit(q, entry, &one);
    else if (target->against == AGAINST_POINT)
        rc = against_point(q, entry, &one);
    else if (target->against == AGAINST_METRIC)
        rc = against_metric(q, entry, &one);
    else if (target->against == AGAINST_NUMBER)
        rc = against_number(q, entry, &one);
    else
        rc = against_losses(q, entry, &one);
    if (rc == 0)
        rc = find_harness(q, &one);
    *result = one;
    return rc;
}

static bool is_asked(const struct question *q, size_t entry)
{
    return q->target->who == WHO_NAMED ? target_names(q->target, q->dir->entries[entry].name)
                                       : is_native(q->dir, entry);
}

/* May its numbers count in the cell? */
static bool runs(const struct question *q, size_t entry)
{
    return q->cell < 0 || q->dir->in.cells[q->cell].status[entry].state == JUDGE_RUNS;
}

static int best_native(struct question *q)
{
    int best = -1;
    double least = NAN;
    for (size_t e = 0; e < q->dir->entry_count; e++) {
        if (!is_native(q->dir, e) || !runs(q, e))
            continue;
        const double cost = entry_median(q, (size_t)q->cell, e);
        if (isfinite(cost) && !(cost >= least)) {
            least = cost;
            best = (int)e;
        }
    }
    return best;
}

static int nobody(struct question *q, const char *who, const char *reason)
{
    struct target_result *result = add(q, who);
    if (result == NULL)
        return -ENOMEM;
    question_refuse(result, "%s", reason);
    return 0;
}

static int ask_each(struct question *q)
{
    size_t asked = 0;
    int rc = 0;
    for (size_t e = 0; rc == 0 && e < q->dir->entry_count; e++) {
        if (!is_asked(q, e))
            continue;
        asked++;
        if (runs(q, e)) {
            rc = ask_of(q, e);
        } else {
            const char *why = q->dir->in.cells[q->cell].status[e].reason;
            rc = nobody(q, q->dir->entries[e].name, why != NULL ? why : "did not run");
        }
    }
    if (rc == 0 && asked == 0)
        rc = nobody(q,
                    q->target->who == WHO_NAMED ? q->target->names : "",
                    "no such contestant in this run");
    return rc;
}

static int no_cell(struct question *q)
{
    const struct target *t = q->target;
    char reason[TARGET_REASON_MAX];
    snprintf(
        reason, sizeof(reason), "the run has no cell %s/%s/%s", t->lane, t->scenario, t->point);
    return nobody(q, "", reason);
}

static int ask(struct question *q)
{
    const struct target *t = q->target;
    if (strcmp(field_text(q->dir->plan, "order"), "williams") == 0)
        return nobody(q, "", "blocks of a square depend on each other: ask a run of uniform order");
    q->cell = t->scenario != NULL ? find_cell(q->dir, t->lane, t->scenario, t->point) : -1;
    if (t->scenario != NULL && q->cell < 0)
        return no_cell(q);
    if (t->scenario != NULL && q->dir->in.cells[q->cell].block_count == 0)
        return nobody(q, "", "no block of this cell was run");
    if (t->who != WHO_BEST_NATIVE)
        return ask_each(q);
    const int best = best_native(q);
    return best >= 0 ? ask_of(q, (size_t)best) : nobody(q, "", "no native ran in this cell");
}

/* ---- all of them ---- */

int targets_evaluate(const struct run_dir *dir, struct target_results *out)
{
    size_t most = 1;
    *out = (struct target_results){0};
    for (size_t c = 0; c < dir->cell_count; c++)
        if (dir->in.cells[c].block_count > most)
            most = dir->in.cells[c].block_count;
    struct question q = {.dir = dir,
                         .out = out,
                         .a = calloc(most, sizeof(double)),
                         .b = calloc(most, sizeof(double)),
                         .scratch = calloc(most, sizeof(double))};
    int rc = q.a != NULL && q.b != NULL && q.scratch != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < target_count; i++) {
        q.target = &target_table[i];
        rc = ask(&q);
    }
    free(q.a);
    free(q.b);
    free(q.scratch);
    if (rc != 0)
        targets_free(out);
    return rc;
}

void targets_free(struct target_results *results)
{
    free(results->items);
    *results = (struct target_results){0};
}

enum target_word targets_worst(const struct target_results *results)
{
    enum target_word worst = TARGET_MET;
    bool missed = false;
    for (size_t i = 0; i < results->count; i++) {
        missed |= results->items[i].word == TARGET_MISSED;
        worst = results->items[i].word > worst ? results->items[i].word : worst;
    }
    return missed ? TARGET_MISSED : worst;
}
