/* SPDX-License-Identifier: MIT */
/*
 * checked.h - what is known of the tournament's test on itself: reports/selfcheck.json, which
 * `velo selfcheck` writes and every report quotes.
 *
 * A result counts for one machine and one build. The build is the hash of all programs that can
 * race and of this one; the machine is that of /etc/machine-id with its processors. The tries of
 * each part are counted by build, too: a part that was repeated until it passed is called so, and a
 * run with few tournaments is called short.
 */
#ifndef VELO_CHECKED_H
#define VELO_CHECKED_H

#include <jansson.h>
#include <stdbool.h>

#define CHECKED_FILE "reports/selfcheck.json"

/* The parts of the self-check in the order in which they run, ending with NULL. */
extern const char *const checked_parts[];

/* 16 digits each, for free(). */
char *checked_build(void);
char *checked_machine(void);

/* The parts that are as good as the number of their tournaments ask for so many to pass in full. */
enum { CHECKED_LIVE = 40 };

/* Is this result, or count of tries, of that build and machine? */
bool checked_is_of(const json_t *object, const char *build, const char *machine);

/* Did this part fail, or was the machine too noisy for it? */
bool checked_is_bad(const json_t *result);

/* The stored results, or an empty one; a new reference. */
json_t *checked_load(void);

/*
 * Stores that [part] is tried, before it is; one that is broken off, or killed, has been tried.
 * Returns: 0; -errno after a message.
 */
int checked_begin(const char *part);

/* Stores the [result] of the try that was begun. Returns as checked_begin(). */
int checked_keep(const char *part, json_t *result);

/*
 * What a report says of it: {"state", "sentence", "parts": {NAME: verdict}}. The state is "never",
 * "older" (another build or machine, in some part), "partial" (some part never ran) or "current".
 */
json_t *checked_describe(void);

#endif
