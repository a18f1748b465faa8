/* SPDX-License-Identifier: MIT */
/*
 * section_proof.c - what stands behind the numbers: conformance, environment, redone blocks, and
 * how to do it all again.
 */
#include "sections.h"

#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "human.h"

/* ---- conformance ---- */

static const json_t *conformance_of(const struct model *model, const char *contestant, size_t nth)
{
    const json_t *list = json_object_get(model->dir.conformance, "contestants");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (strcmp(field_text(one, "contestant"), contestant) == 0 && nth-- == 0)
            return one;
    }
    return NULL;
}

/* The worst result of a clause over all modes in which the contestant was tested. */
static const char *clause_result(const struct model *model, const char *name, const char *clause)
{
    static const char *const order[] = {"fail", "deviation", "pass", "n/a"};
    size_t worst = 4;
    const json_t *one;
    for (size_t nth = 0; (one = conformance_of(model, name, nth)) != NULL; nth++) {
        const char *result = field_text(json_object_get(one, "clauses"), clause);
        for (size_t i = 0; i < worst; i++)
            if (strcmp(result, order[i]) == 0)
                worst = i;
    }
    return worst < 4 ? order[worst] : "";
}

static int by_clause(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    if (*a != *b)
        return *a < *b ? -1 : 1;
    int x = atoi(a + 1), y = atoi(b + 1);
    return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

#define CLAUSES_MAX 256

static size_t clauses_list(const struct model *model, const char *names[CLAUSES_MAX])
{
    const json_t *list = json_object_get(model->dir.conformance, "contestants");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *clauses = json_object_get(json_array_get(list, i), "clauses");
        const char *key;
        json_t *value;
        json_object_foreach(clauses, key, value)
        {
            size_t k = 0;
            while (k < n && strcmp(names[k], key) != 0)
                k++;
            if (k == n && n < CLAUSES_MAX)
                names[n++] = key;
        }
    }
    qsort(names, n, sizeof *names, by_clause);
    return n;
}

static void clause_field(struct page *page, const char *result)
{
    if (strcmp(result, "pass") == 0)
        page_cell(page, "c pass", "✓");
    else if (strcmp(result, "fail") == 0)
        page_cell(page, "c fail", "✕ fail");
    else if (strcmp(result, "deviation") == 0)
        page_cell(page, "c deviation", "≠");
    else
        page_cell(page, "c none", "%s", *result ? "·" : "–");
}

static const char *group_name(char letter)
{
    static const char *const names[] = {"S submission",
                                        "L lifecycle",
                                        "M microtasks",
                                        "R turn",
                                        "T timers",
                                        "F descriptors",
                                        "A liveness",
                                        "P fast path",
                                        "X misuse",
                                        "W work offload"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i][0] == letter)
            return names[i];
    return NULL;
}

static void
clause_table(struct page *page, const struct model *model, const char *const clauses[], size_t n)
{
    const char *titles[64] = {"<"};
    char names[63][80];
    int columns = 1;
    for (size_t i = 0; i < model->contestant_count && columns < 64; i++, columns++) {
        snprintf(names[i], sizeof names[i], "<%s", model->contestants[i].name);
        titles[columns] = names[i];
    }
    page_box(page, "box");
    const char *group = group_name(clauses[0][0]);
    page_heading(page, 3, "", "%s", group ? group : "other");
    page_table(page, "clauses", columns, titles);
    for (size_t i = 0; i < n; i++) {
        page_row(page, "");
        page_cell(page, "#", "%s", clauses[i]);
        for (int k = 0; k + 1 < columns; k++)
            clause_field(page, clause_result(model, model->contestants[k].name, clauses[i]));
    }
    page_table_end(page);
    page_box_end(page);
}

