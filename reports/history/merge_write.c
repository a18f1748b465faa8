/* SPDX-License-Identifier: MIT */
/* merge_write.c - the folder of a merged run; see merge.h. */
#include "merge.h"

#include "../render/fields.h"
#include "../render/files.h"
#include "compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const copied[] = {"plan.json",
                                     "raw.ndjson",
                                     "env.json",
                                     "limits.json",
                                     "conformance.json",
                                     "weights.json",
                                     "verdict.json"};

static int cannot_write(const char *dir, const char *name, char *err, size_t err_size)
{
    const int failure = errno != 0 ? errno : EIO;
    snprintf(err, err_size, "%s/%s: cannot be written: %s", dir, name, strerror(failure));
    return -failure;
}

static int write_bytes(
    const char *dir, const char *name, const char *bytes, size_t size, char *err, size_t err_size)
{
    struct file_out out;
    if (file_begin(&out, dir, name) != 0)
        return cannot_write(dir, name, err, err_size);
    const bool written = fwrite(bytes, 1, size, out.file) == size;
    if (file_commit(&out) != 0 || !written)
        return cannot_write(dir, name, err, err_size);
    return 0;
}

static int
write_json(const char *dir, const char *name, const json_t *value, char *err, size_t err_size)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return cannot_write(dir, name, err, err_size);
    json_dumpf(value, file, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    fputc('\n', file);
    const int rc = fclose(file) == 0 ? write_bytes(dir, name, text, size, err, err_size)
                                     : cannot_write(dir, name, err, err_size);
    free(text);
    return rc;
}

/* ---- the sources, byte for byte ---- */

static int copy_file(const char *from, const char *to, const char *name, char *err, size_t err_size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", from, name);
    char *text = file_read(path);
    if (text == NULL && errno == ENOENT)
        return 0;
    if (text == NULL) {
        const int failure = errno;
        snprintf(err, err_size, "%s: %s", path, strerror(failure));
        return -failure;
    }
    const int rc = write_bytes(to, name, text, strlen(text), err, err_size);
    free(text);
    return rc;
}

static int copy_source(const char *run_dir, const struct record *source, char *err, size_t err_size)
{
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/" MERGE_SOURCES "/%s", run_dir, source->id);
    if (mkdir(dir, 0755) != 0)
        return cannot_write(run_dir, MERGE_SOURCES, err, err_size);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(copied) / sizeof(copied[0]); i++)
        rc = copy_file(source->dir.path, dir, copied[i], err, err_size);
    return rc;
}

static int copy_sources(
    const char *run_dir, const struct record *sources, size_t count, char *err, size_t err_size)
{
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/" MERGE_SOURCES, run_dir);
    if (mkdir(dir, 0755) != 0)
        return cannot_write(run_dir, MERGE_SOURCES, err, err_size);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = copy_source(run_dir, &sources[i], err, err_size);
    return rc;
}

/* ---- what the report says about the machines ---- */

static bool one_machine(const struct record *sources, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(sources[i].machine, sources[0].machine) != 0)
            return false;
    return true;
}

/* "a | b": each value once, in the order of the sources. */
static char *each_once(const char *const *values, size_t count)
{
    size_t room = 1;
    for (size_t i = 0; i < count; i++)
        room += strlen(values[i]) + 3;
    char *text = calloc(room, 1);
    for (size_t i = 0; text != NULL && i < count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++)
            seen |= strcmp(values[i], values[j]) == 0;
        if (!seen)
            snprintf(text + strlen(text),
                     room - strlen(text),
                     "%s%s",
                     text[0] != '\0' ? " | " : "",
                     values[i]);
    }
    return text;
}

static void merge_text(json_t *env, const char *key, const struct record *sources, size_t count)
{
    const char **values = calloc(count, sizeof(*values));
    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = strcmp(key, "machine") == 0 ? sources[i].machine : record_env(&sources[i], key);
    char *text = values != NULL ? each_once(values, count) : NULL;
    json_object_set_new(env, key, json_string(text != NULL ? text : "unknown"));
    free(text);
    free(values);
}

static void add_sentences(json_t *list, const struct record *source, const json_t *sentences)
{
    size_t index;
    const json_t *sentence;
    json_array_foreach(sentences, index, sentence) json_array_append_new(
        list, json_sprintf("%s: %s", source->id, json_string_value(sentence)));
}

/* Warnings of the doctor, and what was overridden: of each source, by its name. */
static void merge_findings(json_t *env, const struct record *sources, size_t count)
{
    json_t *warnings = json_array(), *overrides = json_array();
    for (size_t i = 0; i < count; i++) {
        add_sentences(warnings, &sources[i], json_object_get(sources[i].dir.env, "warnings"));
        add_sentences(overrides, &sources[i], json_object_get(sources[i].verdict, "overrides"));
    }
    json_object_set_new(env, "warnings", warnings);
    json_object_set_new(env, "overrides", overrides);
}

