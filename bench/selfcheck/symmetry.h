/* SPDX-License-Identifier: MIT */
/*
 * symmetry.h - may the order of the list, or a name, make a difference? The same costs are judged
 * again with the entries in another order and under other names.
 */
#ifndef VELO_SELFCHECK_SYMMETRY_H
#define VELO_SELFCHECK_SYMMETRY_H

#include "../../reports/judge/judge.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Is the cell judged the same, bit for bit, when entry e stands at place to[e] and, with [rename],
 * bears a name that sorts the other way round? [to] is a permutation of all entries.
 * The coins that split ties hang on the names, so what hangs on the coins, the number beside a
 * decision, is compared only where no name was changed; words and ratios always.
 */
bool symmetry_holds(const struct judge_input *in, size_t cell, const size_t *to, bool rename);

#endif
