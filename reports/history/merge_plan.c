/* SPDX-License-Identifier: MIT */
/*
 * merge_plan.c - may these runs be merged, and the plan of what comes out; see merge.h.
 *
 * Compared is everything that a plan fixes, but for what a merge is there to vary: the seed, the
 * budget and how many rounds it bought, and what follows from the speed of the machine (the common
 * rate of the open loops, times of blocks, time limits, the seals of what the machine showed, the
 * gap that it promised to see). A key that a later version adds to a plan is compared without being
 * named here.
 */
#include "merge.h"

#include "../render/fields.h"
#include "csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const plan_varies[] = {"seed",
                                          "seed_given",
                                          "created",
                                          "budget_s",
                                          "blocks_common",
                                          "blocks_max",
                                          "sealed",
                                          "promise",
                                          "entries",
                                          "cells",
                                          NULL};
static const char *const entry_varies[] = {"dir", "binaries", NULL};
static const char *const cell_varies[] = {"common_rate", "block_ms", "timeout_s", NULL};

__attribute__((format(printf, 3, 4))) static int
refuse(char *err, size_t err_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err, err_size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool is_one_of(const char *key, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(key, *list) == 0)
            return true;
    return false;
}

/* A copy of [object] without the keys in [varies]. */
static json_t *fixed_part(const json_t *object, const char *const *varies)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)object);
    for (; *varies != NULL; varies++)
        json_object_del(copy, *varies);
    return copy;
}

static void say_value(const json_t *value, char *text, size_t size)
{
    char number[CSV_NUMBER_SIZE];
    if (json_is_real(value)) {
        csv_number_text(json_real_value(value), number);
        snprintf(text, size, "%s", number);
        return;
    }
    char *dump = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, size, "%.60s", dump != NULL ? dump : "nothing");
    free(dump);
}

/* "KEY: VALUE here, VALUE there" of the first key in which the objects differ; false if none. */
static bool
differs(const json_t *a, const json_t *b, const char *const *varies, char *text, size_t size)
{
    const json_t *sides[2] = {a, b};
    for (int side = 0; side < 2; side++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)sides[side], key, value)
        {
            const json_t *other = json_object_get(sides[1 - side], key);
            char first[64], second[64];
            if (is_one_of(key, varies) || (other != NULL && json_equal(value, other)))
                continue;
            say_value(side == 0 ? value : other, first, sizeof(first));
            say_value(side == 0 ? other : value, second, sizeof(second));
            snprintf(text, size, "%s is %s and %s", key, first, second);
            return true;
        }
    }
    return false;
}

/* ---- shape ---- */

static json_t *entry_shape(const json_t *entry)
{
    json_t *shape = fixed_part(entry, entry_varies);
    json_t *hashes = json_object();
    const char *program;
    json_t *binary;
    json_object_foreach(json_object_get(entry, "binaries"), program, binary)
        json_object_set_new(hashes, program, json_string(field_text(binary, "sha256")));
    json_object_set_new(shape, "hashes", hashes);
    return shape;
}

void merge_shape(const struct run_dir *dir, char hex[RUN_DIR_SHA_HEX])
{
    json_t *shape = fixed_part(dir->plan, plan_varies);
    json_t *entries = json_array(), *cells = json_array();
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(dir->plan, "entries"), index, one)
        json_array_append_new(entries, entry_shape(one));
    json_array_foreach(json_object_get(dir->plan, "cells"), index, one)
        json_array_append_new(cells, fixed_part(one, cell_varies));
    json_object_set_new(shape, "entries", entries);
    json_object_set_new(shape, "cells", cells);
    char *text = json_dumps(shape, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    run_dir_sha256(text != NULL ? text : "", text != NULL ? strlen(text) : 0, hex);
    free(text);
    json_decref(shape);
}

const json_t *merge_sources(const json_t *plan)
{
    return json_object_get(json_object_get(plan, "merged"), "sources");
}

/* ---- do the runs fit together? ---- */

static int check_one(const struct record *one, char *err, size_t err_size)
{
    if (merge_sources(one->dir.plan) != NULL)
        return refuse(err, err_size, "%s is itself a merged run; name its sources", one->id);
    if (one->dir.in.smoke)
        return refuse(err, err_size, "%s is a smoke run: it proves nothing", one->id);
    if (strcmp(field_text(one->dir.plan, "order"), "uniform") != 0)
        return refuse(err,
                      err_size,
                      "%s has the order \"%s\": only blocks with an order of their own "
                      "(\"uniform\") can be taken one by one",
                      one->id,
                      field_text(one->dir.plan, "order"));
    return 0;
}

