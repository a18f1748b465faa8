/* SPDX-License-Identifier: MIT */
/*
 * burner.h - a process that disturbs on purpose: it burns a processor from time to time.
 */
#ifndef VELO_SELFCHECK_BURNER_H
#define VELO_SELFCHECK_BURNER_H

#include <stdint.h>
#include <sys/types.h>

enum burner_kind {
    BURNER_RANDOM, /* bursts and pauses of random length, 5 to 100 ms */
    BURNER_IN_STEP /* whenever the first run of a block is under way, by what the journal says */
};

/*
 * Starts one that follows [journal] (BURNER_IN_STEP) and dies with this process.
 * Returns: its process id; -errno.
 */
pid_t burner_start(enum burner_kind kind, const char *journal, uint64_t seed);

void burner_stop(pid_t burner);

#endif
