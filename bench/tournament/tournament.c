/* SPDX-License-Identifier: MIT */
/*
 * tournament.c - the order of events; see tournament.h.
 *
 * Everything that can be refused is refused before the first process starts: names, seed, lock,
 * folder. From the moment the plan stands on the disk, whatever happens leaves a folder that can be
 * judged and gone on with.
 */
#include "tournament.h"

#include "../../reports/render/weights_file.h"
#include "checkup.h"
#include "clock.h"
#include "env.h"
#include "exit_code.h"
#include "json.h"
#include "limits.h"
#include "lock.h"
#include "past.h"
#include "process_lane.h"
#include "sight.h"
#include "starts.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A gate on a busy machine must not eat the tournament: this part of the budget is left in any
 * case. */
static const double part_after_gate = 0.4;

static void close_all(struct tournament *t)
{
    if (t->recording)
        run_dir_fini(&t->state);
    journal_close(&t->journal);
    doctor_free(&t->doctor);
    gate_free(&t->gate);
    plan_free(&t->plan);
    scenario_free(&t->scenarios);
    registry_free(&t->registry);
    run_folder_free(&t->folder);
    json_decref(t->early);
    json_decref(t->absent);
    interrupt_release(&t->interrupt);
    if (t->lock >= 0)
        close(t->lock);
    free(t->pilot_d);
}

/* ---- what was asked for ---- */

/* The user's own weights become part of the plan. Returns: 0; -EINVAL after a message. */
static int weigh(struct plan *plan, const char *path)
{
    char why[1200];
    struct judge_cell_input *cells = text_alloc(plan->cell_count * sizeof(*cells));
    for (size_t c = 0; c < plan->cell_count; c++)
        cells[c] = (struct judge_cell_input){.lane = plan->cells[c].lane,
                                             .scenario = plan->cells[c].scenario,
                                             .point = plan->cells[c].point};
    int rc = weights_file_read(path, cells, plan->cell_count, &plan->own_weights, why, sizeof(why));
    free(cells);
    if (rc == 0)
        return 0;
    say_error("%s", why);
    return -EINVAL;
}

static int draw_up(struct tournament *t, const struct tournament_request *request)
{
    int rc = registry_load(&t->registry, t->project, &request->extra);
    if (rc == 0)
        rc = scenario_load(&t->scenarios, &t->registry);
    if (rc == 0 && request->only.count == 0) { /* nobody who was not asked for is missed */
        json_decref(t->absent);
        t->absent = registry_absent_json(&t->registry);
    }
    struct plan_wish wish = {
        .preset = request->preset,
        .registry = &t->registry,
        .scenarios = &t->scenarios,
        .only = &request->only,
        .filter = &request->filter,
        .cells = &request->cells,
        .point = request->point,
        .seed = request->seed,
        .seed_given = request->seed_given,
        .order = request->order,
        .budget_s = request->budget_s,
    };
    if (rc == 0)
        rc = plan_make(&t->plan, &wish);
    if (rc == 0 && request->sharing > 0)
        plan_share_level(&t->plan, request->sharing);
    if (rc == 0 && request->weights != NULL)
        rc = weigh(&t->plan, request->weights);
    return rc;
}

/* ---- before the plan is fixed ---- */

static int write_env(struct tournament *t)
{
    json_t *env = env_describe(&t->doctor);
    json_t *before = starts_before(t->folder.base, t->folder.id);
    if (before != NULL)
        json_object_set_new(env, "earlier_starts", before);
    json_object_set(env, "absent", t->absent);
    char *path = run_folder_file(&t->folder, "env.json");
    int rc = json_write_file(env, path);
    free(path);
    json_decref(env);
    return rc;
}

static void tell_sheet(void *user, const struct gate_sheet *sheet)
{
    struct tournament *t = user;
    if (sheet->reason[0] == '\0') {
        progress_status(&t->progress, "gate  %s %s: passed", sheet->contestant, sheet->mode);
        return;
    }
    progress_say(&t->progress,
                 "  DISQUALIFIED: %s (mode %s) %s",
                 sheet->contestant,
                 sheet->mode,
                 sheet->reason);
    progress_say(&t->progress, "    again: %s", sheet->reproduce);
}

/* All suites on the list, with pauses between them where they are wished. */
static int run_suites(struct tournament *t)
{
    int rc = 0;
    while (rc == 0 && !t->gate.interrupted && !gate_is_complete(&t->gate)) {
        rc = gate_run(&t->gate, &t->registry, &t->interrupt, tell_sheet, t);
        if (rc == 0)
            rc = pause_point(t);
    }
    return rc;
}

