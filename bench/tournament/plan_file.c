/* SPDX-License-Identifier: MIT */
/* plan_file.c - plan.json written, read back, and held against the binaries; see plan.h. */
#include "plan.h"

#include "../../reports/judge/judge.h"
#include "json.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

static json_t *entry_json(const struct plan *plan, const struct plan_entry *entry)
{
    json_t *twin =
        entry->twin_of >= 0 ? json_string(plan->entries[entry->twin_of].name) : json_null();
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:O}",
                     "name",
                     entry->name,
                     "contestant",
                     entry->contestant,
                     "variant",
                     entry->variant,
                     "twin_of",
                     twin,
                     "kind",
                     entry->kind,
                     "version",
                     entry->version,
                     "dir",
                     entry->dir,
                     "binaries",
                     entry->binaries);
}

static json_t *cell_json(const struct plan_cell *cell)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:O, s:s, s:s, s:s, s:b, s:i, s:f, s:s, s:O, s:f}",
                             "lane",
                             cell->lane,
                             "scenario",
                             cell->scenario,
                             "point",
                             cell->point,
                             "params",
                             cell->params,
                             "metric",
                             cell->metric,
                             "unit",
                             cell->unit,
                             "family",
                             cell->family,
                             "core",
                             cell->core,
                             "window_ms",
                             (int)cell->window_ms,
                             "timeout_s",
                             (double)cell->timeout_ms / 1e3,
                             "script",
                             cell->script,
                             "needs",
                             cell->needs,
                             "block_ms",
                             cell->block_ms);
    json_object_set_new(
        json, "common_rate", cell->common_rate > 0 ? json_real(cell->common_rate) : json_null());
    if (cell->floor > 0)
        json_object_set_new(json, "floor", json_real(cell->floor));
    char hash[SHA256_DIGEST_STRING_LENGTH];
    if (cell->script[0] != '\0' && SHA256File(cell->script, hash) != NULL)
        json_object_set_new(json, "script_sha256", json_string(hash));
    if (cell->placement[0] != '\0')
        json_object_set_new(json, "placement", json_string(cell->placement));
    json_object_set_new(json, "ceiling", json_boolean(cell->ceiling));
    return json;
}

/* The profiles of the house and the user's own. */
static json_t *weights_json(const struct plan *plan)
{
    json_t *weights = json_object();
    size_t count;
    const struct judge_profile *profiles = judge_profiles(&count);
    for (size_t p = 0; p < count; p++) {
        json_t *families = json_object();
        for (int f = 0; f < JUDGE_FAMILIES; f++)
            json_object_set_new(families,
                                judge_family_name((enum judge_family)f),
                                json_real(profiles[p].weight[f]));
        json_object_set_new(weights, profiles[p].name, families);
    }
    json_object_update(weights, plan->own_weights);
    return weights;
}

json_t *plan_redo_json(const struct plan *plan)
{
    return json_pack("{s:f, s:f, s:i, s:f}",
                     "block_limit",
                     plan->redo_block_limit,
                     "run_limit",
                     plan->redo_run_limit,
                     "max",
                     (int)plan->redo_max,
                     "share",
                     plan->redo_share);
}

json_t *plan_late_json(const struct plan *plan)
{
    return json_pack("{s:i, s:i, s:i, s:f}",
                     "in_a_row",
                     (int)plan->late_in_a_row,
                     "in_all",
                     (int)plan->late_in_all,
                     "ever",
                     (int)plan->late_ever,
                     "stall_ms",
                     plan->late_stall_ms);
}

static json_t *plan_json(const struct plan *plan)
{
    json_t *entries = json_array();
    for (size_t i = 0; i < plan->entry_count; i++)
        json_array_append_new(entries, entry_json(plan, &plan->entries[i]));
    json_t *cells = json_array();
    for (size_t i = 0; i < plan->cell_count; i++)
        json_array_append_new(cells, cell_json(&plan->cells[i]));
    char *seed = text_format("%" PRIu64, plan->seed);
    json_t *root = json_pack("{s:i, s:s, s:s, s:b, s:f, s:f, s:s, s:o, s:o, s:i, s:i, s:i, s:o, "
                             "s:o, s:o, s:s}",
                             "schema",
                             1,
                             "preset",
                             plan->preset->name,
                             "seed",
                             seed,
                             "seed_given",
                             plan->seed_given,
                             "alpha",
                             plan->alpha,
                             "margin",
                             plan->margin,
                             "order",
                             schedule_design_name(plan->order),
                             "entries",
                             entries,
                             "cells",
                             cells,
                             "blocks_common",
                             (int)plan->blocks_common,
                             "blocks_max",
                             (int)plan->blocks_max,
                             "budget_s",
                             (int)plan->budget_s,
                             "weights",
                             weights_json(plan),
                             "redo",
                             plan_redo_json(plan),
                             "late",
                             plan_late_json(plan),
                             "created",
                             plan->created);
    json_object_set_new(
        root, "null", plan->null.dir != NULL ? entry_json(plan, &plan->null) : json_null());
    free(seed);
    if (plan->questions > 0)
        json_object_set_new(root, "questions", json_integer(plan->questions));
    const char *own = json_object_iter_key(json_object_iter(plan->own_weights));
    if (own != NULL)
        json_object_set_new(root, "profile", json_string(own));
    if (plan->promise != NULL)
        json_object_set(root, "promise", plan->promise);
    return root;
}

