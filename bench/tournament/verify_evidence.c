/* SPDX-License-Identifier: MIT */
/*
 * verify_evidence.c - the duels once more, by a second arithmetic.
 *
 * The judge steps from block to block; here E is the closed form,
 *
 *     ln E(n,k) = n ln 2 + lgamma(k + 1/2) + lgamma(n - k + 1/2) - lgamma(n + 1) - ln pi,
 *
 * the costs are those of the run lines in blocks that the redo rule lets count, and once more in
 * all whole attempts, in which who was late has lost, and the interval is found by trying its
 * definition. Judge and arithmetic share only the coin that splits ties.
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

    /* Over all whole attempts, those that were done again among them. */
    size_t whole, whole_a, whole_b; /* how many, and won by whom */
    bool redone;                    /* is any of them not one that counts? */
    double *whole_d;                /* as d */
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

static bool beats(size_t wins, size_t of, double log_t)
{
    return 2 * wins > of && log_e(of, wins) >= log_t;
}

/* Has a side enough wins, also without the ties that the coin gave it, with what was given up as
 * losses, and again over all whole attempts? */
static bool crosses(const struct recount *duel, double log_t)
{
    const bool a_leads = 2 * duel->wins_a > duel->n;
    const size_t wins_b = duel->n - duel->wins_a;
    const size_t ties_b = duel->ties - duel->ties_a;
    const size_t sure = a_leads ? duel->wins_a - duel->ties_a : wins_b - ties_b;
    const bool plain = duel->ties == 0 && duel->given_up == 0;
    return log_e(duel->n, duel->wins_a) >= log_t &&
           (plain || beats(sure, duel->n + duel->given_up, log_t)) &&
           (!duel->redone ||
            beats(a_leads ? duel->whole_a : duel->whole_b, duel->whole + duel->given_up, log_t));
}

/* Of its own, as all arithmetic here: what checks the judge borrows nothing from it. */
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

/* The same in the test over all attempts: a late run cost more than any other. */
static double log_cost_or_late(double cost, double floor)
{
    return isinf(cost) ? INFINITY : log_cost(cost, floor);
}

/* ln cost_a - ln cost_b in one attempt; NAN also if both were late. */
static double difference(const struct verify *v, size_t cell, size_t attempt, size_t a, size_t b)
{
    const double *row = v->costs[cell].attempts + attempt * v->plan.entry_count;
    const double floor = v->plan.cells[cell].floor;
    return log_cost_or_late(row[a], floor) - log_cost_or_late(row[b], floor);
}

/* The first whole attempt at a block. */
static size_t first_of(const struct verify_costs *costs, size_t block)
{
    return block > 0 ? costs->ends[block - 1] : 0;
}

/* The mean over [rows] blocks of the attempts that count, or of the first ones. */
static double mean_of(
    const struct verify *v, size_t cell, size_t block, size_t rows, size_t a, size_t b, bool first)
{
    const struct verify_costs *costs = &v->costs[cell];
    const double floor = v->plan.cells[cell].floor;
    double sum_a = 0, sum_b = 0;
    for (size_t r = block; r < block + rows; r++) {
        const size_t attempt = first ? first_of(costs, r) : costs->ends[r] - 1;
        const double *row = costs->attempts + attempt * v->plan.entry_count;
        sum_a += first ? log_cost_or_late(row[a], floor) : log_cost(row[a], floor);
        sum_b += first ? log_cost_or_late(row[b], floor) : log_cost(row[b], floor);
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

static void count_whole(struct recount *duel, double d)
{
    if (isnan(d))
        return;
    duel->whole_d[duel->whole++] = d;
    duel->whole_a += d < 0;
    duel->whole_b += d > 0;
}

/* What the second test sees in the [rows] blocks from [i] on: of a square the first attempts. */
static void count_attempts(const struct verify *v,
                           struct recount *duel,
                           size_t cell,
                           size_t i,
                           size_t rows,
                           size_t a,
                           size_t b)
{
    const struct verify_costs *costs = &v->costs[cell];
    const bool again = costs->ends[i + rows - 1] - first_of(costs, i) > rows;
    const size_t before = duel->whole;
    const bool square = costs->places[i].rows > 1;
    if (square)
        count_whole(duel, mean_of(v, cell, i, rows, a, b, true));
    else
        for (size_t at = first_of(costs, i); at < costs->ends[i]; at++)
            count_whole(duel, difference(v, cell, at, a, b));
    duel->redone = duel->redone || (again && duel->whole > before);
}

static struct recount recount(const struct verify *v, size_t cell, size_t a, size_t b)
{
    const struct verify_costs *costs = &v->costs[cell];
    struct recount duel = {.d = text_alloc((costs->count + 1) * sizeof(double)),
                           .whole_d = text_alloc((costs->attempt_count + 1) * sizeof(double))};
    for (size_t i = 0; i < costs->count;) {
        const size_t rows = whole_from(costs, i);
        const double d = rows > 0 ? mean_of(v, cell, i, rows, a, b, false) : NAN;
        if (rows > 0)
            count_attempts(v, &duel, cell, i, rows, a, b);
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
    qsort(duel.whole_d, duel.whole, sizeof(*duel.whole_d), by_size);
    return duel;
}

static void recount_fini(struct recount *duel)
{
    free(duel->d);
    free(duel->whole_d);
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
    recount_fini(&duel);
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

/* The rank of the interval in [n] differences; 0: there is none yet. */
static size_t rank_among(const struct recount *duel, size_t n, double log_t)
{
    const size_t above = n > 0 ? interval_rank(n + duel->given_up, log_t) : 0;
    return above > duel->given_up ? above - duel->given_up : 0;
}

/* One end of the interval: what one of the two tests leaves is in it. NAN: it has none. */
static double interval_end(const struct recount *duel, double log_t, bool low)
{
    const size_t rank = rank_among(duel, duel->n, log_t);
    const size_t whole = duel->redone ? rank_among(duel, duel->whole, log_t) : 1;
    if (rank == 0 || whole == 0)
        return NAN;
    const double end = duel->d[low ? rank - 1 : duel->n - rank];
    if (!duel->redone)
        return end;
    return low ? fmin(end, duel->whole_d[whole - 1])
               : fmax(end, duel->whole_d[duel->whole - whole]);
}

/* As JSON; an interval with an end at a late run is none. */
static json_t *interval_json(const struct recount *duel, double log_t, bool low)
{
    const double end = interval_end(duel, log_t, low);
    return isfinite(interval_end(duel, log_t, !low)) && isfinite(end) ? json_real(exp(end))
                                                                      : json_null();
}

static void compare_duel(
    struct verify *v, size_t index, const json_t *row, const struct recount *duel, double log_t)
{
    const size_t n = duel->n;
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
        {"attempts", json_integer((json_int_t)duel->whole)},
        {"attempts_won_by_a", json_integer((json_int_t)duel->whole_a)},
        {"attempts_won_by_b", json_integer((json_int_t)duel->whole_b)},
        {"low", interval_json(duel, log_t, true)},
        {"high", interval_json(duel, log_t, false)},
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
        recount_fini(&duel);
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
