/* SPDX-License-Identifier: MIT */
/* compare.c - see compare.h. */
#include "compare.h"

#include "../render/fields.h"

#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- what the runs are ---- */

static json_t *describe(const struct record *r)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s}",
                     "run",
                     r->id,
                     "commit",
                     r->commit,
                     "compiler",
                     record_env(r, "compiler"),
                     "flags",
                     record_env(r, "flags"),
                     "machine",
                     r->machine,
                     "kernel",
                     record_env(r, "kernel"),
                     "preset",
                     field_text(r->dir.plan, "preset"),
                     "started",
                     r->dir.started,
                     "state",
                     record_state(r),
                     "margin",
                     r->dir.in.margin,
                     "baseline",
                     record_baseline(r));
}

static json_t *list_differences(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {
        "commit", "compiler", "flags", "machine", "kernel", "preset", "state", "baseline"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!is(field_text(a, keys[i]), field_text(b, keys[i])))
            json_array_append_new(
                list,
                json_sprintf(
                    "%s: %s -> %s", keys[i], field_text(a, keys[i]), field_text(b, keys[i])));
    if (field_number(a, "margin") < field_number(b, "margin") ||
        field_number(a, "margin") > field_number(b, "margin"))
        json_array_append_new(list,
                              json_sprintf("margin: %.1f %% -> %.1f %%",
                                           100 * field_number(a, "margin"),
                                           100 * field_number(b, "margin")));
    return list;
}

static bool has_entry(const struct record *r, const char *name)
{
    return run_dir_find_entry(&r->dir, name) >= 0;
}

/* The baseline of both, or one that both raced. */
static const char *common_baseline(const struct record *a, const struct record *b)
{
    const char *ours = record_baseline(a), *theirs = record_baseline(b);
    if (has_entry(b, ours))
        return ours;
    return has_entry(a, theirs) ? theirs : NULL;
}

/* ---- one cell, one contestant ---- */

struct sides {
    const struct record *a, *b;
    const char *baseline; /* NULL: none in common */
};

static void
set_ratio(json_t *row, const char *name, char side, double ratio, double low, double high)
{
    char key[32];
    snprintf(key, sizeof(key), "%s_%c", name, side);
    json_object_set_new(row, key, number(ratio));
    snprintf(key, sizeof(key), "%s_%c_low", name, side);
    json_object_set_new(row, key, number(low));
    snprintf(key, sizeof(key), "%s_%c_high", name, side);
    json_object_set_new(row, key, number(high));
}

static bool speaks(const char *word)
{
    return is(word, "WINNER") || is(word, "LOSES") || is(word, "TIE");
}

/* WINNER here, LOSES there: only against somebody who raced in both is that a contradiction. */
static const char *finding_of_words(const struct sides *s, const json_t *a, const json_t *b)
{
    const char *ours = field_text(a, "verdict"), *theirs = field_text(b, "verdict");
    const bool won = is(ours, "WINNER") && is(theirs, "LOSES");
    const bool lost = is(ours, "LOSES") && is(theirs, "WINNER");
    if (won || lost) {
        const char *rival = field_text(won ? b : a, "loses_to");
        return has_entry(won ? s->a : s->b, rival) ? "CONTRADICTION" : "other field";
    }
    if (speaks(ours) != speaks(theirs))
        return speaks(theirs) ? "settled" : "lost";
    return "";
}

static void set_change(json_t *row,
                       const struct record_ratio *a,
                       const struct record_ratio *b,
                       const char **finding)
{
    const double low = b->low / a->high, high = b->high / a->low;
    json_object_set_new(row, "change", number(b->ratio / a->ratio));
    json_object_set_new(row, "change_low", number(low));
    json_object_set_new(row, "change_high", number(high));
    if ((*finding)[0] == '\0' && (low > 1 || high < 1))
        *finding = "moved";
}