/*
 * Hashes of what was found out before the plan, so that it belongs to it. Of limits.json only the
 * limits: how far they drifted is added after the last block.
 */
json_t *plan_seals(const char *dir)
{
    static const char *const files[] = {"conformance.json", "env.json"};
    json_t *seals = json_object();
    char hash[SHA256_DIGEST_STRING_LENGTH];
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = text_format("%s/%s", dir, files[i]);
        if (SHA256File(path, hash) != NULL)
            json_object_set_new(seals, files[i], json_string(hash));
        free(path);
    }
    char *path = text_format("%s/limits.json", dir);
    json_t *limits = json_load_file(path, 0, NULL);
    char *text = json_dumps(json_object_get(limits, "limits"), JSON_COMPACT | JSON_SORT_KEYS);
    if (text != NULL)
        json_object_set_new(seals,
                            "limits.json",
                            json_string(SHA256Data((const uint8_t *)text, strlen(text), hash)));
    free(text);
    json_decref(limits);
    free(path);
    return seals;
}

/* The hash is that of the bytes on the disk, which is what a checker has. */
static int hash_file(struct plan *plan, const char *path)
{
    if (SHA256File(path, plan->sha256) != NULL)
        return 0;
    int failure = errno;
    say_error("cannot read %s: %s", path, strerror(failure));
    return -failure;
}

int plan_write(struct plan *plan, const char *dir)
{
    char *path = text_format("%s/plan.json", dir);
    json_t *root = plan_json(plan);
    json_object_set_new(root, "sealed", plan_seals(dir));
    int rc = json_write_file(root, path);
    if (rc == 0)
        rc = hash_file(plan, path);
    json_decref(root);
    free(path);
    return rc;
}

static void read_entry(struct plan_entry *entry, const json_t *json)
{
    json_t *binaries = json_object_get(json, "binaries");
    *entry = (struct plan_entry){
        .name = text_copy(json_text(json, "name", "")),
        .contestant = text_copy(json_text(json, "contestant", "")),
        .variant = text_copy(json_text(json, "variant", "")),
        .twin_of = -1,
        .kind = text_copy(json_text(json, "kind", "")),
        .version = text_copy(json_text(json, "version", "")),
        .dir = text_copy(json_text(json, "dir", "")),
        .binaries = binaries != NULL ? json_incref(binaries) : json_object(),
    };
}

static void read_cell(struct plan_cell *cell, const json_t *json)
{
    json_t *params = json_object_get(json, "params");
    json_t *needs = json_object_get(json, "needs");
    *cell = (struct plan_cell){
        .lane = text_copy(json_text(json, "lane", "")),
        .scenario = text_copy(json_text(json, "scenario", "")),
        .point = text_copy(json_text(json, "point", "")),
        .metric = text_copy(json_text(json, "metric", "")),
        .unit = text_copy(json_text(json, "unit", "")),
        .family = text_copy(json_text(json, "family", "")),
        .script = text_copy(json_text(json, "script", "")),
        .params = params != NULL ? json_incref(params) : json_object(),
        .needs = needs != NULL ? json_incref(needs) : json_array(),
        .floor = json_double(json, "floor", 0),
        .core = json_bool(json, "core", false),
        .ceiling = json_bool(json, "ceiling", false),
        .placement = text_copy(json_text(json, "placement", "")),
        .common_rate = json_double(json, "common_rate", 0),
        .window_ms = (unsigned)json_int(json, "window_ms", 0),
        .timeout_ms = (unsigned)(json_double(json, "timeout_s", 30) * 1e3),
        .block_ms = json_double(json, "block_ms", 0),
    };
    cell->key = text_format("%s/%s/%s", cell->lane, cell->scenario, cell->point);
}

