/* SPDX-License-Identifier: MIT */
/* plan.c - entries and cells from what the user asked for; see plan.h. The file is plan_file.c. */
#include "plan.h"

#include "../../reports/render/limit_rules.h"
#include "../race/variants.h"
#include "journal.h"
#include "schedule.h"
#include "text.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

static struct plan_entry *add_entry(struct plan *plan,
                                    const char *name,
                                    const struct contestant *contestant,
                                    const char *variant)
{
    struct plan_entry *entries = realloc(plan->entries, (plan->entry_count + 1) * sizeof(*entries));
    if (entries == NULL)
        abort();
    plan->entries = entries;
    struct plan_entry *entry = &entries[plan->entry_count++];
    *entry = (struct plan_entry){
        .name = text_copy(name),
        .contestant = text_copy(contestant->name),
        .variant = text_copy(variant),
        .twin_of = -1,
        .kind = text_copy("native"),
        .version = text_copy(""),
        .dir = text_copy(contestant->dir),
        .binaries = json_object(),
    };
    return entry;
}

/* A linked one has programs of its own. */
static int add_variant(struct plan *plan,
                       const char *name,
                       const struct contestant *contestant,
                       const char *variant)
{
    if (!registry_is_linked(variant)) {
        add_entry(plan, name, contestant, variant);
        return 0;
    }
    struct contestant linked = registry_linked(contestant, variant);
    char *program = contestant_program(&linked, "race");
    if (program != NULL)
        add_entry(plan, name, &linked, variant);
    else
        say_error("%s: no programs in %s: `make variants` builds them, but not of a variant that "
                  "is what %s has anyway",
                  name,
                  linked.dir,
                  contestant->name);
    int rc = program != NULL ? 0 : -EINVAL;
    free(program);
    free(linked.dir);
    return rc;
}

/* "fastpath:nospin" -> contestant and variant. Returns: 0; -EINVAL after a message. */
static int add_wanted(struct plan *plan, const struct registry *registry, const char *wanted)
{
    char *name = text_format("%.*s", (int)strcspn(wanted, ":"), wanted);
    const char *colon = strchr(wanted, ':');
    const char *variant = colon != NULL ? colon + 1 : "";
    const struct contestant *contestant = registry_find(registry, name);
    struct names known = {0};
    int rc = 0;
    if (contestant == NULL) {
        registry_complain(registry, name);
        rc = -EINVAL;
    } else if (colon != NULL) {
        for (size_t i = 0; i < variant_count; i++)
            names_add(&known, variant_table[i].name);
        if (!names_has(&known, variant)) {
            names_complain(&known, "variant", variant);
            rc = -EINVAL;
        }
    }
    if (rc == 0 && plan_find_entry(plan, wanted) < 0)
        rc = add_variant(plan, wanted, contestant, variant);
    names_free(&known);
    free(name);
    return rc;
}

static int make_entries(struct plan *plan, const struct plan_wish *wish)
{
    int rc = 0;
    if (wish->only->count == 0)
        for (size_t i = 0; i < wish->registry->count; i++)
            add_entry(plan, wish->registry->items[i].name, &wish->registry->items[i], "");
    for (size_t i = 0; rc == 0 && i < wish->only->count; i++)
        rc = add_wanted(plan, wish->registry, wish->only->items[i]);
    if (rc == 0 && plan->entry_count >= PLAN_ENTRIES_MAX) {
        say_error("at most %d contestants; choose with --only", PLAN_ENTRIES_MAX - 1);
        rc = -EINVAL;
    }
    return rc;
}

static void
add_cell(struct plan *plan, const struct scenario *scenario, const struct scenario_point *point)
{
    struct plan_cell *cells = realloc(plan->cells, (plan->cell_count + 1) * sizeof(*cells));
    if (cells == NULL)
        abort();
    plan->cells = cells;
    bool micro = strcmp(scenario->lane, "micro") == 0;
    bool idle = plan->preset->idle_ms > 0 && strcmp(scenario->family, "idle") == 0;
    cells[plan->cell_count++] = (struct plan_cell){
        .key = text_format("%s/%s/%s", scenario->lane, scenario->name, point->id),
        .lane = text_copy(scenario->lane),
        .scenario = text_copy(scenario->name),
        .point = text_copy(point->id),
        .metric = text_copy(scenario->metric),
        .unit = text_copy(scenario->unit),
        .family = text_copy(scenario->family),
        .script = text_copy(scenario->script),
        .params = json_incref(point->params),
        .needs = json_incref(scenario->needs),
        .floor = scenario->floor,
        .core = point->core,
        .ceiling = point->ceiling,
        .placement = text_copy(point->placement),
        .window_ms = idle    ? plan->preset->idle_ms
                     : micro ? plan->preset->micro_ms
                             : plan->preset->window_ms,
        .timeout_ms = plan->preset->timeout_ms,
        .source = point,
    };
}

