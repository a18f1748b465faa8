/* SPDX-License-Identifier: MIT */
/*
 * run_dir.c - opens a run folder: the plan and its hash, the journal line by line, the side files.
 *
 * Each journal line must be whole, be JSON, belong to this plan and name the hash of the line
 * before it; then its event must fit the state so far (run_event.c). The first line that does not
 * is the error. Only the end may be torn, because only the end can be under the pen when power
 * goes.
 */
#include "run_dir.h"

#include "fields.h"
#include "run_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int run_dir_refuse(char *err, size_t err_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err, err_size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

void run_dir_sha256(const void *data, size_t size, char hex[RUN_DIR_SHA_HEX])
{
    SHA256Data(data, size, hex);
}

int run_dir_find_entry(const struct run_dir *dir, const char *name)
{
    for (size_t e = 0; e < dir->entry_count; e++)
        if (strcmp(dir->entries[e].name, name) == 0)
            return (int)e;
    return -1;
}

/* ---- files ---- */

/* The bytes of [dir]/[name] with a zero byte behind them, for free(). NULL with errno set. */
static char *slurp(const char *dir, const char *name, size_t *size)
{
    char path[4096];
    struct stat status;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *bytes = fstat(fd, &status) == 0 ? malloc((size_t)status.st_size + 1) : NULL;
    size_t used = 0;
    /* What is appended while we read belongs to the next reader. */
    while (bytes != NULL && used < (size_t)status.st_size) {
        const ssize_t got = read(fd, bytes + used, (size_t)status.st_size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            bytes = NULL;
        }
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    const int failure = errno;
    close(fd);
    errno = failure;
    if (bytes != NULL)
        bytes[used] = '\0';
    *size = used;
    return bytes;
}

static int cannot_read(const char *dir, const char *name, char *err, size_t err_size)
{
    const int failure = errno != 0 ? errno : EIO;
    run_dir_refuse(err,
                   err_size,
                   "%s/%s: %s; is this the folder of a tournament?",
                   dir,
                   name,
                   strerror(failure));
    return -failure;
}

/* Parses bytes as one JSON object. Returns: 0; -EINVAL. */
static int parse_file(const char *dir,
                      const char *name,
                      const char *bytes,
                      size_t size,
                      json_t **out,
                      char *err,
                      size_t err_size)
{
    json_error_t fault;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &fault);
    if (*out == NULL)
        return run_dir_refuse(err,
                              err_size,
                              "%s/%s:%d: not valid JSON: %s; restore the file from a copy",
                              dir,
                              name,
                              fault.line,
                              fault.text);
    return 0;
}

/* A side file may be missing; then *out stays NULL. */
static int load_side(const char *dir, const char *name, json_t **out, char *err, size_t err_size)
{
    size_t size;
    char *bytes = slurp(dir, name, &size);
    if (bytes == NULL)
        return errno == ENOENT ? 0 : cannot_read(dir, name, err, err_size);
    const int rc = parse_file(dir, name, bytes, size, out, err, err_size);
    free(bytes);
    return rc;
}

static int load_plan(struct run_dir *dir, char *err, size_t err_size)
{
    char fault[512] = "";
    size_t size;
    char *bytes = slurp(dir->path, "plan.json", &size);
    if (bytes == NULL)
        return cannot_read(dir->path, "plan.json", err, err_size);
    run_dir_sha256(bytes, size, dir->plan_sha256);
    int rc = parse_file(dir->path, "plan.json", bytes, size, &dir->plan, err, err_size);
    free(bytes);
    if (rc != 0)
        return rc;
    rc = run_plan_load(dir, fault, sizeof(fault));
    if (rc == -EINVAL)
        run_dir_refuse(err,
                       err_size,
                       "%s/plan.json: %s; restore the file from a copy, or start a new tournament",
                       dir->path,
                       fault);
    return rc;
}

/* ---- the journal ---- */

static int check_frame(const struct run_dir *dir, const json_t *event, char *err, size_t err_size)
{
    const char *plan = field_text(event, "plan");
    if (!json_is_object(event))
        return run_dir_refuse(err, err_size, "not a JSON object");
    if (strlen(plan) != RUN_DIR_PLAN_PREFIX ||
        strncmp(plan, dir->plan_sha256, RUN_DIR_PLAN_PREFIX) != 0)
        return run_dir_refuse(err,
                              err_size,
                              "belongs to plan %s, but plan.json has %.*s",
                              plan[0] != '\0' ? plan : "(none)",
                              RUN_DIR_PLAN_PREFIX,
                              dir->plan_sha256);
    if (strcmp(field_text(event, "prev"), dir->last_sha256) != 0)
        return run_dir_refuse(
            err,
            err_size,
            "does not follow the line before it: a line was changed, added or removed");
    return 0;
}