/* A quick gate knows the usual mode, and those that the entries ask for by name. */
static int run_gate(struct tournament *t)
{
    for (size_t e = 0; e < t->plan.entry_count; e++)
        gate_add(&t->gate, t->plan.entries[e].contestant, "auto");
    for (size_t e = 0; e < t->plan.entry_count; e++) {
        const char *variant = t->plan.entries[e].variant;
        if (strcmp(variant, "forced") == 0 || strcmp(variant, "disabled") == 0 ||
            registry_is_linked(variant))
            gate_add(&t->gate, t->plan.entries[e].contestant, variant);
    }
    progress_say(&t->progress,
                 "gate: the conformance suite%s",
                 t->plan.preset->quick_gate ? ", usual mode only" : "");
    progress_status(&t->progress, "gate  under way");
    int rc = run_suites(t);
    if (rc != 0 || t->gate.interrupted || t->plan.preset->quick_gate)
        return rc;
    gate_add_modes(&t->gate);
    return run_suites(t);
}

static int admit(struct tournament *t)
{
    int rc = run_gate(t);
    if (rc != 0 || t->gate.interrupted)
        return rc;
    json_t *sheets = gate_json(&t->gate);
    char *path = run_folder_file(&t->folder, "conformance.json");
    rc = json_write_file(sheets, path);
    free(path);
    json_decref(sheets);
    return rc;
}

/* Kind and version as the contestants give them, and the twin of the baseline. */
static void complete_entries(struct tournament *t)
{
    bool admitted[PLAN_ENTRIES_MAX];
    for (size_t e = 0; e < t->plan.entry_count; e++) {
        struct plan_entry *entry = &t->plan.entries[e];
        const struct gate_sheet *sheet = gate_sheet_of(&t->gate, entry->contestant);
        if (sheet != NULL) {
            free(entry->kind);
            free(entry->version);
            entry->kind = text_copy(json_text(sheet->result, "kind", "native"));
            entry->version = text_copy(json_text(sheet->result, "version", ""));
        }
        admitted[e] = gate_failure(&t->gate, entry->contestant) == NULL;
    }
    plan_add_twin(&t->plan, admitted);
    plan_add_null(&t->plan, t->project->build);
}

/* As the programs themselves have told of the point. */
static bool changes_nothing(const struct plan_cell *cell, const char *variant)
{
    size_t index;
    const json_t *idle;
    json_array_foreach(cell->source->idle_variants, index, idle)
    {
        if (strcmp(json_string_value(idle), variant) == 0)
            return true;
    }
    return false;
}

const char *tournament_obstacle(const struct tournament *t,
                                const struct plan_cell *cell,
                                const struct plan_entry *entry,
                                bool hyperfine)
{
    bool process = strcmp(cell->lane, "process") == 0;
    for (size_t i = 0; i < t->registry.count; i++)
        if (strcmp(t->registry.items[i].name, entry->contestant) == 0 &&
            cell->source->blocked[i] != NULL)
            return cell->source->blocked[i];
    if (process && entry->variant[0] != '\0')
        return "the programs of the process lane have no variants";
    if (changes_nothing(cell, entry->variant))
        return "the variant would change nothing here";
    if (process && !hyperfine)
        return "hyperfine is not installed; scripts/setup.sh installs it";
    return t->excuse != NULL ? t->excuse(cell, entry) : NULL;
}

static int record_obstacles(struct tournament *t)
{
    int rc = 0;
    bool hyperfine = process_lane_available();
    bool needed = false;
    for (size_t e = 0; rc == 0 && e < t->plan.entry_count; e++) {
        const struct gate_sheet *failure = gate_failure(&t->gate, t->plan.entries[e].contestant);
        if (failure != NULL && t->plan.entries[e].twin_of < 0)
            rc = ledger_disqualify(t, -1, e, failure->reason, failure->reproduce);
    }
    for (size_t c = 0; rc == 0 && c < t->plan.cell_count; c++)
        for (size_t e = 0; rc == 0 && e < t->plan.entry_count; e++) {
            const char *why =
                tournament_obstacle(t, &t->plan.cells[c], &t->plan.entries[e], hyperfine);
            needed |= !hyperfine && strcmp(t->plan.cells[c].lane, "process") == 0;
            if (why != NULL)
                rc = ledger_not_run(t, c, e, why);
        }
    if (needed)
        say_error("hyperfine is not installed: the process lane will be NOT RUN; scripts/setup.sh "
                  "installs it");
    return rc;
}

static int calibrate(struct tournament *t)
{
    progress_status(&t->progress, "limits of this machine");
    json_t *limits = limits_measure(t->project, t->plan.preset->budget_s < 60, &t->interrupt);
    if (limits == NULL)
        return 0;
    char *path = run_folder_file(&t->folder, "limits.json");
    int rc = json_write_file(limits, path);
    free(path);
    json_decref(limits);
    return rc;
}

