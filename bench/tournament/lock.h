/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one tournament per machine: two at once would measure each other.
 *
 * The lock is flock(2) on a file in the directory for temporary files, so the kernel frees it when
 * its holder dies. VELO_LOCK names another file, for machines that are shared in parts.
 */
#ifndef VELO_LOCK_H
#define VELO_LOCK_H

/* Takes the lock and writes [holder] into it. Returns: the descriptor; -errno after a message. */
int lock_take(const char *holder);

#endif
