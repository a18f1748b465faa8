/* SPDX-License-Identifier: MIT */
/* registry.c - see registry.h. */
#include "registry.h"

#include "../race/variants.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *contestant_program(const struct contestant *contestant, const char *program)
{
    char *path = text_format("%s/%s", contestant->dir, program);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static void add(struct registry *registry, const char *name, const char *dir)
{
    struct contestant *items = realloc(registry->items, (registry->count + 1) * sizeof(*items));
    if (items == NULL)
        abort();
    registry->items = items;
    items[registry->count++] = (struct contestant){.name = text_copy(name), .dir = text_copy(dir)};
}

static bool add_if_contestant(struct registry *registry, const char *name, const char *dir)
{
    struct contestant candidate = {.name = NULL, .dir = text_copy(dir)};
    char *race = contestant_program(&candidate, "race");
    if (race != NULL)
        add(registry, name, dir);
    free(race);
    free(candidate.dir);
    return race != NULL;
}

/* A guest without its library is not built; the build has left a line that says so. */
static void add_if_absent(struct registry *registry, const char *name, const char *dir)
{
    char *path = text_format("%s/not-run", dir);
    char *reason = text_first_line(path, "");
    if (reason[0] != '\0') {
        struct absent *absent =
            realloc(registry->absent, (registry->absent_count + 1) * sizeof(*absent));
        if (absent == NULL)
            abort();
        registry->absent = absent;
        absent[registry->absent_count++] =
            (struct absent){.name = text_copy(name), .reason = text_copy(reason)};
    }
    free(reason);
    free(path);
}

static int find_built(struct registry *registry, const char *build)
{
    DIR *directory = opendir(build);
    if (directory == NULL) {
        int failure = errno;
        say_error("cannot read %s: %s", build, strerror(failure));
        return -failure;
    }
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *dir = text_format("%s/%s", build, entry->d_name);
        if (!add_if_contestant(registry, entry->d_name, dir))
            add_if_absent(registry, entry->d_name, dir);
        free(dir);
    }
    closedir(directory);
    return 0;
}

static int add_extra(struct registry *registry, const struct project *project, const char *given)
{
    char *dir = project_user_path(project, given);
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        dir[--length] = '\0';
    const char *slash = strrchr(dir, '/');
    const char *name = slash != NULL ? slash + 1 : dir;
    int rc = 0;
    if (registry_find(registry, name) != NULL) {
        say_error("--extra %s: there is already a contestant called '%s'; rename the directory",
                  given,
                  name);
        rc = -EEXIST;
    } else if (!add_if_contestant(registry, name, dir)) {
        say_error("--extra %s: no program called race in it", given);
        rc = -ENOENT;
    }
    free(dir);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct contestant *)a)->name, ((const struct contestant *)b)->name);
}

static int by_absent_name(const void *a, const void *b)
{
    return strcmp(((const struct absent *)a)->name, ((const struct absent *)b)->name);
}

static void sort(struct registry *registry)
{
    qsort(registry->items, registry->count, sizeof(*registry->items), by_name);
    if (registry->absent_count > 1)
        qsort(registry->absent, registry->absent_count, sizeof(*registry->absent), by_absent_name);
}

int registry_load(struct registry *registry,
                  const struct project *project,
                  const struct names *extra)
{
    *registry = (struct registry){0};
    int rc = find_built(registry, project->build);
    for (size_t i = 0; rc == 0 && extra != NULL && i < extra->count; i++)
        rc = add_extra(registry, project, extra->items[i]);
    if (rc == 0 && registry->count == 0) {
        say_error("no contestant is built under %s; run make first", project->build);
        rc = -ENOENT;
    }
    if (rc == 0)
        sort(registry);
    else
        registry_free(registry);
    return rc;
}

void registry_free(struct registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        free(registry->items[i].name);
        free(registry->items[i].dir);
    }
    for (size_t i = 0; i < registry->absent_count; i++) {
        free(registry->absent[i].name);
        free(registry->absent[i].reason);
    }
    free(registry->items);
    free(registry->absent);
    *registry = (struct registry){0};
}

const struct contestant *registry_find(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(registry->items[i].name, name) == 0)
            return &registry->items[i];
    return NULL;
}

struct names registry_names(const struct registry *registry)
{
    struct names names = {0};
    for (size_t i = 0; i < registry->count; i++)
        names_add(&names, registry->items[i].name);
    return names;
}

void registry_complain(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->absent_count; i++) {
        if (strcmp(registry->absent[i].name, name) != 0)
            continue;
        say_error("%s is NOT RUN: %s", name, registry->absent[i].reason);
        return;
    }
    struct names known = registry_names(registry);
    names_complain(&known, "contestant", name);
    names_free(&known);
}

json_t *registry_absent_json(const struct registry *registry)
{
    json_t *list = json_array();
    for (size_t i = 0; i < registry->absent_count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s}",
                                        "contestant",
                                        registry->absent[i].name,
                                        "reason",
                                        registry->absent[i].reason));
    return list;
}

bool registry_is_linked(const char *variant)
{
    const struct variant *found = variant_find(variant);
    return found != NULL && found->linked;
}

struct contestant registry_linked(const struct contestant *contestant, const char *variant)
{
    return (struct contestant){.name = contestant->name,
                               .dir = text_format("%s/%s", contestant->dir, variant)};
}
