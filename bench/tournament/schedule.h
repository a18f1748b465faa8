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
 *
 * The other design, order=williams, takes the rows of a Williams square: each entry follows each
 * other one equally often, which balances what a run leaves behind for the next. The labels are
 * drawn anew for each square, by the same shuffle under the purpose "square", with BLOCK the number
 * of its first block and ATTEMPT 0: a row that is redone keeps its order, or the balance would go.
 * The rows of one square depend on each other, so the judge counts a square once.
 */
#ifndef VELO_SCHEDULE_H
#define VELO_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schedule_design { SCHEDULE_UNIFORM, SCHEDULE_WILLIAMS };

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

/* The rows of a Williams square of [count] entries: so many for an even number, else twice. */
size_t schedule_square_rows(size_t count);

/*
 * As schedule_order(), by row [row] (from 0) of the Williams square that begins with block
 * [key->block]. [members] are those who were to run when it began: who went since is left out of
 * the order, not of the square.
 */
void schedule_square_order(const struct schedule_key *key,
                           const char *const *members,
                           size_t count,
                           size_t row,
                           size_t *order);

/* "uniform", "williams", and back; false for another word. */
const char *schedule_design_name(enum schedule_design design);
bool schedule_design_parse(const char *name, enum schedule_design *out);

/* The seed that every entry of the block gets: 48 bits, so that any JSON reader keeps it exact. */
uint64_t schedule_run_seed(const struct schedule_key *key);

/* The number of bytes, 0..SCHEDULE_PAD_MAX, by which the environment of [entry]'s run is padded. */
unsigned schedule_env_pad(const struct schedule_key *key, const char *entry);

#endif
