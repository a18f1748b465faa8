/* SPDX-License-Identifier: MIT */
/*
 * selfcheck.h - the tournament tested on itself, on this machine, today: does it tell identical
 * code apart, does it find a slowdown that is known, does it notice the faults it promises to
 * notice?
 *
 * Each part is one file, part_*.c, with one function; it adds its findings: a word, the figure that
 * was seen, the limit that it is held against. They are printed as they come and stored in
 * reports/selfcheck.json (../tournament/checked.h), from where every report quotes them.
 */
#ifndef VELO_SELFCHECK_H
#define VELO_SELFCHECK_H

#include "../../reports/render/run_dir.h"
#include "../tournament/interrupt.h"
#include "../tournament/progress.h"
#include "../tournament/project.h"
#include "../tournament/registry.h"
#include "../tournament/scenario.h"
#include "chance.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What is promised (judge.h), and the preset that power is asked of. */
#define SELFCHECK_ALPHA 0.05
enum { SELFCHECK_BLOCKS = 18 }; /* of a cell of the standard preset */

struct selfcheck {
    struct project *project;
    struct registry registry;       /* the contestants that were built */
    struct scenario_list scenarios; /* what they can run */
    struct interrupt interrupt;
    struct progress progress;
    size_t aa_of_runs;     /* so many series of [aa], the first, are from the runs */
    struct series_list aa; /* costs of identical code, from the runs at hand and the live part */
    char *scratch;         /* a directory of its own for links and journals */
    FILE *trials;          /* reports/selfcheck.ndjson: every live trial, a line each */
    uint64_t seed;
    unsigned live; /* mini-tournaments of identical code */
    bool quick;
    bool loaded;      /* registry and scenarios are there */
    const char *part; /* the one under way */
    json_t *findings; /* of the part under way */
    double part_started_s;
    double later_s; /* what the parts after this one take, by guess */
    FILE *screen;   /* stdout, or NULL when the result is printed as JSON */
};

/* ---- findings.c ---- */

/* NOISY: the check itself holds, but this machine is too noisy to see what was asked. NOTE: a
 * figure without a limit. */
enum finding_word {
    FINDING_PASS,
    FINDING_NOTE,
    FINDING_NOT_RUN,
    FINDING_NOISY,
    FINDING_FAIL,
    FINDING_WORDS
};

const char *finding_name(enum finding_word word);

/* Says and keeps one finding. [limit] is what the figure is held against, "" for none. */
void finding_add(struct selfcheck *check,
                 enum finding_word word,
                 const char *limit,
                 const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/*
 * Held against the promise: [seen] false verdicts in [trials]. NOT RUN where there are too few
 * trials for a judge that errs far more often than it may to be noticed. [limit] is filled for
 * finding_add().
 */
enum { FINDING_LIMIT = 96 };
enum finding_word finding_of_count(size_t seen, size_t trials, char limit[FINDING_LIMIT]);

/* More of the last finding, for the file only; takes the reference of [value]. */
void finding_detail(struct selfcheck *check, const char *key, json_t *value);

/* The worst word of a part's findings. */
enum finding_word finding_worst(const json_t *findings);

/* The live line: [done] of [all] steps of this part. */
void selfcheck_step(struct selfcheck *check, size_t done, size_t all, const char *what);

/* True once somebody asked to stop. */
bool selfcheck_stopped(struct selfcheck *check);

/* A seed for [purpose] and [number], drawn from the seed of the whole. */
uint64_t selfcheck_seed(const struct selfcheck *check, const char *purpose, size_t number);

/* Registry and scenarios, once, for the parts that start processes. Returns: 0; -errno after a
 * message. */
int selfcheck_load(struct selfcheck *check);

/* Removes the scratch directory with what the parts made in it. */
void scratch_remove(const char *scratch);

/* ---- runs.c ---- */

typedef void run_visitor(void *user, const struct run_dir *run);

/* Shows each of the newest [most] runs in reports/runs that can be read and judged something.
 * Returns how many. */
size_t runs_visit(size_t most, run_visitor *visitor, void *user);

/* Adds what those runs know of identical code to [check->aa]. */
void runs_collect(struct selfcheck *check);

/* Where entry [entry] ran in each block of [cell] that counts: [place][0..block_count), from 0 in
 * the order of the block; -1 where it did not run. */
void runs_places(const struct run_dir *run, size_t cell, size_t entry, int *place);

/* Who ran first, of two such places. */
enum series_first runs_first(int place_a, int place_b);

/* ---- generator.c ---- */

/* How late the generator of open loops is with no loop behind it. Returns as the parts do. */
int generator_check(struct selfcheck *check);

/* ---- part_*.c: each returns 0; -EINTR when stopped; -errno after a message ---- */

int part_clock(struct selfcheck *check);
int part_mutants(struct selfcheck *check);
int part_symmetry(struct selfcheck *check);
int part_live(struct selfcheck *check);
int part_rate(struct selfcheck *check);
int part_power(struct selfcheck *check);
int part_noise(struct selfcheck *check);

#endif
