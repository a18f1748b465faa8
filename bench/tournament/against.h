/* SPDX-License-Identifier: MIT */
/*
 * against.h - what races of contestants against themselves at another commit came to: a row for
 * each cell, and one answer for all.
 *
 * Something proven slower is an answer in any case. "Passed" is one only where every cell that can
 * run was raced, none that ran there was lost, and no race told identical code apart.
 */
#ifndef VELO_AGAINST_H
#define VELO_AGAINST_H

#include "names.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct against {
    const char *there; /* the name of the other commit */
    json_t *rows;      /* an array, for the table */
    size_t slower, faster, equal, open, unfit;
    size_t lost;             /* cells that ran there and cannot run here, */
    size_t starved;          /* that could have been raced, but for lack of time, */
    struct names unraced;    /* and these and all others that were not, in words */
    struct names distrusted; /* contestants whose race told the twin from its original */
    bool broken;             /* something of here was disqualified */
    double gap;              /* the largest of the smallest visible gaps */
};

/* Adds what the race of [here] in [folder] came to. Returns EXIT_DECIDED or EXIT_INTERNAL. */
int against_read(struct against *a, const char *folder, const char *here);

/* Prints rows and answer. Returns the exit status. */
int against_answer(const struct against *a);

void against_free(struct against *a);

#endif
