/* SPDX-License-Identifier: MIT */
/*
 * verify_evidence.c - the duels once more, by a second arithmetic.
 *
 * The judge steps from block to block; here E is the closed form,
 *
 *     ln E(n,k) = n ln 2 + lgamma(k + 1/2) + lgamma(n - k + 1/2) - lgamma(n + 1) - ln pi,
 *
 * the costs are those of the run lines in blocks that the redo rule lets count, and the interval is
 * found by trying its definition. Judge and arithmetic share only the coin that splits ties.
 */
#include "verify.h"

#include "json.h"
#include "text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A duel as the run lines tell it, seen from a. */
struct recount {
    size_t n, wins_a, ties, ties_a;
    size_t given_up;      /* attempts left half-way */
    size_t decided_block; /* 0 = open */
    bool a_is_faster;     /* when decided */
    double log_e;         /* at the decision, or now */
    double *d;            /* ln cost_a - ln cost_b, sorted */
};

static double log_e(size_t n, size_t k)
{
    const double blocks = (double)n, wins = (double)k;
    return blocks * log(2) + lgamma(wins + 0.5) + lgamma(blocks - wins + 0.5) - lgamma(blocks + 1) -
           log(acos(-1));
}

static double threshold(const struct verify *v)
{
    size_t contestants = 0;
    for (size_t e = 0; e < v->plan.entry_count; e++)
        contestants += v->plan.entries[e].twin_of < 0;
    return log(fmax((double)contestants * ((double)contestants - 1) / 2, 1) / v->plan.alpha);
}

/* Has a side enough wins, also without the ties that the coin gave it, and with what was given up
 * as losses? */
static bool crosses(const struct recount *duel, double log_t)
{
    const bool a_leads = 2 * duel->wins_a > duel->n;
    const size_t wins_b = duel->n - duel->wins_a;
    const size_t ties_b = duel->ties - duel->ties_a;
    const size_t sure = a_leads ? duel->wins_a - duel->ties_a : wins_b - ties_b;
    const size_t all = duel->n + duel->given_up;
    return log_e(duel->n, duel->wins_a) >= log_t && ((duel->ties == 0 && duel->given_up == 0) ||
                                                     (2 * sure > all && log_e(all, sure) >= log_t));
}

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* ln cost after the floor; NAN for what is no cost. */
static double log_cost(double cost, double floor)
{
    if (!isfinite(cost) || cost < 0 || (cost <= 0 && floor <= 0))
        return NAN;
    return log(fmax(cost, floor));
}

/* The blocks that make one piece of evidence from [first] on: a whole Williams square, or one
 * block; 0 if it begins a square that was not finished. */
static size_t whole_from(const struct verify_costs *costs, size_t first)
{
    const size_t rows = costs->places[first].rows;
    for (size_t r = 0; r < rows; r++)
        if (first + r >= costs->count || costs->places[first + r].row != r ||
            costs->places[first + r].rows != rows)
            return 0;
    return rows > 0 ? rows : 1;
}

/* The mean of ln cost_a - ln cost_b over [rows] blocks; NAN if one is absent. */
static double
difference(const struct verify *v, size_t cell, size_t first, size_t rows, size_t a, size_t b)
{
    const double floor = v->plan.cells[cell].floor;
    const double *row = v->costs[cell].rows + first * v->plan.entry_count;
    double sum_a = 0, sum_b = 0;
    for (size_t r = 0; r < rows; r++, row += v->plan.entry_count) {
        sum_a += log_cost(row[a], floor);
        sum_b += log_cost(row[b], floor);
    }
    return (sum_a - sum_b) / (double)rows;
}

static void
count_block(const struct verify *v, struct recount *duel, double d, size_t block, bool coin)
{
    duel->d[duel->n++] = d;
    duel->wins_a += d < 0 || coin;
    duel->ties += d == 0;
    duel->ties_a += coin;
    if (duel->decided_block > 0)
        return;
    duel->log_e = log_e(duel->n, duel->wins_a);
    if (crosses(duel, threshold(v))) {
        duel->decided_block = block;
        duel->a_is_faster = 2 * duel->wins_a > duel->n;
    }
}

static struct recount recount(const struct verify *v, size_t cell, size_t a, size_t b)
{
    const struct verify_costs *costs = &v->costs[cell];
    struct recount duel = {.d = text_alloc((costs->count + 1) * sizeof(double))};
    for (size_t i = 0; i < costs->count;) {
        const size_t rows = whole_from(costs, i);
        const double d = rows > 0 ? difference(v, cell, i, rows, a, b) : NAN;
        i += rows > 0 ? rows : 1;
        duel.given_up = rows > 0 ? costs->given_up[i - 1] : duel.given_up;
        if (isnan(d))
            continue;
        const size_t block = costs->numbers[i - 1];
        const bool coin = d == 0 && judge_coin(v->plan.seed,
                                               &v->state.in.cells[cell],
                                               block,
                                               v->plan.entries[a].name,
                                               v->plan.entries[b].name);
        count_block(v, &duel, d, block, coin);
    }
    qsort(duel.d, duel.n, sizeof(*duel.d), by_size);
    return duel;
}

