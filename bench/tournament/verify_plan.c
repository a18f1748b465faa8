/* SPDX-License-Identifier: MIT */
/*
 * verify_plan.c - the plan: the files that belong to it, the rules of its preset, its programs.
 *
 * That the plan itself is the one of the run, its hash in each journal line says.
 */
#include "verify.h"

#include "env.h"
#include "json.h"
#include "schedule.h"
#include "text.h"

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

static struct verify_place here(const char *key)
{
    return (struct verify_place){.file = "plan.json", .key = key};
}

static void check_seals(struct verify *v)
{
    json_t *now = plan_seals(v->folder);
    json_t *sealed = json_object_get(v->state.plan, "sealed");
    const char *file;
    json_t *hash;
    verify_holds(
        v,
        sealed != NULL,
        here("sealed"),
        "missing",
        "the hashes of env.json, limits.json and conformance.json",
        "a plan seals what stood beside it: the seals were cut out, so nothing vouches for "
        "those files");
    json_object_foreach(sealed, file, hash)
    {
        char *key = text_format("sealed.%s", file);
        verify_same(v,
                    here(key),
                    hash,
                    json_incref(json_object_get(now, file)),
                    "the file was changed after the plan was made");
        free(key);
    }
    json_decref(now);
}

/*
 * The rules that a preset stands for. Which build wrote the run is only known from the run itself,
 * so what the promise rests on, and the weights of the house, must be so in any case; how many
 * blocks a preset has may change between versions, and is a remark then.
 */
static void check_rules(struct verify *v)
{
    struct plan house = {.preset = v->plan.preset, .questions = v->plan.questions};
    plan_set_rules(&house);
    if (v->plan.order == SCHEDULE_WILLIAMS && !v->plan.preset->smoke)
        house.blocks_max *= (unsigned)schedule_square_rows(v->plan.entry_count);
    const struct {
        const char *key;
        double recorded, house;
        bool always;
    } rules[] = {
        {"alpha", v->plan.alpha, house.alpha, true},
        {"margin", v->plan.margin, house.margin, true},
        {"blocks_max",
         v->plan.blocks_max,
         v->plan.preset->prices ? v->plan.blocks_common : house.blocks_max,
         false},
        {"redo.block_limit", v->plan.redo_block_limit, house.redo_block_limit, true},
        {"redo.run_limit", v->plan.redo_run_limit, house.redo_run_limit, true},
        {"redo.max", v->plan.redo_max, house.redo_max, true},
        {"redo.share", v->plan.redo_share, house.redo_share, true},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        json_t *recorded = json_real(rules[i].recorded);
        if (v->same_program || rules[i].always)
            verify_same(v,
                        here(rules[i].key),
                        recorded,
                        json_real(rules[i].house),
                        "not the rule of the preset: the plan was changed");
        else if (!(rules[i].recorded == rules[i].house))
            verify_note(v,
                        "plan.json: %s is %g, in this version of the preset %g",
                        rules[i].key,
                        rules[i].recorded,
                        rules[i].house);
        json_decref(recorded);
    }
    verify_holds(v,
                 v->plan.blocks_common <= house.blocks_common || !v->same_program,
                 here("blocks_common"),
                 "more than the preset has",
                 "at most those of the preset",
                 "a plan can only be cut to its budget: it was changed");
}

/* What runs of earlier versions do not have only matters where somebody was late: verify_block.c.
 */
static void check_late_rule(struct verify *v)
{
    struct plan house = {.preset = v->plan.preset, .questions = v->plan.questions};
    const json_t *recorded = json_object_get(v->state.plan, "late");
    plan_set_rules(&house);
    if (recorded != NULL)
        verify_same(v,
                    here("late"),
                    recorded,
                    plan_late_json(&house),
                    "not the rule for late runs: the plan was changed");
}

static json_t *house_weights(void)
{
    size_t count;
    const struct judge_profile *profiles = judge_profiles(&count);
    json_t *weights = json_object();
    for (size_t p = 0; p < count; p++) {
        json_t *families = json_object();
        for (int f = 0; f < JUDGE_FAMILIES; f++)
            json_object_set_new(families,
                                judge_family_name((enum judge_family)f),
                                json_real(profiles[p].weight[f]));
        json_object_set_new(weights, profiles[p].name, families);
    }
    return weights;
}

