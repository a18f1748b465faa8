/* SPDX-License-Identifier: MIT */
/*
 * run_plan.c - plan.json as typed entries, cells and rules, and room for what the journal will
 * bring.
 *
 * The plan is the frame of every later check, so nothing in it is guessed: a key that a verdict
 * needs and that is missing is an error.
 */
#include "fields.h"
#include "run_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int load_entry(struct run_dir *dir, size_t i, char *err, size_t err_size)
{
    const json_t *json = json_array_get(json_object_get(dir->plan, "entries"), i);
    struct run_dir_entry *entry = &dir->entries[i];
    *entry = (struct run_dir_entry){.name = field_text(json, "name"),
                                    .contestant = field_text(json, "contestant"),
                                    .variant = field_text(json, "variant"),
                                    .kind = field_text(json, "kind"),
                                    .version = field_text(json, "version"),
                                    .twin_of = -1};
    if (entry->name[0] == '\0')
        return run_dir_refuse(err, err_size, "entries[%zu] has no name", i);
    for (size_t other = 0; other < i; other++)
        if (strcmp(dir->entries[other].name, entry->name) == 0)
            return run_dir_refuse(err, err_size, "two entries are called \"%s\"", entry->name);
    return 0;
}

static int load_twin(struct run_dir *dir, size_t i, char *err, size_t err_size)
{
    const json_t *json = json_array_get(json_object_get(dir->plan, "entries"), i);
    const char *original = field_text(json, "twin_of");
    if (original[0] == '\0')
        return 0;
    const int index = run_dir_find_entry(dir, original);
    const json_t *other = json_array_get(json_object_get(dir->plan, "entries"), (size_t)index);
    if (index < 0 || index == (int)i || field_text(other, "twin_of")[0] != '\0')
        return run_dir_refuse(err,
                              err_size,
                              "entry \"%s\" is the twin of \"%s\", which is no entry of its own",
                              dir->entries[i].name,
                              original);
    dir->entries[i].twin_of = index;
    return 0;
}

static int load_cell(struct run_dir *dir, size_t i, char *err, size_t err_size)
{
    const json_t *json = json_array_get(json_object_get(dir->plan, "cells"), i);
    const double least = field_number(json, "floor");
    struct run_dir_cell *cell = &dir->cells[i];
    *cell = (struct run_dir_cell){.lane = field_text(json, "lane"),
                                  .scenario = field_text(json, "scenario"),
                                  .point = field_text(json, "point"),
                                  .metric = field_text(json, "metric"),
                                  .unit = field_text(json, "unit"),
                                  .script = field_text(json, "script"),
                                  .placement = field_text(json, "placement"),
                                  .params = json_object_get(json, "params"),
                                  .core = json_is_true(json_object_get(json, "core")),
                                  .floor = least > 0 ? least : 0,
                                  .window_ms = field_number(json, "window_ms")};
    const int family = judge_family_parse(field_text(json, "family"));
    if (cell->lane[0] == '\0' || cell->scenario[0] == '\0')
        return run_dir_refuse(err, err_size, "cells[%zu] has no lane or no scenario", i);
    if (family < 0)
        return run_dir_refuse(err,
                              err_size,
                              "cells[%zu] (%s) has the family \"%s\"; it must be one of p99, med, "
                              "cap, cpu, idle, mem, start",
                              i,
                              cell->scenario,
                              field_text(json, "family"));
    cell->family = (enum judge_family)family;
    return 0;
}

/* Room for one cell; false without memory. */
static bool open_cell(struct run_dir *dir, size_t i)
{
    struct run_dir_store *store = dir->store;
    struct run_store_cell *grown = &store->cells[i];
    const struct run_dir_cell *cell = &dir->cells[i];
    grown->status = calloc(dir->entry_count, sizeof(*grown->status));
    grown->pending = calloc(dir->entry_count, sizeof(*grown->pending));
    grown->pending_seen = calloc(dir->entry_count, sizeof(*grown->pending_seen));
    store->inputs[i] = (struct judge_cell_input){.lane = cell->lane,
                                                 .scenario = cell->scenario,
                                                 .point = cell->point,
                                                 .family = cell->family,
                                                 .floor = cell->floor,
                                                 .status = grown->status};
    return grown->status != NULL && grown->pending != NULL && grown->pending_seen != NULL;
}