static int check_entries(const struct record *a, const struct record *b, char *err, size_t err_size)
{
    const json_t *ours = json_object_get(a->dir.plan, "entries");
    const json_t *theirs = json_object_get(b->dir.plan, "entries");
    char what[256];
    if (json_array_size(ours) != json_array_size(theirs))
        return refuse(err,
                      err_size,
                      "%s has %zu entries, %s has %zu: the threshold of a verdict hangs on how "
                      "many race",
                      a->id,
                      json_array_size(ours),
                      b->id,
                      json_array_size(theirs));
    for (size_t e = 0; e < json_array_size(ours); e++) {
        const json_t *entry = json_array_get(ours, e);
        const char *name = field_text(entry, "name");
        const int other = run_dir_find_entry(&b->dir, name);
        if (other < 0)
            return refuse(err, err_size, "%s has the entry %s, %s has not", a->id, name, b->id);
        if (differs(entry, json_array_get(theirs, (size_t)other), entry_varies, what, sizeof(what)))
            return refuse(err, err_size, "%s and %s: entry %s: %s", a->id, b->id, name, what);
    }
    return 0;
}

static int check_two(const struct record *a, const struct record *b, char *err, size_t err_size)
{
    char what[256];
    if (strcmp(a->dir.plan_sha256, b->dir.plan_sha256) == 0)
        return refuse(err,
                      err_size,
                      "%s and %s are the same tournament (plan %.16s): its blocks must not count "
                      "twice",
                      a->id,
                      b->id,
                      a->dir.plan_sha256);
    if (a->dir.in.seed == b->dir.in.seed)
        return refuse(err,
                      err_size,
                      "%s and %s drew their orders from the same seed (%" PRIu64 "): their blocks "
                      "are no independent evidence",
                      a->id,
                      b->id,
                      a->dir.in.seed);
    if (strcmp(a->id, b->id) == 0)
        return refuse(err, err_size, "two sources are called %s; rename one folder", a->id);
    if (differs(a->dir.plan, b->dir.plan, plan_varies, what, sizeof(what)))
        return refuse(err, err_size, "%s and %s: %s", a->id, b->id, what);
    return check_entries(a, b, err, err_size);
}

static int check_runs(const struct record *sources, size_t count, char *err, size_t err_size)
{
    int rc = 0;
    if (count < 2)
        return refuse(err, err_size, "one run alone cannot be merged; name two or more");
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = check_one(&sources[i], err, err_size);
    for (size_t i = 0; rc == 0 && i < count; i++)
        for (size_t j = 0; rc == 0 && j < i; j++)
            rc = check_two(&sources[j], &sources[i], err, err_size);
    return rc;
}

/* ---- which cells? ---- */

static const json_t *find_cell(const struct record *source, const json_t *like)
{
    size_t index;
    const json_t *cell;
    json_array_foreach(json_object_get(source->dir.plan, "cells"), index, cell)
    {
        if (record_same_cell(cell, like))
            return cell;
    }
    return NULL;
}

/* Why the cell of the first source cannot be merged with that of [other]; "" if it can. */
static void cell_obstacle(const struct record *first,
                          const struct record *other,
                          const json_t *cell,
                          char *reason,
                          size_t size)
{
    const char *lane = field_text(cell, "lane");
    const json_t *theirs = find_cell(other, cell);
    char what[256];
    reason[0] = '\0';
    if (theirs == NULL) {
        snprintf(reason, size, "not in %s", other->id);
        return;
    }
    if (differs(cell, theirs, cell_varies, what, sizeof(what))) {
        snprintf(reason, size, "%s (%s, %s)", what, first->id, other->id);
        return;
    }
    for (size_t e = 0; e < first->dir.entry_count; e++) {
        const char *name = first->dir.entries[e].name;
        const char *ours = record_binary(first, name, lane);
        const char *hash = record_binary(other, name, lane);
        if (strcmp(ours, hash) != 0) {
            snprintf(reason,
                     size,
                     "%s is another program: %.12s in %s, %.12s in %s",
                     name,
                     ours[0] != '\0' ? ours : "none",
                     first->id,
                     hash[0] != '\0' ? hash : "none",
                     other->id);
            return;
        }
    }
}

static void list_cell(json_t *list, const json_t *cell, const char *reason)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:s, s:s}",
                                    "lane",
                                    field_text(cell, "lane"),
                                    "scenario",
                                    field_text(cell, "scenario"),
                                    "point",
                                    field_text(cell, "point"),
                                    "reason",
                                    reason));
}

