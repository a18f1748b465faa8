/* SPDX-License-Identifier: MIT */
/* checked.c - see checked.h. */
#include "checked.h"

#include "json.h"
#include "names.h"
#include "text.h"

#include <dirent.h>
#include <limits.h>
#include <sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const checked_parts[] = {
    "clock", "symmetry", "mutants", "live", "rate", "power", "noise", NULL};

enum { DIGITS = 16 };

/* ---- which build, which machine ---- */

static char *digest(const char *text)
{
    char hex[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)text, strlen(text), hex);
    return text_format("%.*s", DIGITS, hex);
}

/* The directory that holds this program and those of the contestants. */
static bool build_directory(char directory[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (length <= 0)
        return false;
    directory[length] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        *slash = '\0';
    return slash != NULL;
}

static void add_hash(struct names *hashes, const char *name, const char *path)
{
    char hex[SHA256_DIGEST_STRING_LENGTH];
    if (access(path, X_OK) != 0 || SHA256File(path, hex) == NULL)
        return;
    char *line = text_format("%s %s", name, hex);
    names_add(hashes, line);
    free(line);
}

char *checked_build(void)
{
    char directory[PATH_MAX];
    struct names hashes = {0};
    DIR *built = build_directory(directory) ? opendir(directory) : NULL;
    const struct dirent *entry;
    while (built != NULL && (entry = readdir(built)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *race = text_format("%s/%s/race", directory, entry->d_name);
        add_hash(&hashes, entry->d_name, race);
        free(race);
    }
    if (built != NULL)
        closedir(built);
    add_hash(&hashes, "velo", "/proc/self/exe");
    names_sort(&hashes);
    char *joined = names_join(&hashes);
    char *build = digest(joined);
    names_free(&hashes);
    free(joined);
    return build;
}

char *checked_machine(void)
{
    char *id = text_first_line("/etc/machine-id", "unknown");
    char *host = text_first_line("/proc/sys/kernel/hostname", "unknown");
    char *text = text_format("%s %s %ld", id, host, sysconf(_SC_NPROCESSORS_ONLN));
    char *machine = digest(text);
    free(text);
    free(host);
    free(id);
    return machine;
}

/* ---- what is stored ---- */

json_t *checked_load(void)
{
    json_t *stored = access(CHECKED_FILE, R_OK) == 0 ? json_load_file(CHECKED_FILE, 0, NULL) : NULL;
    if (json_is_object(json_object_get(stored, "parts")))
        return stored;
    json_decref(stored);
    return json_pack("{s:i, s:{}}", "schema", 1, "parts");
}

bool checked_is_of(const json_t *object, const char *build, const char *machine)
{
    return strcmp(json_text(object, "build", ""), build) == 0 &&
           strcmp(json_text(object, "machine", ""), machine) == 0;
}

/* ---- tries ---- */

/* What is counted of [part] with this build on this machine; begun at 0 where there is none. */
static json_t *tries_of(json_t *stored, const char *part, const char *build, const char *machine)
{
    json_t *all = json_object_get(stored, "tries");
    if (!json_is_object(all)) {
        all = json_object();
        json_object_set_new(stored, "tries", all);
    }
    json_t *tries = json_object_get(all, part);
    if (checked_is_of(tries, build, machine))
        return tries;
    tries = json_pack("{s:s, s:s, s:i, s:i, s:i}",
                      "build",
                      build,
                      "machine",
                      machine,
                      "begun",
                      0,
                      "ended",
                      0,
                      "bad",
                      0);
    json_object_set_new(all, part, tries);
    return tries;
}

static void count_up(json_t *tries, const char *key)
{
    json_object_set_new(tries, key, json_integer(json_int(tries, key, 0) + 1));
}

bool checked_is_bad(const json_t *result)
{
    const char *verdict = json_text(result, "verdict", "");
    return strcmp(verdict, "FAIL") == 0 || strcmp(verdict, "NOISY") == 0;
}

/* Stores what happened to a try of [part]: it begins ([result] NULL), or it ended with that. */
static int store_try(const char *part, json_t *result)
{
    json_t *stored = checked_load();
    char *build = checked_build(), *machine = checked_machine();
    json_t *tries = tries_of(stored, part, build, machine);
    if (result == NULL) {
        count_up(tries, "begun");
    } else {
        count_up(tries, "ended");
        if (checked_is_bad(result))
            count_up(tries, "bad");
        json_object_set(json_object_get(stored, "parts"), part, result);
    }
    int rc = json_write_file(stored, CHECKED_FILE);
    free(build);
    free(machine);
    json_decref(stored);
    return rc;
}

int checked_begin(const char *part)
{
    return store_try(part, NULL);
}

int checked_keep(const char *part, json_t *result)
{
    return store_try(part, result);
}