static json_t *compare_row(const struct sides *s, const json_t *a, const json_t *b)
{
    const char *entry = field_text(a, "contestant");
    const char *finding = finding_of_words(s, a, b);
    json_t *row = json_object();
    static const char *const keys[] = {"lane", "scenario", "point", "contestant"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set(row, keys[i], json_object_get(a, keys[i]));
    json_object_set(row, "word_a", json_object_get(a, "verdict"));
    json_object_set(row, "word_b", json_object_get(b, "verdict"));
    set_ratio(row,
              "best",
              'a',
              field_number(a, "ratio"),
              field_number(a, "low"),
              field_number(a, "high"));
    set_ratio(row,
              "best",
              'b',
              field_number(b, "ratio"),
              field_number(b, "low"),
              field_number(b, "high"));
    if (s->baseline != NULL && !is(entry, s->baseline)) {
        const struct record_ratio ours = record_duel(s->a, a, entry, s->baseline);
        const struct record_ratio theirs = record_duel(s->b, b, entry, s->baseline);
        set_ratio(row, "base", 'a', ours.ratio, ours.low, ours.high);
        set_ratio(row, "base", 'b', theirs.ratio, theirs.low, theirs.high);
        set_change(row, &ours, &theirs, &finding);
    }
    json_object_set_new(row, "finding", json_string(finding));
    return row;
}

/* ---- pairs ---- */

static bool against(const char *a, const char *b)
{
    return (is(a, "FASTER") && is(b, "SLOWER")) || (is(a, "SLOWER") && is(b, "FASTER"));
}

static json_t *list_pairs(const struct sides *s)
{
    json_t *list = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(s->a->verdict, "duels"), index, row)
    {
        const char *a = field_text(row, "a"), *b = field_text(row, "b");
        const struct record_ratio ours = record_duel(s->a, row, a, b);
        const struct record_ratio theirs = record_duel(s->b, row, a, b);
        if (!against(ours.word, theirs.word))
            continue;
        json_t *pair = json_object();
        static const char *const keys[] = {"lane", "scenario", "point", "a", "b"};
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            json_object_set(pair, keys[i], json_object_get(row, keys[i]));
        json_object_set_new(pair, "word_a", json_string(ours.word));
        json_object_set_new(pair, "word_b", json_string(theirs.word));
        set_ratio(pair, "ratio", 'a', ours.ratio, ours.low, ours.high);
        set_ratio(pair, "ratio", 'b', theirs.ratio, theirs.low, theirs.high);
        json_object_set_new(pair, "finding", json_string("CONTRADICTION"));
        json_array_append_new(list, pair);
    }
    return list;
}

/* ---- the whole ---- */

/* Is it the same question in both? Says why not. */
static bool same_question(const struct sides *s, const json_t *a, const json_t *b, json_t *missing)
{
    static const char *const keys[] = {"params", "metric", "unit"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
            continue;
        json_array_append_new(missing,
                              json_sprintf("%s %s: not compared, its %s differ (%s, %s)",
                                           field_text(a, "scenario"),
                                           field_text(a, "point"),
                                           keys[i],
                                           s->a->id,
                                           s->b->id));
        return false;
    }
    return true;
}

static void say_missing(const struct record *here, const json_t *row, json_t *missing)
{
    json_array_append_new(missing,
                          json_sprintf("%s %s, %s: only in %s",
                                       field_text(row, "scenario"),
                                       field_text(row, "point"),
                                       field_text(row, "contestant"),
                                       here->id));
}

static json_t *list_cells(const struct sides *s, json_t *missing)
{
    json_t *list = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(s->a->verdict, "cells"), index, row)
    {
        if (!json_is_true(json_object_get(row, "primary")))
            continue;
        const json_t *other = record_row(s->b, row, field_text(row, "contestant"));
        if (other == NULL)
            say_missing(s->a, row, missing);
        else if (same_question(s, row, other, missing))
            json_array_append_new(list, compare_row(s, row, other));
    }
    json_array_foreach(json_object_get(s->b->verdict, "cells"), index, row)
    {
        if (json_is_true(json_object_get(row, "primary")) &&
            record_row(s->a, row, field_text(row, "contestant")) == NULL)
            say_missing(s->b, row, missing);
    }
    return list;
}

/* How many cells are named by a row that contradicts; words and pairs of one cell count once. */
static long count_contradictions(const json_t *cells, const json_t *pairs)
{
    const json_t *lists[2] = {cells, pairs};
    json_t *found = json_array();
    for (size_t i = 0; i < 2; i++) {
        size_t index, k;
        const json_t *row, *other;
        json_array_foreach(lists[i], index, row)
        {
            bool seen = !is(field_text(row, "finding"), "CONTRADICTION");
            json_array_foreach(found, k, other) seen |= record_same_cell(row, other);
            if (!seen)
                json_array_append(found, (json_t *)(uintptr_t)row);
        }
    }
    const long count = (long)json_array_size(found);
    json_decref(found);
    return count;
}

static json_t *same_baseline(const struct sides *s)
{
    const char *lane = "race";
    return s->baseline == NULL ? json_null()
                               : json_boolean(is(record_binary(s->a, s->baseline, lane),
                                                 record_binary(s->b, s->baseline, lane)));
}

json_t *compare_runs(const struct record *a, const struct record *b)
{
    const struct sides s = {.a = a, .b = b, .baseline = common_baseline(a, b)};
    json_t *result = json_object(), *missing = json_array();
    json_t *first = describe(a), *second = describe(b);
    json_object_set_new(result, "differs", list_differences(first, second));
    json_object_set_new(result, "runs", json_pack("[o, o]", first, second));
    json_object_set_new(
        result, "baseline", s.baseline != NULL ? json_string(s.baseline) : json_null());
    json_object_set_new(result, "baseline_same", same_baseline(&s));
    json_t *cells = list_cells(&s, missing);
    json_t *pairs = list_pairs(&s);
    json_object_set_new(result, "contradictions", json_integer(count_contradictions(cells, pairs)));
    json_object_set_new(result, "cells", cells);
    json_object_set_new(result, "pairs", pairs);
    json_object_set_new(result, "missing", missing);
    return result;
}
