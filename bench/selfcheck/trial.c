/* SPDX-License-Identifier: MIT */
/* trial.c - see trial.h. */
#include "trial.h"

#include "../tournament/clock.h"
#include "../tournament/text.h"
#include "../tournament/tournament.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_S = 300, RUN_LIMIT_MS = 15000 };

/* ---- names ---- */

static int put_link(const char *directory, const char *programs, const char *program)
{
    char *from = realpath(programs, NULL);
    char *to = text_format("%s/%s", directory, program);
    char *target = text_format("%s/%s", from != NULL ? from : programs, program);
    int rc = 0;
    if (access(target, X_OK) == 0 && symlink(target, to) != 0 && errno != EEXIST)
        rc = -errno;
    free(target);
    free(to);
    free(from);
    return rc;
}

static int put_number(const char *directory, double number)
{
    char *path = text_format("%s/spin_ns", directory);
    FILE *file = fopen(path, "we");
    int rc = file != NULL && fprintf(file, "%.17g\n", number) > 0 ? 0 : -errno;
    if (file != NULL && fclose(file) != 0 && rc == 0)
        rc = -errno;
    free(path);
    return rc;
}

int stable_make(struct selfcheck *check, const char *name, const char *programs, double spin_ns)
{
    char *directory = text_format("%s/%s", check->scratch, name);
    int rc = mkdir(directory, 0700) == 0 || errno == EEXIST ? 0 : -errno;
    if (rc == 0)
        rc = put_link(directory, programs, "race");
    if (rc == 0)
        rc = put_link(directory, programs, "micro");
    if (rc == 0)
        rc = put_number(directory, spin_ns);
    if (rc != 0)
        say_error("cannot make %s: %s", directory, strerror(-rc));
    free(directory);
    return rc;
}

/* ---- one mini-tournament ---- */

static char *trial_folder(const struct selfcheck *check)
{
    return text_format("%s/trial", check->scratch);
}

char *trial_journal(const struct selfcheck *check)
{
    return text_format("%s/trial/raw.ndjson", check->scratch);
}