static int open_store(struct run_dir *dir)
{
    struct run_dir_store *store = calloc(1, sizeof(*store));
    dir->store = store;
    if (store == NULL)
        return -ENOMEM;
    store->last_time = NAN;
    store->entries = calloc(dir->entry_count, sizeof(*store->entries));
    store->inputs = calloc(dir->cell_count, sizeof(*store->inputs));
    store->cells = calloc(dir->cell_count, sizeof(*store->cells));
    if (store->entries == NULL || store->inputs == NULL || store->cells == NULL)
        return -ENOMEM;
    store->cell_count = dir->cell_count;
    for (size_t e = 0; e < dir->entry_count; e++)
        store->entries[e] =
            (struct judge_entry){.name = dir->entries[e].name, .twin_of = dir->entries[e].twin_of};
    for (size_t c = 0; c < dir->cell_count; c++)
        if (!open_cell(dir, c))
            return -ENOMEM;
    return 0;
}

static int load_rules(struct run_dir *dir, char *err, size_t err_size)
{
    const char *seed = field_text(dir->plan, "seed");
    errno = 0;
    dir->in = (struct judge_input){.seed = strtoull(seed, NULL, 10),
                                   .alpha = field_number(dir->plan, "alpha"),
                                   .margin = field_number(dir->plan, "margin"),
                                   .smoke = strcmp(field_text(dir->plan, "preset"), "smoke") == 0,
                                   .merged = json_object_get(dir->plan, "merged") != NULL,
                                   .entries = dir->store->entries,
                                   .entry_count = dir->entry_count,
                                   .cells = dir->store->inputs,
                                   .cell_count = dir->cell_count};
    dir->blocks_common = (size_t)field_count(dir->plan, "blocks_common", 0);
    dir->blocks_max = (size_t)field_count(dir->plan, "blocks_max", 0);
    if (seed[0] == '\0' || strspn(seed, "0123456789") != strlen(seed) || errno == ERANGE)
        return run_dir_refuse(err, err_size, "seed \"%s\" is not a decimal number", seed);
    if (!(dir->in.alpha > 0 && dir->in.alpha < 1))
        return run_dir_refuse(err, err_size, "alpha must be a number between 0 and 1");
    if (!(dir->in.margin > 0 && dir->in.margin < 1))
        return run_dir_refuse(err, err_size, "margin must be a number between 0 and 1");
    return 0;
}

int run_plan_load(struct run_dir *dir, char *err, size_t err_size)
{
    int rc = 0;
    if (field_count(dir->plan, "schema", 0) != 1)
        return run_dir_refuse(err, err_size, "schema is not 1: written by another version");
    dir->entry_count = json_array_size(json_object_get(dir->plan, "entries"));
    dir->cell_count = json_array_size(json_object_get(dir->plan, "cells"));
    if (dir->entry_count == 0 || dir->cell_count == 0)
        return run_dir_refuse(err, err_size, "entries or cells are missing or empty");
    dir->entries = calloc(dir->entry_count, sizeof(*dir->entries));
    dir->cells = calloc(dir->cell_count, sizeof(*dir->cells));
    if (dir->entries == NULL || dir->cells == NULL)
        return -ENOMEM;
    for (size_t e = 0; e < dir->entry_count && rc == 0; e++)
        rc = load_entry(dir, e, err, err_size);
    for (size_t e = 0; e < dir->entry_count && rc == 0; e++)
        rc = load_twin(dir, e, err, err_size);
    for (size_t c = 0; c < dir->cell_count && rc == 0; c++)
        rc = load_cell(dir, c, err, err_size);
    if (rc == 0)
        rc = open_store(dir);
    return rc == 0 ? load_rules(dir, err, err_size) : rc;
}

void run_store_free(struct run_dir *dir)
{
    struct run_dir_store *store = dir->store;
    if (store == NULL)
        return;
    for (size_t c = 0; c < store->cell_count; c++) {
        struct run_store_cell *cell = &store->cells[c];
        for (size_t b = 0; b < cell->block_count; b++)
            free((void *)(uintptr_t)cell->blocks[b].cost); /* ours; const for the judge only */
        free(cell->blocks);
        free(cell->status);
        free(cell->pending);
        free(cell->pending_seen);
        free(cell->redone);
    }
    free(store->entries);
    free(store->inputs);
    free(store->cells);
    free(store);
    dir->store = NULL;
}
