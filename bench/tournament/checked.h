/* SPDX-License-Identifier: MIT */
/*
 * checked.h - what is known of the tournament's test on itself: reports/selfcheck.json, which
 * `velo selfcheck` writes and every report quotes.
 *
 * A result counts for one machine and one build. The build is the hash of all programs that can
 * race and of this one; the machine is that of /etc/machine-id with its processors.
 */
#ifndef VELO_CHECKED_H
#define VELO_CHECKED_H

#include <jansson.h>

#define CHECKED_FILE "reports/selfcheck.json"

/* The parts of the self-check in the order in which they run, ending with NULL. */
extern const char *const checked_parts[];

/* 16 digits each, for free(). */
char *checked_build(void);
char *checked_machine(void);

/* The stored results, or an empty one; a new reference. */
json_t *checked_load(void);

/*
 * What a report says of it: {"state", "sentence", "parts": {NAME: verdict}}. The state is "never",
 * "older" (another build or machine, in some part), "partial" (some part never ran) or "current".
 */
json_t *checked_describe(void);

#endif