/* The points of one scenario that the preset takes, or the one that was asked for. */
static size_t
add_points(struct plan *plan, const struct plan_wish *wish, const struct scenario *scenario)
{
    bool named = wish->filter->count > 0; /* named scenarios run although they are not core */
    size_t added = 0;
    for (int core = 1; core >= 0; core--)
        for (size_t i = 0; i < scenario->point_count; i++) {
            const struct scenario_point *point = &scenario->points[i];
            if (point->core != (core == 1))
                continue;
            if (wish->point != NULL && strcmp(wish->point, point->id) != 0)
                continue;
            if (wish->point == NULL && wish->preset->core_only && !core && (!named || added > 0))
                continue;
            if (wish->point == NULL && wish->preset->first_point_only && added > 0)
                continue;
            add_cell(plan, scenario, point);
            added++;
        }
    return added;
}

/* The points of one scenario that are asked for by their keys; who has none is passed over. */
static void add_named(struct plan *plan, const struct names *cells, const struct scenario *scenario)
{
    for (size_t i = 0; i < scenario->point_count; i++) {
        const struct scenario_point *point = &scenario->points[i];
        char *key = text_format("%s/%s/%s", scenario->lane, scenario->name, point->id);
        if (names_has(cells, key))
            add_cell(plan, scenario, point);
        free(key);
    }
}

static int check_filter(const struct plan_wish *wish)
{
    struct names known = scenario_names(wish->scenarios);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < wish->filter->count; i++) {
        bool found = false;
        struct names one = {.items = &wish->filter->items[i], .count = 1};
        for (size_t s = 0; s < wish->scenarios->count; s++)
            found |= scenario_wanted(&wish->scenarios->items[s], &one);
        if (!found) {
            names_complain(&known, "scenario", wish->filter->items[i]);
            rc = -EINVAL;
        }
    }
    names_free(&known);
    return rc;
}

static int unknown_point(const struct plan_wish *wish)
{
    struct names known = {0};
    for (size_t s = 0; s < wish->scenarios->count; s++)
        if (scenario_wanted(&wish->scenarios->items[s], wish->filter))
            for (size_t i = 0; i < wish->scenarios->items[s].point_count; i++)
                names_add(&known, wish->scenarios->items[s].points[i].id);
    names_complain(&known, "point", wish->point);
    names_free(&known);
    return -EINVAL;
}

static int make_cells(struct plan *plan, const struct plan_wish *wish)
{
    int rc = check_filter(wish);
    if (rc != 0)
        return rc;
    for (size_t s = 0; s < wish->scenarios->count; s++) {
        const struct scenario *scenario = &wish->scenarios->items[s];
        if (wish->cells != NULL && wish->cells->count > 0) {
            add_named(plan, wish->cells, scenario);
            continue;
        }
        bool useless = wish->preset->prices && strcmp(scenario->lane, "process") == 0;
        if (!useless && scenario_wanted(scenario, wish->filter)) /* its programs have no variants */
            add_points(plan, wish, scenario);
    }
    if (plan->cell_count == 0 && wish->point != NULL)
        return unknown_point(wish);
    if (plan->cell_count == 0) {
        say_error("preset %s has no cell in the scenarios that were asked for", wish->preset->name);
        return -EINVAL;
    }
    return 0;
}

void plan_set_rules(struct plan *plan)
{
    plan->alpha = 0.05 / (plan->questions > 0 ? plan->questions : 1);
    plan->margin = plan->preset->margin;
    plan->blocks_common = plan->preset->blocks_common;
    plan->blocks_max = plan->preset->blocks_max;
    plan->redo_block_limit = 0.02;
    plan->redo_run_limit = 0.10;
    plan->redo_max = plan->preset->smoke ? 0 : 2;
    plan->redo_share = 0.25;
    plan->drift_limit = LIMIT_DRIFT_MOST;
    plan->calibration_ms = plan->preset->uncalibrated ? 0 : 3;
    plan->late_in_a_row = 2;
    plan->late_in_all = 3;
    plan->late_ever = 3;
    plan->late_stall_ms = 500;
}

void plan_share_level(struct plan *plan, unsigned tournaments)
{
    plan->questions = tournaments * (unsigned)plan->cell_count;
    plan_set_rules(plan);
}