static int record_dropped(struct tournament *t)
{
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < t->plan.cell_count; c++)
        for (size_t e = 0; rc == 0 && t->plan.cells[c].dropped && e < t->plan.entry_count; e++)
            if (ledger_may_run(t, c, e))
                rc = ledger_not_run(t, c, e, LEDGER_NO_BUDGET);
    return rc;
}

/* What this plan will be able to see goes into it, and is returned as a sentence, for free(). */
static char *promise(struct tournament *t)
{
    struct past past;
    struct sight sight;
    past_open(&past, RUN_FOLDER_BASE);
    sight_make(
        &sight, &t->plan, &past, t->pilot_d, t->pilot_pairs, t->deadline_s - clock_seconds());
    t->plan.promise = sight_json(&sight);
    char *sentence = sight_sentence(&sight);
    sight_free(&sight);
    past_close(&past);
    return sentence;
}

static int fix_plan(struct tournament *t)
{
    fit_to_budget(&t->plan, t->deadline_s - clock_seconds());
    if (t->plan.preset->all_stay) /* who is beaten is still what the others are held against */
        t->plan.blocks_max = t->plan.blocks_common;
    int rc = record_dropped(t);
    char *sight = promise(t);
    if (rc == 0)
        rc = plan_write(&t->plan, t->folder.path);
    if (rc == 0)
        rc = ledger_open(t);
    if (rc == 0)
        progress_say(&t->progress,
                     "plan: %zu entries, %zu cells, %u common rounds, seed %" PRIu64
                     "%s, hash %.16s",
                     t->plan.entry_count,
                     t->plan.cell_count,
                     t->plan.blocks_common,
                     t->plan.seed,
                     t->plan.seed_given ? " (given)" : "",
                     t->plan.sha256);
    if (rc == 0)
        progress_tell(&t->progress, "%s", sight);
    free(sight);
    return rc;
}

/* Returns: 0; -EINTR when stopped before there was a plan; -errno. */
static int prepare(struct tournament *t)
{
    int rc = write_env(t);
    if (rc == 0)
        rc = admit(t);
    if (rc == 0 && t->gate.interrupted)
        return -EINTR;
    double least_s = clock_seconds() + part_after_gate * t->plan.budget_s;
    if (t->deadline_s < least_s)
        t->deadline_s = least_s;
    complete_entries(t);
    if (rc == 0)
        rc = plan_hash_binaries(&t->plan);
    if (rc == 0)
        rc = record_obstacles(t);
    if (rc == 0)
        rc = calibrate(t);
    if (rc == 0)
        rc = pilot_run(t);
    if (rc == 0 && interrupt_seen(&t->interrupt))
        return -EINTR;
    return rc == 0 ? fix_plan(t) : rc;
}

/* ---- after the last block ---- */

/* The limits once more: how much did the machine itself change meanwhile? */
static void measure_drift(struct tournament *t)
{
    char *path = run_folder_file(&t->folder, "limits.json");
    json_t *before = json_load_file(path, 0, NULL);
    json_t *after = before != NULL ? limits_measure(t->project, true, &t->interrupt) : NULL;
    if (after != NULL) {
        double drift = limits_drift(before, after);
        json_object_set_new(before, "drift", drift >= 0 ? json_real(drift) : json_null());
        json_write_file(before, path);
    }
    json_decref(after);
    json_decref(before);
    free(path);
}

static int race_and_finish(struct tournament *t)
{
    enum tournament_end end = blocks_run(t);
    if (end == END_ERROR) {
        progress_clear(&t->progress);
        fprintf(stderr,
                "What was measured stands in %s; go on with --resume %s\n",
                t->folder.path,
                t->folder.id);
    }
    if (end == END_DECIDED || end == END_BUDGET)
        measure_drift(t);
    interrupt_release(&t->interrupt);
    return finish(t, end, !t->plan.preset->aside);
}

static int open_tournament(struct tournament *t, struct project *project)
{
    *t = (struct tournament){.project = project,
                             .journal = {.fd = -1},
                             .lock = -1,
                             .absent = json_array(),
                             .early = json_array()};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), not the end */
    progress_init(&t->progress);
    int rc = interrupt_init(&t->interrupt);
    if (rc == 0)
        pause_allow(t);
    return rc;
}

static int lock(struct tournament *t, const char *preset)
{
    char *holder = text_format("preset %s", preset);
    t->lock = lock_take(holder);
    free(holder);
    return t->lock < 0 ? t->lock : 0;
}

/* Guests without their library: what is missing is told before the first minute is spent. */
static void tell_absent(struct tournament *t)
{
    size_t index;
    const json_t *item;
    json_array_foreach(t->absent, index, item) progress_say(&t->progress,
                                                            "  NOT RUN: %s: %s",
                                                            json_text(item, "contestant", ""),
                                                            json_text(item, "reason", ""));
}