static void read_lists(struct plan *plan, const json_t *root)
{
    const json_t *entries = json_object_get(root, "entries");
    const json_t *cells = json_object_get(root, "cells");
    plan->entry_count = json_array_size(entries);
    plan->entries = text_alloc(plan->entry_count * sizeof(*plan->entries));
    plan->cell_count = json_array_size(cells);
    plan->cells = text_alloc(plan->cell_count * sizeof(*plan->cells));
    for (size_t i = 0; i < plan->entry_count; i++)
        read_entry(&plan->entries[i], json_array_get(entries, i));
    for (size_t i = 0; i < plan->entry_count; i++)
        plan->entries[i].twin_of =
            plan_find_entry(plan, json_text(json_array_get(entries, i), "twin_of", ""));
    for (size_t i = 0; i < plan->cell_count; i++)
        read_cell(&plan->cells[i], json_array_get(cells, i));
}

static int read_root(struct plan *plan, const json_t *root, const char *path)
{
    const json_t *redo = json_object_get(root, "redo");
    const json_t *late = json_object_get(root, "late"); /* none: one late run puts out */
    const char *order = json_text(root, "order", "uniform");
    *plan = (struct plan){
        .preset = preset_recorded(json_text(root, "preset", "")),
        .seed = strtoull(json_text(root, "seed", "0"), NULL, 10),
        .seed_given = json_bool(root, "seed_given", false),
        .budget_s = (unsigned)json_int(root, "budget_s", 0),
        .alpha = json_double(root, "alpha", 0),
        .questions = (unsigned)json_int(root, "questions", 0),
        .margin = json_double(root, "margin", 0),
        .blocks_common = (unsigned)json_int(root, "blocks_common", 0),
        .blocks_max = (unsigned)json_int(root, "blocks_max", 0),
        .redo_block_limit = json_double(redo, "block_limit", 1),
        .redo_run_limit = json_double(redo, "run_limit", 1),
        .redo_max = (unsigned)json_int(redo, "max", 0),
        .redo_share = json_double(redo, "share", 0),
        .late_in_a_row = (unsigned)json_int(late, "in_a_row", 1),
        .late_in_all = (unsigned)json_int(late, "in_all", 1),
        .late_ever = (unsigned)json_int(late, "ever", 1),
        .late_stall_ms = json_double(late, "stall_ms", 0),
    };
    read_lists(plan, root);
    if (json_is_object(json_object_get(root, "null")))
        read_entry(&plan->null, json_object_get(root, "null"));
    if (!schedule_design_parse(order, &plan->order)) {
        say_error("%s: \"order\" is \"%s\"; this program knows uniform and williams", path, order);
        return -EINVAL;
    }
    if (plan->preset != NULL && plan->entry_count > 0 && plan->entry_count <= PLAN_ENTRIES_MAX &&
        plan->cell_count > 0 && plan->cell_count <= PLAN_CELLS_MAX)
        return 0;
    say_error("%s: not a plan that this program wrote (preset, entries or cells are missing)",
              path);
    return -EINVAL;
}

int plan_read(struct plan *plan, const char *dir)
{
    char *path = text_format("%s/plan.json", dir);
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    int rc;
    if (root == NULL) {
        say_error("%s:%d: %s", path, error.line, error.text);
        rc = -EINVAL;
    } else {
        rc = read_root(plan, root, path);
        if (rc == 0)
            rc = hash_file(plan, path);
        if (rc != 0)
            plan_free(plan);
    }
    json_decref(root);
    free(path);
    return rc;
}

const char *plan_program(const struct plan_entry *entry, const char *lane)
{
    return json_text(json_object_get(entry->binaries, lane), "path", "");
}

static bool entry_unchanged(const struct plan_entry *entry)
{
    const char *program;
    const json_t *binary;
    json_object_foreach(entry->binaries, program, binary)
    {
        const char *path = json_text(binary, "path", "");
        char hash[SHA256_DIGEST_STRING_LENGTH];
        const char *now = SHA256File(path, hash);
        if (now != NULL && strcmp(now, json_text(binary, "sha256", "")) == 0)
            continue;
        say_error("%s is %s since the plan was made: results of two different programs must not be "
                  "mixed. Start a new tournament, or restore the binary.",
                  path,
                  now == NULL ? "gone" : "another program");
        return false;
    }
    return true;
}

bool plan_binaries_unchanged(const struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        if (!entry_unchanged(&plan->entries[i]))
            return false;
    return entry_unchanged(&plan->null);
}
