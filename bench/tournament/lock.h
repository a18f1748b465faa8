/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one tournament per machine: two at once would measure each other.
 *
 * The lock is flock(2) on a file in the directory for temporary files, so the kernel frees it when
 * its holder dies. VELO_LOCK names another file, for machines that are shared in parts.
 */
#ifndef VELO_LOCK_H
#define VELO_LOCK_H

#include <stdbool.h>

/*
 * Takes the lock and writes into it that [holder] ("tournament, preset standard") has it, and since
 * when. Returns: the descriptor, which is never closed; -errno after a message that says who has it
 * and what to do.
 */
int lock_take(const char *holder);

/* Adds to what the holder of [lock] says of itself: the folder it writes to. */
void lock_say(int lock, const char *folder);

/* The file that is locked. */
const char *lock_path(void);

/* Is it the one of the whole machine? Behind another one two tournaments can run at once. */
bool lock_is_usual(void);

/* Who has the lock, in words that the caller frees; NULL when nobody does. */
char *lock_holder(void);

#endif
