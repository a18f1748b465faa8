/* SPDX-License-Identifier: MIT */
/*
 * preset.h - how much a tournament does: the three presets, and the duel.
 */
#ifndef VELO_PRESET_H
#define VELO_PRESET_H

#include <stdbool.h>

struct preset {
    const char *name;
    const char *summary;
    unsigned budget_s;  /* from the start of the program to the end of the last block, */
    unsigned more_s;    /* and for each contestant beyond three: a block takes longer then */
    unsigned window_ms; /* of the race lane; shortened down to window_least_ms to fit the budget */
    unsigned window_least_ms;
    unsigned micro_ms;      /* window of the micro lane */
    unsigned timeout_ms;    /* of a run, until the pilot knows better */
    unsigned blocks_common; /* rounds that drop nobody */
    unsigned blocks_least;  /* rounds for which cells go; 0 = as few as can decide */
    unsigned blocks_max;    /* of one cell */
    double margin;          /* closer than this is practically equal */
    bool core_only;         /* only the cells that are marked as core */
    bool first_point_only;  /* one point of each scenario */
    bool quick_gate;        /* the conformance suite in the usual mode only */
    bool aside;             /* a question of its own: reports/latest stays where it is */
    bool prices;            /* contestants against their own variants */
    bool all_stay;          /* nobody leaves a cell, and no cell ends early */
    bool keep_cells;        /* what does not fit costs rounds, never a cell */
    bool uncalibrated;      /* nobody asks how close to the limit anybody comes */
    unsigned idle_ms;       /* window of cells whose cost is that of doing nothing; 0 = as all */
    bool smoke;             /* a check of the pipeline: nothing is judged */
};

/* The presets that a user may name, ending with a NULL name. */
extern const struct preset preset_list[];

/* What `velo race` uses. */
extern const struct preset preset_duel;

/* What `velo gate` uses. */
extern const struct preset preset_gate;

/* What `velo capacity` makes its one cell by. */
extern const struct preset preset_capacity;

/* What `velo prices` uses. */
extern const struct preset preset_prices;

/* What `velo targets` uses. */
extern const struct preset preset_targets;

/* The preset called [name], or NULL after a message that names those that exist. */
const struct preset *preset_find(const char *name);

/* The preset that a recorded plan names, duel, gate, prices and targets included; NULL if none. */
const struct preset *preset_recorded(const char *name);

/* Share of the budget of a lane ("race", "micro", "process"). */
double preset_lane_share(const char *lane);

#endif
