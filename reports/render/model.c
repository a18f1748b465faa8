/* SPDX-License-Identifier: MIT */
/* model.c - see model.h: lays verdict.json and the journal over the grid of plan.json. */
#include "model.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../judge/judge.h"
#include "conditions.h"
#include "fields.h"

const struct word_look word_looks[WORD_COUNT] = {
    [WORD_WINNER] = {"WINNER", "wins", "▲", "win"},
    [WORD_TIE] = {"TIE", "ties", "=", "tie"},
    [WORD_LOSES] = {"LOSES", "loses", "▼", "lose"},
    [WORD_OPEN] = {"NOT ENOUGH EVIDENCE", "open", "?", "open"},
    [WORD_DISQUALIFIED] = {"DISQUALIFIED", "disqualified", "✕", "out"},
    [WORD_NOT_RUN] = {"NOT RUN", "not run", "–", "absent"},
};

static enum word word_parse(const char *text)
{
    for (int i = 0; i < WORD_COUNT; i++)
        if (strncmp(text, word_looks[i].name, strlen(word_looks[i].name)) == 0)
            return (enum word)i;
    return WORD_OPEN;
}

bool model_same_metric(const struct cell *cell, const json_t *object, const char *metric)
{
    const struct run_dir_cell *plan = cell->plan;
    return strcmp(field_text(object, "lane"), plan->lane) == 0 &&
           strcmp(field_text(object, "scenario"), plan->scenario) == 0 &&
           strcmp(field_text(object, "point"), plan->point) == 0 &&
           strcmp(field_text(object, "metric"), metric) == 0;
}

bool model_same_cell(const struct cell *cell, const json_t *object)
{
    return model_same_metric(cell, object, cell->plan->metric);
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || strchr("_-~:.", c) != NULL;
}

/* The contestant whose name stands at [text], the longest one; 0 if none does. */
static size_t name_length(const struct model *model, const char *text)
{
    size_t longest = 0;
    for (size_t i = 0; i < model->contestant_count; i++) {
        size_t length = strlen(model->contestants[i].name);
        bool whole = strncmp(text, model->contestants[i].name, length) == 0 &&
                     (text[length] == '\0' || !isalnum((unsigned char)text[length]));
        if (whole && length > longest && !strchr(model->contestants[i].name, '`'))
            longest = length;
    }
    return longest;
}

void model_mark_names(const struct model *model, const char *text, char *out, size_t size)
{
    size_t used = 0;
    bool marked = strchr(text, '`') != NULL, inside = false;
    while (*text && used + 4 < size) {
        size_t length = marked || inside ? 0 : name_length(model, text);
        if (length && used + length + 4 < size) {
            used += (size_t)snprintf(out + used, size - used, "`%.*s`", (int)length, text);
            text += length;
        } else {
            out[used++] = *text++;
        }
        inside = is_word_char(text[-1]);
    }
    out[used] = '\0';
}