static size_t failures(struct page *page, const struct model *model, bool print)
{
    const json_t *list = json_object_get(model->dir.conformance, "contestants");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *cases = json_object_get(one, "cases");
        for (size_t k = 0; k < json_array_size(cases); k++) {
            const json_t *test = json_array_get(cases, k);
            if (strcmp(field_text(test, "result"), "fail") != 0)
                continue;
            count++;
            if (!print)
                continue;
            page_row(page, "");
            page_cell(page, "", "%s", field_text(one, "contestant"));
            page_cell(page, "", "%s", field_text(test, "name"));
            page_cell(page, "", "%s", field_text(test, "reason"));
            page_cell(page, "", "%s", field_text(test, "reproduce"));
        }
    }
    return count;
}

static void totals(struct page *page, const struct model *model)
{
    page_facts_begin(page);
    for (size_t i = 0; i < model->contestant_count; i++) {
        const json_t *sum = json_object_get(model->contestants[i].verdict, "conformance");
        page_fact(page,
                  model->contestants[i].name,
                  "%ld pass, %ld fail, %ld not applicable, %ld deviations",
                  field_count(sum, "pass", 0),
                  field_count(sum, "fail", 0),
                  field_count(sum, "na", 0),
                  field_count(sum, "deviation", 0));
    }
    page_facts_end(page);
}

void section_conformance(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<contestant", "<failed test", "<reason", "<repeat it"};
    const char *clauses[CLAUSES_MAX];
    size_t n = clauses_list(model, clauses), failed = failures(page, model, false);
    if (n == 0) {
        page_heading(page, 2, "conformance", "Conformance");
        page_paragraph(page, "empty", "No conformance result stands in this run.");
        return;
    }
    if (failed)
        page_heading(page, 2, "conformance", "Conformance: %zu tests failed", failed);
    else
        page_heading(page, 2, "conformance", "Conformance: all %zu clauses hold", n);
    totals(page, model);
    if (failed) {
        page_table(page, "failures", 4, titles);
        failures(page, model, true);
        page_table_end(page);
    }
    page_box(page, "boxes");
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && clauses[to][0] == clauses[from][0]; to++)
            continue;
        clause_table(page, model, clauses + from, to - from);
    }
    page_box_end(page);
    page_paragraph(page,
                   "legend",
                   "✓ passes, ✕ fails, ≠ documented deviation, "
                   "· not applicable (the contestant does not offer it). "
                   "The clauses stand in common/CONTRACT.md.");
}

/* ---- environment ---- */

static void environment_row(struct page *page, const char *name, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    page_row(page, "");
    page_cell(page, "#", "%s", name);
    page_cell(page, "", "%s", text ? text : json_is_string(value) ? json_string_value(value) : "");
    free(text);
}

/* A group of values, such as library versions, is spread over rows of its own. */
static void environment_group(struct page *page, const char *group, json_t *values)
{
    const char *key;
    json_t *value;
    json_object_foreach(values, key, value)
    {
        char name[256];
        snprintf(name, sizeof name, "%s %s", group, key);
        environment_row(page, name, value);
    }
}

static void environment_rows(struct page *page, json_t *env)
{
    const char *key;
    json_t *value;
    json_object_foreach(env, key, value)
    {
        if (strcmp(key, "schema") == 0 || strcmp(key, "warnings") == 0 ||
            strcmp(key, "overrides") == 0 || strcmp(key, "doctor") == 0)
            continue; /* what warns stands on the first screen, the doctor in a table of its own */
        if (json_is_object(value))
            environment_group(page, key, value);
        else
            environment_row(page, key, value);
    }
}

/* What the doctor found before the start, refusals first; what is well is only counted. */
static void doctor_rows(struct page *page, const json_t *findings)
{
    static const char *const titles[] = {"<finding", "<", "<seen", "<cost in visible gap"};
    static const char *const states[] = {"refuse", "warn", "unknown"};
    size_t well = json_array_size(findings);
    page_table(page, "doctor", 4, titles);
    for (size_t s = 0; s < sizeof states / sizeof *states; s++)
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const json_t *finding = json_array_get(findings, i);
            if (strcmp(field_text(finding, "state"), states[s]) != 0)
                continue;
            bool forced = json_is_true(json_object_get(finding, "forced"));
            page_row(page, "");
            page_cell(page, "#", "%s", field_text(finding, "name"));
            page_cell(page, "", "%s", forced ? "refused, overridden" : states[s]);
            page_cell(page, "", "%s", field_text(finding, "seen"));
            page_cell(page, "", "%s", field_text(finding, "cost"));
            well--;
        }
    page_table_end(page);
    page_paragraph(page,
                   "legend",
                   "`velo doctor` looked before the start; %zu more of its %zu checks found "
                   "nothing wrong.",
                   well,
                   json_array_size(findings));
}

