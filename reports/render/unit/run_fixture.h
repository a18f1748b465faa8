/* SPDX-License-Identifier: MIT */
/*
 * run_fixture.h - writes small run folders for the tests of the report: a plan, a journal with its
 * chain of hashes, limits, conformance, environment. Costs are exact functions of (cell, block,
 * entry), so the verdicts are known beforehand and every run of the tests is the same.
 */
#ifndef RUN_FIXTURE_H
#define RUN_FIXTURE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reports/render/run_dir.h"

#define FIXTURE_ENTRIES 4 /* three contestants and the twin of the first */

struct fixture_cell {
    const char *lane, *scenario, *point, *metric, *unit, *family;
    const char *parameter; /* "" for none */
    double value;          /* of the parameter */
    double cost;           /* of the first contestant */
    double factor[3];      /* of each contestant */
    bool latency;
};

struct fixture {
    const char *preset;
    const char *names[3];
    size_t blocks;
    bool equal;             /* all contestants cost the same */
    int disqualified_cell;  /* -1: none; the third contestant loses a task there */
    int not_run_cell;       /* -1: none; the second contestant lacks a capability there */
    size_t disturbed_block; /* of cell 0, redone once; SIZE_MAX: none */
    bool bare;              /* no env.json, limits.json, conformance.json */
    char dir[64];
    char plan_prefix[RUN_DIR_PLAN_PREFIX + 1];
    char previous[RUN_DIR_SHA_HEX];
    FILE *journal;
};

static const struct fixture_cell fixture_cells[] = {
    {"race", "ping-pong", "", "ns_per_trip", "ns", "med", "", 0, 9200, {1, 0.9, 0.02}, false},
    {"race",
     "producers",
     "p=1",
     "ns_per_task",
     "ns",
     "cap",
     "producers",
     1,
     61,
     {1, .6, .5},
     false},
    {"race",
     "producers",
     "p=2",
     "ns_per_task",
     "ns",
     "cap",
     "producers",
     2,
     99,
     {1, .7, .6},
     false},
    {"race",
     "poisson",
     "load=60",
     "latency_p99",
     "ns",
     "p99",
     "load",
     60,
     81e3,
     {1, 1.3, 1.1},
     true},
    {"race",
     "poisson",
     "load=90",
     "latency_p99",
     "ns",
     "p99",
     "load",
     90,
     2e5,
     {1, 1.2, 1.1},
     false},
    {"micro", "submit", "", "ns_per_op", "ns", "cpu", "", 0, 40, {1, 0.8, 0.7}, false},
    {"process", "start", "n=100000", "ns_to_exit", "ns", "start", "", 0, 2e7, {1, 1.2, 1.4}, false},
};
#define FIXTURE_CELLS (sizeof fixture_cells / sizeof *fixture_cells)

static inline struct fixture fixture_default(void)
{
    return (struct fixture){.preset = "standard",
                            .names = {"mutex", "chunked", "fastpath"},
                            .blocks = 20,
                            .disqualified_cell = -1,
                            .not_run_cell = -1,
                            .disturbed_block = (size_t)-1};
}

static inline char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    return path;
}

/* JSON from a printf format, so that a folder reads here as it stands on the disk. */
__attribute__((format(printf, 1, 2))) static inline json_t *fixture_json(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_error_t fault;
    json_t *value = json_loads(text, 0, &fault);
    if (!value) {
        fprintf(stderr, "%s in %s\n", fault.text, text);
        abort();
    }
    return value;
}