static int contestant_find(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->contestant_count; i++)
        if (strcmp(model->contestants[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int contestants_list(struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "contestants");
    model->contestants = calloc(model->dir.entry_count + 1, sizeof *model->contestants);
    if (!model->contestants)
        return -1;
    for (size_t i = 0; i < model->dir.entry_count; i++) {
        if (model->dir.entries[i].twin_of >= 0)
            continue;
        struct contestant *one = &model->contestants[model->contestant_count++];
        one->name = model->dir.entries[i].name;
        one->entry = i;
        for (size_t k = 0; k < json_array_size(list); k++)
            if (strcmp(field_text(json_array_get(list, k), "name"), one->name) == 0)
                one->verdict = json_array_get(list, k);
    }
    return 0;
}

static void label(struct cell *cell)
{
    snprintf(cell->metric, sizeof cell->metric, "%s", cell->plan->metric);
    for (char *c = cell->metric; *c; c++)
        if (*c == '_')
            *c = ' ';
    cell->point = strcmp(cell->plan->point, "-") == 0 ? "" : cell->plan->point;
    const char *gap = *cell->point ? " " : "";
    snprintf(cell->label, sizeof cell->label, "%s%s%s", cell->plan->scenario, gap, cell->point);
}

static void take_verdict(struct model *model, struct cell *cell, const json_t *object)
{
    int who = contestant_find(model, field_text(object, "contestant"));
    if (who < 0)
        return;
    struct result *result = &cell->results[who];
    result->word = word_parse(field_text(object, "verdict"));
    result->star = json_is_true(json_object_get(object, "star"));
    result->small = json_is_true(json_object_get(object, "small"));
    result->reason = field_text(object, "reason");
    result->runs = field_count(object, "runs", 0);
    result->median = field_number(object, "median");
    result->p5 = field_number(object, "p5");
    result->p95 = field_number(object, "p95");
    result->limit_times = field_number(object, "x_limit");
    result->limit = field_text(object, "limit");
    result->ratio = field_number(object, "ratio");
    result->low = field_number(object, "low");
    result->high = field_number(object, "high");
    result->reproduce = field_text(object, "reproduce");
}

/* The winner, or else the one that the verdict takes all ratios to. */
static int best_of(const struct model *model, const struct cell *cell)
{
    int best = -1;
    for (size_t i = 0; i < model->contestant_count; i++) {
        const struct result *result = &cell->results[i];
        if (result->word == WORD_WINNER)
            return (int)i;
        if (best < 0 && fabs(result->ratio - 1) < 1e-12)
            best = (int)i;
    }
    return best;
}

static void take_verdicts(struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "cells");
    for (size_t i = 0; i < model->cell_count; i++) {
        struct cell *cell = &model->cells[i];
        for (size_t k = 0; k < json_array_size(list); k++)
            if (model_same_cell(cell, json_array_get(list, k)))
                take_verdict(model, cell, json_array_get(list, k));
        cell->best = best_of(model, cell);
        if (cell->best >= 0)
            cell->results[cell->best].is_best = true;
    }
}

const json_t *model_latency(const struct run_dir_run *run, bool corrected)
{
    const json_t *latency = json_object_get(run->run, "latency");
    if (!corrected)
        latency = json_object_get(latency, "uncorrected");
    const json_t *curve = json_object_get(latency, "curve");
    return json_array_size(curve) ? curve : NULL;
}

struct side_value model_side(const struct model *model,
                             const struct cell *cell,
                             size_t contestant,
                             const char *metric)
{
    const json_t *list = json_object_get(model->verdict, "cells");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        if (model_same_metric(cell, row, metric) &&
            strcmp(field_text(row, "contestant"), model->contestants[contestant].name) == 0)
            return (struct side_value){.median = field_number(row, "median"),
                                       .ratio = field_number(row, "ratio"),
                                       .low = field_number(row, "low"),
                                       .high = field_number(row, "high")};
    }
    return (struct side_value){NAN, NAN, NAN, NAN};
}

static void take_costs(struct model *model)
{
    static const char *const metrics[COST_COUNT] = {[COST_CPU_NS] = "cpu_ns_per_task",
                                                    [COST_SWITCHES] = "switches_per_1000_tasks",
                                                    [COST_WAKEUPS] = "wakeups_per_1000_tasks",
                                                    [COST_RSS_BYTES] = "peak_rss_bytes",
                                                    [COST_RATE] = "tasks_per_s"};
    for (size_t i = 0; i < model->cell_count; i++)
        for (size_t k = 0; k < model->contestant_count; k++)
            for (int cost = 0; cost < COST_COUNT; cost++)
                model->cells[i].results[k].cost[cost] =
                    model_side(model, &model->cells[i], k, metrics[cost]);
}

static void count_blocks(struct model *model)
{
    for (size_t i = 0; i < model->dir.block_count; i++) {
        const struct run_dir_block *block = &model->dir.blocks[i];
        struct cell *cell = &model->cells[block->cell];
        cell->blocks += block->valid;
        cell->redone += !block->valid;
        model->redone += !block->valid;
        model->disturbed += block->valid && block->reason && *block->reason;
    }
}

