/* SPDX-License-Identifier: MIT */
/* past.c - see past.h. */
#include "past.h"

#include "env.h"
#include "json.h"
#include "text.h"

#include <dirent.h>
#include <math.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fewer differences than this say little about one cell alone. */
enum { CELL_ENOUGH = 7, RUNS_TRIED = 20 };

static bool is_of_this_machine(const char *dir, const json_t *machine)
{
    char *env_path = text_format("%s/env.json", dir);
    char *plan_path = text_format("%s/plan.json", dir);
    json_t *env = json_load_file(env_path, 0, NULL);
    json_t *plan = json_load_file(plan_path, 0, NULL);
    bool same = plan != NULL && env_is_same_machine(env, machine) &&
                strcmp(json_text(plan, "preset", ""), "smoke") != 0;
    json_decref(env);
    json_decref(plan);
    free(env_path);
    free(plan_path);
    return same;
}

/* All folders, oldest first: their names begin with the time of the start. */
static struct names all_folders(const char *base)
{
    struct names folders = {0};
    DIR *directory = opendir(base);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            names_add(&folders, entry->d_name);
    if (directory != NULL)
        closedir(directory);
    names_sort(&folders);
    return folders;
}

struct names past_runs(const char *base, size_t most)
{
    struct names folders = all_folders(base), newest = {0}, runs = {0};
    json_t *machine = env_machine();
    for (size_t i = folders.count; i > 0 && newest.count < most; i--) {
        char *dir = text_format("%s/%s", base, folders.items[i - 1]);
        if (is_of_this_machine(dir, machine))
            names_add(&newest, dir);
        free(dir);
    }
    for (size_t i = newest.count; i > 0; i--)
        names_add(&runs, newest.items[i - 1]);
    json_decref(machine);
    names_free(&newest);
    names_free(&folders);
    return runs;
}

static size_t block_total(const struct run_dir *dir)
{
    size_t total = 0;
    for (size_t c = 0; c < dir->in.cell_count; c++)
        total += dir->in.cells[c].block_count;
    return total;
}

/* Takes the run in [dir] if it holds an A/A. */
static bool take(struct past *past, const char *dir)
{
    char why[512];
    if (run_dir_read(dir, RUN_DIR_TORN_OK, &past->dir, why, sizeof(why)) != 0)
        return false;
    past->all = text_alloc((block_total(&past->dir) + 1) * sizeof(double));
    for (size_t c = 0; c < past->dir.in.cell_count; c++)
        past->count += judge_twin_differences(&past->dir.in, c, past->all + past->count);
    past->there = past->count >= CELL_ENOUGH;
    if (past->there)
        return true;
    free(past->all);
    run_dir_fini(&past->dir);
    past->all = NULL;
    past->count = 0;
    return false;
}

static double age_of(const char *time_text)
{
    struct tm utc = {0};
    return strptime(time_text, "%Y-%m-%dT%H:%M:%S", &utc) != NULL
               ? difftime(time(NULL), timegm(&utc))
               : NAN;
}

void past_open(struct past *past, const char *base)
{
    struct names runs = past_runs(base, RUNS_TRIED);
    *past = (struct past){.there = false};
    for (size_t i = runs.count; i > 0 && !past->there; i--)
        if (take(past, runs.items[i - 1])) {
            past->run = text_copy(strrchr(runs.items[i - 1], '/') + 1);
            past->age_s = age_of(past->dir.ended);
        }
    names_free(&runs);
}

void past_close(struct past *past)
{
    if (past->there) {
        run_dir_fini(&past->dir);
        free(past->all);
        free(past->run);
    }
    *past = (struct past){.there = false};
}

bool past_is_this_build(const struct past *past, const struct registry *registry)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(past->dir.plan, "entries"), index, entry)
    {
        if (json_text(entry, "twin_of", NULL) == NULL)
            continue;
        const struct contestant *now = registry_find(registry, json_text(entry, "contestant", ""));
        char *path = now != NULL ? contestant_program(now, "race") : NULL;
        char hash[SHA256_DIGEST_STRING_LENGTH];
        const json_t *then = json_object_get(json_object_get(entry, "binaries"), "race");
        bool same = path != NULL && SHA256File(path, hash) != NULL &&
                    strcmp(hash, json_text(then, "sha256", "")) == 0;
        free(path);
        return same;
    }
    return false;
}

static int find_cell(const struct past *past, const char *key)
{
    for (size_t c = 0; c < past->dir.cell_count; c++) {
        const struct run_dir_cell *cell = &past->dir.cells[c];
        char *name = text_format("%s/%s/%s", cell->lane, cell->scenario, cell->point);
        bool found = strcmp(name, key) == 0;
        free(name);
        if (found)
            return (int)c;
    }
    return -1;
}

static double gap_of(const double *d, size_t count, size_t blocks, double log_t)
{
    double *scratch = text_alloc((count + 1) * sizeof(*scratch));
    double gap = judge_smallest_gap(blocks, log_t, d, count, scratch);
    free(scratch);
    return gap;
}

double past_gap(const struct past *past, const char *key, size_t blocks, double log_t)
{
    int cell = past->there && key != NULL ? find_cell(past, key) : -1;
    double gap = NAN;
    if (!past->there)
        return NAN;
    if (cell >= 0) {
        double *d = text_alloc((past->dir.in.cells[cell].block_count + 1) * sizeof(*d));
        size_t count = judge_twin_differences(&past->dir.in, (size_t)cell, d);
        if (count >= CELL_ENOUGH)
            gap = gap_of(d, count, blocks, log_t);
        free(d);
    }
    return isnan(gap) ? gap_of(past->all, past->count, blocks, log_t) : gap;
}

double past_overhead_ms(const struct past *past, const char *key)
{
    int cell = past->there ? find_cell(past, key) : -1;
    double sum = 0;
    size_t runs = 0;
    for (size_t i = 0; cell >= 0 && i < past->dir.run_count; i++)
        if (past->dir.runs[i].cell == (size_t)cell && past->dir.runs[i].wall_ms > 0) {
            sum += past->dir.runs[i].wall_ms;
            runs++;
        }
    return runs > 0 ? sum / (double)runs - past->dir.cells[cell].window_ms : NAN;
}