/* One whole line without its newline. On failure [err] holds the fault alone. */
static int
load_line(struct run_dir *dir, const char *bytes, size_t size, char *err, size_t err_size)
{
    json_error_t fault;
    json_t *event = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &fault);
    if (event == NULL)
        return run_dir_refuse(
            err, err_size, "not valid JSON at column %d: %s", fault.column, fault.text);
    int rc = check_frame(dir, event, err, err_size);
    if (rc == 0)
        rc = run_dir_apply(dir, event, dir->lines + 1, err, err_size);
    json_decref(event);
    if (rc != 0)
        return rc;
    run_dir_sha256(bytes, size, dir->last_sha256);
    dir->lines++;
    return 0;
}

static int load_lines(
    struct run_dir *dir, const char *bytes, size_t size, unsigned flags, char *err, size_t err_size)
{
    char fault[512] = "";
    while (dir->intact_bytes < size) {
        const char *line = bytes + dir->intact_bytes;
        const char *end = memchr(line, '\n', size - dir->intact_bytes);
        if (end == NULL && (flags & RUN_DIR_TORN_OK)) {
            dir->torn = true;
            return 0;
        }
        if (end == NULL)
            return run_dir_refuse(err,
                                  err_size,
                                  "%s/raw.ndjson:%zu: the last line is torn (the run was cut off "
                                  "while it was written); go on with --resume, which drops it",
                                  dir->path,
                                  dir->lines + 1);
        const int rc = load_line(dir, line, (size_t)(end - line), fault, sizeof(fault));
        if (rc == -EINVAL)
            return run_dir_refuse(err,
                                  err_size,
                                  "%s/raw.ndjson:%zu: %s; the journal is damaged: restore it from "
                                  "a copy, or start a new tournament",
                                  dir->path,
                                  dir->lines + 1,
                                  fault);
        if (rc != 0)
            return rc;
        dir->intact_bytes += (size_t)(end - line) + 1;
    }
    return 0;
}

static int load_journal(struct run_dir *dir, unsigned flags, char *err, size_t err_size)
{
    size_t size;
    char *bytes = slurp(dir->path, "raw.ndjson", &size);
    if (bytes == NULL && errno == ENOENT && (flags & RUN_DIR_NEW_OK))
        return 0;
    if (bytes == NULL)
        return cannot_read(dir->path, "raw.ndjson", err, err_size);
    const int rc = load_lines(dir, bytes, size, flags, err, err_size);
    free(bytes);
    return rc;
}

/* The sources of a merged run ran side by side or far apart: its plan says when, how long, and how
 * often each was gone on with. */
static void take_from_sources(struct run_dir *dir)
{
    const json_t *merged = json_object_get(dir->plan, "merged");
    const double seconds = field_number(merged, "seconds");
    size_t index;
    const json_t *source;
    if (seconds >= 0)
        dir->seconds_total = seconds;
    json_array_foreach(json_object_get(merged, "sources"), index, source)
    {
        const char *started = field_text(source, "started"), *ended = field_text(source, "ended");
        dir->resumes += (size_t)field_count(source, "resumes", 0);
        dir->pauses += (size_t)field_count(source, "pauses", 0);
        if (index == 0 || strcmp(started, dir->started) < 0)
            dir->started = started;
        if (index == 0 || strcmp(ended, dir->ended) > 0)
            dir->ended = ended;
    }
}

int run_dir_read(const char *path, unsigned flags, struct run_dir *out, char *err, size_t err_size)
{
    *out = (struct run_dir){
        .path = strdup(path), .events = json_array(), .started = "", .ended = "", .end_reason = ""};
    int rc = out->path != NULL && out->events != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        rc = load_plan(out, err, err_size);
    if (rc == 0)
        rc = load_side(path, "limits.json", &out->limits, err, err_size);
    if (rc == 0)
        rc = load_side(path, "conformance.json", &out->conformance, err, err_size);
    if (rc == 0)
        rc = load_side(path, "env.json", &out->env, err, err_size);
    if (rc == 0)
        rc = load_side(path, "weights.json", &out->weights, err, err_size);
    if (rc == 0 && !(flags & RUN_DIR_NO_JOURNAL))
        rc = load_journal(out, flags, err, err_size);
    if (rc == -ENOMEM)
        snprintf(err, err_size, "%s: out of memory", path);
    if (rc != 0)
        run_dir_fini(out);
    else
        take_from_sources(out);
    return rc;
}

void run_dir_fini(struct run_dir *dir)
{
    run_store_free(dir);
    free(dir->entries);
    free(dir->cells);
    free(dir->runs);
    free(dir->blocks);
    free(dir->drops);
    free(dir->null_runs);
    free(dir->statuses);
    free(dir->path);
    json_decref(dir->plan);
    json_decref(dir->limits);
    json_decref(dir->conformance);
    json_decref(dir->env);
    json_decref(dir->weights);
    json_decref(dir->events);
    *dir = (struct run_dir){.started = "", .ended = "", .end_reason = ""};
}