static int cells_make(struct model *model)
{
    model->cell_count = 0; /* grows with the cells that are whole, for model_fini() */
    model->cells = calloc(model->dir.cell_count + 1, sizeof *model->cells);
    if (!model->cells)
        return -1;
    for (size_t i = 0; i < model->dir.cell_count; i++) {
        struct cell *cell = &model->cells[i];
        cell->results = calloc(model->contestant_count + 1, sizeof *cell->results);
        if (!cell->results)
            return -1;
        model->cell_count = i + 1;
        cell->plan = &model->dir.cells[i];
        cell->best = -1;
        label(cell);
        for (size_t k = 0; k < model->contestant_count; k++) {
            struct result *result = &cell->results[k];
            *result = (struct result){.word = WORD_NOT_RUN,
                                      .reason = "not in the verdict",
                                      .reproduce = "",
                                      .limit = "",
                                      .median = NAN,
                                      .p5 = NAN,
                                      .p95 = NAN,
                                      .limit_times = NAN,
                                      .ratio = NAN,
                                      .low = NAN,
                                      .high = NAN};
        }
    }
    return 0;
}

static void add_remark(struct cell *cell, const char *remark)
{
    const size_t used = strlen(cell->remark);
    if (strstr(cell->remark, remark) == NULL)
        snprintf(
            cell->remark + used, sizeof cell->remark - used, "%s%s", used > 0 ? ", " : "", remark);
}

/* What flags the numbers of a cell, whoever of its contestants it is about. */
static int take_remarks(struct model *model)
{
    const json_t *list = json_object_get(model->verdict, "ceilings");
    for (size_t i = 0; i < model->cell_count; i++) {
        struct cell *cell = &model->cells[i];
        for (size_t k = 0; k < model->contestant_count; k++) {
            struct conditions c;
            if (conditions_of(&model->dir, i, model->contestants[k].entry, &c) != 0)
                return -1;
            if (c.not_steady)
                add_remark(cell, "not steady");
            if (c.late_generator)
                add_remark(cell, "generator late");
        }
        for (size_t k = 0; k < json_array_size(list); k++)
            if (model_same_cell(cell, json_array_get(list, k)) &&
                json_is_true(json_object_get(json_array_get(list, k), "near")))
                add_remark(cell, "near the harness's own cost");
    }
    return 0;
}

static json_t *verdict_load(const char *run_dir, char *err, size_t err_size)
{
    char path[4096];
    json_error_t fault;
    snprintf(path, sizeof path, "%s/verdict.json", run_dir);
    json_t *verdict = json_load_file(path, 0, &fault);
    if (!verdict)
        snprintf(err,
                 err_size,
                 "%s:%d: %s; judge the run first (velo report %s)",
                 path,
                 fault.line,
                 fault.text,
                 run_dir);
    return verdict;
}

int model_read(const char *run_dir, struct model *out, char *err, size_t err_size)
{
    *out = (struct model){0};
    if (run_dir_read(run_dir, RUN_DIR_TORN_OK | RUN_DIR_NEW_OK, &out->dir, err, err_size) != 0)
        return -1;
    out->verdict = verdict_load(run_dir, err, err_size);
    if (!out->verdict) {
        model_fini(out);
        return -1;
    }
    if (contestants_list(out) != 0 || cells_make(out) != 0) {
        snprintf(err, err_size, "%s: out of memory while making the report", run_dir);
        model_fini(out);
        return -1;
    }
    out->margin = field_number(out->dir.plan, "margin");
    out->smoke = strcmp(field_text(out->dir.plan, "preset"), "smoke") == 0;
    take_verdicts(out);
    take_costs(out);
    count_blocks(out);
    if (take_remarks(out) != 0) {
        snprintf(err, err_size, "%s: out of memory while making the report", run_dir);
        model_fini(out);
        return -1;
    }
    return 0;
}

void model_fini(struct model *model)
{
    for (size_t i = 0; i < model->cell_count; i++)
        free(model->cells[i].results);
    free(model->cells);
    free(model->contestants);
    json_decref(model->verdict);
    run_dir_fini(&model->dir);
    *model = (struct model){0};
}

size_t model_count(const struct model *model, size_t contestant, enum word word)
{
    size_t count = 0;
    for (size_t i = 0; i < model->cell_count; i++)
        count += model->cells[i].results[contestant].word == word;
    return count;
}