/* What was asked for, or what the preset takes for so many contestants. */
static unsigned budget_of(const struct plan *plan, const struct plan_wish *wish)
{
    enum { MEANT_FOR = 3 };
    const struct preset *preset = wish->preset;
    const size_t more = plan->entry_count > MEANT_FOR ? plan->entry_count - MEANT_FOR : 0;
    return wish->budget_s > 0 ? wish->budget_s : preset->budget_s + preset->more_s * (unsigned)more;
}

int plan_make(struct plan *plan, const struct plan_wish *wish)
{
    *plan = (struct plan){
        .preset = wish->preset,
        .seed = wish->seed,
        .seed_given = wish->seed_given,
        .order = wish->order,
    };
    plan_set_rules(plan);
    journal_time(plan->created);
    int rc = make_entries(plan, wish);
    plan->budget_s = budget_of(plan, wish);
    if (rc == 0)
        rc = make_cells(plan, wish);
    if (rc != 0)
        plan_free(plan);
    return rc;
}

void plan_add_twin(struct plan *plan, const bool *admitted)
{
    int baseline = plan_find_entry(plan, "mutex");
    for (int i = 0; (baseline < 0 || !admitted[baseline]) && i < (int)plan->entry_count; i++)
        if (admitted[i])
            baseline = i;
    if (baseline < 0 || !admitted[baseline])
        return;
    const struct plan_entry *original = &plan->entries[baseline];
    struct contestant contestant = {.name = original->contestant, .dir = original->dir};
    char *name = text_format("%s~twin", original->name);
    char *variant = text_copy(original->variant);
    char *kind = text_copy(original->kind);
    char *version = text_copy(original->version);
    struct plan_entry *twin = add_entry(plan, name, &contestant, variant);
    twin->twin_of = baseline;
    free(twin->kind);
    free(twin->version);
    twin->kind = kind;
    twin->version = version;
    free(variant);
    free(name);
}

void plan_add_null(struct plan *plan, const char *build)
{
    char *dir = text_format("%s/harness/null", build);
    struct contestant null = {.name = dir, .dir = dir};
    char *program = contestant_program(&null, "race");
    if (program != NULL && plan->null.dir == NULL)
        plan->null = (struct plan_entry){.name = text_copy("null"),
                                         .contestant = text_copy("null"),
                                         .variant = text_copy(""),
                                         .twin_of = -1,
                                         .kind = text_copy("null"),
                                         .version = text_copy(""),
                                         .dir = text_copy(dir),
                                         .binaries = json_object()};
    free(program);
    free(dir);
}

static int hash_program(struct plan_entry *entry, const char *program)
{
    struct contestant contestant = {.name = entry->contestant, .dir = entry->dir};
    char *path = contestant_program(&contestant, program);
    if (path == NULL)
        return 0;
    char hash[SHA256_DIGEST_STRING_LENGTH];
    int rc = 0;
    if (SHA256File(path, hash) == NULL) {
        rc = -errno;
        say_error("cannot read %s: %s", path, strerror(errno));
    } else {
        json_object_set_new(
            entry->binaries, program, json_pack("{s:s, s:s}", "path", path, "sha256", hash));
    }
    free(path);
    return rc;
}

int plan_hash_binaries(struct plan *plan)
{
    static const char *const programs[] = {"conformance", "race", "micro", "process"};
    int rc = 0;
    for (size_t p = 0; p < sizeof(programs) / sizeof(programs[0]); p++) {
        for (size_t e = 0; rc == 0 && e < plan->entry_count; e++)
            rc = hash_program(&plan->entries[e], programs[p]);
        if (rc == 0 && plan->null.dir != NULL) /* it has some of them */
            rc = hash_program(&plan->null, programs[p]);
    }
    return rc;
}

int plan_find_entry(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        if (strcmp(plan->entries[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void free_entry(struct plan_entry *entry)
{
    free(entry->name);
    free(entry->contestant);
    free(entry->variant);
    free(entry->kind);
    free(entry->version);
    free(entry->dir);
    json_decref(entry->binaries);
}

static void free_cell(struct plan_cell *cell)
{
    free(cell->key);
    free(cell->lane);
    free(cell->scenario);
    free(cell->point);
    free(cell->metric);
    free(cell->unit);
    free(cell->family);
    free(cell->script);
    free(cell->placement);
    json_decref(cell->params);
    json_decref(cell->needs);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        free_entry(&plan->entries[i]);
    for (size_t i = 0; i < plan->cell_count; i++)
        free_cell(&plan->cells[i]);
    free_entry(&plan->null);
    free(plan->entries);
    free(plan->cells);
    json_decref(plan->promise);
    json_decref(plan->own_weights);
    *plan = (struct plan){0};
}