/* The four profiles of the house; one of the user's own can only be taken as it stands. */
static void check_weights(struct verify *v)
{
    json_t *house = house_weights();
    const json_t *recorded = json_object_get(v->state.plan, "weights");
    const char *name;
    json_t *families;
    json_object_foreach(house, name, families)
    {
        char *key = text_format("weights.%s", name);
        verify_same(v,
                    here(key),
                    json_object_get(recorded, name),
                    json_incref(families),
                    "not the weights of the house under this name: the plan was changed");
        free(key);
    }
    const char *own = json_text(v->state.plan, "profile", NULL);
    verify_holds(v,
                 own == NULL || (json_object_get(recorded, own) != NULL &&
                                 json_object_get(house, own) == NULL),
                 here("profile"),
                 own != NULL ? own : "",
                 "nothing, or weights that the user gave under a name of their own",
                 "the answer goes by another profile than the run was planned with");
    json_decref(house);
}

/* A twin is an exact copy: the same programs. */
static void check_twins(struct verify *v)
{
    for (size_t e = 0; e < v->plan.entry_count; e++) {
        const int original = v->plan.entries[e].twin_of;
        if (original < 0)
            continue;
        char *key = text_format("%s.binaries", v->plan.entries[e].name);
        verify_same(v,
                    here(key),
                    v->plan.entries[e].binaries,
                    json_incref(v->plan.entries[original].binaries),
                    "a twin has the programs of its original: a hash was changed");
        free(key);
    }
}

void verify_plan(struct verify *v)
{
    char *own = env_program_hash();
    const char *wrote = json_text(v->state.env, "velo_sha256", "");
    v->same_program = strcmp(own, wrote) == 0;
    free(own);
    v->part = VERIFY_PLAN;
    if (!v->same_program)
        verify_note(v,
                    "the run was written by another build of velo, by its own words: numbers of "
                    "blocks that differ from those of this version are remarks");
    check_seals(v);
    check_rules(v);
    check_late_rule(v);
    check_weights(v);
    check_twins(v);
}

/* Programs that raced and are not there as they were; an example of each kind. */
struct programs {
    size_t changed, gone;
    const char *another, *missing;
};

static void look_at_program(struct programs *found, const json_t *binary, bool counts)
{
    const char *path = json_text(binary, "path", "");
    char hash[SHA256_DIGEST_STRING_LENGTH];
    if (SHA256File(path, hash) == NULL) {
        found->gone += counts;
        found->missing = path;
    } else if (strcmp(hash, json_text(binary, "sha256", "")) != 0) {
        found->changed += counts;
        found->another = path;
    }
}

void verify_programs(struct verify *v)
{
    struct programs found = {0};
    for (size_t e = 0; e < v->plan.entry_count; e++) {
        const char *program;
        const json_t *binary;
        json_object_foreach(v->plan.entries[e].binaries, program, binary)
            look_at_program(&found, binary, v->plan.entries[e].twin_of < 0);
    }
    if (found.changed > 0)
        verify_note(v,
                    "%zu programs are others now than those that raced, such as %s: the run cannot "
                    "be resumed, its numbers stand",
                    found.changed,
                    found.another);
    if (found.gone > 0)
        verify_note(v,
                    "%zu programs that raced are gone or cannot be read, such as %s: whether they "
                    "are those that raced cannot be seen, and the run cannot be resumed",
                    found.gone,
                    found.missing);
}

/* The common rate of open-loop cells: what the slowest reached in the pilot, one for all points. */
void verify_rates(struct verify *v)
{
    v->part = VERIFY_PLAN;
    for (size_t c = 0; c < v->plan.cell_count; c++) {
        const struct plan_cell *cell = &v->plan.cells[c];
        double least = 0;
        size_t index;
        const json_t *event;
        json_array_foreach(v->state.events, index, event)
        {
            const json_t *run = json_object_get(event, "run");
            const double rate = json_double(run, "common_rate", 0);
            if (strcmp(json_text(event, "type", ""), "pilot") == 0 && rate > 0 &&
                !run_dir_is_late(json_text(event, "status", "")) &&
                strcmp(json_text(run, "lane", ""), cell->lane) == 0 &&
                strcmp(json_text(run, "scenario", ""), cell->scenario) == 0 &&
                (least <= 0 || rate < least))
                least = rate;
        }
        char *key = text_format("cells[%zu].common_rate", c);
        verify_same(v,
                    here(key),
                    json_object_get(json_array_get(json_object_get(v->state.plan, "cells"), c),
                                    "common_rate"),
                    least > 0 ? json_real(least) : json_null(),
                    "not the least rate of the pilot: plan or pilot lines were changed");
        free(key);
    }
}
