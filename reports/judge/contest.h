/* SPDX-License-Identifier: MIT */
/*
 * contest.h - who is left when all duels are laid side by side. Inner header of the judge.
 *
 * A cell and an overall standing end in the same question, asked of a set of entries and their
 * duels. "Beaten" is: slower than at least one other competitor, by evidence. Nothing here assumes
 * that "faster than" is transitive; cycles are found, not repaired.
 */
#ifndef JUDGE_CONTEST_H
#define JUDGE_CONTEST_H

#include "judge.h"

struct contest {
    size_t entries;
    const bool *competes; /* one per entry; the others are looked through */
    const struct judge_duel *duels;
    size_t duel_count;
};

/* No cost of [entry] counts in this cell: disqualified, not run, or no block of it. */
bool contest_is_absent(const struct judge_input *in, size_t cell, size_t entry);

/* The duel of [a] and [b] in any order, or NULL; *sign is +1 if it is stored as (a, b), else -1. */
const struct judge_duel *contest_find(const struct contest *c, size_t a, size_t b, int *sign);

/* What [a] is to [b]; OPEN if they never met. */
enum judge_relation contest_relation(const struct contest *c, size_t a, size_t b);

/* Point estimate of ln cost_a - ln cost_b; NAN if they never met. */
double contest_ratio(const struct contest *c, size_t a, size_t b);

/* Competes and nobody beats it. */
bool contest_is_unbeaten(const struct contest *c, size_t entry);

/*
 * The one who beats [entry]: unbeaten ones first, then the strongest evidence, then the largest
 * ratio. -1 if nobody does.
 */
int contest_beater(const struct contest *c, size_t entry);

/* The only unbeaten one, if it has beaten somebody itself; else -1. */
int contest_winner(const struct contest *c);

/* Whoever it beats, or is beaten by if it is beaten: is that little? A beaten one's is if nobody
 * beats it by more than the margin; an unbeaten one's if it beats somebody by less. */
bool contest_is_small(const struct contest *c, size_t entry);

/* Unbeaten, and EQUAL to every other unbeaten one, of which there is at least one. */
bool contest_is_tied(const struct contest *c, size_t entry);

/* At most one is unbeaten, or all of the unbeaten are EQUAL. */
bool contest_is_settled(const struct contest *c);

/*
 * First by point estimates: of the unbeaten (of all, when there is a cycle and so none), the one
 * whose worst ratio to the others is the smallest. -1 if nobody competes.
 */
int contest_leader(const struct contest *c);

/* Does "faster than" run in a circle? [scratch] is room for one bool per entry. */
bool contest_has_cycle(const struct contest *c, bool *scratch);

/* Expected further blocks until the contest is settled: 0 if it is, maybe INFINITY. */
double contest_further_blocks(const struct contest *c);

/* Verdicts that one more block is expected to bring: the sum of 1/further over the open duels. */
double contest_verdicts_per_block(const struct contest *c);

#endif
