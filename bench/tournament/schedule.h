/* SPDX-License-Identifier: MIT */
/*
 * schedule.h - who runs in which place of a block, and with which seed and padding.
 *
 * A pure function of (seed, cell, block, attempt, sorted survivors), so that a resumed tournament
 * and a checker draw the same permutation. Each block gets an independent uniform permutation: this
 * alone makes the sign of each comparison of identical code a fair coin.
 *
 * The stream: word number w is taken from SHA-256 of the text
 *     velo-schedule-1|PURPOSE|SEED|CELL|BLOCK|ATTEMPT|DETAIL|COUNTER
 * with COUNTER = w / 4, as the (w % 4)-th big-endian 64-bit word of the digest. A number below n is
 * a word taken after refusing words >= 2^64 - 2^64 mod n, modulo n. The order is a Fisher-Yates
 * shuffle from the last place down of the sorted survivors; its DETAIL is their names joined by
 * commas.
 */
#ifndef VELO_SCHEDULE_H
#define VELO_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct schedule_key {
    uint64_t seed;
    const char *cell; /* "lane/scenario/point" */
    unsigned block;
    unsigned attempt;
};

enum { SCHEDULE_ENTRIES_MAX = 1024, SCHEDULE_PAD_MAX = 4095 };

/*
 * Fill [order] with a permutation of 0..count-1: the indices into [survivors] in running order. It
 * does not depend on the order in which the survivors are given. At most SCHEDULE_ENTRIES_MAX of
 * them.
 */
void schedule_order(const struct schedule_key *key,
                    const char *const *survivors,
                    size_t count,
                    size_t *order);

/* The seed that every entry of the block gets: 48 bits, so that any JSON reader keeps it exact. */
uint64_t schedule_run_seed(const struct schedule_key *key);

/* The number of bytes, 0..SCHEDULE_PAD_MAX, by which the environment of [entry]'s run is padded. */
unsigned schedule_env_pad(const struct schedule_key *key, const char *entry);

#endif
