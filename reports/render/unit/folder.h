/* SPDX-License-Identifier: MIT */
/*
 * folder.h - run folders for tests, made by hand in a directory of their own: a plan, a journal
 * with the hashes that belong there, and ways to damage both.
 */
#ifndef RENDER_UNIT_FOLDER_H
#define RENDER_UNIT_FOLDER_H

#include "../run_dir.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[256];
    char plan[RUN_DIR_SHA_HEX];
    char previous[RUN_DIR_SHA_HEX];
    size_t lines;
};

static inline void folder_file(const char *dir, char path[512], const char *name)
{
    snprintf(path, 512, "%s/%s", dir, name);
}

static inline void folder_write(const struct folder *folder, const char *name, const char *text)
{
    char path[512];
    folder_file(folder->path, path, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static inline char *folder_text(const struct folder *folder, const char *name)
{
    char path[512];
    folder_file(folder->path, path, name);
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    if (file == NULL || text == NULL)
        abort();
    const size_t got = fread(text, 1, (1 << 20) - 1, file);
    text[got] = '\0';
    fclose(file);
    return text;
}

/* Two contestants "ant" and "bee", the twin "ant~twin", two cells; [more] is inserted as given. */
static inline void folder_plan(struct folder *folder, const char *preset, const char *more)
{
    char text[4096];
    snprintf(
        text,
        sizeof(text),
        "{\"schema\":1,\"preset\":\"%s\",\"seed\":\"18446744073709551615\",\"seed_given\":true,"
        "\"alpha\":0.05,\"margin\":0.03,\"blocks_common\":3,\"blocks_max\":20,%s"
        "\"entries\":[{\"name\":\"ant\",\"contestant\":\"ant\",\"variant\":\"\",\"twin_of\":null,"
        "\"kind\":\"native\",\"version\":\"1.0\"},"
        "{\"name\":\"bee\",\"contestant\":\"bee\",\"variant\":\"\",\"twin_of\":null,"
        "\"kind\":\"guest\",\"version\":\"2.0\"},"
        "{\"name\":\"ant~twin\",\"contestant\":\"ant\",\"variant\":\"\",\"twin_of\":\"ant\"}],"
        "\"cells\":[{\"lane\":\"race\",\"scenario\":\"ping_pong\",\"point\":\"n=1\","
        "\"params\":{\"n\":1},\"metric\":\"ns_per_trip\",\"unit\":\"ns\",\"family\":\"med\"},"
        "{\"lane\":\"race\",\"scenario\":\"idle\",\"point\":\"\",\"params\":{},"
        "\"metric\":\"cpu_ns\",\"unit\":\"ns\",\"family\":\"idle\",\"floor\":1000}]}\n",
        preset,
        more);
    folder_write(folder, "plan.json", text);
    run_dir_sha256(text, strlen(text), folder->plan);
}

static inline void folder_init(struct folder *folder, const char *preset)
{
    *folder = (struct folder){.path = "/tmp/velo-run-XXXXXX"};
    if (mkdtemp(folder->path) == NULL)
        abort();
    folder_plan(folder, preset, "");
    folder_write(folder, "raw.ndjson", "");
}

static inline void folder_fini(const struct folder *folder)
{
    DIR *dir = opendir(folder->path);
    chmod(folder->path, 0755);
    for (struct dirent *item = dir ? readdir(dir) : NULL; item != NULL; item = readdir(dir)) {
        char path[512];
        folder_file(folder->path, path, item->d_name);
        if (item->d_name[0] != '.')
            unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(folder->path);
}

/* Appends bytes as they are. */
static inline void folder_append(struct folder *folder, const char *text)
{
    char path[512];
    folder_file(folder->path, path, "raw.ndjson");
    FILE *file = fopen(path, "a");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

/* Appends one event; [format] gives its members after "type" and those that every line has. */
__attribute__((format(printf, 3, 4))) static inline void
folder_event(struct folder *folder, const char *type, const char *format, ...)
{
    char members[2048], line[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(members, sizeof(members), format, arguments);
    va_end(arguments);
    snprintf(line,
             sizeof(line),
             "{\"type\":\"%s\"%s%s,\"t\":\"2026-01-31T12:%02zu:%02zu.000Z\",\"plan\":\"%.16s\","
             "\"prev\":\"%s\"}",
             type,
             members[0] != '\0' ? "," : "",
             members,
             folder->lines / 60 % 60,
             folder->lines % 60,
             folder->plan,
             folder->previous);
    run_dir_sha256(line, strlen(line), folder->previous);
    const size_t length = strlen(line);
    snprintf(line + length, sizeof(line) - length, "\n");
    folder_append(folder, line);
    folder->lines++;
}

static inline void folder_run(struct folder *folder,
                              size_t cell,
                              size_t block,
                              size_t attempt,
                              size_t position,
                              const char *entry,
                              double cost)
{
    folder_event(
        folder,
        "run",
        "\"cell\":%zu,\"block\":%zu,\"attempt\":%zu,\"position\":%zu,\"entry\":\"%s\","
        "\"status\":\"ok\",\"reason\":\"\",\"cost\":%.17g,\"wall_ms\":500,"
        "\"run\":{\"metrics\":{\"ns_per_trip\":{\"value\":%.17g,\"unit\":\"ns\","
        "\"better\":\"lower\"},\"trips_per_s\":{\"value\":%.17g,\"unit\":\"1/s\","
        "\"better\":\"higher\"}},\"latency\":{\"unit\":\"ns\",\"count\":1000,\"p50\":%.17g,"
        "\"p99\":null}}",
        cell,
        block,
        attempt,
        position,
        entry,
        cost,
        cost,
        1e9 / cost,
        cost);
}

/* One finished attempt of a block in which ant, bee and the twin cost what is given. */
static inline void folder_block(struct folder *folder,
                                size_t cell,
                                size_t block,
                                size_t attempt,
                                bool valid,
                                double ant,
                                double bee,
                                double twin)
{
    folder_run(folder, cell, block, attempt, 0, "bee", bee);
    folder_run(folder, cell, block, attempt, 1, "ant~twin", twin);
    folder_run(folder, cell, block, attempt, 2, "ant", ant);
    folder_event(folder,
                 "block",
                 "\"cell\":%zu,\"block\":%zu,\"attempt\":%zu,\"valid\":%s,\"foreign_share\":%s,"
                 "\"entries\":[\"bee\",\"ant~twin\",\"ant\"],\"reason\":\"\"",
                 cell,
                 block,
                 attempt,
                 valid ? "true" : "false",
                 valid ? "0.001" : "0.5");
}

/* [blocks] valid blocks of both cells: bee costs [ratio] times what ant does. */
static inline void folder_rounds(struct folder *folder, size_t blocks, double ratio)
{
    for (size_t b = 0; b < blocks; b++) {
        const double base = 1000 + 10 * (double)(b % 5);
        const double wobble = b % 2 ? 1.001 : 0.999;
        folder_block(folder, 0, b, 0, true, base, base * ratio, base * wobble);
        folder_block(folder, 1, b, 0, true, base, base * ratio, base * wobble);
    }
}

#endif
