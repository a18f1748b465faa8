/* SPDX-License-Identifier: MIT */
/*
 * model.h - a run folder as the pages see it: a grid of cells and contestants, each field holding
 * its verdict and what its runs cost. Verdicts come from verdict.json, costs from the journal.
 */
#ifndef VELO_REPORT_MODEL_H
#define VELO_REPORT_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "run_dir.h"

enum word {
    WORD_WINNER,
    WORD_TIE,
    WORD_LOSES,
    WORD_OPEN, /* not enough evidence */
    WORD_DISQUALIFIED,
    WORD_NOT_RUN,
    WORD_COUNT
};

/* How a word looks: the same symbol, text and CSS class wherever it stands. */
struct word_look {
    const char *name;   /* as in verdict.json */
    const char *label;  /* as on the page */
    const char *symbol; /* tells it apart without colour */
    const char *class;
};

extern const struct word_look word_looks[WORD_COUNT];

/* What a run costs beside its primary metric, for the tables of costs. */
enum cost {
    COST_CPU_NS,   /* per task */
    COST_SWITCHES, /* per 1000 tasks */
    COST_WAKEUPS,  /* per 1000 tasks */
    COST_RSS_BYTES,
    COST_RATE, /* tasks per second */
    COST_COUNT
};

/* A number without a word: NAN where there is none. */
struct side_value {
    double median;           /* over the runs that count */
    double ratio, low, high; /* to the leader of the cell */
};

/* One contestant in one cell. Strings belong to the verdict or the run folder. */
struct result {
    enum word word;
    bool star;          /* the win holds over all cells together */
    bool small;         /* it wins or loses, but by less than the margin */
    const char *reason; /* "" without one */
    const char *reproduce;
    long runs;
    double median, p5, p95;  /* in the unit of the cell, NAN if absent */
    double limit_times;      /* median / physical limit, NAN where none applies */
    const char *limit;       /* which, "L1"; "" for none */
    double ratio, low, high; /* to the best of the cell */
    struct side_value cost[COST_COUNT];
    bool is_best;
};

struct cell {
    const struct run_dir_cell *plan;
    const char *point; /* "n=1024"; "" where there is only one, in the plan also "-" */
    char label[160];   /* "burst n=1024" */
    char metric[64];   /* "ns per task" */
    char remark[96];   /* what a reader of its numbers must know; "" if nothing */
    size_t blocks;     /* that count */
    size_t redone;
    struct result *results; /* one per contestant */
    int best;               /* index of the cheapest that may rank, -1 without numbers */
};

struct contestant {
    const char *name;
    const json_t *verdict; /* its element of "contestants" in verdict.json, or NULL */
    size_t entry;          /* index in the plan */
};

struct model {
    struct run_dir dir;
    json_t *verdict;
    struct contestant *contestants; /* twins left out */
    size_t contestant_count;
    struct cell *cells;
    size_t cell_count;
    size_t redone, disturbed; /* attempts repeated; attempts that count although disturbed */
    double margin;
    bool smoke;
};

/* Returns: 0, and model_fini() frees [out]; -1 with [err] filled. */
int model_read(const char *run_dir, struct model *out, char *err, size_t err_size);
void model_fini(struct model *model);

/* Does an element of "cells" or "duels" in verdict.json belong to [cell] and its primary metric? */
bool model_same_cell(const struct cell *cell, const json_t *object);

/* What the verdict says of [contestant] in another metric of the cell. */
struct side_value model_side(const struct model *model,
                             const struct cell *cell,
                             size_t contestant,
                             const char *metric);

/* Likewise for another metric. */
bool model_same_metric(const struct cell *cell, const json_t *object, const char *metric);

/* [text] with backticks around the names of contestants, so that pages show them as such. */
void model_mark_names(const struct model *model, const char *text, char *out, size_t size);

/* Cells with the word [word] for contestant [contestant]. */
size_t model_count(const struct model *model, size_t contestant, enum word word);

/* The latency curve of one run, an array of [p, ns]; NULL if it has none. */
const json_t *model_latency(const struct run_dir_run *run, bool corrected);

#endif
