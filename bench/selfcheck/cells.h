/* SPDX-License-Identifier: MIT */
/*
 * cells.h - where mini-tournaments can be held: core cells of the race lane that give a number in a
 * short window.
 */
#ifndef VELO_SELFCHECK_CELLS_H
#define VELO_SELFCHECK_CELLS_H

#include "selfcheck.h"

enum { SHORT_WINDOW_MS = 20, CELLS_MAX = 32 };

struct short_cell {
    const char *scenario, *point; /* of the race lane */
};

/*
 * Tries the core cells once with the first contestant, under names made for it.
 * Returns: how many are in [cells]; -EINTR; -errno after a message.
 */
int cells_find(struct selfcheck *check, struct short_cell cells[CELLS_MAX]);

/*
 * Enters contestant number [which] under [count] names; they are written to [names], strings that
 * live as long as [check]. Returns: 0; -errno after a message.
 */
int cells_enter(struct selfcheck *check, size_t which, size_t count, const char **names);

#endif