/* ---- drop lines ---- */

static void check_drop(struct verify *v, size_t line, const json_t *event)
{
    const json_int_t cell = json_int(event, "cell", 0);
    const int loser = plan_find_entry(&v->plan, json_text(event, "entry", ""));
    const int winner = plan_find_entry(&v->plan, json_text(event, "beaten_by", ""));
    struct recount duel = recount(v, (size_t)cell, (size_t)winner, (size_t)loser);
    const bool beaten = duel.decided_block > 0 && duel.a_is_faster &&
                        duel.decided_block <= (size_t)json_int(event, "block", 0);
    const struct verify_place place = {"raw.ndjson", line, "log_e"};
    verify_same(v,
                place,
                json_object_get(event, "log_e"),
                beaten ? json_real(duel.log_e) : json_null(),
                "the costs of the run lines give this duel another evidence, by the closed form");
    free(duel.d);
}

/* ---- duels of the verdict ---- */

static int find_cell(const struct verify *v, const json_t *row)
{
    for (size_t c = 0; c < v->plan.cell_count; c++)
        if (strcmp(v->plan.cells[c].lane, json_text(row, "lane", "")) == 0 &&
            strcmp(v->plan.cells[c].scenario, json_text(row, "scenario", "")) == 0 &&
            strcmp(v->plan.cells[c].point, json_text(row, "point", "")) == 0)
            return (int)c;
    return -1;
}

/* All ratios that the test does not reject: the smallest L with E(n,L) < T, counted from below. */
static size_t interval_rank(size_t n, double log_t)
{
    size_t rejected = 0;
    while (2 * rejected <= n && log_e(n, rejected) >= log_t)
        rejected++;
    return 2 * rejected <= n ? rejected : 0;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void compare_duel(
    struct verify *v, size_t index, const json_t *row, const struct recount *duel, double log_t)
{
    const size_t n = duel->n;
    const size_t above = n > 0 ? interval_rank(n + duel->given_up, log_t) : 0;
    const size_t rank = above > duel->given_up ? above - duel->given_up : 0;
    const double median = n > 0 ? (duel->d[(n - 1) / 2] + duel->d[n / 2]) / 2 : NAN;
    const struct {
        const char *key;
        json_t *value;
    } fields[] = {
        {"blocks", json_integer((json_int_t)n)},
        {"won_by_a", json_integer((json_int_t)duel->wins_a)},
        {"ties", json_integer((json_int_t)duel->ties)},
        {"e_value", number(exp(duel->log_e))},
        {"threshold", number(exp(log_t))},
        {"decided_block",
         duel->decided_block > 0 ? json_integer((json_int_t)duel->decided_block) : json_null()},
        {"ratio", number(exp(median))},
        {"low", rank > 0 ? number(exp(duel->d[rank - 1])) : json_null()},
        {"high", rank > 0 ? number(exp(duel->d[n - rank])) : json_null()},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        char *key = text_format("duels[%zu].%s", index, fields[i].key);
        const struct verify_place place = {"verdict.json", 0, key};
        verify_same(v,
                    place,
                    json_object_get(row, fields[i].key),
                    fields[i].value,
                    "the costs of the run lines give this duel another result, by the closed form");
        free(key);
    }
}

static void check_duels(struct verify *v)
{
    const double log_t = threshold(v);
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(v->verdict, "duels"), index, row)
    {
        const int cell = find_cell(v, row);
        const int a = plan_find_entry(&v->plan, json_text(row, "a", ""));
        const int b = plan_find_entry(&v->plan, json_text(row, "b", ""));
        if (cell < 0 || a < 0 || b < 0)
            continue; /* verify_verdict() says it */
        struct recount duel = recount(v, (size_t)cell, (size_t)a, (size_t)b);
        compare_duel(v, index, row, &duel, log_t);
        free(duel.d);
    }
}

void verify_evidence(struct verify *v)
{
    size_t index;
    const json_t *event;
    v->part = VERIFY_EVIDENCE;
    json_array_foreach(v->state.events, index, event)
    {
        if (strcmp(json_text(event, "type", ""), "drop") == 0)
            check_drop(v, index + 1, event);
    }
    /* a verdict from before the last blocks is compared with the judge at that line alone */
    if (v->verdict_line == 0 || v->verdict_line >= v->line)
        check_duels(v);
}