static inline void fixture_text(const struct fixture *fixture, const char *name, const char *text)
{
    FILE *file = fopen(fixture_path(fixture, name), "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static inline void fixture_dump(const struct fixture *fixture, const char *name, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    fixture_text(fixture, name, text);
    free(text);
    json_decref(value);
}

/* ---- plan ---- */

static inline json_t *fixture_name(const struct fixture *fixture, size_t entry)
{
    return json_sprintf("%s%s", fixture->names[entry % 3], entry == 3 ? "~twin" : "");
}

static inline json_t *fixture_entries(const struct fixture *fixture)
{
    json_t *list = json_array();
    for (size_t e = 0; e < FIXTURE_ENTRIES; e++) {
        json_t *one = fixture_json(
            "{\"variant\": \"\", \"kind\": \"native\", \"version\": \"1.0\", \"binaries\": {}}");
        json_object_set_new(one, "name", fixture_name(fixture, e));
        json_object_set_new(one, "contestant", json_string(fixture->names[e % 3]));
        json_object_set_new(one, "twin_of", e == 3 ? json_string(fixture->names[0]) : json_null());
        json_array_append_new(list, one);
    }
    return list;
}

static inline json_t *fixture_cell_list(void)
{
    json_t *list = json_array();
    for (size_t c = 0; c < FIXTURE_CELLS; c++) {
        const struct fixture_cell *cell = &fixture_cells[c];
        json_t *one = fixture_json(
            "{\"lane\": \"%s\", \"scenario\": \"%s\", \"point\": \"%s\", \"metric\": \"%s\","
            " \"unit\": \"%s\", \"family\": \"%s\", \"core\": true, \"window_ms\": 300,"
            " \"timeout_s\": 20, \"common_rate\": null, \"script\": \"scenarios/x.lua\","
            " \"needs\": [], \"params\": {}}",
            cell->lane,
            cell->scenario,
            cell->point,
            cell->metric,
            cell->unit,
            cell->family);
        if (*cell->parameter)
            json_object_set_new(
                json_object_get(one, "params"), cell->parameter, json_real(cell->value));
        json_array_append_new(list, one);
    }
    return list;
}

static inline void fixture_write_plan(struct fixture *fixture)
{
    json_t *plan = fixture_json(
        "{\"schema\": 1, \"preset\": \"%s\", \"seed\": \"7\", \"seed_given\": false,"
        " \"alpha\": 0.05, \"margin\": 0.05, \"order\": \"uniform\", \"blocks_common\": 10,"
        " \"blocks_max\": 30, \"budget_s\": 300,"
        " \"weights\": {\"balanced\": {\"p99\": 50, \"cap\": 30, \"start\": 20}},"
        " \"redo\": {\"block_limit\": 0.02, \"run_limit\": 0.1, \"max\": 2},"
        " \"created\": \"2026-05-04T10:11:12Z\"}",
        fixture->preset);
    json_object_set_new(plan, "entries", fixture_entries(fixture));
    json_object_set_new(plan, "cells", fixture_cell_list());
    char *text = json_dumps(plan, JSON_COMPACT);
    char hash[RUN_DIR_SHA_HEX];
    run_dir_sha256(text, strlen(text), hash);
    snprintf(fixture->plan_prefix, sizeof fixture->plan_prefix, "%.16s", hash);
    fixture_text(fixture, "plan.json", text);
    free(text);
    json_decref(plan);
}

/* ---- journal ---- */

static inline void fixture_line(struct fixture *fixture, json_t *event)
{
    json_object_set_new(event, "t", json_string("2026-05-04T10:11:12.345Z"));
    json_object_set_new(event, "plan", json_string(fixture->plan_prefix));
    json_object_set_new(event, "prev", json_string(fixture->previous));
    char *text = json_dumps(event, JSON_COMPACT);
    if (!text || fprintf(fixture->journal, "%s\n", text) < 0)
        abort();
    run_dir_sha256(text, strlen(text), fixture->previous);
    free(text);
    json_decref(event);
}

/* A small wave over the blocks, out of step between entries: noise that is always the same. */
static inline double fixture_cost(const struct fixture *fixture, size_t c, size_t block, size_t e)
{
    static const size_t step[FIXTURE_ENTRIES] = {0, 4, 8, 5};
    double wave = 1 + 0.004 * (double)((block * 7 + step[e] + c) % 11) / 10;
    return fixture_cells[c].cost * (fixture->equal ? 1 : fixture_cells[c].factor[e % 3]) * wave;
}

static inline json_t *fixture_run(size_t c, double cost)
{
    const struct fixture_cell *cell = &fixture_cells[c];
    json_t *run = fixture_json(
        "{\"ok\": true, \"latency\": null,"
        " \"metrics\": {\"%s\": {\"value\": %.9g, \"unit\": \"%s\", \"better\": \"lower\"},"
        "               \"tasks_per_s\": {\"value\": %.9g, \"unit\": \"1/s\", \"better\": "
        "\"higher\"}},"
        " \"covariates\": {\"cpu_ns\": %.9g, \"voluntary_switches\": 12,"
        "                  \"involuntary_switches\": 3, \"max_rss_bytes\": 4194304},"
        " \"counters\": {\"executed\": 1000, \"wakeups\": 20}}",
        cell->metric,
        cost,
        cell->unit,
        1e9 / cost,
        cost * 1000);
    if (cell->latency)
        json_object_set_new(
            run,
            "latency",
            fixture_json("{\"unit\": \"ns\", \"count\": 5000, \"p50\": %.9g, \"p90\": %.9g,"
                         " \"p99\": %.9g, \"p999\": null, \"max\": %.9g,"
                         " \"curve\": [[0.5, %.9g], [0.9, %.9g], [0.99, %.9g]],"
                         " \"uncorrected\": {\"curve\": [[0.5, %.9g], [0.99, %.9g]]}}",
                         cost / 4,
                         cost / 2,
                         cost,
                         cost * 3,
                         cost / 4,
                         cost / 2,
                         cost,
                         cost / 8,
                         cost / 3));
    return run;
}

static inline void
fixture_one_run(struct fixture *fixture, size_t c, size_t block, size_t attempt, size_t e)
{
    double cost = fixture_cost(fixture, c, block, e);
    json_t *event = fixture_json(
        "{\"type\": \"run\", \"cell\": %zu, \"block\": %zu, \"attempt\": %zu, \"position\": %zu,"
        " \"status\": \"ok\", \"reason\": \"\", \"cost\": %.9g, \"wall_ms\": 400,"
        " \"env_pad\": 12, \"exit\": 0, \"command\": \"race\"}",
        c,
        block,
        attempt,
        e,
        cost);
    json_object_set_new(event, "entry", fixture_name(fixture, e));
    json_object_set_new(event, "run", fixture_run(c, cost));
    fixture_line(fixture, event);
}

static inline void
fixture_block(struct fixture *fixture, size_t c, size_t block, size_t attempt, bool valid)
{
    json_t *order = json_array();
    for (size_t e = 0; e < FIXTURE_ENTRIES; e++) {
        if (((int)c == fixture->disqualified_cell && e == 2) ||
            ((int)c == fixture->not_run_cell && e == 1))
            continue;
        json_array_append_new(order, fixture_name(fixture, e));
        fixture_one_run(fixture, c, block, attempt, e);
    }
    json_t *event = fixture_json(
        "{\"type\": \"block\", \"cell\": %zu, \"block\": %zu, \"attempt\": %zu, \"valid\": %s,"
        " \"foreign_share\": %g, \"reason\": \"%s\"}",
        c,
        block,
        attempt,
        valid ? "true" : "false",
        valid ? 0.001 : 0.043,
        valid ? "" : "foreign CPU 4.3 %");
    json_object_set_new(event, "entries", order);
    fixture_line(fixture, event);
}

static inline void fixture_outcome(
    struct fixture *fixture, const char *type, int cell, size_t entry, const char *reason)
{
    if (cell < 0)
        return;
    json_t *event = fixture_json("{\"type\": \"%s\", \"cell\": %d, \"reason\": \"%s\","
                                 " \"reproduce\": \"race --seed 77 --point 'a<b'\"}",
                                 type,
                                 cell,
                                 reason);
    json_object_set_new(event, "entry", json_string(fixture->names[entry]));
    fixture_line(fixture, event);
}

static inline void fixture_write_journal(struct fixture *fixture)
{
    fixture->journal = fopen(fixture_path(fixture, "raw.ndjson"), "w");
    if (!fixture->journal)
        abort();
    fixture_outcome(fixture, "disqualify", fixture->disqualified_cell, 2, "lost 3 of 1024 tasks");
    fixture_outcome(fixture, "not_run", fixture->not_run_cell, 1, "needs TIMERS");
    for (size_t block = 0; block < fixture->blocks; block++)
        for (size_t c = 0; c < FIXTURE_CELLS; c++) {
            bool disturbed = c == 0 && block == fixture->disturbed_block;
            if (disturbed)
                fixture_block(fixture, c, block, 0, false);
            fixture_block(fixture, c, block, disturbed ? 1 : 0, true);
        }
    fixture_line(fixture, fixture_json("{\"type\": \"end\", \"reason\": \"decided\"}"));
    if (fclose(fixture->journal) != 0)
        abort();
}

/* ---- what may be missing ---- */

/* The second contestant fails T3. */
static inline json_t *fixture_conformance(const struct fixture *fixture)
{
    json_t *all = fixture_json("{\"schema\": 1, \"contestants\": []}");
    for (size_t e = 0; e < 3; e++) {
        const char *result = e == 1 ? "fail" : "pass";
        json_t *one = fixture_json(
            "{\"schema\": 1, \"mode\": \"auto\", \"capabilities\": [],"
            " \"cases\": [{\"name\": \"timers_wait\", \"clauses\": [\"T3\"], \"result\": \"%s\","
            "              \"reason\": \"2 < 3\", \"reproduce\": \"conformance --clause T3\"}],"
            " \"clauses\": {\"S10\": \"pass\", \"S2\": \"pass\", \"T3\": \"%s\"},"
            " \"totals\": {\"pass\": 2, \"fail\": %d, \"na\": 0, \"deviation\": 0}}",
            result,
            result,
            e == 1);
        json_object_set_new(one, "contestant", json_string(fixture->names[e]));
        json_array_append_new(json_object_get(all, "contestants"), one);
    }
    return all;
}

/* Writes the folder; fixture_remove() deletes it. */
static inline void fixture_write(struct fixture *fixture)
{
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/velo-report-XXXXXX");
    if (!mkdtemp(fixture->dir))
        abort();
    fixture_write_plan(fixture);
    fixture_write_journal(fixture);
    if (fixture->bare)
        return;
    fixture_dump(fixture, "conformance.json", fixture_conformance(fixture));
    fixture_text(fixture,
                 "limits.json",
                 "{\"schema\": 1, \"drift\": 0.012, \"limits\": [{\"id\": \"L1\", \"name\":"
                 " \"fetch-add\", \"unit\": \"ns\", \"median\": 5.9, \"min\": 5.5,"
                 " \"reason\": \"\"}]}");
    fixture_text(
        fixture,
        "env.json",
        "{\"cpu_model\": \"Test <CPU> & co\", \"compiler\": \"gcc 12.2.0\", \"dirty\": true,"
        " \"commit\": \"abc1234\", \"warnings\": [\"only 2 CPUs\"]}");
}

static inline void fixture_remove(const struct fixture *fixture)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    if (system(command) != 0)
        fprintf(stderr, "%s is left behind\n", fixture->dir);
}

#endif
