/* SPDX-License-Identifier: MIT */
/* run_folder.c - see run_folder.h. */
#include "run_folder.h"

#include "names.h"
#include "starts.h"
#include "text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* mkdir -p. Returns: 0; -errno. */
static int make_path(const char *path)
{
    char *part = text_copy(path);
    int rc = 0;
    for (char *at = part + 1; rc == 0; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            rc = -errno;
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(part);
    return rc;
}

static char *make_id(void)
{
    char host[64] = "unknown";
    gethostname(host, sizeof(host) - 1);
    for (char *at = host; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.')
            *at = '_';
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    char *commit = project_commit();
    char *id = text_format("%s-%s-%s", stamp, host, commit);
    free(commit);
    return id;
}

/* Two starts within one second get -2, -3 and so on. */
static int make_folder(struct run_folder *folder, const char *kind)
{
    char *plain = make_id();
    char *id = text_format("%s%s%s", plain, kind[0] != '\0' ? "-" : "", kind);
    free(plain);
    int rc = -EEXIST;
    for (int copy = 1; rc == -EEXIST && copy < 100; copy++) {
        free(folder->id);
        free(folder->path);
        folder->id = copy == 1 ? text_copy(id) : text_format("%s-%d", id, copy);
        folder->path = text_format("%s/%s", folder->base, folder->id);
        rc = mkdir(folder->path, 0755) == 0 ? 0 : -errno;
    }
    free(id);
    return rc;
}

int run_folder_create_derived(struct run_folder *folder, const char *base, const char *kind)
{
    *folder = (struct run_folder){.base = text_copy(base != NULL ? base : RUN_FOLDER_BASE)};
    int rc = make_path(folder->base);
    if (rc == 0)
        rc = make_folder(folder, kind);
    if (rc != 0)
        say_error("cannot make a folder for the results below %s: %s. Nothing was measured; choose "
                  "another "
                  "place with --out DIR",
                  folder->base,
                  strerror(-rc));
    if (rc != 0)
        run_folder_free(folder);
    return rc;
}

int run_folder_create(struct run_folder *folder,
                      const char *base,
                      const char *preset,
                      const char *question)
{
    int rc = run_folder_create_derived(folder, base, "");
    if (rc != 0)
        return rc;
    rc = starts_add(folder->base, folder->id, preset, question);
    if (rc != 0)
        run_folder_free(folder);
    return rc;
}

static bool holds_plan(const char *path)
{
    char *plan = text_format("%s/plan.json", path);
    bool there = access(plan, F_OK) == 0;
    free(plan);
    return there;
}

/* [places] are the two in which it may stand. */
static void complain_missing(char *const *places, const char *wanted)
{
    for (int i = 0; i < 2; i++)
        if (places[i] != NULL && access(places[i], F_OK) == 0) {
            say_error("%s has no plan.json: it is no run, or it was stopped before its first block "
                      "and nothing was measured",
                      places[i]);
            return;
        }
    struct names known = {0};
    DIR *directory = opendir(RUN_FOLDER_BASE);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char *path = text_format("%s/%s", RUN_FOLDER_BASE, entry->d_name);
        if (entry->d_name[0] != '.' && holds_plan(path))
            names_add(&known, entry->d_name);
        free(path);
    }
    if (directory != NULL)
        closedir(directory);
    names_sort(&known);
    if (known.count == 0)
        say_error("no run '%s': there is none yet below %s; `velo tournament` makes one",
                  wanted,
                  RUN_FOLDER_BASE);
    else
        names_complain(&known, "run", wanted);
    names_free(&known);
}

static void set_found(struct run_folder *folder, const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = text_copy(real != NULL ? real : path);
    char *slash = strrchr(copy, '/');
    char here[4096];
    size_t root = getcwd(here, sizeof(here)) != NULL ? strlen(here) : 0;
    bool inside = root > 0 && strncmp(copy, here, root) == 0 && copy[root] == '/';
    folder->path = text_copy(inside ? copy + root + 1 : copy);
    folder->id = text_copy(slash != NULL ? slash + 1 : copy);
    const size_t above = strlen(folder->path) - strlen(folder->id);
    folder->base = above > 0 ? text_format("%.*s", (int)above - 1, folder->path) : text_copy(".");
    free(copy);
    free(real);
}

int run_folder_find(struct run_folder *folder, const struct project *project, const char *wanted)
{
    *folder = (struct run_folder){0};
    char *places[2] = {NULL, NULL};
    if (wanted == NULL || strcmp(wanted, "latest") == 0) {
        places[0] = text_copy(RUN_FOLDER_LATEST);
    } else {
        places[0] = project_user_path(project, wanted);
        places[1] = text_format("%s/%s", RUN_FOLDER_BASE, wanted);
    }
    int rc = -ENOENT;
    for (int i = 0; rc != 0 && i < 2; i++)
        if (places[i] != NULL && holds_plan(places[i])) {
            set_found(folder, places[i]);
            rc = 0;
        }
    if (rc != 0)
        complain_missing(places, wanted != NULL ? wanted : "latest");
    free(places[0]);
    free(places[1]);
    return rc;
}

/* A new link under another name, renamed over the old one: there is always one that leads
 * somewhere. */
static int replace_link(const char *target, const char *link)
{
    char *fresh = text_format("%s.new", link);
    unlink(fresh);
    int rc = symlink(target, fresh) == 0 && rename(fresh, link) == 0 ? 0 : -errno;
    free(fresh);
    return rc;
}

int run_folder_make_latest(const struct run_folder *folder)
{
    char *link;
    char *target;
    if (strcmp(folder->base, RUN_FOLDER_BASE) == 0) {
        link = text_copy(RUN_FOLDER_LATEST);
        target = text_format("runs/%s", folder->id);
    } else {
        link = text_format("%s/latest", folder->base);
        target = text_copy(folder->id);
    }
    int rc = replace_link(target, link);
    if (rc != 0)
        say_error("cannot make the link %s: %s", link, strerror(-rc));
    free(link);
    free(target);
    return rc;
}

void run_folder_free(struct run_folder *folder)
{
    free(folder->base);
    free(folder->id);
    free(folder->path);
    *folder = (struct run_folder){0};
}

char *run_folder_file(const struct run_folder *folder, const char *file)
{
    return text_format("%s/%s", folder->path, file);
}
