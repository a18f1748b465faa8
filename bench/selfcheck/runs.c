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

void runs_places(const struct run_dir *run, size_t cell, size_t entry, int *place)
{
    const struct judge_cell_input *in = &run->in.cells[cell];
    for (size_t i = 0; i < in->block_count; i++)
        place[i] = -1;
    for (size_t r = 0, i = 0; r < run->run_count; r++) {
        const struct run_dir_run *one = &run->runs[r];
        if (!one->counts || one->cell != cell || one->entry != entry)
            continue;
        while (i < in->block_count && in->blocks[i].number < one->block)
            i++; /* both rise */
        if (i < in->block_count && in->blocks[i].number == one->block)
            place[i] = (int)one->position;
    }
}

enum series_first runs_first(int place_a, int place_b)
{
    if (place_a < 0 || place_b < 0 || place_a == place_b)
        return SERIES_FIRST_UNKNOWN;
    return place_a < place_b ? SERIES_FIRST_A : SERIES_FIRST_B;
}

/* The blocks of one cell as original (a) and twin (b) ran them. */
struct pair_of_runs {
    double *a, *b;
    enum series_first *first;
    bool squares;
};

static void
read_pair(struct pair_of_runs *pair, const struct run_dir *run, size_t c, size_t a, size_t b)
{
    const struct judge_cell_input *cell = &run->in.cells[c];
    const size_t room = cell->block_count + 1;
    int *place_a = text_alloc(room * sizeof(int)), *place_b = text_alloc(room * sizeof(int));
    *pair = (struct pair_of_runs){.a = text_alloc(room * sizeof(double)),
                                  .b = text_alloc(room * sizeof(double)),
                                  .first = text_alloc(room * sizeof(*pair->first))};
    runs_places(run, c, a, place_a);
    runs_places(run, c, b, place_b);
    for (size_t i = 0; i < cell->block_count; i++) {
        pair->a[i] = cell->blocks[i].cost[a];
        pair->b[i] = cell->blocks[i].cost[b];
        pair->first[i] = runs_first(place_a[i], place_b[i]);
        pair->squares = pair->squares || cell->blocks[i].rows > 1;
    }
    free(place_a);
    free(place_b);
}

static void collect_cell(struct series_list *list, const struct run_dir *run, size_t c, size_t twin)
{
    const struct judge_cell_input *cell = &run->in.cells[c];
    const size_t original = (size_t)run->in.entries[twin].twin_of;
    if (cell->status[twin].state != JUDGE_RUNS || cell->status[original].state != JUDGE_RUNS)
        return;
    struct pair_of_runs pair;
    read_pair(&pair, run, c, original, twin);
    char *key = text_format("%s/%s/%s", cell->lane, cell->scenario, cell->point);
    series_add(list, key, cell->floor, pair.a, pair.b, pair.first, cell->block_count)->squares =
        pair.squares;
    free(key);
    free(pair.a);
    free(pair.b);
    free(pair.first);
}

static void collect_run(void *user, const struct run_dir *run)
{
    struct selfcheck *check = user;
    if (run->in.merged)
        return; /* its blocks are those of other runs, and count once */
    for (size_t e = 0; e < run->in.entry_count; e++)
        for (size_t c = 0; run->in.entries[e].twin_of >= 0 && c < run->in.cell_count; c++)
            collect_cell(&check->aa, run, c, e);
}

void runs_collect(struct selfcheck *check)
{
    runs_visit(RUNS_COLLECTED, collect_run, check);
    check->aa_of_runs = check->aa.count;
}
