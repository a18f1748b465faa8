/* SPDX-License-Identifier: MIT */
/* runs.c - the runs at hand: what was raced on this machine before, newest first. */
#include "selfcheck.h"

#include "../tournament/names.h"
#include "../tournament/run_folder.h"
#include "../tournament/text.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { RUNS_COLLECTED = 12 };

static struct names list_runs(void)
{
    struct names ids = {0};
    DIR *directory = opendir(RUN_FOLDER_BASE);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char *journal = text_format("%s/%s/raw.ndjson", RUN_FOLDER_BASE, entry->d_name);
        if (entry->d_name[0] != '.' && access(journal, R_OK) == 0)
            names_add(&ids, entry->d_name);
        free(journal);
    }
    if (directory != NULL)
        closedir(directory);
    names_sort(&ids); /* they begin with their time */
    return ids;
}

/* Shows one run, unless it cannot be read or proves nothing. */
static bool visit(const char *id, run_visitor *visitor, void *user)
{
    struct run_dir run;
    char why[1024];
    char *path = text_format("%s/%s", RUN_FOLDER_BASE, id);
    int rc = run_dir_read(path, RUN_DIR_TORN_OK, &run, why, sizeof(why));
    free(path);
    if (rc != 0)
        return false;
    bool shown = !run.in.smoke && run.block_count > 0;
    if (shown)
        visitor(user, &run);
    run_dir_fini(&run);
    return shown;
}

size_t runs_visit(size_t most, run_visitor *visitor, void *user)
{
    struct names ids = list_runs();
    size_t seen = 0;
    for (size_t i = ids.count; i > 0 && seen < most; i--)
        seen += visit(ids.items[i - 1], visitor, user);
    names_free(&ids);
    return seen;
}

static void collect_cell(struct series_list *list, const struct run_dir *run, size_t c, size_t twin)
{
    const struct judge_cell_input *cell = &run->in.cells[c];
    const size_t original = (size_t)run->in.entries[twin].twin_of;
    double *a = text_alloc((cell->block_count + 1) * sizeof(double));
    double *b = text_alloc((cell->block_count + 1) * sizeof(double));
    for (size_t i = 0; i < cell->block_count; i++) {
        a[i] = cell->blocks[i].cost[original];
        b[i] = cell->blocks[i].cost[twin];
    }
    char *key = text_format("%s/%s/%s", cell->lane, cell->scenario, cell->point);
    if (cell->status[twin].state == JUDGE_RUNS && cell->status[original].state == JUDGE_RUNS)
        series_add(list, key, cell->floor, a, b, cell->block_count);
    free(key);
    free(a);
    free(b);
}

static void collect_run(void *user, const struct run_dir *run)
{
    struct selfcheck *check = user;
    for (size_t e = 0; e < run->in.entry_count; e++)
        for (size_t c = 0; run->in.entries[e].twin_of >= 0 && c < run->in.cell_count; c++)
            collect_cell(&check->aa, run, c, e);
}

void runs_collect(struct selfcheck *check)
{
    runs_visit(RUNS_COLLECTED, collect_run, check);
    check->aa_of_runs = check->aa.count;
}
