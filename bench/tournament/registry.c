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
        add_if_contestant(registry, entry->d_name, dir);
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
        qsort(registry->items, registry->count, sizeof(*registry->items), by_name);
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
    free(registry->items);
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
