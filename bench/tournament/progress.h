/* SPDX-License-Identifier: MIT */
/*
 * progress.h - what a person sees while a tournament runs, on stderr.
 *
 * On a terminal: lasting lines for what happened, and one live line at the bottom that is
 * rewritten. Elsewhere: plain lines only, the live one at most every ten seconds.
 */
#ifndef VELO_PROGRESS_H
#define VELO_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool live;      /* stderr is a terminal */
    bool shown;     /* a live line stands on the screen */
    double said_at; /* when the last plain status line was printed */
};

void progress_init(struct progress *progress);

/* A line that stays. */
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for prose: on a terminal its lines are broken between words. Not for commands, which
 * somebody may want to copy. */
void progress_tell(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The live line: replaces the one before it. */
void progress_status(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the live line away. */
void progress_clear(struct progress *progress);

/* [seconds] as m:ss into [text]. */
void progress_time(double seconds, char text[16]);

#endif