static json_t *list_cells(const struct record *sources, size_t count)
{
    json_t *list = json_array();
    size_t index;
    const json_t *cell;
    json_array_foreach(json_object_get(sources[0].dir.plan, "cells"), index, cell)
    {
        char reason[512] = "";
        for (size_t i = 1; i < count && reason[0] == '\0'; i++)
            cell_obstacle(&sources[0], &sources[i], cell, reason, sizeof(reason));
        list_cell(list, cell, reason);
    }
    for (size_t i = 1; i < count; i++)
        json_array_foreach(json_object_get(sources[i].dir.plan, "cells"), index, cell)
        {
            char reason[512];
            bool listed = false;
            for (size_t j = 0; j < i; j++)
                listed |= find_cell(&sources[j], cell) != NULL;
            snprintf(reason, sizeof(reason), "not in %s", sources[0].id);
            if (!listed)
                list_cell(list, cell, reason);
        }
    return list;
}

static size_t count_obstacles(const json_t *cells)
{
    size_t index, count = 0;
    const json_t *cell;
    json_array_foreach(cells, index, cell) count += field_text(cell, "reason")[0] != '\0';
    return count;
}

/* ---- the plan ---- */

/* Where the sources have rates of their own, the merged run has none. */
static json_t *merged_cell(const struct record *sources, size_t count, const json_t *like)
{
    const json_t *first = find_cell(&sources[0], like);
    json_t *cell = json_deep_copy(first);
    for (size_t i = 1; i < count; i++)
        if (!json_equal(json_object_get(find_cell(&sources[i], like), "common_rate"),
                        json_object_get(first, "common_rate")))
            json_object_set_new(cell, "common_rate", json_null());
    return cell;
}

static json_t *describe_source(const struct record *source)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:i}",
                     "id",
                     source->id,
                     "plan_sha256",
                     source->dir.plan_sha256,
                     "journal_sha256", /* of its last line, which names all before it */
                     source->dir.last_sha256,
                     "seed",
                     field_text(source->dir.plan, "seed"),
                     "machine",
                     source->machine,
                     "commit",
                     source->commit,
                     "started",
                     source->dir.started,
                     "ended",
                     source->dir.ended,
                     "seconds",
                     source->dir.seconds_total,
                     "blocks",
                     (int)field_count(json_object_get(source->verdict, "run"), "blocks", 0),
                     "resumes",
                     (int)source->dir.resumes,
                     "pauses",
                     (int)source->dir.pauses);
}

/* 52 bits of a hash of all plans: the coins for ties cannot be chosen, and are no source's. */
static json_t *merged_seed(const struct record *sources, size_t count)
{
    char text[RUN_DIR_SHA_HEX] = "";
    for (size_t i = 0; i < count; i++) {
        char both[2 * RUN_DIR_SHA_HEX];
        snprintf(both, sizeof(both), "%s%s", text, sources[i].dir.plan_sha256);
        run_dir_sha256(both, strlen(both), text);
    }
    text[13] = '\0';
    return json_sprintf("%" PRIu64, (uint64_t)strtoull(text, NULL, 16));
}

static json_t *build_plan(const struct record *sources, size_t count, const json_t *cells)
{
    json_t *plan = json_deep_copy(sources[0].dir.plan);
    json_t *kept = json_array(), *described = json_array();
    double seconds = 0;
    long budget = 0;
    size_t index;
    const json_t *cell;
    json_array_foreach(cells, index, cell)
    {
        if (field_text(cell, "reason")[0] == '\0')
            json_array_append_new(kept, merged_cell(sources, count, cell));
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(described, describe_source(&sources[i]));
        seconds += sources[i].dir.seconds_total;
        budget += field_count(sources[i].dir.plan, "budget_s", 0);
    }
    json_object_set_new(plan, "cells", kept);
    json_object_set_new(plan, "seed", merged_seed(sources, count));
    json_object_del(plan, "sealed");
    json_object_del(plan, "promise");
    json_object_set_new(plan, "seed_given", json_false());
    json_object_set_new(plan, "budget_s", json_integer(budget));
    json_object_set_new(
        plan, "merged", json_pack("{s:o, s:f}", "sources", described, "seconds", seconds));
    return plan;
}

int merge_plan(const struct record *sources,
               size_t count,
               bool common,
               json_t **plan,
               json_t **cells,
               char *err,
               size_t err_size)
{
    *plan = NULL;
    *cells = NULL;
    const int rc = check_runs(sources, count, err, err_size);
    if (rc != 0)
        return rc;
    *cells = list_cells(sources, count);
    const size_t obstacles = count_obstacles(*cells);
    if (obstacles == json_array_size(*cells))
        return refuse(err, err_size, "no cell can be merged");
    if (obstacles > 0 && !common)
        return refuse(err,
                      err_size,
                      "%zu of %zu cells cannot be merged; --common leaves them out",
                      obstacles,
                      json_array_size(*cells));
    *plan = build_plan(sources, count, *cells);
    return 0;
}
