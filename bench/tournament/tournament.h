/* SPDX-License-Identifier: MIT */
/*
 * tournament.h - one tournament from the gate to the report, and its parts in their order:
 *
 *   doctor -> gate -> limits -> pilot -> plan and its hash on disk -> blocks -> verdict -> report
 *
 *   checkup.c   is the machine fit? the doctor
 *   gate.c      who is admitted              blocks.c   the loop: which cell next, one block, redo
 *   pilot.c     rates, times, limits         ledger.c   events into the journal and the live state
 *   fit.c       the plan cut to the budget   finish.c   verdict, report, what the exit status says
 *   pause.c     standing still between runs
 */
#ifndef VELO_TOURNAMENT_H
#define VELO_TOURNAMENT_H

#include "../../reports/render/run_dir.h"
#include "doctor.h"
#include "gate.h"
#include "interrupt.h"
#include "journal.h"
#include "plan.h"
#include "progress.h"
#include "project.h"
#include "registry.h"
#include "run_folder.h"
#include "scenario.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Why the blocks ended. */
enum tournament_end { END_DECIDED, END_BUDGET, END_INTERRUPTED, END_ERROR };

struct tournament {
    struct project *project;
    struct registry registry;
    struct scenario_list scenarios;
    struct plan plan;
    struct doctor doctor; /* what it found before the start */
    struct gate gate;
    struct run_folder folder;
    struct journal journal;
    struct run_dir state; /* what the journal says, always up to date */
    struct interrupt interrupt;
    struct progress progress;
    double *pilot_d;    /* differences of identical code in the pilot, */
    size_t pilot_pairs; /* so many */
    json_t *absent;     /* contestants that were not built, see registry_absent_json() */
    json_t *early;      /* events from before the plan: written right after it */
    double deadline_s;  /* on clock_seconds(): no block starts after it */
    int lock;           /* held to the end */
    bool recording;     /* the journal is open */
    const char *(*excuse)(const struct plan_cell *cell, const struct plan_entry *entry); /* below */
};

/* ---- ledger.c ---- */

/* Takes [event] (a new reference), with its type: into the journal and the state. Returns: 0;
 * -errno. */
int ledger_record(struct tournament *t, const char *type, json_t *event);

/* Takes an array of events (a new reference), each with its type. Returns: 0; -errno. */
int ledger_record_all(struct tournament *t, json_t *events);

/* Opens the journal of a plan that was just written, and writes the early events. Returns: 0;
 * -errno. */
int ledger_open(struct tournament *t);

/* Reads the journal of an earlier start and goes on behind its last whole line. Returns: 0; -errno,
 * -EINVAL after a message for one that was set back. */
int ledger_reopen(struct tournament *t);

/* Forces the journal to the disk and anchors it there (anchor.h). Returns: 0; -errno. */
int ledger_sync(struct tournament *t);

/* An entry is out of [cell] (-1 = of all), and its twin or original with it. Returns: 0; -errno. */
int ledger_disqualify(
    struct tournament *t, int cell, size_t entry, const char *reason, const char *reproduce);

/* The reason of a cell that could run, but for time. */
#define LEDGER_NO_BUDGET "does not fit the budget; give more with --budget"

/* An entry does not run in [cell]. Returns: 0; -errno. */
int ledger_not_run(struct tournament *t, size_t cell, size_t entry, const char *reason);

/* May [entry] run in [cell]: neither disqualified nor not run, by what was recorded so far. */
bool ledger_may_run(const struct tournament *t, size_t cell, size_t entry);

/* ---- pilot.c ---- */

/* Runs each entry once in each cell: fixes common rates, time limits and expected block times. */
int pilot_run(struct tournament *t);

/* ---- fit.c ---- */

/* Cuts windows, cells and common rounds so that the common rounds fit into [seconds]. */
void fit_to_budget(struct plan *plan, double seconds);

/* What the common rounds of the plan take, in seconds, of all lanes or of one. */
double fit_common_seconds(const struct plan *plan, const char *lane);

/* Blocks that each cell gets in [seconds] when none is decided early. */
unsigned fit_blocks(const struct plan *plan, double seconds);

/* ---- dry_run.c ---- */

/* Shows the plan that was drawn up, what it costs and what it can see. Returns the exit status. */
int dry_run(struct tournament *t);

/* ---- blocks.c ---- */

/* Runs blocks until all is decided, the time is up, or somebody stops it. */
enum tournament_end blocks_run(struct tournament *t);

/* ---- pause.c ---- */

/* From now on Ctrl-Z and SIGUSR1 ask for a pause. */
void pause_allow(struct tournament *t);

/* Between two runs: stands still if that is wished. Returns: 0; -errno. */
int pause_point(struct tournament *t);

/* ---- ceiling.c ---- */

/* One run of the null contestant in [cell], if it is due. Returns: 0; -EINTR; -errno. */
int ceiling_run(struct tournament *t, size_t cell);

/* ---- tournament.c ---- */

/* What was asked for. */
struct tournament_request {
    const struct preset *preset;
    struct names only, filter, extra;
    struct names cells; /* just these, "lane/scenario/point"; empty = as the preset says */
    const char *point;
    uint64_t seed;
    bool seed_given;
    unsigned budget_s;   /* 0 = the preset's, or when resumed what is left of it */
    const char *out;     /* folder of folders; NULL = reports/runs */
    const char *weights; /* file with a profile of the user's own; NULL = none */
    bool dry_run;        /* show the plan and what it costs, and stop */
    struct names force;  /* findings of the doctor that are overridden, */
    bool anyway;         /* or all of them */
    enum schedule_design order;
    unsigned sharing; /* tournaments that share one level among all their cells; 0 = none */
    char **folder;    /* takes the path of the run folder, for the caller to free; NULL = unasked */
    /* Why an entry that can run in a cell need not; returns NULL where it shall. NULL = all shall.
     */
    const char *(*excuse)(const struct plan_cell *cell, const struct plan_entry *entry);
};

/* Why [entry] cannot run in [cell], or NULL. [hyperfine]: it is installed. */
const char *tournament_obstacle(const struct tournament *t,
                                const struct plan_cell *cell,
                                const struct plan_entry *entry,
                                bool hyperfine);

/* A whole tournament. Returns the exit status. */
int tournament_run(struct project *project, const struct tournament_request *request);

/*
 * Goes on with the tournament in [wanted] (an id or a folder); of the [request] only the budget and
 * the overrides count. Returns the exit status.
 */
int tournament_resume(struct project *project,
                      const char *wanted,
                      const struct tournament_request *request);

/* ---- finish.c ---- */

/* Verdict, report, the screen. Returns the exit status. */
int finish(struct tournament *t, enum tournament_end end, bool make_latest);

#endif