static json_t *merged_env(const struct record *sources, size_t count)
{
    json_t *env = sources[0].dir.env != NULL ? json_deep_copy(sources[0].dir.env) : json_object();
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(env, next, key, value)
    {
        if (json_is_string(value))
            merge_text(env, key, sources, count);
    }
    for (size_t i = 1; i < count; i++)
        if (json_is_true(json_object_get(sources[i].dir.env, "dirty")))
            json_object_set_new(env, "dirty", json_true());
    merge_text(env, "machine", sources, count);
    merge_findings(env, sources, count);
    return env;
}

/* The gate stood before each source. */
static json_t *merged_conformance(const struct record *sources, size_t count)
{
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_extend(all, json_object_get(sources[i].dir.conformance, "contestants"));
    return json_pack("{s:i, s:o}", "schema", 1, "contestants", all);
}

static bool told_twin_apart(const struct record *source)
{
    const json_t *trust = json_object_get(source->verdict, "trust");
    return strcmp(field_text(json_object_get(trust, "aa"), "verdict"), "DIFFERS") == 0;
}

/* Which sources are not to be trusted, or were stopped on the way. */
static void note_sources(json_t *notes, const struct record *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct run_dir *dir = &sources[i].dir;
        if (told_twin_apart(&sources[i]))
            json_array_append_new(
                notes,
                json_sprintf(
                    "%s told identical code apart: it is not to be trusted, nor is what is "
                    "merged from it",
                    sources[i].id));
        if (dir->resumes + dir->given_up > 0)
            json_array_append_new(notes,
                                  json_sprintf("%s was gone on with by %zu starts; %zu attempts at "
                                               "blocks were left half-way",
                                               sources[i].id,
                                               dir->resumes,
                                               dir->given_up));
    }
}

/* What a reader of the report must know; the verdict prints it. */
static void
add_notes(json_t *plan, const struct record *sources, size_t count, const json_t *left_out)
{
    json_t *notes = json_array();
    json_array_append_new(
        notes,
        json_sprintf("merged from %zu runs, one after the other by their start; each stands whole "
                     "below " MERGE_SOURCES "/",
                     count));
    note_sources(notes, sources, count);
    if (!one_machine(sources, count))
        json_array_append_new(notes,
                              json_string("the runs are of different machines: only ratios mean "
                                          "something here, medians in units of time mix machines"));
    if (json_array_size(left_out) > 0)
        json_array_append_new(notes,
                              json_sprintf("runs of the same shape that were left out: %zu, the "
                                           "first is %s",
                                           json_array_size(left_out),
                                           json_string_value(json_array_get(left_out, 0))));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            json_t *compared = compare_runs(&sources[j], &sources[i]);
            const long against = field_count(compared, "contradictions", 0);
            if (against > 0)
                json_array_append_new(notes,
                                      json_sprintf("%s and %s contradict each other in %ld cells; "
                                                   "velo compare shows where",
                                                   sources[j].id,
                                                   sources[i].id,
                                                   against));
            json_decref(compared);
        }
    json_t *merged = json_object_get(plan, "merged");
    json_object_set_new(merged, "left_out", json_deep_copy(left_out));
    json_object_set_new(merged, "notes", notes);
}

static int write_side_files(
    const char *run_dir, const struct record *sources, size_t count, char *err, size_t err_size)
{
    json_t *env = merged_env(sources, count);
    json_t *conformance = merged_conformance(sources, count);
    int rc = write_json(run_dir, "env.json", env, err, err_size);
    if (rc == 0)
        rc = write_json(run_dir, "conformance.json", conformance, err, err_size);
    if (rc == 0 && sources[0].dir.limits != NULL && one_machine(sources, count))
        rc = write_json(run_dir, "limits.json", sources[0].dir.limits, err, err_size);
    json_decref(env);
    json_decref(conformance);
    return rc;
}

static int write_journal(const char *run_dir, char *err, size_t err_size)
{
    char *bytes;
    size_t size;
    int rc = merge_journal(run_dir, &bytes, &size, err, err_size);
    if (rc == 0)
        rc = write_bytes(run_dir, "raw.ndjson", bytes, size, err, err_size);
    free(bytes);
    return rc;
}

int merge_write(const char *run_dir,
                const struct record *sources,
                size_t count,
                bool common,
                json_t *left_out,
                const char *created,
                merge_seal seal,
                char *err,
                size_t err_size)
{
    json_t *plan, *cells;
    int rc = merge_plan(sources, count, common, &plan, &cells, err, err_size);
    if (rc == 0) {
        add_notes(plan, sources, count, left_out);
        json_object_set_new(plan, "created", json_string(created));
        rc = copy_sources(run_dir, sources, count, err, err_size);
    }
    if (rc == 0)
        rc = write_side_files(run_dir, sources, count, err, err_size);
    if (rc == 0) {
        json_object_set_new(plan, "sealed", seal(run_dir));
        rc = write_json(run_dir, "plan.json", plan, err, err_size);
    }
    if (rc == 0)
        rc = write_journal(run_dir, err, err_size);
    json_decref(plan);
    json_decref(cells);
    return rc;
}
