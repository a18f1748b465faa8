/* SPDX-License-Identifier: MIT */
/*
 * merge_journal.c - the journal of a merged run from the journals of its sources; see merge.h.
 *
 * Cell by cell and source by source: all attempts at blocks of the first in their order, then those
 * of the second, and so on, the blocks numbered anew. A line keeps all that it says and gets
 * "source" and "source_block". An attempt that a source left at its end comes along, at a block of
 * its own that nobody ends: whoever leaves a run for another one because of what he saw has left
 * half-way. Who was disqualified in one source is so in the whole; who did not run does not run
 * only if no source ran it. Pilots, drops and decisions are not copied: they are the sources' own,
 * and stand there.
 */
#include "merge.h"

#include "../render/fields.h"
#include "../render/files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    FILE *file;
    const struct run_dir *sources;
    size_t source_count;
    const json_t *plan;
    char prefix[RUN_DIR_PLAN_PREFIX + 1];
    char previous[RUN_DIR_SHA_HEX];
};

/* Completes and writes one line; takes the reference. */
static int put(struct writer *w, json_t *event)
{
    json_object_set_new(event, "plan", json_string(w->prefix));
    json_object_set_new(event, "prev", json_string(w->previous));
    char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(event);
    if (line == NULL)
        return -ENOMEM;
    run_dir_sha256(line, strlen(line), w->previous);
    const int rc = fprintf(w->file, "%s\n", line) < 0 ? -EIO : 0;
    free(line);
    return rc;
}

/* The index in [source] of the cell [like] of the merged plan, or -1. */
static int cell_in(const struct run_dir *source, const json_t *like)
{
    size_t index;
    const json_t *cell;
    json_array_foreach(json_object_get(source->plan, "cells"), index, cell)
    {
        if (record_same_cell(cell, like))
            return (int)index;
    }
    return -1;
}

/* ---- blocks ---- */

static json_t *renumbered(const json_t *event, size_t source, size_t cell, size_t block)
{
    json_t *copy = json_deep_copy(event);
    json_object_set_new(copy, "source", json_integer((json_int_t)source));
    json_object_set(copy, "source_block", json_object_get(copy, "block"));
    json_object_set_new(copy, "cell", json_integer((json_int_t)cell));
    json_object_set_new(copy, "block", json_integer((json_int_t)block));
    return copy;
}

static bool is_of_block(const json_t *event, int cell)
{
    static const char *const types[] = {"begin", "run", "block"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(field_text(event, "type"), types[i]) == 0)
            return field_count(event, "cell", -1) == cell;
    return false;
}

/* All attempts of a source in one cell; *block is the number of the last block. */
static int put_blocks(struct writer *w, size_t s, int from, size_t cell, size_t *block)
{
    size_t index;
    const json_t *event;
    long last = -1;
    int rc = 0;
    json_array_foreach(w->sources[s].events, index, event)
    {
        if (rc != 0 || !is_of_block(event, from))
            continue;
        const long number = field_count(event, "block", 0);
        *block += number != last;
        last = number;
        rc = put(w, renumbered(event, s, cell, *block));
    }
    return rc;
}

static int put_cell(struct writer *w, const json_t *like, size_t cell)
{
    size_t block = 0;
    int rc = 0;
    for (size_t s = 0; rc == 0 && s < w->source_count; s++)
        rc = put_blocks(w, s, cell_in(&w->sources[s], like), cell, &block);
    return rc;
}

/* ---- who is out ---- */

static const struct judge_status *
status_in(const struct run_dir *source, const json_t *like, const char *entry)
{
    const int index = run_dir_find_entry(source, entry);
    return &source->in.cells[cell_in(source, like)].status[index];
}

static const char *reproduce_in(const struct run_dir *source, const json_t *like, const char *entry)
{
    const int cell = cell_in(source, like);
    for (size_t i = 0; i < source->status_count; i++) {
        const struct run_dir_status *status = &source->statuses[i];
        if ((status->cell == cell || status->cell == -1) &&
            strcmp(source->entries[status->entry].name, entry) == 0)
            return status->reproduce;
    }
    return "";
}

static int put_status(struct writer *w,
                      const char *type,
                      size_t source,
                      const json_t *like,
                      size_t cell,
                      const char *entry)
{
    const struct run_dir *dir = &w->sources[source];
    const char *reason = status_in(dir, like, entry)->reason;
    json_t *event = json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:s}",
                              "type",
                              type,
                              "cell",
                              (int)cell,
                              "entry",
                              entry,
                              "reason",
                              reason != NULL ? reason : "",
                              "reproduce",
                              reproduce_in(dir, like, entry),
                              "source",
                              (int)source,
                              "t",
                              dir->ended);
    return put(w, event);
}

/* DISQUALIFIED in one source is enough; NOT RUN only where no source ran it. */
static int put_standing(struct writer *w, const json_t *like, size_t cell, const char *entry)
{
    size_t idle = 0;
    for (size_t s = 0; s < w->source_count; s++) {
        const struct judge_status *status = status_in(&w->sources[s], like, entry);
        if (status->state == JUDGE_DISQUALIFIED)
            return put_status(w, "disqualify", s, like, cell, entry);
        idle += status->state == JUDGE_NOT_RUN;
    }
    return idle == w->source_count ? put_status(w, "not_run", 0, like, cell, entry) : 0;
}

