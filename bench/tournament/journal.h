/* SPDX-License-Identifier: MIT */
/*
 * journal.h - the append-only record of a tournament, raw.ndjson: one JSON object per line.
 *
 * Each line names the plan it belongs to and the SHA-256 of the line before it, so that a changed
 * or missing line shows. A line is written whole or taken back: a full disk never leaves half of
 * one.
 */
#ifndef VELO_JOURNAL_H
#define VELO_JOURNAL_H

#include <jansson.h>
#include <stddef.h>

enum { JOURNAL_HASH_SIZE = 65, JOURNAL_PLAN_DIGITS = 16, JOURNAL_TIME_SIZE = 32 };

struct journal {
    int fd;
    char *path;
    char plan[JOURNAL_PLAN_DIGITS + 1];
    char previous[JOURNAL_HASH_SIZE]; /* hash of the last line; "" before the first */
    char latest[JOURNAL_TIME_SIZE];   /* time of the last line; "" before the first */
};

/*
 * Opens [path] for appending after its first [intact_bytes]; what follows them (a line torn by a
 * crash) is cut off. [previous] and [latest] are hash and time of the last whole line, "" if there
 * is none.
 * Returns: 0; -errno after a message.
 */
int journal_open(struct journal *journal,
                 const char *path,
                 const char *plan_sha256,
                 size_t intact_bytes,
                 const char *previous,
                 const char *latest);

/*
 * Completes [event] (which has a "type") by t, plan and prev and writes it as one line. Times never
 * go back: while a clock that was set back catches up, lines keep the time of the last one.
 * Returns: 0; -errno after a message, and the file is as it was before.
 */
int journal_append(struct journal *journal, json_t *event);

/* Gives the file its final name. Returns: 0; -errno after a message. */
int journal_rename(struct journal *journal, const char *path);

/* Forces what was written to the disk. Returns: 0; -errno after a message. */
int journal_sync(struct journal *journal);

void journal_close(struct journal *journal);

/* "2026-01-31T12:34:56.789Z" into [text], for every time that is recorded. */
void journal_time(char text[JOURNAL_TIME_SIZE]);

#endif