static void clear_folder(const char *folder)
{
    static const char *const files[] = {"plan.json", "raw.ndjson", "raw.ndjson.partial"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = text_format("%s/%s", folder, files[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

static struct preset preset_of(const struct trial *trial)
{
    return (struct preset){
        .name = "selfcheck",
        .summary = "a mini-tournament of the self-check",
        .budget_s = PATIENCE_S,
        .window_ms = trial->window_ms,
        .window_least_ms = trial->window_ms,
        .micro_ms = trial->window_ms,
        .timeout_ms = RUN_LIMIT_MS,
        .blocks_common = trial->complete || trial->blocks < 10 ? trial->blocks : 10,
        .blocks_max = trial->blocks,
        .margin = 0.05,
        .quick_gate = true,
    };
}

/* The plan for these names in this cell. Returns: 0; -errno after a message. */
static int draw_up(struct selfcheck *check, struct trial *trial, struct tournament *t)
{
    struct names wanted = {0}, filter = {0};
    struct registry stables = {.items = text_alloc(trial->count * sizeof(struct contestant))};
    char *cell = text_format("%s/%s", trial->lane, trial->scenario);
    names_add(&filter, cell);
    for (size_t i = 0; i < trial->count; i++) {
        names_add(&wanted, trial->names[i]);
        stables.items[stables.count++] =
            (struct contestant){.name = text_copy(trial->names[i]),
                                .dir = text_format("%s/%s", check->scratch, trial->names[i])};
    }
    struct plan_wish wish = {.preset = t->plan.preset,
                             .registry = &stables,
                             .scenarios = &check->scenarios,
                             .only = &wanted,
                             .filter = &filter,
                             .point = trial->point,
                             .seed = trial->seed,
                             .seed_given = true};
    int rc = plan_make(&t->plan, &wish);
    if (rc == 0 && trial->null)
        plan_add_null(&t->plan, check->project->build);
    if (rc == 0)
        rc = plan_hash_binaries(&t->plan);
    registry_free(&stables);
    names_free(&wanted);
    names_free(&filter);
    free(cell);
    return rc;
}

static void take_places(struct trial *trial, const struct run_dir *run)
{
    int *place = text_alloc((run->in.cells[0].block_count + 1) * sizeof(int));
    for (size_t e = 0; e < trial->count; e++) {
        runs_places(run, 0, e, place);
        memcpy(trial->place[e], place, trial->blocks_run * sizeof(int));
    }
    free(place);
}

static void take_costs(struct trial *trial, const struct tournament *t)
{
    const struct judge_cell_input *cell = &t->state.in.cells[0];
    trial->floor = cell->floor;
    for (size_t b = 0; b < cell->block_count && b < TRIAL_BLOCKS_MAX; b++)
        for (size_t e = 0; e < trial->count; e++)
            trial->cost[b][e] = cell->blocks[b].cost[e];
    trial->blocks_run = cell->block_count < TRIAL_BLOCKS_MAX ? cell->block_count : TRIAL_BLOCKS_MAX;
    for (size_t i = 0; i < t->state.block_count; i++)
        trial->redone += !t->state.blocks[i].valid;
    take_places(trial, &t->state);
}

/* Words and costs, from the state that the journal gave. Returns: 0; -errno. */
static int take_results(struct trial *trial, const struct tournament *t)
{
    struct judge_cell_result result;
    int rc = judge_cell(&t->state.in, 0, &result);
    if (rc != 0)
        return rc;
    take_costs(trial, t);
    trial->held = true;
    for (size_t e = 0; e < trial->count; e++) {
        trial->word[e] = result.entries[e].word;
        const char *why = t->state.in.cells[0].status[e].reason;
        if (t->state.in.cells[0].status[e].state == JUDGE_RUNS)
            continue;
        trial->held = false;
        snprintf(trial->reason,
                 sizeof(trial->reason),
                 "%s in %s %s: %s",
                 trial->names[e],
                 trial->scenario,
                 trial->point,
                 why != NULL ? why : judge_word_name(trial->word[e]));
    }
    judge_cell_fini(&result);
    return 0;
}

static int race(struct tournament *t)
{
    int rc = pilot_run(t);
    if (rc == 0 && interrupt_seen(&t->interrupt))
        rc = -EINTR;
    if (rc == 0)
        rc = plan_write(&t->plan, t->folder.path);
    if (rc == 0)
        rc = ledger_open(t);
    if (rc != 0)
        return rc;
    enum tournament_end end = blocks_run(t);
    return end == END_INTERRUPTED ? -EINTR : end == END_ERROR ? -EIO : 0;
}

static void record(struct selfcheck *check, const struct trial *trial)
{
    json_t *names = json_array(), *words = json_array(), *costs = json_array();
    for (size_t e = 0; e < trial->count; e++) {
        json_array_append_new(names, json_string(trial->names[e]));
        json_array_append_new(words, json_string(judge_word_name(trial->word[e])));
    }
    for (size_t b = 0; b < trial->blocks_run; b++) {
        json_t *block = json_array();
        for (size_t e = 0; e < trial->count; e++)
            json_array_append_new(
                block, isnan(trial->cost[b][e]) ? json_null() : json_real(trial->cost[b][e]));
        json_array_append_new(costs, block);
    }
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:b, s:s, s:i, s:o, s:o, s:o}",
                             "purpose",
                             trial->purpose,
                             "lane",
                             trial->lane,
                             "scenario",
                             trial->scenario,
                             "point",
                             trial->point,
                             "seed",
                             (json_int_t)trial->seed,
                             "window_ms",
                             (int)trial->window_ms,
                             "held",
                             trial->held,
                             "reason",
                             trial->reason,
                             "redone",
                             (int)trial->redone,
                             "names",
                             names,
                             "words",
                             words,
                             "costs",
                             costs);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text != NULL && check->trials != NULL) {
        fprintf(check->trials, "%s\n", text);
        fflush(check->trials);
    }
    free(text);
    json_decref(line);
}

int trial_run(struct selfcheck *check, struct trial *trial)
{
    const struct preset preset = preset_of(trial);
    struct tournament t = {
        .project = check->project,
        .plan = {.preset = &preset},
        .folder = {.base = text_copy(check->scratch), .path = trial_folder(check)},
        .journal = {.fd = -1},
        .interrupt = check->interrupt,
        .progress = {.said_at = INFINITY}, /* the self-check has its own */
        .early = json_array(),
        .lock = -1, /* the self-check holds it */
        .deadline_s = clock_seconds() + PATIENCE_S,
    };
    double started_s = clock_seconds();
    trial->held = false;
    trial->blocks_run = trial->redone = 0;
    trial->reason[0] = '\0';
    clear_folder(t.folder.path);
    int rc = mkdir(t.folder.path, 0700) == 0 ? 0 : -errno;
    if (rc == 0)
        rc = draw_up(check, trial, &t);
    if (rc == 0)
        rc = race(&t);
    if (rc == 0)
        rc = take_results(trial, &t);
    if (rc == 0 && trial->look != NULL)
        trial->look(trial->user, &t.state);
    trial->seconds = clock_seconds() - started_s;
    check->interrupt.pending |= t.interrupt.pending;
    if (rc == 0)
        record(check, trial);
    if (t.recording)
        run_dir_fini(&t.state);
    journal_close(&t.journal);
    plan_free(&t.plan);
    json_decref(t.early);
    clear_folder(t.folder.path);
    run_folder_free(&t.folder);
    return rc;
}

bool trial_named(const struct trial *trial)
{
    bool named = false;
    for (size_t e = 0; e < trial->count; e++)
        named |= trial->word[e] == JUDGE_WORD_WINNER || trial->word[e] == JUDGE_WORD_LOSES;
    return named;
}

void trial_series(const struct trial *trial, size_t a, size_t b, struct series_list *list)
{
    double cost_a[TRIAL_BLOCKS_MAX], cost_b[TRIAL_BLOCKS_MAX];
    enum series_first first[TRIAL_BLOCKS_MAX];
    char *cell = text_format("%s/%s/%s", trial->lane, trial->scenario, trial->point);
    for (size_t i = 0; i < trial->blocks_run; i++) {
        cost_a[i] = trial->cost[i][a];
        cost_b[i] = trial->cost[i][b];
        first[i] = runs_first(trial->place[a][i], trial->place[b][i]);
    }
    series_add(list, cell, trial->floor, cost_a, cost_b, first, trial->blocks_run);
    free(cell);
}

void trial_pairs(const struct trial *trial, struct series_list *list)
{
    for (size_t e = 0; e + 1 < trial->count; e += 2)
        trial_series(trial, e, e + 1, list);
}