static int put_all(struct writer *w)
{
    size_t cell;
    const json_t *like;
    int rc = 0;
    json_array_foreach(json_object_get(w->plan, "cells"), cell, like)
    {
        for (size_t e = 0; rc == 0 && e < w->sources[0].entry_count; e++)
            rc = put_standing(w, like, cell, w->sources[0].entries[e].name);
    }
    json_array_foreach(json_object_get(w->plan, "cells"), cell, like)
    {
        if (rc == 0)
            rc = put_cell(w, like, cell);
    }
    if (rc == 0)
        rc = put(w,
                 json_pack("{s:s, s:s, s:s}",
                           "type",
                           "end",
                           "reason",
                           "merged",
                           "t",
                           w->sources[w->source_count - 1].ended));
    return rc;
}

/* ---- from the folder ---- */

__attribute__((format(printf, 3, 4))) static int
refuse(char *err, size_t err_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err, err_size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Every cell and entry of the plan must be in every source; the plan itself says which these are.
 */
static int check_source(const json_t *plan,
                        const json_t *described,
                        const struct run_dir *source,
                        char *err,
                        size_t err_size)
{
    size_t index;
    const json_t *one;
    if (strcmp(source->plan_sha256, field_text(described, "plan_sha256")) != 0)
        return refuse(err,
                      err_size,
                      "%s/plan.json has the hash %.16s, but %.16s was merged",
                      source->path,
                      source->plan_sha256,
                      field_text(described, "plan_sha256"));
    if (strcmp(source->last_sha256, field_text(described, "journal_sha256")) != 0)
        return refuse(err,
                      err_size,
                      "%s/raw.ndjson ends with line %.16s, but %.16s was merged",
                      source->path,
                      source->last_sha256,
                      field_text(described, "journal_sha256"));
    json_array_foreach(json_object_get(plan, "cells"), index, one)
    {
        if (cell_in(source, one) < 0)
            return refuse(err,
                          err_size,
                          "%s has no cell %s %s",
                          source->path,
                          field_text(one, "scenario"),
                          field_text(one, "point"));
    }
    json_array_foreach(json_object_get(plan, "entries"), index, one)
    {
        if (run_dir_find_entry(source, field_text(one, "name")) < 0)
            return refuse(
                err, err_size, "%s has no entry %s", source->path, field_text(one, "name"));
    }
    return 0;
}

static int read_sources(const char *run_dir,
                        const json_t *plan,
                        struct run_dir *sources,
                        size_t *opened,
                        char *err,
                        size_t err_size)
{
    int rc = 0;
    size_t index;
    const json_t *described;
    json_array_foreach(merge_sources(plan), index, described)
    {
        char path[4096];
        snprintf(
            path, sizeof(path), "%s/" MERGE_SOURCES "/%s", run_dir, field_text(described, "id"));
        if (rc == 0)
            rc = run_dir_read(path, RUN_DIR_TORN_OK, &sources[index], err, err_size);
        if (rc == 0) {
            (*opened)++;
            rc = check_source(plan, described, &sources[index], err, err_size);
        }
    }
    return rc;
}

static int write_lines(struct writer *w, char **out, size_t *size)
{
    w->file = open_memstream(out, size);
    if (w->file == NULL)
        return -errno;
    int rc = put_all(w);
    if (fclose(w->file) != 0 && rc == 0)
        rc = -errno;
    if (rc != 0) {
        free(*out);
        *out = NULL;
    }
    return rc;
}

/* plan.json of the merged run and its hash; the journal may not be there yet, or be wrong. */
static int
read_plan(const char *run_dir, json_t **plan, struct writer *w, char *err, size_t err_size)
{
    char path[4096], hex[RUN_DIR_SHA_HEX];
    snprintf(path, sizeof(path), "%s/plan.json", run_dir);
    char *text = file_read(path);
    if (text == NULL)
        return refuse(err, err_size, "%s: %s", path, strerror(errno));
    json_error_t fault;
    *plan = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    run_dir_sha256(text, strlen(text), hex);
    free(text);
    if (*plan == NULL)
        return refuse(err, err_size, "%s:%d: %s", path, fault.line, fault.text);
    if (json_array_size(merge_sources(*plan)) == 0)
        return refuse(err, err_size, "%s was not merged", run_dir);
    snprintf(w->prefix, sizeof(w->prefix), "%.*s", RUN_DIR_PLAN_PREFIX, hex);
    return 0;
}

int merge_journal(const char *run_dir, char **out, size_t *size, char *err, size_t err_size)
{
    struct writer w = {.file = NULL};
    json_t *plan = NULL;
    size_t opened = 0;
    *out = NULL;
    int rc = read_plan(run_dir, &plan, &w, err, err_size);
    const size_t count = json_array_size(merge_sources(plan));
    struct run_dir *sources = calloc(count + 1, sizeof(*sources));
    if (rc == 0 && sources == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = read_sources(run_dir, plan, sources, &opened, err, err_size);
    if (rc == 0) {
        w.sources = sources;
        w.source_count = count;
        w.plan = plan;
        rc = write_lines(&w, out, size);
        if (rc != 0)
            snprintf(err, err_size, "%s: %s", run_dir, strerror(-rc));
    }
    for (size_t i = 0; i < opened; i++)
        run_dir_fini(&sources[i]);
    free(sources);
    json_decref(plan);
    return rc;
}
