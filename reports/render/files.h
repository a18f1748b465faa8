/* SPDX-License-Identifier: MIT */
/* files.h - whole files in, whole files out, and where the house keeps its templates. */
#ifndef VELO_REPORT_FILES_H
#define VELO_REPORT_FILES_H

#include <stddef.h>
#include <stdio.h>

/* The text of a file, for free(), or NULL with errno set. */
char *file_read(const char *path);

/* A file that appears under its name only when it is complete. */
struct file_out {
    FILE *file;
    char path[4096];
    char temporary[4100];
};

/* Returns: 0; -1 with errno set. */
int file_begin(struct file_out *out, const char *dir, const char *name);
/* Returns: 0; -1 with errno set when any write since file_begin failed; nothing is left then. */
int file_commit(struct file_out *out);
/* Instead of file_commit: leaves nothing behind. Keeps errno. */
void file_abandon(struct file_out *out);

/*
 * The folder reports/ with templates/ and plots/: $VELO_HOME/reports, or the nearest folder of that
 * name above the running program, or ./reports.
 * Returns: 0; -1 when there is none.
 */
int reports_home(char *path, size_t size);

#endif
