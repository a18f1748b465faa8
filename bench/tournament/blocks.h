/* SPDX-License-Identifier: MIT */
/*
 * blocks.h - the inside of the block loop: what it knows about a cell, and how it chooses.
 */
#ifndef VELO_BLOCKS_H
#define VELO_BLOCKS_H

#include "tournament.h"

/* What the loop knows about one cell beyond the journal. */
struct cell_work {
    bool closed;    /* nothing left to find out, or nobody to run */
    double block_s; /* what a block takes: the pilot's guess, then the last block */
    double spent_s; /* on its blocks, redone ones included */
    double yield;   /* expected verdicts per block */
    double further; /* expected blocks until decided; may be INFINITY */
    int leader;     /* entry, or -1 */
    double log_e;   /* of the leader against its closest pursuer */
    double log_t;   /* what decides */
};

struct block_loop {
    struct tournament *t;
    struct cell_work *work; /* per cell */
    size_t attempts;        /* blocks tried, */
    size_t redone;          /* and of them thrown away */
};

/* ---- block.c ---- */

/*
 * One block of [cell], redone as often as the rule says.
 * Returns: 0; -EINTR when stopped at once; -errno.
 */
int block_run(struct block_loop *loop, size_t cell);

#endif