void section_environment(struct page *page, const struct model *model)
{
    static const char *const titles[] = {"<", "<value"};
    page_heading(page, 2, "environment", "Where it ran");
    if (!model->dir.env) {
        page_paragraph(page, "empty", "The environment was not recorded.");
        return;
    }
    page_table(page, "environment", 2, titles);
    environment_rows(page, model->dir.env);
    page_table_end(page);
    if (json_array_size(json_object_get(model->dir.env, "doctor")) > 0)
        doctor_rows(page, json_object_get(model->dir.env, "doctor"));
}

/* ---- redone blocks ---- */

void section_redone(struct page *page, const struct model *model)
{
    static const char *const titles[] = {
        "<cell", ">block", ">attempt", ">foreign CPU", "<counts", "<reason"};
    size_t listed = model->redone + model->disturbed;
    page_heading(page,
                 2,
                 "redone",
                 "Disturbed blocks: %zu redone, %zu counted all the same",
                 model->redone,
                 model->disturbed);
    if (!listed) {
        page_paragraph(page, "empty", "No block was disturbed by other work on this machine.");
        return;
    }
    page_table(page, "redone", 6, titles);
    for (size_t i = 0; i < model->dir.block_count; i++) {
        const struct run_dir_block *block = &model->dir.blocks[i];
        if (block->valid && block->attempt == 0 && !(block->reason && *block->reason))
            continue; /* an attempt that stood alone; of a redone block all are listed */
        page_row(page, "");
        page_cell(page, "", "%s", model->cells[block->cell].label);
        page_cell(page, "n", "%zu", block->block);
        page_cell(page, "n", "%zu", block->attempt);
        page_cell(page, "n", "%s", human_percent(block->foreign_share).text);
        page_cell(page, "", "%s", block->valid ? "yes" : "no");
        page_cell(page, "", "%s", block->reason ? block->reason : "");
    }
    page_table_end(page);
    page_paragraph(
        page,
        "legend",
        "A block is redone as a whole, in a new order, when other work took too much of "
        "the machine; its costs are never looked at. The last attempt always counts. One that "
        "was left half-way, be it in its first run (a kill, two Ctrl-C), is in the journal "
        "only; somebody may have seen what it was going to cost, so it counts as a block that "
        "whoever leads has lost. It is also redone when somebody was late: a deadline passed, "
        "which a machine that stood still can do to anybody. The attempt counts as lost by "
        "whoever was late; late again on a quiet machine, it is disqualified.");
}

/* ---- how to do it again ---- */

void section_reproduce(struct page *page, const struct model *model)
{
    char commands[1024];
    const json_t *run = json_object_get(model->verdict, "run");
    snprintf(commands,
             sizeof commands,
             "git checkout %s\nmake tournament PRESET=%s SEED=%s\n"
             "make report                   # these pages again, from the journal\n"
             "sha256sum plan.json           # %s",
             *field_text(run, "commit") ? field_text(run, "commit") : "COMMIT",
             field_text(model->dir.plan, "preset"),
             field_text(model->dir.plan, "seed"),
             model->dir.plan_sha256);
    page_heading(page, 2, "reproduce", "How to do it again");
    page_code(page, commands);
    page_paragraph(
        page,
        "",
        "All numbers come from `raw.ndjson` beside this page, one line per run, each line "
        "naming the hash of the one before it. `verdict.json` holds the same verdicts for "
        "programs. The data of each picture stands in `plots/NAME.dat`, its script in "
        "`plots/NAME.gp` (`cd plots && gnuplot NAME.gp`). No part of this page was edited "
        "by hand.");
}
