/* SPDX-License-Identifier: MIT */
/*
 * verdict_prices.c - the array "prices" of verdict.json: what a single decision costs.
 *
 * Each variant is held against its own contestant alone, cell by cell, at 1/alpha: a row is one
 * question with one answer, and errs like one. Stars count over all rows together (e-BH).
 */
#include "verdict_parts.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct price {
    size_t cell, base, variant;
    struct judge_duel duel; /* a is the variant, b the contestant as it is */
    bool star;
};

struct prices {
    struct price *rows;
    size_t count;
};

/* The entry that is the contestant of [variant] as it is, or -1. */
static int base_of(const struct run_dir *dir, size_t variant)
{
    const struct run_dir_entry *entry = &dir->entries[variant];
    if (entry->variant[0] == '\0' || entry->twin_of >= 0)
        return -1;
    for (size_t e = 0; e < dir->entry_count; e++)
        if (dir->entries[e].twin_of < 0 && dir->entries[e].variant[0] == '\0' &&
            strcmp(dir->entries[e].contestant, entry->contestant) == 0)
            return (int)e;
    return -1;
}

static int collect(const struct run_dir *dir, struct prices *out)
{
    const double log_t = judge_log_threshold(2, dir->in.alpha);
    int rc = 0;
    *out = (struct prices){.rows = calloc(dir->entry_count * dir->cell_count, sizeof(*out->rows))};
    if (out->rows == NULL)
        return -ENOMEM;
    for (size_t v = 0; v < dir->entry_count; v++) {
        const int base = base_of(dir, v);
        for (size_t c = 0; base >= 0 && c < dir->cell_count && rc == 0; c++) {
            struct price *row = &out->rows[out->count];
            *row = (struct price){.cell = c, .base = (size_t)base, .variant = v};
            rc = judge_duel_in(&dir->in, c, v, (size_t)base, log_t, &row->duel);
            out->count += rc == 0 && row->duel.pair.n > 0 ? 1 : 0;
        }
    }
    return rc;
}

/* ln E of a row that is decided, as it is after the last block. */
static double log_e_of_row(const void *ctx, size_t row)
{
    const struct prices *prices = ctx;
    const struct judge_pair *pair = &prices->rows[row].duel.pair;
    return pair->decided != 0 ? judge_pair_log_e_ahead(pair, pair->decided > 0) : -INFINITY;
}

static void find_stars(struct prices *prices, double alpha)
{
    const double bar = judge_e_bh(prices->count, alpha, log_e_of_row, prices);
    for (size_t r = 0; r < prices->count; r++)
        prices->rows[r].star = log_e_of_row(prices, r) >= bar;
}

static const char *word_of(const struct judged *judged, const struct judge_duel *duel)
{
    if (judged->dir->in.smoke)
        return "OPEN";
    switch (duel->relation) {
    case JUDGE_SLOWER:
        return "COSTS";
    case JUDGE_FASTER:
        return "SAVES";
    case JUDGE_EQUAL:
        return "FREE";
    default:
        return "OPEN";
    }
}

static json_t *price_row(const struct judged *judged, const struct price *price)
{
    const struct run_dir *dir = judged->dir;
    const struct run_dir_cell *cell = &dir->cells[price->cell];
    const struct run_dir_entry *entry = &dir->entries[price->variant];
    const struct judge_duel *duel = &price->duel;
    json_t *row = json_object();
    json_object_set_new(row, "contestant", json_string(entry->contestant));
    json_object_set_new(row, "decision", json_string(entry->variant));
    json_object_set_new(row, "lane", json_string(cell->lane));
    json_object_set_new(row, "scenario", json_string(cell->scenario));
    json_object_set_new(row, "point", json_string(cell->point));
    json_object_set_new(row, "metric", json_string(cell->metric));
    json_object_set_new(row, "ratio", verdict_ratio(duel->median));
    json_object_set_new(row, "low", verdict_ratio(duel->has_interval ? duel->low : NAN));
    json_object_set_new(row, "high", verdict_ratio(duel->has_interval ? duel->high : NAN));
    json_object_set_new(row, "blocks", json_integer((json_int_t)duel->pair.n));
    json_object_set_new(
        row, "dearer_in", json_integer((json_int_t)(duel->pair.n - duel->pair.wins_a)));
    json_object_set_new(row, "ties", json_integer((json_int_t)duel->pair.ties));
    json_object_set_new(
        row,
        "e_value",
        verdict_number(exp(duel->pair.decided != 0 ? duel->pair.decided_log_e : duel->pair.log_e)));
    json_object_set_new(row, "threshold", verdict_number(exp(duel->pair.log_t)));
    json_object_set_new(row, "star", json_boolean(price->star && !dir->in.smoke));
    json_object_set_new(row, "word", json_string(word_of(judged, duel)));
    return row;
}

json_t *verdict_prices(const struct judged *judged)
{
    json_t *rows = json_array();
    struct prices prices;
    if (collect(judged->dir, &prices) == 0) {
        find_stars(&prices, judged->dir->in.alpha);
        for (size_t i = 0; i < prices.count; i++)
            json_array_append_new(rows, price_row(judged, &prices.rows[i]));
    }
    free(prices.rows);
    return rows;
}

static double low_of(const json_t *row)
{
    return json_number_value(json_object_get(row, "low"));
}

json_t *verdict_prices_sentence(const json_t *prices)
{
    size_t costs = 0, saves = 0, i;
    const json_t *row, *dearest = NULL;
    json_array_foreach((json_t *)(uintptr_t)prices, i, row)
    {
        const char *word = json_string_value(json_object_get(row, "word"));
        if (!json_is_true(json_object_get(row, "star")))
            continue;
        costs += strcmp(word, "COSTS") == 0;
        saves += strcmp(word, "SAVES") == 0;
        if (strcmp(word, "COSTS") == 0 && low_of(row) > fmax(dearest ? low_of(dearest) : 0, 1))
            dearest = row;
    }
    const size_t all = json_array_size(prices);
    if (all == 0)
        return json_string("No price: no variant met its own contestant in a block.");
    if (dearest == NULL)
        return json_sprintf("Prices of single decisions: of %zu, all held to one level together, "
                            "%zu are proven to cost something, %zu to save something.",
                            all,
                            costs,
                            saves);
    return json_sprintf("Prices of single decisions: of %zu, all held to one level together, %zu "
                        "are proven to cost something, %zu to save something; the dearest for "
                        "certain is %s:%s in %s %s, at least %.3gx.",
                        all,
                        costs,
                        saves,
                        json_string_value(json_object_get(dearest, "contestant")),
                        json_string_value(json_object_get(dearest, "decision")),
                        json_string_value(json_object_get(dearest, "scenario")),
                        json_string_value(json_object_get(dearest, "point")),
                        low_of(dearest));
}