static int start(struct tournament *t, const struct tournament_request *request)
{
    char *question = starts_question(&t->plan);
    int rc = run_folder_create(&t->folder, request->out, request->preset->name, question);
    free(question);
    if (rc != 0)
        return EXIT_INTERNAL;
    if (request->folder != NULL)
        *request->folder = text_copy(t->folder.path);
    lock_say(t->lock, t->folder.path);
    progress_say(&t->progress, "tournament %s", t->folder.path);
    tell_absent(t);
    t->deadline_s = clock_seconds() + t->plan.budget_s;
    rc = prepare(t);
    progress_clear(&t->progress);
    if (rc == -EINTR) {
        say_error(
            "stopped before the plan was fixed: nothing was measured that could be gone on with");
        return EXIT_INTERRUPTED;
    }
    return rc == 0 ? race_and_finish(t) : EXIT_INTERNAL;
}

static int ask_doctor(struct tournament *t, const struct tournament_request *request)
{
    const struct checkup_wish wish = {.registry = &t->registry,
                                      .build = t->project->build,
                                      .force = &request->force,
                                      .anyway = request->anyway};
    return checkup(&t->doctor, &t->progress, &wish);
}

static int start_if_fit(struct tournament *t, const struct tournament_request *request)
{
    int rc = ask_doctor(t, request);
    if (rc == -EINVAL)
        return EXIT_USAGE;
    return rc == 0 ? start(t, request) : EXIT_INTERNAL;
}

int tournament_run(struct project *project, const struct tournament_request *request)
{
    struct tournament t;
    int status = EXIT_INTERNAL;
    if (open_tournament(&t, project) == 0) {
        t.excuse = request->excuse;
        int rc = draw_up(&t, request);
        if (rc == -EINVAL || rc == -EEXIST || rc == -ENOENT)
            status = EXIT_USAGE;
        else if (rc == 0 && request->dry_run)
            status = dry_run(&t);
        else if (rc == 0 && lock(&t, request->preset->name) == 0)
            status = start_if_fit(&t, request);
    }
    close_all(&t);
    return status;
}

/* ---- resume ---- */

/* The budget that is left, or what is given now on top. Returns false when there is none. */
static bool grant_budget(struct tournament *t, unsigned budget_s)
{
    double left_s = budget_s > 0 ? budget_s : (double)t->plan.budget_s - t->state.seconds_total;
    t->deadline_s = clock_seconds() + left_s;
    return left_s > 0;
}

static int resume(struct tournament *t, const struct tournament_request *request)
{
    if (registry_load(&t->registry, t->project, NULL) != 0)
        return EXIT_INTERNAL;
    int rc = ask_doctor(t, request);
    if (rc != 0)
        return rc == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
    if (!plan_binaries_unchanged(&t->plan) || ledger_reopen(t) != 0 ||
        ledger_record_all(t, checkup_events(&t->doctor)) != 0)
        return EXIT_INTERNAL;
    lock_say(t->lock, t->folder.path);
    if (!grant_budget(t, request->budget_s))
        say_error("the budget of %u s is spent; add more with --budget, for example --budget 5m. "
                  "The verdict is written again from what is there.",
                  t->plan.budget_s);
    progress_say(&t->progress,
                 "resumed %s: %zu runs in %zu blocks stand",
                 t->folder.path,
                 t->state.run_count,
                 t->state.block_count);
    return race_and_finish(t);
}

/* What comes from other runs has no order of its own that could go on. */
static bool is_merged(const struct run_folder *folder)
{
    char *path = run_folder_file(folder, "plan.json");
    json_t *plan = json_load_file(path, 0, NULL);
    const bool merged = json_object_get(plan, "merged") != NULL;
    if (merged)
        say_error("%s: a merged run cannot be gone on with; resume one of its sources, then merge "
                  "again",
                  path);
    json_decref(plan);
    free(path);
    return merged;
}

int tournament_resume(struct project *project,
                      const char *wanted,
                      const struct tournament_request *request)
{
    struct tournament t;
    int status = EXIT_INTERNAL;
    if (open_tournament(&t, project) == 0) {
        if (run_folder_find(&t.folder, project, wanted) != 0 || is_merged(&t.folder))
            status = EXIT_USAGE;
        else if (plan_read(&t.plan, t.folder.path) == 0 && lock(&t, t.plan.preset->name) == 0)
            status = resume(&t, request);
        if (request->folder != NULL && t.folder.path != NULL)
            *request->folder = text_copy(t.folder.path);
    }
    close_all(&t);
    return status;
}
