/* SPDX-License-Identifier: MIT */
/* command_merge.c - `velo merge RUN...`: several runs of one shape as one. */
#include "../../reports/history/history.h"
#include "../../reports/history/merge.h"
#include "anchor.h"
#include "args.h"
#include "child.h"
#include "commands.h"
#include "exit_code.h"
#include "finish.h"
#include "journal.h"
#include "json.h"
#include "plan.h"
#include "project.h"
#include "run_folder.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct merger {
    struct project project;
    struct record *sources;
    size_t count;
    bool common;
    bool dry;
    const char *out; /* where the new folder is made */
};

/* ---- the sources ---- */

/* Blocks that were cut off do not come back; those that stayed were chosen. */
static bool was_set_back(const struct run_folder *folder, const struct record *source)
{
    size_t lines;
    if (anchor_check(folder->base, folder->path, source->dir.plan_sha256, &lines) != ANCHOR_BROKEN)
        return false;
    say_error("merge: the journal of %s was set back: by %s/" ANCHOR_FILE
              " it had %zu lines already, "
              "or other ones. `velo verify %s` says more",
              source->id,
              folder->base,
              lines,
              source->id);
    return true;
}

static int open_sources(struct merger *m, const struct names *runs)
{
    m->sources = text_alloc((runs->count + 1) * sizeof(*m->sources));
    for (size_t i = 0; i < runs->count; i++) {
        struct run_folder folder;
        char why[1024];
        if (run_folder_find(&folder, &m->project, runs->items[i]) != 0)
            return EXIT_USAGE;
        int rc = record_open(folder.path, &m->sources[m->count], why, sizeof(why));
        if (rc != 0)
            say_error("%s", why);
        m->count += rc == 0;
        const bool back = rc == 0 && was_set_back(&folder, &m->sources[i]);
        run_folder_free(&folder);
        if (rc != 0 || back)
            return back ? EXIT_USAGE : EXIT_INTERNAL;
    }
    return EXIT_DECIDED;
}

static int by_start(const void *a, const void *b)
{
    const struct record *first = a, *second = b;
    int order = strcmp(first->dir.started, second->dir.started);
    return order != 0 ? order : strcmp(first->dir.plan_sha256, second->dir.plan_sha256);
}

/* ---- nothing into a drawer ---- */

static bool is_source(const struct merger *m, const char *run)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->sources[i].id, run) == 0)
            return true;
    return false;
}

/* The runs of the same shape that are known here and are not merged. */
static json_t *find_left_out(const struct merger *m)
{
    json_t *left_out = json_array();
    struct history *history;
    char why[1024], shape[RUN_DIR_SHA_HEX];
    if (history_open(m->out, false, say_message, NULL, &history, why, sizeof(why)) != 0) {
        say_error("%s", why);
        return left_out;
    }
    merge_shape(&m->sources[0].dir, shape);
    json_t *rows = history_same_shape(history, shape, why, sizeof(why));
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (!is_source(m, json_text(row, "run", "")))
            json_array_append(left_out, json_object_get(row, "run"));
    }
    json_decref(rows);
    history_close(history);
    return left_out;
}

/* ---- saying what can be merged ---- */

static void print_cells(const json_t *cells)
{
    for (int can = 1; can >= 0; can--) {
        size_t index, count = 0;
        const json_t *cell;
        json_array_foreach(cells, index, cell)
        {
            const char *reason = json_text(cell, "reason", "");
            if ((reason[0] == '\0') != (can == 1))
                continue;
            if (count++ == 0)
                printf(can == 1 ? "can be merged:\n" : "cannot be merged:\n");
            printf("  %s %s %s%s%s\n",
                   json_text(cell, "lane", ""),
                   json_text(cell, "scenario", ""),
                   json_text(cell, "point", ""),
                   can == 1 ? "" : ": ",
                   reason);
        }
    }
}

