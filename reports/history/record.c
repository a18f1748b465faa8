/* SPDX-License-Identifier: MIT */
/* record.c - see record.h. */
#include "record.h"

#include "../render/fields.h"
#include "../render/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *join(const char *first, const char *second)
{
    const size_t size = strlen(first) + strlen(second) + 1;
    char *both = malloc(size);
    if (both != NULL)
        snprintf(both, size, "%s%s", first, second);
    return both;
}

static char *folder_name(const char *path)
{
    char *real = realpath(path, NULL);
    const char *whole = real != NULL ? real : path;
    const char *slash = strrchr(whole, '/');
    char *name = strdup(slash != NULL ? slash + 1 : whole);
    free(real);
    return name;
}

static const char *known(const json_t *env, const char *key)
{
    const char *text = field_text(env, key);
    return text[0] != '\0' ? text : "unknown";
}

char *record_machine(const json_t *env)
{
    char text[512];
    /* a merged run names its machines itself */
    if (field_text(env, "machine")[0] != '\0')
        return strdup(field_text(env, "machine"));
    snprintf(text,
             sizeof(text),
             "%s, %s, %ld CPUs, %s",
             known(env, "host"),
             known(env, "cpu_model"),
             field_count(env, "cpus", 0),
             known(env, "architecture"));
    return strdup(text);
}

const char *record_env(const struct record *record, const char *key)
{
    return known(record->dir.env, key);
}

static int describe(struct record *record, const char *path)
{
    const bool dirty = json_is_true(json_object_get(record->dir.env, "dirty"));
    record->id = folder_name(path);
    record->machine = record_machine(record->dir.env);
    record->commit = join(record_env(record, "commit"), dirty ? "-dirty" : "");
    return record->id != NULL && record->machine != NULL && record->commit != NULL ? 0 : -ENOMEM;
}

int record_open(const char *path, struct record *out, char *err, size_t err_size)
{
    *out = (struct record){0};
    int rc = run_dir_read(path, RUN_DIR_TORN_OK, &out->dir, err, err_size);
    if (rc != 0)
        return rc;
    rc = verdict_build(&out->dir, &out->verdict, err, err_size);
    if (rc == 0)
        rc = describe(out, path);
    if (rc == -ENOMEM)
        snprintf(err, err_size, "%s: out of memory", path);
    if (rc != 0)
        record_close(out);
    return rc;
}

void record_close(struct record *record)
{
    json_decref(record->verdict);
    run_dir_fini(&record->dir);
    free(record->id);
    free(record->machine);
    free(record->commit);
    *record = (struct record){0};
}

const char *record_state(const struct record *record)
{
    if (record->dir.end_reason[0] == '\0')
        return "unfinished";
    return strcmp(record->dir.end_reason, "interrupted") == 0 ? "interrupted" : "finished";
}

const char *record_baseline(const struct record *record)
{
    const struct run_dir *dir = &record->dir;
    for (size_t e = 0; e < dir->entry_count; e++)
        if (dir->entries[e].twin_of >= 0)
            return dir->entries[dir->entries[e].twin_of].name;
    const int mutex = run_dir_find_entry(dir, "mutex");
    return dir->entries[mutex >= 0 ? mutex : 0].name;
}

const char *record_binary(const struct record *record, const char *entry, const char *lane)
{
    const int index = run_dir_find_entry(&record->dir, entry);
    const json_t *entries = json_object_get(record->dir.plan, "entries");
    const json_t *json = index >= 0 ? json_array_get(entries, (size_t)index) : NULL;
    const json_t *binaries = json_object_get(json, "binaries");
    return field_text(json_object_get(binaries, lane), "sha256");
}

bool record_same_cell(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"lane", "scenario", "point"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(field_text(a, keys[i]), field_text(b, keys[i])) != 0)
            return false;
    return true;
}

const json_t *record_row(const struct record *record, const json_t *like, const char *entry)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(record->verdict, "cells"), index, row)
    {
        if (json_is_true(json_object_get(row, "primary")) && record_same_cell(row, like) &&
            strcmp(field_text(row, "contestant"), entry) == 0)
            return row;
    }
    return NULL;
}

static const char *turned(const char *word)
{
    if (strcmp(word, "FASTER") == 0)
        return "SLOWER";
    return strcmp(word, "SLOWER") == 0 ? "FASTER" : word;
}

/* The row as it stands, or seen from the other side. */
static struct record_ratio read_ratio(const json_t *row, bool turn)
{
    const long blocks = field_count(row, "blocks", 0);
    const long won = field_count(row, "won_by_a", 0);
    const double low = field_number(row, "low"), high = field_number(row, "high");
    return (struct record_ratio){
        .ratio = turn ? 1 / field_number(row, "ratio") : field_number(row, "ratio"),
        .low = turn ? 1 / high : low,
        .high = turn ? 1 / low : high,
        .blocks = blocks,
        .won_by_a = turn ? blocks - won : won,
        .e_value = field_number(row, "e_value"),
        .word = turn ? turned(field_text(row, "verdict")) : field_text(row, "verdict"),
    };
}

struct record_ratio
record_duel(const struct record *record, const json_t *like, const char *a, const char *b)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(record->verdict, "duels"), index, row)
    {
        const char *row_a = field_text(row, "a"), *row_b = field_text(row, "b");
        const bool straight = strcmp(row_a, a) == 0 && strcmp(row_b, b) == 0;
        const bool turn = strcmp(row_a, b) == 0 && strcmp(row_b, a) == 0;
        if ((straight || turn) && record_same_cell(row, like))
            return read_ratio(row, turn);
    }
    return (struct record_ratio){.ratio = NAN, .low = NAN, .high = NAN, .e_value = NAN, .word = ""};
}