/* Refuses before a folder is made. Returns EXIT_DECIDED, or the exit status after a message. */
static int check(const struct merger *m)
{
    json_t *plan, *cells;
    char why[1024];
    int rc = merge_plan(m->sources, m->count, m->common, &plan, &cells, why, sizeof(why));
    if (rc != 0)
        say_error("merge: %s", why);
    if (cells != NULL && (rc != 0 || m->dry))
        print_cells(cells);
    json_decref(plan);
    json_decref(cells);
    return rc == 0 ? EXIT_DECIDED : EXIT_USAGE;
}

/* ---- writing ---- */

static void remove_folder(const char *path)
{
    const char *const argv[] = {"rm", "-rf", "--", path, NULL};
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv}, &result) == 0)
        child_result_free(&result);
}

static int judge(const struct run_folder *folder)
{
    bool verdict_written;
    int failed = finish_pages(folder->path, &verdict_written);
    json_t *verdict = verdict_written ? finish_load_verdict(folder->path) : NULL;
    if (verdict != NULL)
        finish_show(verdict, folder->path);
    json_decref(verdict);
    return failed == 0 ? EXIT_DECIDED : EXIT_INTERNAL;
}

static int write_merged(const struct merger *m)
{
    struct run_folder folder;
    char why[1024], now[32];
    if (run_folder_create_derived(&folder, m->out, "merged") != 0)
        return EXIT_INTERNAL;
    journal_time(now);
    json_t *left_out = find_left_out(m);
    int status = EXIT_INTERNAL;
    if (merge_write(folder.path,
                    m->sources,
                    m->count,
                    m->common,
                    left_out,
                    now,
                    plan_seals,
                    why,
                    sizeof(why)) != 0) {
        say_error("merge: %s", why);
        remove_folder(folder.path);
    } else {
        printf("merged %zu runs into %s\n", m->count, folder.path);
        status = judge(&folder);
        finish_remember(folder.base);
    }
    json_decref(left_out);
    run_folder_free(&folder);
    return status;
}

static int merge(struct merger *m, const struct names *runs)
{
    int status = open_sources(m, runs);
    if (status != EXIT_DECIDED)
        return status;
    qsort(m->sources, m->count, sizeof(*m->sources), by_start);
    status = check(m);
    return status == EXIT_DECIDED && !m->dry ? write_merged(m) : status;
}

int command_merge(int argc, char **argv)
{
    struct names runs = {0};
    struct merger m = {.count = 0};
    const char *out = NULL;
    const struct args_option options[] = {
        {"common", NULL, "leave out the cells that cannot be merged", NULL, &m.common},
        {"dry-run", NULL, "say which cells can be merged, and stop", NULL, &m.dry},
        {"out", "DIR", "where the new folder is made; otherwise reports/runs", &out, NULL},
        {NULL, NULL, NULL, NULL, NULL},
    };
    const struct args_command command = {
        .name = "merge",
        .summary = "several runs of one shape as one, with all their blocks",
        .options = options,
        .operand = "RUN RUN...",
        .operands = &runs,
        .notes =
            "RUN is an id below reports/runs or a folder, for example one from another machine.\n"
            "The runs must agree in everything that a plan fixes (entries, versions, programs,\n"
            "parameters, margin, rules) but for seed, budget and what follows from the machine.\n"
            "Choosing runs by their result is cheating: the new run names those that were left\n"
            "out. Exit status: 0 merged, 2 they cannot be, 1 internal error.\n",
    };
    enum args_result parsed = args_parse(&command, argc, argv);
    int status = parsed == ARGS_HELP ? EXIT_DECIDED : EXIT_USAGE;
    if (parsed == ARGS_GO && runs.count < 2) {
        say_error("merge: need two runs or more, not %zu. See velo merge --help", runs.count);
    } else if (parsed == ARGS_GO && project_open(&m.project) == 0) {
        char *folder = text_copy(RUN_FOLDER_BASE);
        if (out != NULL) {
            free(folder);
            folder = project_user_path(&m.project, out);
        }
        m.out = folder;
        status = merge(&m, &runs);
        for (size_t i = 0; i < m.count; i++)
            record_close(&m.sources[i]);
        free(m.sources);
        free(folder);
        project_close(&m.project);
    }
    names_free(&runs);
    return status;
}
